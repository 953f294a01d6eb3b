//! Runs: one answer of an assistant, from the request to its last event. In the API
//! a run is called a response.

mod approval;
mod begun;
pub mod context;
mod event;
pub mod file_knowledge;
pub mod fit;
pub mod format;
pub mod moderation;
pub mod naming;
mod outcome;
pub mod passages;
pub mod prompt;
pub mod question;
pub mod remember;
mod request;
pub mod route;
pub mod settings;
pub mod stop;
pub mod summarize;
mod text;
pub mod tools;
pub mod view;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use approval::{Approval, ApprovalState, DecidedCall, Decision};
pub use begun::Begun;
pub use event::{EventData, RunEvent, names};
pub use outcome::{
    Citation, Handover, Notice, NoticeAction, Outcome, RunFailure, RunUsage, StopReason, ToolRecord,
};
pub use request::{CallerTool, Overrides, RequestFormat, RunRequest};

use crate::{
    AssistantId, OrganizationId, RunId, SessionId, ThreadId, Timestamp, TokenId, UserId,
    assistant::content::words, conversation::Item,
};

words!(
    /// How far a run has come.
    RunStatus {
        /// It was taken in and nobody works on it yet.
        Queued = "queued",
        /// A server works on it.
        InProgress = "in_progress",
        /// It waits for somebody to approve calls.
        Waiting = "requires_approval",
        /// It is done.
        Completed = "completed",
        /// It could not be done.
        Failed = "failed",
        /// Somebody stopped it.
        Cancelled = "cancelled",
    }
);

impl RunStatus {
    /// Whether a server works on it or is going to: its thread takes no other turn.
    #[must_use]
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Queued | Self::InProgress)
    }

    /// Whether nothing will ever happen to it again.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// What the caller showed, by which their rights are looked up again during the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunCredential {
    /// A log-in.
    Session(SessionId),
    /// An API token.
    Token(TokenId),
}

/// Why a run is stopped in the middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// Its user asked for it.
    Cancelled,
    /// Nobody listens any more.
    Abandoned,
    /// It took too long.
    Overdue,
    /// The server stops, or the server that worked on it is gone.
    Interrupted,
}

/// Who works on a run, and until when others leave it alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Names the process; a fresh one each time it starts.
    pub owner: Uuid,
    /// When it ends unless it is renewed.
    pub until: Timestamp,
}

/// Where a run goes on that another one left: that one waited for approval, and this
/// one was asked for with the decisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumed {
    /// The run that waited. It has the approvals.
    pub run: RunId,
    /// The run whose input is still being answered: that one, unless it went on itself
    /// where another one had left.
    pub asked: RunId,
    /// How many items at the beginning of the transcript come from there.
    pub carried: usize,
}

/// Where in the transcript of a run the user says something: what was asked beside
/// decisions, behind what the calls came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// The run that was asked it.
    pub run: RunId,
    /// Where it begins.
    pub from: usize,
    /// How many items it has.
    pub count: usize,
}

impl Heard {
    /// Which item of what was asked stands there, if one does.
    #[must_use]
    pub fn number(&self, at: usize) -> Option<usize> {
        at.checked_sub(self.from).filter(|number| *number < self.count)
    }
}

/// One answer of an assistant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Its identifier.
    pub id: RunId,
    /// The organization of who asked: it pays, and the run is stored there. A
    /// `global` assistant may belong to another.
    pub organization: OrganizationId,
    /// Who asked.
    pub user: UserId,
    /// What they showed.
    pub credential: RunCredential,
    /// From where, if it is known: a token may be limited to a network.
    pub address: Option<std::net::IpAddr>,
    /// The assistant that was asked, live or draft.
    pub assistant: AssistantId,
    /// The live assistant behind it: itself unless it is a draft.
    pub lineage: AssistantId,
    /// The version that answers; of a draft, the one that it began from.
    pub version: u32,
    /// Where the conversation is kept, if it is.
    pub thread: Option<ThreadId>,
    /// Whether its user may read it again.
    pub visible: bool,
    /// Whether it goes on when nobody listens.
    pub outlives_connection: bool,
    /// What was asked.
    pub request: RunRequest,
    /// The run that it goes on for, where that one waited for approval.
    #[serde(default)]
    pub resumes: Option<Resumed>,
    /// How far it has come.
    pub status: RunStatus,
    /// What has come of it.
    pub outcome: Outcome,
    /// What was said and done since the input: what a provider is given again when
    /// the run goes on.
    pub transcript: Vec<Item>,
    /// Where in it the user says something; whatever else is said there in their name
    /// is ours, and asks for an answer once more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub heard: Vec<Heard>,
    /// Who works on it.
    pub lease: Option<Lease>,
    /// When somebody asked to stop it.
    pub cancel_requested_at: Option<Timestamp>,
    /// Tokens that were set aside from budgets until it is known what it costs.
    pub reserved_tokens: u64,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When work on it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Counts changes; a stale update conflicts.
    pub revision: i64,
}
