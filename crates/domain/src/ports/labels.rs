//! The store of tags and favourites.

use async_trait::async_trait;

use super::StoreResult;
use crate::{AssistantId, OrganizationId, Tag, TagId, Timestamp, UserId};

/// Tags of the transaction's organization, and what its users marked as favourites.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait LabelRepository: Send {
    /// The tag, locked until the end of the transaction, or `None`.
    async fn find(&mut self, id: TagId) -> StoreResult<Option<Tag>>;

    /// Adds a tag.
    ///
    /// # Errors
    ///
    /// MUST be [`StoreError::AlreadyExists`](super::StoreError::AlreadyExists)
    /// `name` when the name is taken without regard to case.
    async fn insert(&mut self, tag: &Tag) -> StoreResult<()>;

    /// Replaces it and returns it with its next revision.
    ///
    /// # Errors
    ///
    /// MUST be [`StoreError::Conflict`](super::StoreError::Conflict) when the
    /// stored revision is another, and `AlreadyExists` as for
    /// [`insert`](Self::insert).
    async fn update(&mut self, tag: Tag) -> StoreResult<Tag>;

    /// Removes it and takes it off every assistant, whose revisions MUST count up;
    /// `false` when there is none.
    async fn delete(&mut self, id: TagId) -> StoreResult<bool>;

    /// Marks an assistant, perhaps of another organization, as the user's
    /// favourite; `false` when it was one. Users that are removed take their marks
    /// along.
    async fn add_favorite(
        &mut self,
        user: UserId,
        assistant: AssistantId,
        now: Timestamp,
    ) -> StoreResult<bool>;

    /// Takes the mark away; `false` when there was none.
    async fn remove_favorite(&mut self, user: UserId, assistant: AssistantId) -> StoreResult<bool>;
}

/// Reads tags and favourites.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait LabelQueries: Send + Sync {
    /// All tags, by name without regard to case.
    async fn tags(&self, tenant: OrganizationId) -> StoreResult<Vec<Tag>>;

    /// Since when the assistant is the user's favourite, if it is.
    async fn favorite(
        &self,
        tenant: OrganizationId,
        user: UserId,
        assistant: AssistantId,
    ) -> StoreResult<Option<Timestamp>>;
}
