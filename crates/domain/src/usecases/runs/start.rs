//! Starting a run: everything that can be refused without a provider is refused
//! here, and what was said is stored before anybody works on the answer.

use time::Duration;

use super::{
    RunDeps, StartRun, Started, Threading, input,
    plan::Plan,
    resuming,
    rights::{at_version, credential_of, runnable_by_name},
    superseding,
};
use crate::{
    AssistantId, Message, MessageId, RunId, Thread, ThreadId, Timestamp,
    assistant::view::AssistantView,
    conversation::Item,
    ports::UnitOfWork,
    run::{Begun, Lease, Outcome, Run, RunRequest, RunStatus, naming::input_id},
    usecases::{
        Caller, Conflict, Deps, Error, Result,
        budgets::{self, BudgetSubjects},
        support::fresh,
    },
};

/// Most runs of one user that are on their way at the same time.
pub const MAX_ACTIVE_RUNS: u64 = 20;
/// How long the process that works on a run has before others look after it. It
/// renews its lease in a third of that.
pub const LEASE: Duration = Duration::seconds(15);
/// Tokens that are set aside for an answer whose length nobody limited.
const USUAL_ANSWER_TOKENS: u64 = 2_048;

/// Starts a run of the assistant that a path names and hands it to the
/// [`Runner`](crate::ports::Runner). Everything that can be refused without asking a
/// provider is refused here.
///
/// # Errors
///
/// [`Error::Invalid`] with every fault, [`Error::NotFound`] also for threads of
/// others, [`Error::Forbidden`], [`Error::BudgetExceeded`], [`Error::Busy`], and of
/// [`Conflict`]: `NotActive`, `ThreadBusy`, `ThreadOfAnother`, `NoProvider`,
/// `ProviderNotAllowed`.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn start_run(
    run: RunDeps<'_>,
    caller: &Caller,
    reference: &str,
    command: StartRun,
) -> Result<Started> {
    let deps = run.deps;
    let view = runnable_by_name(&deps, caller, reference).await?;
    let StartRun { request, threading, stream, background, store } = command;
    let view = at_version(&deps, caller, view, request.version).await?;
    let content = &view.record.assistant.content;
    input::check(&request, content)?;
    let plan = Plan::make(&deps, caller, content, &request).await?;
    let threading = threading_of(&deps, caller, threading, &request).await?;
    if !request.decisions.is_empty() && !matches!(threading, Threading::Continue(_)) {
        let message =
            "decides about calls, so the response or the conversation that waits must be named";
        return Err(Error::invalid("/input", "required", message));
    }

    let visible = content.store_responses && store != Some(false);
    let streams = stream.unwrap_or(content.streaming);
    let now = deps.clock.now();
    let state = Run {
        id: fresh(&deps),
        organization: caller.tenant(),
        user: caller.actor.user,
        credential: credential_of(caller)?,
        address: caller.origin.address,
        assistant: view.record.assistant.id,
        lineage: view.record.assistant.lineage(),
        version: view.record.assistant.version,
        thread: None,
        visible,
        outlives_connection: background || store != Some(false),
        request,
        resumes: None,
        status: RunStatus::InProgress,
        outcome: Outcome::default(),
        transcript: Vec::new(),
        heard: Vec::new(),
        lease: Some(Lease { owner: run.runner.owner(), until: now.plus(LEASE) }),
        cancel_requested_at: None,
        reserved_tokens: 0,
        created_at: now,
        started_at: None,
        finished_at: None,
        revision: 1,
    };
    let opens_thread = threading == Threading::New;
    let state = store_run(&deps, caller, &view, (&plan, threading), state).await?;
    let Plan { organization, providers, .. } = plan;
    run.runner.take_up(Box::new(Begun {
        run: state.clone(),
        actor: caller.actor.clone(),
        view,
        organization,
        providers,
        opens_thread,
        at: now,
    }));
    Ok(Started { run: state, streams })
}

/// In which thread the run takes place: the one of the run that it goes on from,
/// where it names one.
async fn threading_of(
    deps: &Deps<'_>,
    caller: &Caller,
    threading: Threading,
    request: &RunRequest,
) -> Result<Threading> {
    let Some(previous) = request.previous else {
        return Ok(threading);
    };
    let unknown = || {
        let message = "must be the id of a response of yours whose conversation was kept";
        Error::invalid("/previous_response_id", "unknown", message)
    };
    let earlier = deps.store.runs().run(caller.tenant(), previous).await?;
    let earlier = earlier.filter(|run| run.user == caller.actor.user).ok_or_else(unknown)?;
    let thread = earlier.thread.ok_or_else(unknown)?;
    match threading {
        Threading::New => Ok(Threading::Continue(thread)),
        Threading::Continue(named) if named == thread => Ok(threading),
        Threading::Continue(_) | Threading::Nowhere => Err(unknown()),
    }
}

/// Stores the run with what was said, in one transaction: the thread is taken, the
/// budget is set aside.
async fn store_run(
    deps: &Deps<'_>,
    caller: &Caller,
    view: &AssistantView,
    (plan, threading): (&Plan, Threading),
    mut run: Run,
) -> Result<Run> {
    let mut work = deps.store.begin(caller.tenant()).await?;
    if work.runs().count_active(caller.actor.user).await? >= MAX_ACTIVE_RUNS {
        return Err(Error::Busy { what: "responses of one user", limit: MAX_ACTIVE_RUNS });
    }
    let settings = &plan.organization.settings;
    if !settings.budgets.is_empty() {
        let answer = plan.settings.max_completion_tokens.map_or(USUAL_ANSWER_TOKENS, u64::from);
        let tokens = input::estimate(&run.request, &view.record.assistant.content) + answer;
        budgets::reserve(deps, &mut *work, settings, subjects_of(&run), tokens).await?;
        run.reserved_tokens = tokens;
    }
    if let Some(mut thread) = take_thread(deps, &mut *work, caller, (threading, &mut run)).await? {
        run.thread = Some(thread.id);
        let messages = messages_of(deps, &mut thread, &run);
        thread.visible &= run.visible;
        thread.title_by(&run.request.input);
        work.runs().insert(&run).await?;
        save_thread(&mut *work, thread).await?;
        work.conversations().insert_messages(&messages).await?;
    } else {
        work.runs().insert(&run).await?;
    }
    work.commit().await?;
    Ok(run)
}

/// Whose budgets a run counts against.
pub(super) fn subjects_of(run: &Run) -> BudgetSubjects {
    BudgetSubjects {
        user: run.user,
        token: match run.credential {
            crate::run::RunCredential::Token(id) => Some(id),
            crate::run::RunCredential::Session(_) => None,
        },
        assistant: Some(run.lineage),
    }
}

/// A thread that is about to be written: a new one has the revision 0.
async fn save_thread(work: &mut dyn UnitOfWork, thread: Thread) -> Result<()> {
    if thread.revision == 0 {
        let thread = Thread { revision: 1, ..thread };
        work.conversations().insert_thread(&thread).await?;
    } else {
        work.conversations().update_thread(thread).await?;
    }
    Ok(())
}

/// The thread of the run, locked, with the run as its turn.
async fn take_thread(
    deps: &Deps<'_>,
    work: &mut dyn UnitOfWork,
    caller: &Caller,
    (threading, run): (Threading, &mut Run),
) -> Result<Option<Thread>> {
    let thread = match threading {
        Threading::Nowhere => return Ok(None),
        Threading::New => Thread { revision: 0, ..new_thread(deps, caller, run.assistant) },
        Threading::Continue(id) => {
            let thread = own_thread(work, caller, id).await?;
            if thread.assistant.is_some_and(|bound| bound != run.assistant)
                && thread.message_count > 0
            {
                return Err(Conflict::ThreadOfAnother.into());
            }
            if run.request.decisions.is_empty() {
                superseding::settle_turn(deps, work, thread).await?
            } else {
                resuming::take_over(deps, caller, work, (&thread, run)).await?;
                thread
            }
        }
    };
    Ok(Some(Thread { assistant: Some(run.assistant), active_run: Some(run.id), ..thread }))
}

async fn own_thread(work: &mut dyn UnitOfWork, caller: &Caller, id: ThreadId) -> Result<Thread> {
    let thread = work.conversations().find_thread(id).await?;
    let thread = thread.filter(|thread| thread.user == caller.actor.user);
    thread.ok_or(Error::NotFound("thread"))
}

/// An empty thread of the caller with this assistant.
pub(crate) fn new_thread(deps: &Deps<'_>, caller: &Caller, assistant: AssistantId) -> Thread {
    let now = deps.clock.now();
    Thread {
        id: fresh(deps),
        organization: caller.tenant(),
        user: caller.actor.user,
        assistant: Some(assistant),
        title: None,
        visible: true,
        metadata: std::collections::BTreeMap::new(),
        drafts_instructions: false,
        pinned_at: None,
        last_position: 0,
        message_count: 0,
        last_model: None,
        summary: None,
        active_run: None,
        created_at: now,
        updated_at: now,
        last_message_at: None,
        revision: 1,
    }
}

/// What was asked, as messages. Beside decisions it is said behind what the calls come
/// to, and kept with that.
fn messages_of(deps: &Deps<'_>, thread: &mut Thread, run: &Run) -> Vec<Message> {
    let input = if run.resumes.is_some() { &[] } else { run.request.input.as_slice() };
    let named = |(number, item): (usize, &Item)| (Some(input_id(run.id, number)), item.clone());
    append(deps, thread, run.id, input.iter().enumerate().map(named), run.created_at)
}

/// The items as the next messages of the thread, with the names that they are to have.
pub(super) fn append(
    deps: &Deps<'_>,
    thread: &mut Thread,
    run: RunId,
    items: impl Iterator<Item = (Option<MessageId>, Item)>,
    now: Timestamp,
) -> Vec<Message> {
    // What was thought is no message.
    let kept = items.filter(|(_, item)| !matches!(item, Item::Reasoning(_)));
    let (names, items): (Vec<_>, Vec<_>) = kept.unzip();
    let mut names = names.into_iter();
    let name = || names.next().flatten().unwrap_or_else(|| fresh(deps));
    thread.say(items.into_iter(), Some(run), now, name)
}
