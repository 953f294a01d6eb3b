//! How runs end: what came of them is stored, then their followers are told.

use super::{remembering, speaking, start::subjects_of, superseding::expire, working::Working};
use crate::{
    Approval, AssistantId, Run, Usage,
    ports::{ProviderError, UnitOfWork},
    run::{RunFailure, RunStatus, StopReason, names, view},
    usecases::{Deps, Error, Result, budgets, support::fresh},
};

/// How often storing an ending is tried. With the sink's rests between, a database
/// may be away for some seconds.
const TRIES: u32 = 6;

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

/// What is stored with the end of a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Closing {
    /// It waits for these.
    pub(super) approvals: Vec<Approval>,
    /// Those that it waited for lapse.
    pub(super) withdraws: bool,
    /// What was said in this turn goes from the thread, on both sides.
    pub(super) takes_back: bool,
}

/// Stores what came of the run and tells its followers.
pub(super) async fn end(working: &Working<'_>, ending: Ending) {
    let now = working.run.deps.clock.now();
    let (status, reason) = match &ending {
        Ending::Completed(reason) => (RunStatus::Completed, *reason),
        Ending::Paused(_) => (RunStatus::Waiting, StopReason::ApprovalRequired),
        Ending::Unfit(_) => (RunStatus::Failed, StopReason::SchemaValidationFailed),
        Ending::Failed(_) => (RunStatus::Failed, StopReason::Error),
    };
    let (mut closing, mut told) = (Closing::default(), None);
    match ending {
        Ending::Completed(_) => {}
        Ending::Paused(pending) => closing.approvals = pending,
        Ending::Unfit(errors) => {
            let message = format!("the answer does not fit its schema: {}", errors.join("; "));
            told = Some(failure("schema_validation_failed", message));
        }
        Ending::Failed(failure) => told = Some(failure),
    }
    working.close(closing, |run| {
        run.status = status;
        run.outcome.stop_reason = Some(reason);
        run.lease = None;
        run.finished_at = status.is_final().then_some(now);
        run.outcome.failure = told.or(run.outcome.failure.take());
    });
    let Some(run) = store_end(working).await else { return };
    if run.status == RunStatus::Completed {
        remembering::remember(working, &run).await;
    }
    tell_end(working, run).await;
}

/// Stores the run, which is [closed](Working::close), and gives it as it is stored.
/// Not stored, it must not be told either: its lease ends, and whoever looks after it
/// then ends it.
pub(super) async fn store_end(working: &Working<'_>) -> Option<Run> {
    let closing = working.closing();
    for attempt in 1..=TRIES {
        match store(working, &closing).await {
            Ok(run) => {
                if run.status.is_final() {
                    // Whoever stops it now finds it in the store.
                    working.forget_texts();
                }
                return Some(run);
            }
            Err(error) => {
                tracing::error!(error = %chain(&error), attempt, "a response's end is not stored");
            }
        }
        if attempt < TRIES {
            working.sink().rest(attempt).await;
        }
    }
    None
}

/// Tells the end of a run that is stored.
pub(super) async fn tell_end(working: &Working<'_>, run: Run) {
    let closing = working.closing();
    let mut data = view::ended(&run, &closing.approvals);
    let name = match run.status {
        RunStatus::Failed => names::FAILED,
        RunStatus::Cancelled => {
            let mode = if closing.takes_back { "quick_edit" } else { "keep_partial" };
            data.insert("cancel_mode".to_owned(), mode.into());
            names::CANCELLED
        }
        RunStatus::Queued | RunStatus::InProgress | RunStatus::Waiting | RunStatus::Completed => {
            names::COMPLETED
        }
    };
    // What is told has all of its text, which may be long.
    drop(run);
    working.tell(name, data).await;
    if let Err(error) = working.sink().flush().await {
        tracing::error!(error = %chain(&error), "the last event of a response was not stored");
    }
}

/// Stores the run, what was said in its thread, and what it used, in one transaction;
/// once, however often it is tried.
async fn store(working: &Working<'_>, closing: &Closing) -> Result<Run> {
    let deps = &working.run.deps;
    let (tenant, id) = working.target().ok_or(Error::NotFound("response"))?;
    let mut work = deps.store.begin(tenant).await?;
    let found = work.runs().find(id).await?.ok_or(Error::NotFound("response"))?;
    // The answer to the commit may have been lost, or somebody else has ended it.
    if found.status.is_final() {
        return Ok(found);
    }
    // Not before it is its turn: an answer may be long, and many may wait.
    let mut run = working.snapshot().ok_or(Error::NotFound("response"))?;
    let known = work.runs().approvals(run.id).await?;
    let is_new = |approval: &Approval| known.iter().all(|known| known.id != approval.id);
    if !closing.approvals.is_empty() && !closing.approvals.iter().all(is_new) {
        return Ok(run);
    }
    // Somebody may have asked meanwhile that it be stopped: their mark stays, and ours
    // goes on top of it.
    run.revision = found.revision;
    run.cancel_requested_at = found.cancel_requested_at;
    if closing.withdraws {
        expire(deps, &mut *work, known).await?;
    }
    if closing.takes_back {
        speaking::take_back(deps, &mut *work, &run).await?;
    }
    if run.status.is_final() {
        speaking::speak(deps, &mut *work, &run).await?;
        account(deps, &mut *work, &mut run).await?;
    }
    if !closing.approvals.is_empty() {
        work.runs().save_approvals(&closing.approvals).await?;
    }
    let run = work.runs().update(run).await?;
    work.commit().await?;
    Ok(run)
}

/// Counts what the run used, and gives back what it had set aside.
pub(super) async fn account(
    deps: &Deps<'_>,
    work: &mut dyn UnitOfWork,
    run: &mut Run,
) -> Result<()> {
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
