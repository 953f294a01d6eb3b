//! Running assistants: a run is started, carried out, followed, paused for approval,
//! stopped and read again (runtime.md).

use super::Deps;
use crate::{
    ThreadId,
    ports::{
        ActionCaller, ChatModel, CodeRunner, DatasetEngine, ImageModel, KnowledgeIndex, McpGateway,
        Moderator, Runner, Tokenizer, Vault, WebSearch,
    },
    run::{Run, RunRequest},
};

mod allowance;
mod asking;
mod basis;
mod calls;
mod deciding;
mod dispatch;
mod ending;
mod execute;
mod explain;
mod form;
mod history;
mod input;
mod interrupt;
mod judging;
mod media;
mod output;
mod pausing;
mod plan;
mod reading;
mod recovering;
mod remembering;
mod resuming;
mod rights;
mod scene;
mod servers;
mod speaking;
mod start;
mod step;
mod summing;
mod superseding;
mod tool;
mod working;

pub use deciding::{CancelledRun, MAX_REASON_CHARS, cancel_run, decide};
pub use execute::execute_run;
pub use explain::{ExplainedLayer, Explanation, explain_run};
pub(in crate::usecases) use input::item_faults;
pub use input::{
    MAX_DATA_BYTES, MAX_INPUT_CHARS, MAX_INPUT_ITEMS, MAX_INSTRUCTIONS_CHARS, MAX_METADATA,
    MAX_TOOLS,
};
pub use interrupt::{QUICK_EDIT, interrupt_run};
pub use pausing::APPROVAL_LIFETIME;
pub use reading::{
    FollowedRun, delete_run, follow_run, judge_follower, list_approvals, view_run, wait_for_run,
};
pub use recovering::{KEEP_EVENTS, KEEP_HIDDEN, recover_runs, renew_lease, sweep_runs};
pub use start::{LEASE, MAX_ACTIVE_RUNS, start_run};
pub use working::Progress;

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
    pub knowledge: &'a dyn KnowledgeIndex,
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
