//! Threads, their messages, and memories.

use async_trait::async_trait;
use diesel::{
    AsChangeset, ExpressionMethods, Insertable, OptionalExtension, QueryDsl,
    dsl::auto_type,
    sql_types::{Array, BigInt, Json as SqlJson, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use understudy_domain::{
    AssistantId, Memory, MemoryId, Message, MessageId, Thread, ThreadId, UserId,
    ports::{ConversationRepository, StoreError, StoreResult},
};

use crate::{
    assistants::metadata,
    errors::{corrupt, on_read, on_write},
    schema::{memories, messages, threads},
    sql::{Sql, prepared},
    unit_of_work::PgUnitOfWork,
    values::{Json, JsonText, Key, comparable},
};

/// A thread as it is to be stored.
#[derive(Debug, Insertable, AsChangeset)]
#[diesel(table_name = threads, check_for_backend(diesel::pg::Pg))]
#[diesel(primary_key(organization_id, id), treat_none_as_null = true)]
#[diesel(treat_none_as_default_value = false)]
struct NewRow {
    organization_id: Key,
    id: Key,
    user_id: Key,
    assistant_id: Option<Key>,
    visible: bool,
    title_key: Option<String>,
    metadata: Value,
    revision: i64,
    document: JsonText,
}

impl NewRow {
    fn of(thread: &Thread) -> StoreResult<Self> {
        Ok(Self {
            organization_id: thread.organization.into(),
            id: thread.id.into(),
            user_id: thread.user.into(),
            assistant_id: thread.assistant.map(Key::from),
            visible: thread.is_listed(),
            title_key: thread.title.as_deref().map(|title| comparable(title.to_lowercase())),
            metadata: metadata(thread.metadata.iter()),
            revision: thread.revision,
            document: JsonText::of(thread)?,
        })
    }
}

/// A message of a thread.
#[auto_type]
pub(crate) fn one_message(tenant: Key, thread: Key, id: Key) -> _ {
    messages::table
        .filter(messages::organization_id.eq(tenant))
        .filter(messages::thread_id.eq(thread))
        .filter(messages::id.eq(id))
}

/// What an assistant remembers of a user.
#[auto_type]
pub(crate) fn remembered(tenant: Key, assistant: Key, user: Key) -> _ {
    memories::table
        .filter(memories::organization_id.eq(tenant))
        .filter(memories::user_id.eq(user))
        .filter(memories::assistant_id.eq(assistant))
}

fn many(count: usize, table: &'static str) -> StoreResult<u64> {
    u64::try_from(count).map_err(corrupt(table))
}

#[async_trait]
impl ConversationRepository for PgUnitOfWork {
    #[tracing::instrument(name = "db.threads.find", skip_all, fields(thread.id = %id))]
    async fn find_thread(&mut self, id: ThreadId) -> StoreResult<Option<Thread>> {
        let row: Option<Json<Thread>> = threads::table
            .find((self.tenant(), Key::from(id)))
            .select(threads::document)
            .for_no_key_update()
            .first(self.conn()?)
            .await
            .optional()
            .map_err(on_read("threads"))?;
        Ok(row.map(|document| document.0))
    }

    #[tracing::instrument(name = "db.threads.insert", skip_all, fields(thread.id = %thread.id))]
    async fn insert_thread(&mut self, thread: &Thread) -> StoreResult<()> {
        prepared(diesel::insert_into(threads::table).values(NewRow::of(thread)?))
            .execute(self.conn()?)
            .await
            .map_err(on_write("threads"))?;
        Ok(())
    }

    #[tracing::instrument(name = "db.threads.update", skip_all, fields(thread.id = %thread.id))]
    async fn update_thread(&mut self, mut thread: Thread) -> StoreResult<Thread> {
        let read = thread.revision;
        thread.revision += 1;
        let unchanged = threads::table
            .find((self.tenant(), Key::from(thread.id)))
            .filter(threads::revision.eq(read));
        let updated = prepared(diesel::update(unchanged).set(NewRow::of(&thread)?))
            .execute(self.conn()?)
            .await;
        if updated.map_err(on_write("threads"))? != 1 {
            return Err(StoreError::Conflict);
        }
        Ok(thread)
    }

    #[tracing::instrument(name = "db.threads.delete", skip_all, fields(thread.id = %id))]
    async fn delete_thread(&mut self, id: ThreadId) -> StoreResult<bool> {
        // Messages go with their foreign key.
        let thread = threads::table.find((self.tenant(), Key::from(id)));
        let deleted = diesel::delete(thread).execute(self.conn()?).await;
        Ok(deleted.map_err(on_write("threads"))? == 1)
    }

    #[tracing::instrument(name = "db.messages.insert", skip_all)]
    async fn insert_messages(&mut self, messages: &[Message]) -> StoreResult<()> {
        let each = || messages.iter();
        let tenants: Vec<Key> = each().map(|it| it.organization.into()).collect();
        let threads: Vec<Key> = each().map(|it| it.thread.into()).collect();
        let position =
            |message: &Message| i64::try_from(message.position).map_err(corrupt("messages"));
        let positions: Vec<i64> = each().map(position).collect::<StoreResult<_>>()?;
        let ids: Vec<Key> = each().map(|it| it.id.into()).collect();
        let documents: Vec<JsonText> = each().map(JsonText::of).collect::<StoreResult<_>>()?;
        let inserted = Sql::<()>::new(
            "INSERT INTO messages (organization_id, thread_id, position, id, document) \
             SELECT m.* FROM unnest(?, ?, ?, ?, ?) \
             AS m (organization_id, thread_id, position, id, document)",
        )
        .bind::<Array<SqlUuid>, _>(tenants)
        .bind::<Array<SqlUuid>, _>(threads)
        .bind::<Array<BigInt>, _>(positions)
        .bind::<Array<SqlUuid>, _>(ids)
        .bind::<Array<SqlJson>, _>(documents)
        .execute(self.conn()?)
        .await;
        match inserted.map_err(on_write("messages")) {
            // Somebody else has said something there.
            Err(StoreError::AlreadyExists { .. }) => Err(StoreError::Conflict),
            other => other.map(drop),
        }
    }

    #[tracing::instrument(name = "db.messages.delete", skip_all, fields(thread.id = %thread))]
    async fn delete_messages(&mut self, thread: ThreadId, from: u64) -> StoreResult<u64> {
        let rest = messages::table
            .filter(messages::organization_id.eq(self.tenant()))
            .filter(messages::thread_id.eq(Key::from(thread)))
            .filter(messages::position.ge(i64::try_from(from).unwrap_or(i64::MAX)));
        let deleted = diesel::delete(rest).execute(self.conn()?).await;
        many(deleted.map_err(on_write("messages"))?, "messages")
    }

    #[tracing::instrument(name = "db.messages.delete_one", skip_all, fields(thread.id = %thread))]
    async fn delete_message(&mut self, thread: ThreadId, id: MessageId) -> StoreResult<bool> {
        let one = one_message(self.tenant(), thread.into(), id.into());
        let deleted = diesel::delete(one).execute(self.conn()?).await;
        Ok(deleted.map_err(on_write("messages"))? == 1)
    }

    #[tracing::instrument(name = "db.memories.insert", skip_all)]
    async fn insert_memories(&mut self, memories: &[Memory]) -> StoreResult<()> {
        let each = || memories.iter();
        let tenants: Vec<Key> = each().map(|it| it.organization.into()).collect();
        let ids: Vec<Key> = each().map(|it| it.id.into()).collect();
        let users: Vec<Key> = each().map(|it| it.user.into()).collect();
        let assistants: Vec<Key> = each().map(|it| it.assistant.into()).collect();
        let documents: Vec<JsonText> = each().map(JsonText::of).collect::<StoreResult<_>>()?;
        Sql::<()>::new(
            "INSERT INTO memories (organization_id, id, user_id, assistant_id, document) \
             SELECT m.* FROM unnest(?, ?, ?, ?, ?) \
             AS m (organization_id, id, user_id, assistant_id, document)",
        )
        .bind::<Array<SqlUuid>, _>(tenants)
        .bind::<Array<SqlUuid>, _>(ids)
        .bind::<Array<SqlUuid>, _>(users)
        .bind::<Array<SqlUuid>, _>(assistants)
        .bind::<Array<SqlJson>, _>(documents)
        .execute(self.conn()?)
        .await
        .map_err(on_write("memories"))?;
        Ok(())
    }

    #[tracing::instrument(name = "db.memories.delete", skip_all, fields(memory.id = %id))]
    async fn delete_memory(
        &mut self,
        assistant: AssistantId,
        user: UserId,
        id: MemoryId,
    ) -> StoreResult<bool> {
        let memory = memories::table
            .find((self.tenant(), Key::from(id)))
            .filter(memories::user_id.eq(Key::from(user)))
            .filter(memories::assistant_id.eq(Key::from(assistant)));
        let deleted = diesel::delete(memory).execute(self.conn()?).await;
        Ok(deleted.map_err(on_write("memories"))? == 1)
    }

    #[tracing::instrument(name = "db.memories.delete_all", skip_all)]
    async fn delete_memories(&mut self, assistant: AssistantId, user: UserId) -> StoreResult<u64> {
        let all = remembered(self.tenant(), assistant.into(), user.into());
        let deleted = diesel::delete(all).execute(self.conn()?).await;
        many(deleted.map_err(on_write("memories"))?, "memories")
    }
}
