//! Threads, their messages, and memories.

use async_trait::async_trait;
use diesel::{
    AsChangeset, ExpressionMethods, Insertable, OptionalExtension, QueryDsl, RunQueryDsl,
    SqliteConnection,
};
use understudy_domain::{
    AssistantId, Memory, MemoryId, Message, MessageId, Thread, ThreadId, UserId,
    ports::{ConversationRepository, StoreError, StoreResult},
};

use crate::{
    errors::{corrupt, on_read, on_write},
    schema::{memories, messages, threads},
    sql::Sql,
    unit_of_work::SqliteUnitOfWork,
    values::{Json, Key},
};

/// A thread as it is to be stored.
#[derive(Debug, Insertable, AsChangeset)]
#[diesel(table_name = threads, check_for_backend(diesel::sqlite::Sqlite))]
#[diesel(primary_key(organization_id, id), treat_none_as_null = true)]
struct NewRow {
    organization_id: Key,
    id: Key,
    user_id: Key,
    assistant_id: Option<Key>,
    visible: bool,
    title_key: Option<String>,
    revision: i64,
    document: Json<Thread>,
}

impl From<Thread> for NewRow {
    fn from(thread: Thread) -> Self {
        Self {
            organization_id: thread.organization.into(),
            id: thread.id.into(),
            user_id: thread.user.into(),
            assistant_id: thread.assistant.map(Key::from),
            visible: thread.is_listed(),
            title_key: thread.title.as_deref().map(str::to_lowercase),
            revision: thread.revision,
            document: Json(thread),
        }
    }
}

/// The thread, or `None`.
pub(crate) fn find(
    conn: &mut SqliteConnection,
    tenant: Key,
    id: ThreadId,
) -> StoreResult<Option<Thread>> {
    let thread = threads::table.find((tenant, Key::from(id)));
    let row = thread.select(threads::document).first::<Json<Thread>>(conn).optional();
    Ok(row.map_err(on_read("threads"))?.map(|document| document.0))
}

/// A message as it is to be stored.
struct NewMessage {
    thread: Key,
    position: i64,
    id: Key,
    document: String,
}

impl NewMessage {
    fn of(message: &Message) -> StoreResult<Self> {
        Ok(Self {
            thread: message.thread.into(),
            position: i64::try_from(message.position).map_err(corrupt("messages"))?,
            id: message.id.into(),
            document: serde_json::to_string(message).map_err(corrupt("messages"))?,
        })
    }

    /// By hand, as the query builder prepares every insert anew.
    fn insert(self, conn: &mut SqliteConnection, tenant: Key) -> StoreResult<()> {
        let mut row = Sql::<()>::new(
            "INSERT INTO messages (organization_id, thread_id, position, id, document) VALUES (",
        );
        row.word(tenant.text()).text(", ").word(self.thread.text()).text(", ");
        row.number(self.position).text(", ").word(self.id.text()).text(", ");
        row.word(self.document).text(")");
        match row.execute(conn).map_err(on_write("messages")) {
            // Somebody else has said something there.
            Err(StoreError::AlreadyExists { .. }) => Err(StoreError::Conflict),
            other => other.map(drop),
        }
    }
}

fn insert_memory(conn: &mut SqliteConnection, tenant: Key, memory: Memory) -> StoreResult<()> {
    let row = (
        memories::organization_id.eq(tenant),
        memories::id.eq(Key::from(memory.id)),
        memories::user_id.eq(Key::from(memory.user)),
        memories::assistant_id.eq(Key::from(memory.assistant)),
        memories::document.eq(Json(memory)),
    );
    diesel::insert_into(memories::table).values(row).execute(conn).map_err(on_write("memories"))?;
    Ok(())
}

/// A message of a thread.
#[diesel::dsl::auto_type]
pub(crate) fn one_message(tenant: Key, thread: Key, id: Key) -> _ {
    messages::table
        .filter(messages::organization_id.eq(tenant))
        .filter(messages::thread_id.eq(thread))
        .filter(messages::id.eq(id))
}

/// What an assistant remembers of a user.
#[diesel::dsl::auto_type]
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
impl ConversationRepository for SqliteUnitOfWork {
    async fn find_thread(&mut self, id: ThreadId) -> StoreResult<Option<Thread>> {
        let tenant = self.tenant();
        self.touch("threads.find", move |conn| find(conn, tenant, id))
    }

    async fn insert_thread(&mut self, thread: &Thread) -> StoreResult<()> {
        self.check_tenant("threads", thread.organization)?;
        let row = NewRow::from(thread.clone());
        self.touch("threads.insert", move |conn| {
            diesel::insert_into(threads::table)
                .values(row)
                .execute(conn)
                .map_err(on_write("threads"))?;
            Ok(())
        })
    }

    async fn update_thread(&mut self, mut thread: Thread) -> StoreResult<Thread> {
        self.check_tenant("threads", thread.organization).or(Err(StoreError::Conflict))?;
        let tenant = self.tenant();
        self.touch("threads.update", move |conn| {
            let read = thread.revision;
            thread.revision += 1;
            let unchanged = threads::table
                .find((tenant, Key::from(thread.id)))
                .filter(threads::revision.eq(read));
            let row = NewRow::from(thread.clone());
            let updated = diesel::update(unchanged).set(row).execute(conn);
            match updated.map_err(on_write("threads"))? {
                1 => Ok(thread),
                _ => Err(StoreError::Conflict),
            }
        })
    }

    async fn delete_thread(&mut self, id: ThreadId) -> StoreResult<bool> {
        let tenant = self.tenant();
        self.run("threads.delete", move |conn| {
            // Messages go with their foreign key.
            let thread = threads::table.find((tenant, Key::from(id)));
            Ok(diesel::delete(thread).execute(conn).map_err(on_write("threads"))? == 1)
        })
        .await
    }

    async fn insert_messages(&mut self, messages: &[Message]) -> StoreResult<()> {
        let tenant = self.tenant();
        let mut rows = Vec::with_capacity(messages.len());
        for message in messages {
            self.check_tenant("messages", message.organization)?;
            rows.push(NewMessage::of(message)?);
        }
        self.touch("messages.insert", move |conn| {
            rows.into_iter().try_for_each(|message| message.insert(conn, tenant))
        })
    }

    async fn delete_messages(&mut self, thread: ThreadId, from: u64) -> StoreResult<u64> {
        let tenant = self.tenant();
        self.run("messages.delete", move |conn| {
            let rest = messages::table
                .filter(messages::organization_id.eq(tenant))
                .filter(messages::thread_id.eq(Key::from(thread)))
                .filter(messages::position.ge(i64::try_from(from).unwrap_or(i64::MAX)));
            let deleted = diesel::delete(rest).execute(conn).map_err(on_write("messages"))?;
            many(deleted, "messages")
        })
        .await
    }

    async fn delete_message(&mut self, thread: ThreadId, id: MessageId) -> StoreResult<bool> {
        let tenant = self.tenant();
        self.run("messages.delete_one", move |conn| {
            let one = one_message(tenant, thread.into(), id.into());
            Ok(diesel::delete(one).execute(conn).map_err(on_write("messages"))? == 1)
        })
        .await
    }

    async fn insert_memories(&mut self, memories: &[Memory]) -> StoreResult<()> {
        for memory in memories {
            self.check_tenant("memories", memory.organization)?;
        }
        let (tenant, memories) = (self.tenant(), memories.to_vec());
        self.run("memories.insert", move |conn| {
            memories.into_iter().try_for_each(|memory| insert_memory(conn, tenant, memory))
        })
        .await
    }

    async fn delete_memory(
        &mut self,
        assistant: AssistantId,
        user: UserId,
        id: MemoryId,
    ) -> StoreResult<bool> {
        let tenant = self.tenant();
        self.run("memories.delete", move |conn| {
            let memory = memories::table
                .find((tenant, Key::from(id)))
                .filter(memories::user_id.eq(Key::from(user)))
                .filter(memories::assistant_id.eq(Key::from(assistant)));
            Ok(diesel::delete(memory).execute(conn).map_err(on_write("memories"))? == 1)
        })
        .await
    }

    async fn delete_memories(&mut self, assistant: AssistantId, user: UserId) -> StoreResult<u64> {
        let tenant = self.tenant();
        self.run("memories.delete_all", move |conn| {
            let all = remembered(tenant, assistant.into(), user.into());
            many(diesel::delete(all).execute(conn).map_err(on_write("memories"))?, "memories")
        })
        .await
    }
}
