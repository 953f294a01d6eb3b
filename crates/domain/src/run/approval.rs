//! Approvals: calls that wait for a person.

use serde::{Deserialize, Serialize};

use crate::{
    ApprovalId, OrganizationId, RunId, Timestamp, UserId, assistant::content::words,
    conversation::ToolCall,
};

words!(
    /// What became of a call that needs approval.
    ApprovalState {
        /// Nobody has decided.
        Pending = "pending",
        /// It may be run, once.
        Approved = "approved",
        /// It may not.
        Denied = "denied",
        /// Nobody decided in time, or the conversation went on.
        Expired = "expired",
    }
);

/// A call that waits for its user's approval, with its exact arguments
/// (reference §3.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Its identifier.
    pub id: ApprovalId,
    /// The organization of the run.
    pub organization: OrganizationId,
    /// The run.
    pub run: RunId,
    /// The only one who may decide.
    pub user: UserId,
    /// The call as the model made it. What is approved is this and nothing else.
    pub call: ToolCall,
    /// Where the tool is: an MCP server's label, or `skill`.
    pub server_label: String,
    /// The tool's own name there.
    pub tool: String,
    /// What the tool was when the call was made: a hash of where it is, its name,
    /// description and schema. A tool that is another by then is not run.
    pub pin: String,
    /// What became of it.
    pub state: ApprovalState,
    /// Why, if it was said.
    pub reason: Option<String>,
    /// When the call was made.
    pub created_at: Timestamp,
    /// When it is too late to decide.
    pub expires_at: Timestamp,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
}

/// What a person decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Whether the call may be run.
    pub approve: bool,
    /// Why; told to the model when it may not. At most 1,000 characters.
    pub reason: Option<String>,
}

/// A decision about one of the calls that a run waits with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecidedCall {
    /// The call that waits.
    pub approval: ApprovalId,
    /// What becomes of it.
    pub decision: Decision,
}
