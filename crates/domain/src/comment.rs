//! Comments: what people say about an assistant, to each other.

use crate::{AssistantId, CommentId, OrganizationId, Timestamp, UserId};

/// A comment on an assistant, or the reply to one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// Its identifier; version 7, so comments sort by it.
    pub id: CommentId,
    /// The organization it belongs to.
    pub organization: OrganizationId,
    /// The live assistant it is about.
    pub assistant: AssistantId,
    /// The comment that it replies to; replies have no replies.
    pub parent: Option<CommentId>,
    /// Who wrote it.
    pub author: UserId,
    /// The text, 1 to 10,000 characters.
    pub message: String,
    /// The JSON pointer of the value in the assistant object that it is about.
    pub pointer: Option<String>,
    /// When and by whom it was settled; replies never are.
    pub resolved: Option<(Timestamp, UserId)>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When its message was last changed.
    pub updated_at: Timestamp,
    /// Counts changes; a stale update conflicts.
    pub revision: i64,
}

/// A comment as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommentSummary {
    /// The comment.
    pub comment: Comment,
    /// The author's name; empty when the author is gone or has none.
    pub author_name: String,
    /// How many replies it has.
    pub replies: u64,
}
