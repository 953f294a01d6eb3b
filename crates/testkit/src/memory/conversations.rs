//! Threads, their messages, and memories.

use async_trait::async_trait;
use understudy_domain::{
    AssistantId, Memory, MemoryId, Message, MessageId, OrganizationId, Thread, ThreadId, UserId,
    conversation::Order,
    ports::{ConversationQueries, ConversationRepository, StoreError, StoreResult, ThreadFilter},
};

use super::{
    MemoryStore,
    queries::{most, total},
    work::MemoryUnitOfWork,
};

#[async_trait]
impl ConversationRepository for MemoryUnitOfWork {
    async fn find_thread(&mut self, id: ThreadId) -> StoreResult<Option<Thread>> {
        Ok(self.state.threads.find(self.tenant, &id).cloned())
    }

    async fn insert_thread(&mut self, thread: &Thread) -> StoreResult<()> {
        self.state.threads.insert(self.tenant, thread.id, thread.clone())
    }

    async fn update_thread(&mut self, mut thread: Thread) -> StoreResult<Thread> {
        let stored = self.state.threads.find(self.tenant, &thread.id);
        let is_ours = thread.organization == self.tenant;
        if !is_ours || stored.is_none_or(|stored| stored.revision != thread.revision) {
            return Err(StoreError::Conflict);
        }
        thread.revision += 1;
        self.state.threads.put(thread.id, thread.clone());
        Ok(thread)
    }

    async fn delete_thread(&mut self, id: ThreadId) -> StoreResult<bool> {
        if !self.state.threads.delete(self.tenant, &id) {
            return Ok(false);
        }
        self.state.messages.retain(|message| message.thread != id);
        Ok(true)
    }

    async fn insert_messages(&mut self, messages: &[Message]) -> StoreResult<()> {
        for message in messages {
            let key = (message.thread, message.position);
            let has_thread = self.state.threads.find(self.tenant, &message.thread).is_some();
            if !has_thread || self.state.messages.get(&key).is_some() {
                return Err(StoreError::Conflict);
            }
            self.state.messages.insert(self.tenant, key, message.clone())?;
        }
        Ok(())
    }

    async fn delete_messages(&mut self, thread: ThreadId, from: u64) -> StoreResult<u64> {
        let is_meant = |message: &Message| message.thread == thread && message.position >= from;
        let tenant = self.tenant;
        let count = self.state.messages.of(tenant).filter(|message| is_meant(message)).count();
        self.state.messages.retain(|message| message.organization != tenant || !is_meant(message));
        Ok(total(count))
    }

    async fn delete_message(&mut self, thread: ThreadId, id: MessageId) -> StoreResult<bool> {
        let tenant = self.tenant;
        let is_meant = |message: &Message| message.thread == thread && message.id == id;
        let is_there = self.state.messages.of(tenant).any(is_meant);
        self.state.messages.retain(|message| message.organization != tenant || !is_meant(message));
        Ok(is_there)
    }

    async fn insert_memories(&mut self, memories: &[Memory]) -> StoreResult<()> {
        for memory in memories {
            self.state.memories.insert(self.tenant, memory.id, memory.clone())?;
        }
        Ok(())
    }

    async fn delete_memory(
        &mut self,
        assistant: AssistantId,
        user: UserId,
        id: MemoryId,
    ) -> StoreResult<bool> {
        let memory = self.state.memories.find(self.tenant, &id);
        let is_meant = memory.is_some_and(|memory| is_about(memory, assistant, user));
        Ok(is_meant && self.state.memories.delete(self.tenant, &id))
    }

    async fn delete_memories(&mut self, assistant: AssistantId, user: UserId) -> StoreResult<u64> {
        let tenant = self.tenant;
        let memories = self.state.memories.of(tenant);
        let count = memories.filter(|memory| is_about(memory, assistant, user)).count();
        self.state
            .memories
            .retain(|memory| memory.organization != tenant || !is_about(memory, assistant, user));
        Ok(total(count))
    }
}

fn is_about(memory: &Memory, assistant: AssistantId, user: UserId) -> bool {
    memory.assistant == assistant && memory.user == user
}

/// Whether `id` is behind `after` in a list of this order.
fn is_behind<T: PartialOrd>(id: &T, after: Option<&T>, order: Order) -> bool {
    after.is_none_or(|after| match order {
        Order::Ascending => id > after,
        Order::Descending => id < after,
    })
}

/// The first `limit` of `rows`, which are in ascending order, as `order` wants them.
fn ordered<'a, T: Clone + 'a>(
    rows: impl DoubleEndedIterator<Item = &'a T>,
    order: Order,
    limit: u32,
) -> Vec<T> {
    match order {
        Order::Ascending => rows.take(most(limit)).cloned().collect(),
        Order::Descending => rows.rev().take(most(limit)).cloned().collect(),
    }
}

#[async_trait]
impl ConversationQueries for MemoryStore {
    async fn thread(&self, tenant: OrganizationId, id: ThreadId) -> StoreResult<Option<Thread>> {
        Ok(self.shared.read()?.threads.find(tenant, &id).cloned())
    }

    async fn threads(
        &self,
        tenant: OrganizationId,
        filter: &ThreadFilter,
    ) -> StoreResult<Vec<Thread>> {
        let state = self.shared.read()?;
        let wanted = state.threads.of(tenant).filter(|thread| matches(filter, thread));
        Ok(ordered(wanted, filter.order, filter.limit))
    }

    async fn messages(
        &self,
        tenant: OrganizationId,
        thread: ThreadId,
        after: Option<u64>,
        order: Order,
        limit: u32,
    ) -> StoreResult<Vec<Message>> {
        let state = self.shared.read()?;
        let said = state.messages.of(tenant).filter(|message| message.thread == thread);
        let wanted = said.filter(|message| is_behind(&message.position, after.as_ref(), order));
        Ok(ordered(wanted, order, limit))
    }

    async fn message(
        &self,
        tenant: OrganizationId,
        thread: ThreadId,
        id: MessageId,
    ) -> StoreResult<Option<Message>> {
        let state = self.shared.read()?;
        let mut said = state.messages.of(tenant);
        Ok(said.find(|message| message.thread == thread && message.id == id).cloned())
    }

    async fn memories(
        &self,
        tenant: OrganizationId,
        assistant: AssistantId,
        user: UserId,
        limit: u32,
    ) -> StoreResult<Vec<Memory>> {
        let state = self.shared.read()?;
        let memories = state.memories.of(tenant);
        let wanted = memories.filter(|memory| is_about(memory, assistant, user));
        Ok(ordered(wanted, Order::Descending, limit))
    }
}

fn matches(filter: &ThreadFilter, thread: &Thread) -> bool {
    let has_text = |text: &String| {
        thread.title.as_ref().is_some_and(|title| title.to_lowercase().contains(text))
    };
    let has = |(key, value): (&String, &String)| thread.metadata.get(key) == Some(value);
    thread.is_listed()
        && thread.user == filter.user
        && filter.assistant.is_none_or(|assistant| thread.assistant == Some(assistant))
        && filter.q.as_ref().is_none_or(has_text)
        && filter.metadata.iter().all(has)
        && is_behind(&thread.id, filter.after.as_ref(), filter.order)
}
