//! Runs read again: one's own, while they are on their way and afterwards.

use std::time::Duration;

use super::RunDeps;
use crate::{
    Approval, RunId, Scope,
    ports::RunEventLog,
    run::{Run, RunEvent, RunStatus, names, view},
    usecases::{
        Caller, Conflict, Deps, Error, Result,
        support::{record, require_scope, require_seat},
        watching::Grounds,
    },
};

/// How long one look for news may take.
const LOOK: Duration = Duration::from_secs(2);

/// A run of the caller that may be read again.
///
/// # Errors
///
/// [`Error::NotFound`] also for those of others and those that are not stored for
/// reading.
pub async fn view_run(deps: Deps<'_>, caller: &Caller, id: RunId) -> Result<Run> {
    let run = own_run(&deps, caller, id).await?;
    // While it is on its way, whoever asked for it may see it.
    if run.visible || !run.status.is_final() { Ok(run) } else { Err(Error::NotFound("response")) }
}

/// A run of the caller, whether or not it may be read again.
pub(super) async fn own_run(deps: &Deps<'_>, caller: &Caller, id: RunId) -> Result<Run> {
    require_seat(&caller.actor)?;
    // Whoever may ask reads what is answered.
    if !caller.actor.has_scope(Scope::Run) {
        require_scope(&caller.actor, Scope::Read)?;
    }
    let run = deps.store.runs().run(caller.tenant(), id).await?;
    let run = run.filter(|run| {
        let only = caller.actor.only_assistant();
        run.user == caller.actor.user && only.is_none_or(|only| only == run.lineage)
    });
    run.ok_or(Error::NotFound("response"))
}

/// What happened in a run since the event `after`.
#[derive(Clone, Debug)]
pub struct FollowedRun {
    /// In order; none when nothing happened in time. Events that tell of a pause
    /// which is over are left out.
    pub events: Vec<RunEvent>,
    /// Whether a stream ends with them.
    pub is_last: bool,
}

/// Refuses callers who may not follow the run, or not any more: while it is on its
/// way, they must be able to ask its assistant. On what that rests is `None` when it
/// only counts for now: a run that waits may go on.
///
/// # Errors
///
/// As [`view_run`].
pub async fn judge_follower(deps: Deps<'_>, caller: &Caller, id: RunId) -> Result<Option<Grounds>> {
    let run = own_run(&deps, caller, id).await?;
    if !run.status.is_active() {
        return Ok(None);
    }
    let view = super::rights::runnable(&deps, caller, run.assistant).await?;
    Ok(Some(Grounds::with(caller, view.record.authority().organization)))
}

/// Waits for something to happen in a run of the caller, at most for `patience`. The
/// caller who started it may follow it even where it is not stored for reading.
/// Whoever streams asks [`judge_follower`] from time to time.
///
/// # Errors
///
/// As [`view_run`].
pub fn follow_run<'a>(
    run: RunDeps<'a>,
    caller: &'a Caller,
    id: RunId,
    after: u64,
    patience: Duration,
) -> impl Future<Output = Result<FollowedRun>> {
    // Streams that are silent are made of these futures: they hold what they need, and
    // what is rare is boxed.
    let RunDeps { deps, runner, .. } = run;
    async move {
        let is_at_work = || runner.user_of(id) == Some(caller.actor.user);
        // What runs here is known to be the caller's; the rest is looked up.
        if !is_at_work() {
            Box::pin(own_run(&deps, caller, id)).await?;
        }
        let mut behind = after;
        loop {
            let events = runner.follow(caller.tenant(), id, behind, patience).await?;
            if events.is_empty() {
                break;
            }
            let mut news = without_past_pauses(events);
            if !news.is_last || !Box::pin(own_run(&deps, caller, id)).await?.status.is_active() {
                return Ok(news);
            }
            // The last of them tells of a pause, and the run goes on already.
            let pause = news.events.pop();
            if !news.events.is_empty() {
                return Ok(FollowedRun { is_last: false, ..news });
            }
            behind = pause.map_or(behind, |pause| pause.sequence);
        }
        // Who works on it here tells of its end before they let go of it.
        if is_at_work() {
            return Ok(FollowedRun { events: Vec::new(), is_last: false });
        }
        Box::pin(followed_from_afar(deps, caller, id, after)).await
    }
}

/// What is stored of a run behind the event `after`, about which nothing was told in
/// time: it is silent elsewhere, or it has ended.
async fn followed_from_afar(
    deps: Deps<'_>,
    caller: &Caller,
    id: RunId,
    after: u64,
) -> Result<FollowedRun> {
    let state = own_run(&deps, caller, id).await?;
    if state.status.is_active() {
        return Ok(FollowedRun { events: Vec::new(), is_last: false });
    }
    // It ended between the two looks, or its server died before it told of it.
    let events = deps.store.run_events().events(caller.tenant(), id, after, 1_000).await?;
    if !events.is_empty() {
        return Ok(without_past_pauses(events));
    }
    let approvals = deps.store.runs().approvals(caller.tenant(), id).await?;
    let (sequence, last) = last_event(deps.store.run_events(), &state, after).await?;
    if last && after >= sequence {
        // All of it was told; a stream that is opened behind the end ends.
        return Ok(FollowedRun { events: Vec::new(), is_last: true });
    }
    let event = terminal_of(&state, &approvals, after + 1);
    Ok(FollowedRun { events: vec![event], is_last: true })
}

/// The sequence of the last event up to `after`, and whether it is a terminal one.
async fn last_event(log: &dyn RunEventLog, state: &Run, after: u64) -> Result<(u64, bool)> {
    let before = after.saturating_sub(1);
    let events = log.events(state.organization, state.id, before, 1).await?;
    let last = events.last().filter(|event| event.sequence == after);
    Ok(last.map_or((after, false), |event| (event.sequence, event.is_terminal())))
}

/// The event that a run ends with, made anew from what is stored of it.
fn terminal_of(state: &Run, approvals: &[Approval], sequence: u64) -> RunEvent {
    let name = match state.status {
        RunStatus::Failed => names::FAILED,
        RunStatus::Cancelled => names::CANCELLED,
        RunStatus::Queued | RunStatus::InProgress | RunStatus::Waiting | RunStatus::Completed => {
            names::COMPLETED
        }
    };
    RunEvent::new(sequence, name, view::ended(state, approvals))
}

/// The events up to the one that a stream ends with. One that told of a pause and is
/// followed by others does not end it.
fn without_past_pauses(mut events: Vec<RunEvent>) -> FollowedRun {
    let last = events.len().saturating_sub(1);
    let mut at = 0;
    events.retain(|event| {
        let keep = at == last || !event.is_terminal();
        at += 1;
        keep
    });
    let is_last = events.last().is_some_and(RunEvent::is_terminal);
    FollowedRun { events, is_last }
}

/// Waits until a run of the caller is done or waits for approval.
///
/// # Errors
///
/// As [`view_run`].
pub async fn wait_for_run(run: RunDeps<'_>, caller: &Caller, id: RunId) -> Result<Run> {
    let mut after = 0;
    loop {
        let news = follow_run(run, caller, id, after, LOOK).await?;
        if let Some(last) = news.events.last() {
            after = last.sequence;
        }
        if news.is_last {
            return own_run(&run.deps, caller, id).await;
        }
        judge_follower(run.deps, caller, id).await?;
    }
}

/// Removes a run of the caller with its events; what it said stays in its thread.
///
/// # Errors
///
/// As [`view_run`], and [`Conflict::ThreadBusy`] while it is on its way.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn delete_run(deps: Deps<'_>, caller: &Caller, id: RunId) -> Result<()> {
    view_run(deps, caller, id).await?;
    require_scope(&caller.actor, Scope::Run)?;
    let mut work = deps.store.begin(caller.tenant()).await?;
    let run = work.runs().find(id).await?.ok_or(Error::NotFound("response"))?;
    if !run.status.is_final() {
        return Err(Conflict::ThreadBusy.into());
    }
    work.runs().delete(id).await?;
    record(&deps, caller, &mut *work, "response.deleted", id.to_string(), (None, None)).await?;
    Ok(work.commit().await?)
}

/// The approvals of a run of the caller, in the order of their calls.
///
/// # Errors
///
/// As [`view_run`].
pub async fn list_approvals(deps: Deps<'_>, caller: &Caller, id: RunId) -> Result<Vec<Approval>> {
    own_run(&deps, caller, id).await?;
    Ok(deps.store.runs().approvals(caller.tenant(), id).await?)
}
