//! Looking after runs that nobody works on any more, and after what runs leave
//! behind. For a server's background work.

use time::Duration;

use super::{RunDeps, start::LEASE};
use crate::{
    OrganizationId, RunId, Timestamp,
    run::{ApprovalState, Interruption, Lease, RunStatus},
    usecases::{Deps, Result},
};

/// How many are looked after at once.
const BATCH: u32 = 100;
/// How long a run that waits in line may be left alone.
const QUEUED_FOR: Duration = Duration::seconds(30);
/// How long the events of a run are kept, so that a stream can be gone on with.
pub const KEEP_EVENTS: Duration = Duration::hours(24);
/// How long a run is kept that is stored for nobody's reading: its thread has what
/// was said.
pub const KEEP_HIDDEN: Duration = Duration::hours(24);

/// Renews the lease of a run that this process works on; tells whether somebody asked
/// to stop it. `None` when it is not this process's any more.
///
/// # Errors
///
/// [`Error::Store`](crate::usecases::Error::Store).
pub async fn renew_lease(
    run: RunDeps<'_>,
    tenant: OrganizationId,
    id: RunId,
) -> Result<Option<bool>> {
    let deps = run.deps;
    let mut work = deps.store.begin(tenant).await?;
    let Some(mut state) = work.runs().find(id).await? else {
        return Ok(None);
    };
    let owner = run.runner.owner();
    if state.lease.is_none_or(|lease| lease.owner != owner) {
        return Ok(None);
    }
    let is_cancelled = state.cancel_requested_at.is_some();
    state.lease = Some(Lease { owner, until: deps.clock.now().plus(LEASE) });
    work.runs().update(state).await?;
    work.commit().await?;
    Ok(Some(is_cancelled))
}

/// Ends runs whose server is gone, and goes on with those whose approvals nobody
/// decided in time; how many there were.
///
/// # Errors
///
/// [`Error::Store`](crate::usecases::Error::Store).
pub async fn recover_runs(run: RunDeps<'_>) -> Result<u64> {
    let deps = run.deps;
    let now = deps.clock.now();
    let store = deps.store.runs();
    let mut count = 0;
    for (tenant, id) in store.abandoned(now, now.plus(-QUEUED_FOR), BATCH).await? {
        if take_over(run, &deps, (tenant, id), now).await? {
            run.runner.conclude(tenant, id, Interruption::Interrupted);
            count += 1;
        }
    }
    for (tenant, id) in store.overdue(now, BATCH).await? {
        if expire(run, &deps, (tenant, id), now).await? {
            run.runner.launch(tenant, id);
            count += 1;
        }
    }
    Ok(count)
}

/// Takes the lease of a run whose own has ended.
async fn take_over(
    run: RunDeps<'_>,
    deps: &Deps<'_>,
    (tenant, id): (OrganizationId, RunId),
    now: Timestamp,
) -> Result<bool> {
    let mut work = deps.store.begin(tenant).await?;
    let Some(mut state) = work.runs().find(id).await? else {
        return Ok(false);
    };
    let is_free = state.lease.is_none_or(|lease| lease.until <= now);
    if !state.status.is_active() || !is_free {
        return Ok(false);
    }
    state.status = RunStatus::InProgress;
    state.lease = Some(Lease { owner: run.runner.owner(), until: now.plus(LEASE) });
    work.runs().update(state).await?;
    work.commit().await?;
    Ok(true)
}

/// Lets the approvals of a waiting run lapse that nobody decided in time; the run
/// goes on without its calls.
async fn expire(
    run: RunDeps<'_>,
    deps: &Deps<'_>,
    (tenant, id): (OrganizationId, RunId),
    now: Timestamp,
) -> Result<bool> {
    let mut work = deps.store.begin(tenant).await?;
    let Some(mut state) = work.runs().find(id).await? else {
        return Ok(false);
    };
    let mut approvals = work.runs().approvals(id).await?;
    approvals.retain(|known| known.state == ApprovalState::Pending && known.expires_at <= now);
    if state.status != RunStatus::Waiting || approvals.is_empty() {
        return Ok(false);
    }
    for approval in &mut approvals {
        approval.state = ApprovalState::Expired;
        approval.decided_at = Some(now);
    }
    work.runs().save_approvals(&approvals).await?;
    let all = work.runs().approvals(id).await?;
    let is_decided = all.iter().all(|known| known.state != ApprovalState::Pending);
    if is_decided {
        state.status = RunStatus::InProgress;
        state.lease = Some(Lease { owner: run.runner.owner(), until: now.plus(LEASE) });
        work.runs().update(state).await?;
    }
    work.commit().await?;
    Ok(is_decided)
}

/// Removes what is kept of runs for a time only; how much it was.
///
/// # Errors
///
/// [`Error::Store`](crate::usecases::Error::Store).
pub async fn sweep_runs(deps: Deps<'_>) -> Result<u64> {
    let now = deps.clock.now();
    let mut count = deps.store.run_events().sweep(now.plus(-KEEP_EVENTS), BATCH).await?;
    for (tenant, id) in deps.store.runs().forgettable(now.plus(-KEEP_HIDDEN), BATCH).await? {
        let mut work = deps.store.begin(tenant).await?;
        if work.runs().delete(id).await? {
            count += 1;
        }
        work.commit().await?;
    }
    Ok(count)
}
