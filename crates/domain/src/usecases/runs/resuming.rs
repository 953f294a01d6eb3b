//! A run that goes on for another one, which waited for approval: whoever decides may
//! do so with what they ask next, and is answered by a run of their own. The run that
//! waited is over then, and what it had come to is carried over.

use super::{
    deciding::{check_reason, keep, settle},
    ending::account,
    scene::question_of,
};
use crate::{
    Run, Thread,
    conversation::Item,
    ports::UnitOfWork,
    run::{ApprovalState, DecidedCall, Heard, Resumed, RunStatus},
    usecases::{Caller, Conflict, Deps, Error, Result},
};

/// Where decisions stand.
const AT: &str = "/input";

/// The run whose input is answered, where that is another one.
pub(super) async fn asked(deps: &Deps<'_>, run: &Run) -> Result<Option<Run>> {
    let Some(resumed) = run.resumes else { return Ok(None) };
    let found = deps.store.runs().run(run.organization, resumed.asked).await?;
    found.map(Some).ok_or(Error::NotFound("response"))
}

/// What the user says last: in the run itself, or in the one whose input it answers.
pub(super) fn question(run: &Run, asked: &Run) -> String {
    let own = question_of(&run.request.input);
    if own.trim().is_empty() { question_of(&asked.request.input) } else { own }
}

/// What is asked beside decisions, and is not said in the transcript yet: its place is
/// behind what the calls came to.
pub(super) fn unsaid(run: &Run) -> &[Item] {
    let is_said = run.heard.iter().any(|heard| heard.run == run.id);
    if run.resumes.is_none() || is_said { &[] } else { &run.request.input }
}

/// Says it.
pub(super) fn say_more(run: &mut Run) {
    let more = unsaid(run).to_vec();
    if !more.is_empty() {
        let (from, count) = (run.transcript.len(), more.len());
        run.heard.push(Heard { run: run.id, from, count });
        run.transcript.extend(more);
    }
}

/// All that users say in the transcript, now or in a moment.
pub(super) fn said_there(run: &Run) -> impl Iterator<Item = &Item> {
    let is_heard = |at: usize| run.heard.iter().any(|heard| heard.number(at).is_some());
    let heard = run.transcript.iter().enumerate().filter(move |(at, _)| is_heard(*at));
    heard.map(|(_, item)| item).chain(unsaid(run))
}

/// Decides about the calls that wait in the thread, all of them, and has the new run
/// take over from the one that waits.
pub(super) async fn take_over(
    deps: &Deps<'_>,
    caller: &Caller,
    work: &mut dyn UnitOfWork,
    (thread, run): (&Thread, &mut Run),
) -> Result<()> {
    let mut waiting = waiting(work, thread, run).await?;
    decide(deps, caller, work, (&waiting, run)).await?;

    waiting.status = RunStatus::Completed;
    waiting.finished_at = Some(run.created_at);
    account(deps, work, &mut waiting).await?;
    run.transcript = std::mem::take(&mut waiting.transcript);
    run.heard = std::mem::take(&mut waiting.heard);
    run.outcome.handed_to.clone_from(&waiting.outcome.handed_to);
    run.resumes = Some(Resumed {
        run: waiting.id,
        asked: waiting.resumes.map_or(waiting.id, |resumed| resumed.asked),
        carried: run.transcript.len(),
    });
    work.runs().update(waiting).await?;
    Ok(())
}

/// The run that waits in the thread: the one that the request goes on from, if it
/// names one.
async fn waiting(work: &mut dyn UnitOfWork, thread: &Thread, run: &Run) -> Result<Run> {
    let active = match thread.active_run {
        Some(id) => work.runs().find(id).await?,
        None => None,
    };
    if let Some(active) = active {
        if active.status.is_active() {
            return Err(Conflict::ThreadBusy.into());
        }
        let is_meant = run.request.previous.is_none_or(|previous| previous == active.id);
        if is_meant && active.status == RunStatus::Waiting {
            return Ok(active);
        }
    }
    // Nothing waits there; perhaps it did.
    let earlier = match run.request.previous {
        Some(previous) => work.runs().approvals(previous).await?,
        None => Vec::new(),
    };
    let is_named = |id| run.request.decisions.iter().any(|decided| decided.approval == id);
    match earlier.iter().find(|approval| is_named(approval.id)) {
        Some(approval) => Err(Conflict::Decided { state: approval.state.as_str() }.into()),
        None => Err(Error::invalid(AT, "unknown", "must decide about calls that wait")),
    }
}

async fn decide(
    deps: &Deps<'_>,
    caller: &Caller,
    work: &mut dyn UnitOfWork,
    (waiting, run): (&Run, &Run),
) -> Result<()> {
    let mut approvals = work.runs().approvals(waiting.id).await?;
    for DecidedCall { approval, decision } in &run.request.decisions {
        check_reason(decision, AT)?;
        let found = approvals.iter_mut().find(|known| known.id == *approval);
        let found = found.ok_or_else(|| {
            let message = format!("`{approval}` must be a call that waits there");
            Error::invalid(AT, "unknown", message)
        })?;
        settle(found, decision.clone(), run.created_at)?;
        keep(deps, caller, work, found).await?;
    }
    // Nobody may find later that they denied what they did not see.
    match approvals.iter().find(|known| known.state == ApprovalState::Pending) {
        Some(left) => {
            let message = format!("must decide about every call that waits, `{}` too", left.id);
            Err(Error::invalid(AT, "required", message))
        }
        None => Ok(()),
    }
}
