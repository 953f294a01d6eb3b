//! What becomes of a turn that is under way in a thread when another is to begin.

use super::{ending::account, speaking};
use crate::{
    Thread,
    conversation::{Item, ToolResult},
    ports::UnitOfWork,
    run::{Approval, ApprovalState, Run, RunStatus},
    usecases::{Conflict, Deps, Result},
};

/// What the model is told of a call that nobody approved before the conversation
/// went on.
const WENT_ON: &str = "This call was not approved: the conversation went on without it.";

/// The thread without its earlier turn: one that waits for approval is over, its
/// calls count as denied (reference §3.3); one that is on its way refuses another.
pub(super) async fn settle_turn(
    deps: &Deps<'_>,
    work: &mut dyn UnitOfWork,
    mut thread: Thread,
) -> Result<Thread> {
    let Some(active) = thread.active_run.take() else {
        return Ok(thread);
    };
    let Some(run) = work.runs().find(active).await? else {
        return Ok(thread);
    };
    if run.status.is_active() {
        return Err(Conflict::ThreadBusy.into());
    }
    if run.status == RunStatus::Waiting {
        let approvals = work.runs().approvals(run.id).await?;
        expire(deps, work, approvals).await?;
        let mut run = close(deps, run);
        account(deps, work, &mut run).await?;
        let messages = speaking::messages_of(deps, &mut thread, &run);
        work.conversations().insert_messages(&messages).await?;
        work.runs().update(run).await?;
    }
    Ok(thread)
}

/// Lets the approvals that are still pending lapse.
pub(super) async fn expire(
    deps: &Deps<'_>,
    work: &mut dyn UnitOfWork,
    mut approvals: Vec<Approval>,
) -> Result<()> {
    let now = deps.clock.now();
    approvals.retain(|approval| approval.state == ApprovalState::Pending);
    for approval in &mut approvals {
        approval.state = ApprovalState::Expired;
        approval.decided_at = Some(now);
    }
    Ok(work.runs().save_approvals(&approvals).await?)
}

/// A waiting run as it ends without its calls.
fn close(deps: &Deps<'_>, mut run: Run) -> Run {
    for call in unanswered(&run.transcript) {
        run.transcript.push(Item::ToolResult(ToolResult {
            call_id: call,
            content: WENT_ON.to_owned(),
            is_error: true,
        }));
    }
    run.status = RunStatus::Completed;
    run.finished_at = Some(deps.clock.now());
    run.lease = None;
    run
}

/// The calls in `items` that have no result, by id and in order.
pub(super) fn unanswered(items: &[Item]) -> Vec<String> {
    let is_answered = |id: &str| {
        items.iter().any(|item| matches!(item, Item::ToolResult(result) if result.call_id == id))
    };
    let calls = items.iter().filter_map(|item| match item {
        Item::ToolCall(call) if !is_answered(&call.id) => Some(call.id.clone()),
        _ => None,
    });
    calls.collect()
}
