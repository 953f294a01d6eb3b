//! How runs end: what came of them is stored, then their followers are told.

use serde_json::{Map, Value, json};

use super::{
    remembering,
    start::{append, subjects_of},
    working::Working,
};
use crate::{
    Approval, AssistantId, Run, Usage,
    conversation::Item,
    ports::{ProviderError, UnitOfWork},
    run::{RunFailure, RunStatus, StopReason, names, view},
    usecases::{Deps, Error, Result, budgets, support::fresh},
};

/// How often storing an ending is tried.
const TRIES: u32 = 3;

/// How a run ends.
pub(super) enum Ending {
    /// The answer is whole, or as whole as it will be.
    Completed(StopReason),
    /// It waits for these.
    Paused(Vec<Approval>),
    /// The answer has not the form that was asked for, for these reasons.
    Unfit(Vec<String>),
    /// It failed.
    Failed(RunFailure),
}

/// A failure that may be shown.
pub(super) fn failure(code: &str, message: impl Into<String>) -> RunFailure {
    RunFailure { code: code.to_owned(), message: message.into() }
}

/// What may be shown of an error. Our own failures are told by a number that the log
/// has too.
pub(super) fn failure_of(error: Error) -> RunFailure {
    match error {
        Error::Provider(error) => {
            let code = match &error {
                ProviderError::Busy { .. } => "provider_busy",
                ProviderError::TimedOut => "provider_timeout",
                ProviderError::Refused { .. }
                | ProviderError::Unreachable(_)
                | ProviderError::Garbled(_) => "provider_failed",
            };
            failure(code, error.to_string())
        }
        Error::Unauthenticated
        | Error::SeatRequired
        | Error::ApiDisabled
        | Error::Forbidden(_)
        | Error::NotFound(_) => {
            failure("access_lost", "the user may not ask this assistant any more")
        }
        Error::Conflict(conflict) => failure(conflict.code(), conflict.to_string()),
        Error::BudgetExceeded { .. } => failure("budget_exceeded", error.to_string()),
        Error::Invalid(faults) => {
            let code = faults.first().map_or("invalid", |fault| fault.code);
            let told: Vec<_> =
                faults.iter().map(|fault| format!("{} {}", fault.pointer, fault.message)).collect();
            failure(code, told.join("; "))
        }
        error => {
            tracing::error!(error = %chain(&error), "a response failed");
            failure("internal_error", "the server could not do it; its log says why")
        }
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text = format!("{text}: {error}");
        next = error.source();
    }
    text
}

/// Stores what came of the run and tells its followers.
pub(super) async fn end(working: &Working<'_>, ending: Ending) {
    let now = working.run.deps.clock.now();
    let mut approvals = Vec::new();
    let name = working.with(|run| {
        let (status, reason, name) = match &ending {
            Ending::Completed(reason) => (RunStatus::Completed, *reason, names::COMPLETED),
            Ending::Paused(_) => {
                (RunStatus::Waiting, StopReason::ApprovalRequired, names::COMPLETED)
            }
            Ending::Unfit(_) => {
                (RunStatus::Failed, StopReason::SchemaValidationFailed, names::FAILED)
            }
            Ending::Failed(_) => (RunStatus::Failed, StopReason::Error, names::FAILED),
        };
        run.status = status;
        run.outcome.stop_reason = Some(reason);
        run.lease = None;
        if status.is_final() {
            run.finished_at = Some(now);
        }
        Some(name)
    });
    match ending {
        Ending::Completed(_) => {}
        Ending::Paused(pending) => approvals = pending,
        Ending::Unfit(errors) => {
            let message = format!("the answer does not fit its schema: {}", errors.join("; "));
            let told = failure("schema_validation_failed", message);
            working.with(|run| run.outcome.failure = Some(told));
        }
        Ending::Failed(told) => working.with(|run| run.outcome.failure = Some(told)),
    }
    if let Some(name) = name {
        store_and_tell(working, &approvals, name, Map::new()).await;
    }
}

/// Stores the run as it is now and tells it under `name`, with `more`.
pub(super) async fn store_and_tell(
    working: &Working<'_>,
    approvals: &[Approval],
    name: &'static str,
    more: Map<String, Value>,
) {
    let Some(state) = working.snapshot() else { return };
    let deps = working.run.deps;
    let mut stored = None;
    for _ in 0..TRIES {
        match store(&deps, state.clone(), approvals).await {
            Ok(run) => {
                stored = Some(run);
                break;
            }
            Err(error) => {
                tracing::error!(error = %chain(&error), "the end of a response was not stored");
            }
        }
    }
    // Not stored, it is not told either: its lease ends, and whoever looks after it
    // then ends it.
    let Some(run) = stored else { return };
    if run.status == RunStatus::Completed {
        remembering::remember(working, &run).await;
    }
    let mut data = view::ended(&run, approvals);
    data.extend(more);
    working.tell(name, Value::Object(data)).await;
    if let Err(error) = working.sink().flush().await {
        tracing::error!(error = %chain(&error), "the last event of a response was not stored");
    }
}

/// Stores the run, what was said in its thread, and what it used, in one transaction.
async fn store(deps: &Deps<'_>, mut run: Run, approvals: &[Approval]) -> Result<Run> {
    let mut work = deps.store.begin(run.organization).await?;
    // Somebody may have asked meanwhile that it be stopped: their mark stays, and ours
    // goes on top of it.
    let found = work.runs().find(run.id).await?.ok_or(Error::NotFound("response"))?;
    run.revision = found.revision;
    run.cancel_requested_at = found.cancel_requested_at;
    if run.status.is_final() {
        speak(deps, &mut *work, &run).await?;
        account(deps, &mut *work, &mut run).await?;
    }
    if !approvals.is_empty() {
        work.runs().save_approvals(approvals).await?;
    }
    let run = work.runs().update(run).await?;
    work.commit().await?;
    Ok(run)
}

/// Adds what was said to the thread of a run that ended, and frees it.
async fn speak(deps: &Deps<'_>, work: &mut dyn UnitOfWork, run: &Run) -> Result<()> {
    let Some(id) = run.thread else { return Ok(()) };
    let Some(mut thread) = work.conversations().find_thread(id).await? else {
        return Ok(());
    };
    let items = spoken(run).into_iter();
    let messages = append(deps, &mut thread, run.id, items, deps.clock.now());
    work.conversations().insert_messages(&messages).await?;
    if thread.active_run == Some(run.id) {
        thread.active_run = None;
    }
    thread.last_model = run.outcome.model.clone().or(thread.last_model);
    work.conversations().update_thread(thread).await?;
    Ok(())
}

/// What of a run belongs into its thread: what was said and done, without the
/// attempts that were taken back.
fn spoken(run: &Run) -> Vec<Item> {
    let is_repair = |item: &Item| {
        matches!(item, Item::Message { role: crate::assistant::content::MessageRole::User, .. })
    };
    // What stands before a request for repair was taken back.
    let from = run.transcript.iter().rposition(is_repair).map_or(0, |at| at + 1);
    let before = run.transcript.iter().take(from);
    let kept = before.filter(|item| matches!(item, Item::ToolCall(_) | Item::ToolResult(_)));
    kept.chain(run.transcript.iter().skip(from)).cloned().collect()
}

/// Counts what the run used, and gives back what it had set aside.
async fn account(deps: &Deps<'_>, work: &mut dyn UnitOfWork, run: &mut Run) -> Result<()> {
    let usage = run.outcome.usage;
    let reserved = std::mem::take(&mut run.reserved_tokens);
    let organization = work.organizations().find().await?;
    if let Some(organization) = organization {
        let settings = &organization.settings;
        if reserved > 0 || !settings.budgets.is_empty() {
            let subjects = subjects_of(run);
            let settled = (reserved, &usage, run.created_at);
            budgets::settle(deps, work, settings, subjects, settled).await?;
        }
    }
    if usage.total_tokens() == 0 {
        return Ok(());
    }
    let assistant: AssistantId = run.lineage;
    let used = Usage {
        id: fresh(deps),
        organization: run.organization,
        user: run.user,
        assistant: Some(assistant),
        kind: "response".to_owned(),
        provider: run.outcome.provider.clone().unwrap_or_default(),
        model: run.outcome.model.clone().unwrap_or_default(),
        quantity: usage.total_tokens(),
        input_tokens: usage.input_tokens,
        output_tokens: usage.output_tokens,
        cost_micros: usage.cost_micros.unwrap_or(0),
        at: deps.clock.now(),
    };
    Ok(work.images().count(&used).await?)
}

/// What is told beside the response when a run is stopped.
pub(super) fn told_of_cancelling(mode: &'static str) -> Map<String, Value> {
    match json!({ "cancel_mode": mode }) {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
