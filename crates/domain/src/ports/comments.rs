//! The store of comments.

use async_trait::async_trait;

use super::StoreResult;
use crate::{
    AssistantId, Comment, CommentId, OrganizationId, Timestamp, UserId, comment::CommentSummary,
};

/// Comments of the transaction's organization.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait CommentRepository: Send {
    /// The comment, locked until the end of the transaction, or `None`.
    async fn find(&mut self, id: CommentId) -> StoreResult<Option<Comment>>;

    /// Adds a comment.
    ///
    /// # Errors
    ///
    /// MUST be [`StoreError::Conflict`](super::StoreError::Conflict) when the
    /// comment that it replies to is not there.
    async fn insert(&mut self, comment: &Comment) -> StoreResult<()>;

    /// Replaces it and returns it with its next revision.
    ///
    /// # Errors
    ///
    /// MUST be [`StoreError::Conflict`](super::StoreError::Conflict) when the
    /// stored revision is another.
    async fn update(&mut self, comment: Comment) -> StoreResult<Comment>;

    /// Removes it with its replies; `false` when there is none.
    async fn delete(&mut self, id: CommentId) -> StoreResult<bool>;

    /// How many comments and replies the assistant has.
    async fn count(&mut self, assistant: AssistantId) -> StoreResult<u64>;

    /// Notes that the user has read what was written until `until`; of two times
    /// the later one MUST stay. Users that are removed take their notes along.
    async fn mark_read(
        &mut self,
        user: UserId,
        assistant: AssistantId,
        until: Timestamp,
    ) -> StoreResult<()>;
}

/// Which comments to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommentListQuery {
    /// The live assistant.
    pub assistant: AssistantId,
    /// The comment whose replies are meant; `None` for those that reply to none.
    pub parent: Option<CommentId>,
    /// Whether the newest come first.
    pub newest_first: bool,
    /// Only those that are settled, or only those that are not.
    pub resolved: Option<bool>,
    /// Behind this one, in the order of the list.
    pub after: Option<CommentId>,
    /// How many at most.
    pub limit: u32,
}

/// Reads comments.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait CommentQueries: Send + Sync {
    /// The comment, or `None`.
    async fn find(
        &self,
        tenant: OrganizationId,
        id: CommentId,
    ) -> StoreResult<Option<CommentSummary>>;

    /// Comments in the order of their ids.
    async fn list(
        &self,
        tenant: OrganizationId,
        query: &CommentListQuery,
    ) -> StoreResult<Vec<CommentSummary>>;

    /// Until when the user has read the assistant's comments, if ever.
    async fn read_until(
        &self,
        tenant: OrganizationId,
        user: UserId,
        assistant: AssistantId,
    ) -> StoreResult<Option<Timestamp>>;

    /// How many comments and replies of others were written behind what the user
    /// has read.
    async fn unread(
        &self,
        tenant: OrganizationId,
        user: UserId,
        assistant: AssistantId,
    ) -> StoreResult<u64>;
}
