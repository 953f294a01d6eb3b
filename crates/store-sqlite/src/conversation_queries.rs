//! Reading threads, messages and memories.

use async_trait::async_trait;
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl, SqliteConnection, sql_types::Text,
};
use understudy_domain::{
    AssistantId, Memory, Message, MessageId, OrganizationId, Thread, ThreadId, UserId,
    conversation::Order,
    ports::{ConversationQueries, StoreResult, ThreadFilter},
};

use crate::{
    conversations::{find, one_message, remembered},
    errors::on_read,
    schema::{memories, messages as said},
    sql::Sql,
    store::SqliteStore,
    values::{Json, Key},
};

/// The documents of a page of threads. Conditions that no index serves are always
/// there, so that there are few statements.
pub(crate) fn page(tenant: Key, filter: &ThreadFilter) -> Sql<Text> {
    let assistant = filter.assistant.map(|assistant| Key::from(assistant).text());
    let pairs = filter.metadata.iter();
    let wanted: serde_json::Value = pairs.map(|(key, value)| vec![&**key, &**value]).collect();
    let mut sql = Sql::new(
        "SELECT t.document FROM threads t INDEXED BY threads_in_order WHERE t.organization_id = ",
    );
    sql.word(tenant.text()).text(" AND t.user_id = ").word(Key::from(filter.user).text());
    sql.text(" AND t.visible = 1");
    if let Some(after) = filter.after {
        sql.text(match filter.order {
            Order::Ascending => " AND t.id > ",
            Order::Descending => " AND t.id < ",
        });
        sql.word(Key::from(after).text());
    }
    sql.text(" AND (").word(assistant.clone()).text(" IS NULL OR t.assistant_id = ");
    sql.word(assistant);
    sql.text(") AND (").word(filter.q.clone()).text(" IS NULL OR instr(t.title_key, ");
    sql.word(filter.q.clone());
    // No pair is wanted that the thread lacks.
    sql.text(") > 0) AND NOT EXISTS (SELECT 1 FROM json_each(").word(wanted.to_string());
    sql.text(
        ") p WHERE NOT EXISTS (SELECT 1 FROM json_each(t.document, '$.metadata') m \
         WHERE m.key = p.value ->> 0 AND m.value = p.value ->> 1)) ORDER BY t.id",
    );
    sql.text(match filter.order {
        Order::Ascending => " LIMIT ",
        Order::Descending => " DESC LIMIT ",
    });
    sql.number(i64::from(filter.limit));
    sql
}

/// The documents of a page of a thread's messages.
pub(crate) fn messages(
    tenant: Key,
    thread: ThreadId,
    after: Option<u64>,
    order: Order,
    limit: u32,
) -> Sql<Text> {
    // No thread is as long as the largest number.
    let after = after.map(|after| i64::try_from(after).unwrap_or(i64::MAX));
    let mut sql = Sql::new("SELECT document FROM messages WHERE organization_id = ");
    sql.word(tenant.text()).text(" AND thread_id = ").word(Key::from(thread).text());
    match order {
        Order::Ascending => {
            sql.text(" AND position > ").number(after.unwrap_or(i64::MIN));
            sql.text(" ORDER BY position LIMIT ")
        }
        Order::Descending => {
            sql.text(" AND position < ").number(after.unwrap_or(i64::MAX));
            sql.text(" ORDER BY position DESC LIMIT ")
        }
    };
    sql.number(i64::from(limit));
    sql
}

fn memories(
    conn: &mut SqliteConnection,
    tenant: Key,
    assistant: AssistantId,
    user: UserId,
    limit: u32,
) -> StoreResult<Vec<Memory>> {
    let rows: Vec<Json<Memory>> = remembered(tenant, assistant.into(), user.into())
        .order(memories::id.desc())
        .limit(limit.into())
        .select(memories::document)
        .load(conn)
        .map_err(on_read("memories"))?;
    Ok(rows.into_iter().map(|document| document.0).collect())
}

#[async_trait]
impl ConversationQueries for SqliteStore {
    async fn thread(&self, tenant: OrganizationId, id: ThreadId) -> StoreResult<Option<Thread>> {
        self.readers.glance("threads.read", move |conn| find(conn, tenant.into(), id)).await
    }

    async fn threads(
        &self,
        tenant: OrganizationId,
        filter: &ThreadFilter,
    ) -> StoreResult<Vec<Thread>> {
        let page = page(tenant.into(), filter);
        self.readers
            .run("threads.list", move |conn| {
                let rows: Vec<Json<Thread>> = page.load(conn).map_err(on_read("threads"))?;
                Ok(rows.into_iter().map(|document| document.0).collect())
            })
            .await
    }

    async fn messages(
        &self,
        tenant: OrganizationId,
        thread: ThreadId,
        after: Option<u64>,
        order: Order,
        limit: u32,
    ) -> StoreResult<Vec<Message>> {
        let page = messages(tenant.into(), thread, after, order, limit);
        self.readers
            .run("messages.list", move |conn| {
                let rows: Vec<Json<Message>> = page.load(conn).map_err(on_read("messages"))?;
                Ok(rows.into_iter().map(|document| document.0).collect())
            })
            .await
    }

    async fn message(
        &self,
        tenant: OrganizationId,
        thread: ThreadId,
        id: MessageId,
    ) -> StoreResult<Option<Message>> {
        self.readers
            .run("messages.read", move |conn| {
                let one = one_message(tenant.into(), thread.into(), id.into());
                let row = one.select(said::document).first::<Json<Message>>(conn).optional();
                Ok(row.map_err(on_read("messages"))?.map(|document| document.0))
            })
            .await
    }

    async fn memories(
        &self,
        tenant: OrganizationId,
        assistant: AssistantId,
        user: UserId,
        limit: u32,
    ) -> StoreResult<Vec<Memory>> {
        self.readers
            .run("memories.list", move |conn| memories(conn, tenant.into(), assistant, user, limit))
            .await
    }
}
