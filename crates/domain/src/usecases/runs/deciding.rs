//! Deciding about calls that wait, and stopping runs.

use std::time::Duration;

use super::{
    RunDeps,
    interrupt::QUICK_EDIT,
    reading::{follow_run, own_run},
    rights,
    start::LEASE,
};
use crate::{
    ApprovalId, RunId, Scope, Timestamp,
    ports::UnitOfWork,
    run::{Approval, ApprovalState, Decision, Interruption, Lease, Run, RunStatus},
    usecases::{
        Caller, Conflict, Deps, Error, Result,
        support::{record, require_scope},
    },
};

/// Most characters of the reason for a decision.
pub const MAX_REASON_CHARS: usize = 1_000;
/// How often it is looked whether a run has stopped.
const LOOK: Duration = Duration::from_secs(2);
/// How many looks it may take: the server that works on it may be another.
const LOOKS: u32 = 10;

/// Decides about a call that waits. When all of a run are decided, the run goes on.
///
/// # Errors
///
/// As [`view_run`](super::view_run), [`Error::Invalid`], and [`Conflict::Decided`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn decide(
    run: RunDeps<'_>,
    caller: &Caller,
    (id, approval): (RunId, ApprovalId),
    decision: Decision,
) -> Result<(Run, Approval)> {
    let deps = run.deps;
    let seen = own_run(&deps, caller, id).await?;
    require_scope(&caller.actor, Scope::Run)?;
    // Whoever may not ask the assistant any more does not let it act either.
    rights::runnable(&deps, caller, seen.assistant).await?;
    check_reason(&decision, "/reason")?;
    let now = deps.clock.now();
    let mut work = deps.store.begin(caller.tenant()).await?;
    let mut state = work.runs().find(id).await?.ok_or(Error::NotFound("response"))?;
    let mut approvals = work.runs().approvals(id).await?;
    let found = approvals.iter_mut().find(|known| known.id == approval);
    let found = found.ok_or(Error::NotFound("approval"))?;
    if state.status != RunStatus::Waiting {
        return Err(Conflict::Decided { state: found.state.as_str() }.into());
    }
    settle(found, decision, now)?;
    let decided = found.clone();
    keep(&deps, caller, &mut *work, &decided).await?;
    let is_all = approvals.iter().all(|known| known.state != ApprovalState::Pending);
    if is_all {
        state.status = RunStatus::InProgress;
        state.credential = rights::credential_of(caller)?;
        state.address = caller.origin.address;
        state.lease = Some(Lease { owner: run.runner.owner(), until: now.plus(LEASE) });
        state = work.runs().update(state).await?;
    }
    work.commit().await?;
    if is_all {
        run.runner.launch(caller.tenant(), id);
    }
    Ok((state, decided))
}

/// Refuses a reason that is too long, which stands at `pointer`.
pub(super) fn check_reason(decision: &Decision, pointer: &str) -> Result<()> {
    if decision.reason.as_ref().is_some_and(|text| text.chars().count() > MAX_REASON_CHARS) {
        let message = format!("may have a reason of at most {MAX_REASON_CHARS} characters");
        return Err(Error::invalid(pointer, "too_long", message));
    }
    Ok(())
}

/// Notes the decision about a call that still waits for one.
pub(super) fn settle(approval: &mut Approval, decision: Decision, now: Timestamp) -> Result<()> {
    if approval.state != ApprovalState::Pending {
        return Err(Conflict::Decided { state: approval.state.as_str() }.into());
    }
    if approval.expires_at <= now {
        return Err(Conflict::Decided { state: ApprovalState::Expired.as_str() }.into());
    }
    approval.state = if decision.approve { ApprovalState::Approved } else { ApprovalState::Denied };
    approval.reason = decision.reason;
    approval.decided_at = Some(now);
    Ok(())
}

/// Stores a decision, with the event that tells of it.
pub(super) async fn keep(
    deps: &Deps<'_>,
    caller: &Caller,
    work: &mut dyn UnitOfWork,
    decided: &Approval,
) -> Result<()> {
    work.runs().save_approvals(std::slice::from_ref(decided)).await?;
    let values = serde_json::json!({
        "run": decided.run,
        "serverLabel": decided.server_label,
        "tool": decided.tool,
    });
    let is_approved = decided.state == ApprovalState::Approved;
    let action = if is_approved { "approval.approved" } else { "approval.denied" };
    let target = decided.id.to_string();
    record(deps, caller, work, action, target, (None, Some(values))).await
}

/// What stopping a run did (reference §1.3).
#[derive(Clone, Debug)]
pub struct CancelledRun {
    /// `quick_edit`: within 5 s of its start, both messages are gone; or
    /// `keep_partial`: the partial answer stays.
    pub mode: &'static str,
    /// Seconds since it was started.
    pub elapsed_seconds: f64,
    /// Whether what the user said is gone from the thread.
    pub user_message_deleted: bool,
    /// Whether the answer is gone from the thread.
    pub assistant_response_deleted: bool,
    /// The run as it is now.
    pub run: Run,
}

/// Stops a run of the caller and waits until it has stopped.
///
/// # Errors
///
/// As [`view_run`](super::view_run), and [`Conflict::NotRunning`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn cancel_run(run: RunDeps<'_>, caller: &Caller, id: RunId) -> Result<CancelledRun> {
    let deps = run.deps;
    own_run(&deps, caller, id).await?;
    require_scope(&caller.actor, Scope::Run)?;
    let was_waiting = ask_to_stop(run, &deps, caller, id).await?;
    if was_waiting {
        // Nobody works on it: it is begun only to be ended.
        run.runner.conclude(caller.tenant(), id, Interruption::Cancelled);
    } else {
        run.runner.stop(id, Interruption::Cancelled);
    }
    let state = stopped(run, caller, id).await?;
    if state.status != RunStatus::Cancelled {
        return Err(Conflict::NotRunning.into());
    }
    let ended = state.finished_at.unwrap_or_else(|| deps.clock.now());
    let elapsed = ended.since(state.started_at.unwrap_or(state.created_at));
    let takes_back = elapsed <= QUICK_EDIT;
    Ok(CancelledRun {
        mode: if takes_back { "quick_edit" } else { "keep_partial" },
        elapsed_seconds: elapsed.as_seconds_f64(),
        user_message_deleted: takes_back,
        assistant_response_deleted: takes_back,
        run: state,
    })
}

/// Marks the run, for whichever server works on it; whether it waited for approval.
async fn ask_to_stop(
    run: RunDeps<'_>,
    deps: &Deps<'_>,
    caller: &Caller,
    id: RunId,
) -> Result<bool> {
    let now = deps.clock.now();
    let mut work = deps.store.begin(caller.tenant()).await?;
    let mut state = work.runs().find(id).await?.ok_or(Error::NotFound("response"))?;
    if state.status.is_final() {
        return Err(Conflict::NotRunning.into());
    }
    let was_waiting = state.status == RunStatus::Waiting;
    state.cancel_requested_at.get_or_insert(now);
    if was_waiting {
        state.status = RunStatus::InProgress;
        state.lease = Some(Lease { owner: run.runner.owner(), until: now.plus(LEASE) });
    }
    work.runs().update(state).await?;
    work.commit().await?;
    Ok(was_waiting)
}

/// The run once it has stopped, or as it is when that takes too long.
async fn stopped(run: RunDeps<'_>, caller: &Caller, id: RunId) -> Result<Run> {
    let mut after = 0;
    for _ in 0..LOOKS {
        let state = own_run(&run.deps, caller, id).await?;
        if state.status.is_final() {
            return Ok(state);
        }
        let news = follow_run(run, caller, id, after, LOOK).await?;
        after = news.events.last().map_or(after, |event| event.sequence);
    }
    own_run(&run.deps, caller, id).await
}
