//! Running assistants: a run is started, carried out, followed, paused for approval,
//! stopped and read again (runtime.md).

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{Caller, Deps, Result};
use crate::{
    ApprovalId, OrganizationId, RunId, ThreadId,
    ports::{
        ActionCaller, ChatModel, CodeRunner, DatasetEngine, ImageModel, KnowledgeIndex, McpGateway,
        Moderator, RunSink, Runner, Tokenizer, Vault, WebSearch,
    },
    run::{Approval, Decision, Interruption, Run, RunEvent, RunRequest},
};

/// What runs need of the world.
#[derive(Clone, Copy)]
pub struct RunDeps<'a> {
    /// What every use case needs.
    pub deps: Deps<'a>,
    /// Opens sealed values.
    pub vault: &'a dyn Vault,
    /// Models that converse.
    pub models: &'a dyn ChatModel,
    /// Models that draw.
    pub images: &'a dyn ImageModel,
    /// Counts tokens.
    pub tokenizer: &'a dyn Tokenizer,
    /// Judges texts.
    pub moderator: &'a dyn Moderator,
    /// MCP servers.
    pub mcp: &'a dyn McpGateway,
    /// HTTP services of skills and automations.
    pub actions: &'a dyn ActionCaller,
    /// Searches the web, where an engine is set up.
    pub web: Option<&'a dyn WebSearch>,
    /// Runs code, where a sandbox is set up.
    pub code: Option<&'a dyn CodeRunner>,
    /// Searches files and vector stores.
    pub knowledge: Option<&'a dyn KnowledgeIndex>,
    /// Asks datasets, where an engine is set up.
    pub datasets: Option<&'a dyn DatasetEngine>,
    /// Carries runs out.
    pub runner: &'a dyn Runner,
    /// Where callers reach the service, without a slash at the end.
    pub public_url: &'a str,
}

/// Where the conversation of a run is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Threading {
    /// In a new thread.
    #[default]
    New,
    /// In this one.
    Continue(ThreadId),
    /// Nowhere: the request holds all of it.
    Nowhere,
}

/// A run that is asked for.
#[derive(Clone, Debug, Default)]
pub struct StartRun {
    /// What is asked.
    pub request: RunRequest,
    /// Where the conversation is kept.
    pub threading: Threading,
    /// Whether the answer is to be streamed; `None` is as the assistant says.
    pub stream: Option<bool>,
    /// Whether it goes on when nobody listens. `false` counts only together with
    /// `store: Some(false)` (runtime.md, 'Events').
    pub background: bool,
    /// Whether the user may read it again. `Some(true)` does not loosen what the
    /// assistant says.
    pub store: Option<bool>,
}

/// A run that was started.
#[derive(Clone, Debug)]
pub struct Started {
    /// As it was stored.
    pub run: Run,
    /// Whether the answer is to be streamed.
    pub streams: bool,
}

/// Starts a run of the assistant that a path names and hands it to the [`Runner`].
/// Everything that can be refused without asking a provider is refused here.
///
/// # Errors
///
/// [`Error::Invalid`](super::Error::Invalid) with every fault,
/// [`Error::NotFound`](super::Error::NotFound) also for threads of others,
/// [`Error::Forbidden`](super::Error::Forbidden),
/// [`Error::BudgetExceeded`](super::Error::BudgetExceeded),
/// [`Error::Busy`](super::Error::Busy), and of
/// [`Conflict`](super::Conflict): `NotActive`, `ThreadBusy`, `ThreadOfAnother`,
/// `NoProvider`, `ProviderNotAllowed`.
pub async fn start_run(
    run: RunDeps<'_>,
    caller: &Caller,
    reference: &str,
    command: StartRun,
) -> Result<Started> {
    let _ = (run.deps, caller, reference, command);
    Err(super::Error::NotFound("response"))
}

/// A run of the caller.
///
/// # Errors
///
/// [`Error::NotFound`](super::Error::NotFound) also for those of others and those
/// that were not stored.
pub async fn view_run(deps: Deps<'_>, caller: &Caller, id: RunId) -> Result<Run> {
    let _ = (deps, caller, id);
    Err(super::Error::NotFound("response"))
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

/// Waits for something to happen in a run of the caller, at most for `patience`. The
/// caller who started it may follow it even where it is not stored for reading.
///
/// # Errors
///
/// As [`view_run`].
pub async fn follow_run(
    run: RunDeps<'_>,
    caller: &Caller,
    id: RunId,
    after: u64,
    patience: Duration,
) -> Result<FollowedRun> {
    let _ = (run.deps, caller, id, after, patience);
    Err(super::Error::NotFound("response"))
}

/// Waits until a run of the caller is done or waits for approval.
///
/// # Errors
///
/// As [`view_run`].
pub async fn wait_for_run(run: RunDeps<'_>, caller: &Caller, id: RunId) -> Result<Run> {
    let _ = run;
    view_run(run.deps, caller, id).await
}

/// Removes a run of the caller with its events; what it said stays in its thread.
///
/// # Errors
///
/// As [`view_run`], and `Conflict::ThreadBusy` while it is on its way.
pub async fn delete_run(deps: Deps<'_>, caller: &Caller, id: RunId) -> Result<()> {
    let _ = view_run(deps, caller, id).await?;
    Ok(())
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
/// As [`view_run`], and `Conflict::NotRunning`.
pub async fn cancel_run(run: RunDeps<'_>, caller: &Caller, id: RunId) -> Result<CancelledRun> {
    let _ = run;
    let _ = view_run(run.deps, caller, id).await?;
    Err(super::Conflict::NotRunning.into())
}

/// The approvals of a run of the caller, in the order of their calls.
///
/// # Errors
///
/// As [`view_run`].
pub async fn list_approvals(deps: Deps<'_>, caller: &Caller, id: RunId) -> Result<Vec<Approval>> {
    let _ = view_run(deps, caller, id).await?;
    Ok(Vec::new())
}

/// Decides about a call that waits. When all of a run are decided, the run goes on.
///
/// # Errors
///
/// As [`view_run`], [`Error::Invalid`](super::Error::Invalid), and
/// `Conflict::Decided`.
pub async fn decide(
    run: RunDeps<'_>,
    caller: &Caller,
    (id, approval): (RunId, ApprovalId),
    decision: Decision,
) -> Result<(Run, Approval)> {
    let _ = (run.deps, caller, id, approval, decision);
    Err(super::Error::NotFound("approval"))
}

/// A layer of the prompt, as it would be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainedLayer {
    /// Which layer: `safety`, `rules`, `instructions`, …, `history`, `input`.
    pub layer: String,
    /// Where it comes from, for example a rule's id.
    pub source: String,
    /// Its text.
    pub text: String,
    /// How many tokens it has.
    pub tokens: u64,
    /// What was cut off or left out, if something was.
    pub cut: Option<String>,
}

/// The request that would go to the model.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The kind of provider that would be asked.
    pub provider: String,
    /// The model's key.
    pub model: String,
    /// The model as its provider calls it.
    pub upstream_model: String,
    /// How the provider is spoken to.
    pub protocol: String,
    /// The layers, in order.
    pub layers: Vec<ExplainedLayer>,
    /// Tokens of all of it.
    pub tokens: u64,
    /// Whether tokens were counted exactly.
    pub is_exact: bool,
    /// How many tokens the model takes.
    pub context_window: u64,
    /// The tools that would be offered, and where each comes from.
    pub tools: Vec<serde_json::Value>,
    /// What would not be honoured as it stands.
    pub notices: Vec<crate::run::Notice>,
    /// The body of the request, without credentials.
    pub request: serde_json::Value,
}

/// What would be sent to the model; nothing is sent and nothing is stored.
///
/// # Errors
///
/// As [`start_run`]; it needs edit access.
pub async fn explain_run(
    run: RunDeps<'_>,
    caller: &Caller,
    reference: &str,
    command: StartRun,
) -> Result<Explanation> {
    let _ = (run.deps, caller, reference, command);
    Err(super::Error::NotFound("assistant"))
}

/// What a run has come to while it is carried out, so that it can be stored when it
/// is stopped in the middle.
#[derive(Debug, Default)]
pub struct Progress(Mutex<Option<Run>>);

impl Progress {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Option<Run>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Carries a run out, to its end or until it waits for approval. For the [`Runner`],
/// which holds its lease.
pub async fn execute_run(
    run: RunDeps<'_>,
    (tenant, id): (OrganizationId, RunId),
    sink: &dyn RunSink,
    progress: &Progress,
) {
    let _ = (run.deps, tenant, id, sink, progress);
}

/// Stores what came of a run that was stopped in the middle, and tells its followers.
/// For the [`Runner`].
pub async fn interrupt_run(
    run: RunDeps<'_>,
    (tenant, id): (OrganizationId, RunId),
    sink: &dyn RunSink,
    progress: &Progress,
    why: Interruption,
) {
    let _ = (run.deps, tenant, id, sink, progress, why);
}
