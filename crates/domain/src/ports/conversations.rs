//! The store of threads, their messages, and memories.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::StoreResult;
use crate::{
    AssistantId, MemoryId, MessageId, OrganizationId, ThreadId, UserId,
    conversation::{Memory, Message, Order, Thread},
};

/// Threads, messages and memories of the transaction's organization.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait ConversationRepository: Send {
    /// The thread, locked until the end of the transaction, or `None`.
    async fn find_thread(&mut self, id: ThreadId) -> StoreResult<Option<Thread>>;

    /// Adds a thread.
    async fn insert_thread(&mut self, thread: &Thread) -> StoreResult<()>;

    /// Replaces it and returns it with its next revision.
    ///
    /// # Errors
    ///
    /// MUST be [`StoreError::Conflict`](super::StoreError::Conflict) when the
    /// stored revision is another.
    async fn update_thread(&mut self, thread: Thread) -> StoreResult<Thread>;

    /// Removes it with its messages; `false` when there is none. Runs and memories
    /// stay, also where they name it.
    async fn delete_thread(&mut self, id: ThreadId) -> StoreResult<bool>;

    /// Adds messages to threads.
    ///
    /// # Errors
    ///
    /// MUST be [`StoreError::Conflict`](super::StoreError::Conflict) when a thread
    /// is not there or has a message at that position.
    async fn insert_messages(&mut self, messages: &[Message]) -> StoreResult<()>;

    /// Removes the messages of a thread from this position on, it included; how many
    /// there were.
    async fn delete_messages(&mut self, thread: ThreadId, from: u64) -> StoreResult<u64>;

    /// Removes one message of this thread; `false` when it has none with this id.
    async fn delete_message(&mut self, thread: ThreadId, id: MessageId) -> StoreResult<bool>;

    /// Adds memories.
    async fn insert_memories(&mut self, memories: &[Memory]) -> StoreResult<()>;

    /// Removes a memory of this user; `false` when there is none.
    async fn delete_memory(
        &mut self,
        assistant: AssistantId,
        user: UserId,
        id: MemoryId,
    ) -> StoreResult<bool>;

    /// Removes all that the assistant remembers of the user; how much it was.
    async fn delete_memories(&mut self, assistant: AssistantId, user: UserId) -> StoreResult<u64>;
}

/// Which threads to list. Threads that are not visible never are.
#[derive(Clone, Debug)]
pub struct ThreadFilter {
    /// Whose.
    pub user: UserId,
    /// Bound to this assistant.
    pub assistant: Option<AssistantId>,
    /// Lower-cased text that the title contains, in whatever case. Threads without a
    /// title contain none.
    pub q: Option<String>,
    /// With all of these pairs.
    pub metadata: BTreeMap<String, String>,
    /// Behind this one in the order of the list; it need not be there.
    pub after: Option<ThreadId>,
    /// By the time of making, which is the order of ids.
    pub order: Order,
    /// How many at most.
    pub limit: u32,
}

/// Reads threads, messages and memories.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait ConversationQueries: Send + Sync {
    /// The thread, or `None`.
    async fn thread(&self, tenant: OrganizationId, id: ThreadId) -> StoreResult<Option<Thread>>;

    /// Threads of a user, in the order of their ids. Its cost MUST NOT grow with the
    /// threads of other users.
    async fn threads(
        &self,
        tenant: OrganizationId,
        filter: &ThreadFilter,
    ) -> StoreResult<Vec<Thread>>;

    /// Messages of a thread by position, from behind (or, when descending, from
    /// before) the position `after`.
    async fn messages(
        &self,
        tenant: OrganizationId,
        thread: ThreadId,
        after: Option<u64>,
        order: Order,
        limit: u32,
    ) -> StoreResult<Vec<Message>>;

    /// The message of this thread, or `None`. Its cost MUST NOT grow with the thread.
    async fn message(
        &self,
        tenant: OrganizationId,
        thread: ThreadId,
        id: MessageId,
    ) -> StoreResult<Option<Message>>;

    /// What an assistant remembers of a user, newest first, which is the reverse order
    /// of ids.
    async fn memories(
        &self,
        tenant: OrganizationId,
        assistant: AssistantId,
        user: UserId,
        limit: u32,
    ) -> StoreResult<Vec<Memory>>;
}
