//! Reading threads, messages and memories.

use async_trait::async_trait;
use diesel::{
    ExpressionMethods, QueryDsl,
    sql_types::{BigInt, Bool, Json as SqlJson, Jsonb, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use understudy_domain::{
    AssistantId, Memory, Message, MessageId, OrganizationId, Thread, ThreadId, UserId,
    conversation::Order,
    ports::{ConversationQueries, StoreResult, ThreadFilter},
};
use uuid::Uuid;

use crate::{
    assistants::metadata,
    conversations::{one_message, remembered},
    errors::on_read,
    schema::{memories, messages, threads},
    sql::Sql,
    store::PgStore,
    transaction::Transaction,
    values::{Json, Key, comparable},
};

/// The documents of a page of threads.
fn page(tenant: OrganizationId, filter: &ThreadFilter) -> Sql<SqlJson> {
    // Ids are of version 7: neither the smallest nor the largest of all is one.
    let (ascending, end) = match filter.order {
        Order::Ascending => (true, Uuid::nil()),
        Order::Descending => (false, Uuid::max()),
    };
    Sql::new("SELECT * FROM list_threads(?, ?, ?, ?, ?, ?, ?, ?)")
        .bind::<SqlUuid, _>(Key::from(tenant))
        .bind::<SqlUuid, _>(Key::from(filter.user))
        .bind::<Bool, _>(ascending)
        .bind::<SqlUuid, _>(filter.after.map_or(Key(end), Key::from))
        .bind::<Nullable<SqlUuid>, _>(filter.assistant.map(Key::from))
        .bind::<Nullable<Text>, _>(filter.q.clone().map(comparable))
        .bind::<Jsonb, _>(metadata(filter.metadata.iter()))
        .bind::<BigInt, _>(i64::from(filter.limit))
}

#[async_trait]
impl ConversationQueries for PgStore {
    #[tracing::instrument(name = "db.threads.read", skip_all, fields(thread.id = %id))]
    async fn thread(&self, tenant: OrganizationId, id: ThreadId) -> StoreResult<Option<Thread>> {
        let thread =
            threads::table.find((Key::from(tenant), Key::from(id))).select(threads::document);
        let rows: Vec<Json<Thread>> = Transaction::read(&self.connections, tenant, thread)
            .await?
            .map_err(on_read("threads"))?;
        Ok(rows.into_iter().next().map(|document| document.0))
    }

    #[tracing::instrument(name = "db.threads.list", skip_all)]
    async fn threads(
        &self,
        tenant: OrganizationId,
        filter: &ThreadFilter,
    ) -> StoreResult<Vec<Thread>> {
        let mut conn = self.connections.get().await?;
        let rows: Vec<Json<Thread>> =
            page(tenant, filter).load(&mut conn).await.map_err(on_read("threads"))?;
        Ok(rows.into_iter().map(|document| document.0).collect())
    }

    #[tracing::instrument(name = "db.messages.list", skip_all, fields(thread.id = %thread))]
    async fn messages(
        &self,
        tenant: OrganizationId,
        thread: ThreadId,
        after: Option<u64>,
        order: Order,
        limit: u32,
    ) -> StoreResult<Vec<Message>> {
        // No thread is as long as the largest number.
        let after = after.map(|after| i64::try_from(after).unwrap_or(i64::MAX));
        let all = messages::table
            .filter(messages::organization_id.eq(Key::from(tenant)))
            .filter(messages::thread_id.eq(Key::from(thread)))
            .limit(limit.into())
            .select(messages::document);
        let rows: Vec<Json<Message>> = match order {
            Order::Ascending => {
                let page = all
                    .filter(messages::position.gt(after.unwrap_or(i64::MIN)))
                    .order(messages::position);
                Transaction::read(&self.connections, tenant, page).await?
            }
            Order::Descending => {
                let page = all
                    .filter(messages::position.lt(after.unwrap_or(i64::MAX)))
                    .order(messages::position.desc());
                Transaction::read(&self.connections, tenant, page).await?
            }
        }
        .map_err(on_read("messages"))?;
        Ok(rows.into_iter().map(|document| document.0).collect())
    }

    #[tracing::instrument(name = "db.messages.read", skip_all, fields(thread.id = %thread))]
    async fn message(
        &self,
        tenant: OrganizationId,
        thread: ThreadId,
        id: MessageId,
    ) -> StoreResult<Option<Message>> {
        let one = one_message(tenant.into(), thread.into(), id.into()).select(messages::document);
        let rows: Vec<Json<Message>> = Transaction::read(&self.connections, tenant, one)
            .await?
            .map_err(on_read("messages"))?;
        Ok(rows.into_iter().next().map(|document| document.0))
    }

    #[tracing::instrument(name = "db.memories.list", skip_all)]
    async fn memories(
        &self,
        tenant: OrganizationId,
        assistant: AssistantId,
        user: UserId,
        limit: u32,
    ) -> StoreResult<Vec<Memory>> {
        let newest = remembered(tenant.into(), assistant.into(), user.into())
            .order(memories::id.desc())
            .limit(limit.into())
            .select(memories::document);
        let rows: Vec<Json<Memory>> = Transaction::read(&self.connections, tenant, newest)
            .await?
            .map_err(on_read("memories"))?;
        Ok(rows.into_iter().map(|document| document.0).collect())
    }
}
