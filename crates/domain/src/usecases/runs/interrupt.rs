//! Runs that are stopped in the middle: by their user, because nobody listens, or
//! because a server stops.

use serde_json::Value;
use time::Duration;

use super::{
    RunDeps,
    ending::{Closing, failure, store_end, tell_end},
    resuming,
    superseding::unanswered,
    working::{Progress, Working},
};
use crate::{
    OrganizationId, Run, RunId,
    assistant::content::MessageRole,
    conversation::{Item, ToolCall, ToolResult},
    ports::{RunEventLog, RunSink},
    run::{Interruption, RunEvent, RunStatus, StopReason, ToolRecord, names},
    usecases::Result,
};

/// Until when stopping a run takes both messages back (reference §1.3).
pub const QUICK_EDIT: Duration = Duration::seconds(5);
/// How many events of a lost run are read at once.
const EVENTS_READ: u32 = 1_000;
/// What the model is told of a result that was shown to nobody else, and is lost.
const UNTOLD_RESULT: &str = "The tool did its work; what it answered is lost.";
/// What the model is told of a call whose outcome nobody knows.
const UNKNOWN_OUTCOME: &str = "The response was stopped; whether this call did something is not \
                               known.";

/// Stores what came of a run that was stopped in the middle, and tells its followers.
/// For the [`Runner`](crate::ports::Runner).
#[tracing::instrument(skip_all, fields(run.id = %id))]
pub async fn interrupt_run(
    run: RunDeps<'_>,
    (tenant, id): (OrganizationId, RunId),
    sink: &dyn RunSink,
    progress: &Progress,
    why: Interruption,
) {
    let state = match progress.take() {
        Some(state) if is_ending(&state, why) => {
            // It was stopped in the very moment in which its end was being stored.
            return finish(&Working::new(run, sink, progress, state)).await;
        }
        Some(state) => Some(state),
        None => lost(run, tenant, id).await.unwrap_or_else(|error| {
            tracing::error!(%error, "a response that was stopped could not be read");
            None
        }),
    };
    // One that somebody else ended stays as it ended.
    let Some(state) = state.filter(|state| !state.status.is_final()) else { return };
    let working = Working::new(run, sink, progress, state);
    conclude(&working, why).await;
}

/// Whether the run came to its end before it was stopped: that end counts. One that
/// waits for approval may still be stopped by who asked for it.
const fn is_ending(state: &Run, why: Interruption) -> bool {
    let by_user = matches!(why, Interruption::Cancelled | Interruption::Abandoned);
    state.status.is_final() || (matches!(state.status, RunStatus::Waiting) && !by_user)
}

/// A run whose server is gone, with what its events tell of it.
async fn lost(run: RunDeps<'_>, tenant: OrganizationId, id: RunId) -> Result<Option<Run>> {
    let Some(mut state) = run.deps.store.runs().run(tenant, id).await? else {
        return Ok(None);
    };
    let log: &dyn RunEventLog = run.deps.store.run_events();
    let mut after = 0;
    loop {
        let events = log.events(tenant, id, after, EVENTS_READ).await?;
        let Some(last) = events.last() else { return Ok(Some(state)) };
        after = last.sequence;
        for event in &events {
            retell(&mut state, event);
        }
    }
}

/// Notes in the run what an event of it says that was not stored.
fn retell(state: &mut Run, event: &RunEvent) {
    let delta = event.data.text("delta").unwrap_or_default();
    match &*event.name {
        names::CONTENT_DELTA => state.outcome.text.push_str(delta),
        names::CONTENT_RESET => state.outcome.text.clear(),
        names::REASONING_DELTA => state.outcome.reasoning.push_str(delta),
        // A pause stored all that came before it.
        names::COMPLETED => {
            let text = event.data.text("output_text");
            text.unwrap_or_default().clone_into(&mut state.outcome.text);
        }
        names::TOOL_STARTED => retell_call(state, event),
        names::TOOL_COMPLETED | names::TOOL_FAILED => retell_result(state, event),
        _ => {}
    }
}

/// A call that was begun may have done something: whoever goes on must know of it.
fn retell_call(state: &mut Run, event: &RunEvent) {
    let text = |name: &str| event.data.text(name).map(str::to_owned);
    let (Some(id), Some(name)) = (text("call_id"), text("tool")) else { return };
    let arguments = event.data.object().get("arguments").map(Value::to_string).unwrap_or_default();
    let is_known = |item: &Item| matches!(item, Item::ToolCall(call) if call.id == id);
    if !state.transcript.iter().any(is_known) {
        state.transcript.push(Item::ToolCall(ToolCall { id, name, arguments }));
    }
}

fn retell_result(state: &mut Run, event: &RunEvent) {
    let data = Value::Object(event.data.object().into_owned());
    let Ok(record) = serde_json::from_value::<ToolRecord>(data) else { return };
    if !unanswered(&state.transcript).contains(&record.call_id) {
        return;
    }
    let content = match (&record.error, &record.result) {
        (Some(error), _) => format!("The tool failed: {error}"),
        (None, Some(Value::String(text))) => text.clone(),
        (None, Some(result)) => result.to_string(),
        (None, None) => UNTOLD_RESULT.to_owned(),
    };
    let call_id = record.call_id.clone();
    let result = ToolResult { call_id, content, is_error: !record.success };
    state.transcript.push(Item::ToolResult(result));
    state.outcome.tool_calls.push(record);
}

/// Ends a run that was stopped.
pub(super) async fn conclude(working: &Working<'_>, why: Interruption) {
    let Some(mut state) = working.snapshot() else { return };
    let now = working.run.deps.clock.now();
    let by_user = matches!(why, Interruption::Cancelled | Interruption::Abandoned);
    let since = now.since(state.started_at.unwrap_or(state.created_at));
    let takes_back = why == Interruption::Cancelled && since <= QUICK_EDIT;

    state.status = if by_user { RunStatus::Cancelled } else { RunStatus::Failed };
    state.outcome.stop_reason =
        Some(if by_user { StopReason::Cancelled } else { StopReason::Error });
    state.finished_at = Some(now);
    state.lease = None;
    match why {
        Interruption::Cancelled | Interruption::Abandoned => {}
        Interruption::Overdue => {
            state.outcome.failure = Some(failure("timeout", "the response took too long"));
        }
        Interruption::Interrupted => {
            let message = "the server stopped while it answered; ask again";
            state.outcome.failure = Some(failure("interrupted", message));
        }
    }
    if takes_back {
        state.outcome.text.clear();
        state.transcript.clear();
        state.heard.clear();
    } else {
        keep_partial(&mut state);
    }
    let closing = Closing { withdraws: true, takes_back, ..Closing::default() };
    working.close(closing, |run| *run = state);
    finish(working).await;
}

/// Stores and tells the end of a run that is [closed](Working::close).
async fn finish(working: &Working<'_>) {
    if let Some(run) = store_end(working).await {
        tell_end(working, run).await;
    }
}

/// Makes of what was said and done so far something that a conversation can go on
/// from.
fn keep_partial(state: &mut Run) {
    let said: usize = state
        .transcript
        .iter()
        .enumerate()
        // What another run said before is none of this one's text.
        .skip(state.resumes.map_or(0, |resumed| resumed.carried))
        .filter(|(at, _)| state.heard.iter().all(|heard| heard.number(*at).is_none()))
        .filter_map(|(_, item)| match item {
            Item::Message { role: MessageRole::Assistant, parts } => Some(parts),
            _ => None,
        })
        .flatten()
        .map(|part| match part {
            crate::conversation::Part::Text { text }
            | crate::conversation::Part::Refusal { text } => text.len(),
            _ => 0,
        })
        .sum();
    for call in unanswered(&state.transcript) {
        let content = UNKNOWN_OUTCOME.to_owned();
        let result = ToolResult { call_id: call, content, is_error: true };
        state.transcript.push(Item::ToolResult(result));
    }
    resuming::say_more(state);
    let rest = state.outcome.text.get(said..).unwrap_or_default();
    if !rest.is_empty() {
        state.transcript.push(Item::text(MessageRole::Assistant, rest));
    }
}
