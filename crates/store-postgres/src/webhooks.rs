//! Webhooks and their deliveries.

use async_trait::async_trait;
use diesel::{
    AsChangeset, ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable, Selectable,
    SelectableHelper,
    sql_types::{BigInt, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use understudy_domain::{
    Attempt, Delivery, DeliveryId, DeliveryState, OrganizationId, Timestamp, Webhook, WebhookId,
    ports::{StoreError, StoreResult, WebhookQueries, WebhookRepository},
};
use uuid::Uuid;

use crate::{
    errors::{corrupt, on_read, on_write},
    schema::{webhook_deliveries, webhooks},
    sql::{Sql, prepared},
    store::PgStore,
    transaction::Transaction,
    unit_of_work::PgUnitOfWork,
    values::{Json, JsonText, Key, Moment},
};

/// How many deliveries one statement adds: they have eleven parameters each, and a
/// statement takes 65,535.
const BATCH: usize = 1_000;

/// A webhook as it is stored.
#[derive(Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = webhooks, check_for_backend(diesel::pg::Pg))]
#[diesel(primary_key(organization_id, id), treat_none_as_null = true)]
#[diesel(treat_none_as_default_value = false)]
struct Row {
    organization_id: Key,
    id: Key,
    url: String,
    description: Option<String>,
    events: Vec<String>,
    secret: Vec<u8>,
    enabled: bool,
    disabled_reason: Option<String>,
    cursor: i64,
    failing_since: Option<Moment>,
    created_by: Key,
    created_at: Moment,
    updated_at: Moment,
    revision: i64,
}

impl Row {
    fn of(webhook: &Webhook) -> StoreResult<Self> {
        Ok(Self {
            organization_id: webhook.organization.into(),
            id: webhook.id.into(),
            url: webhook.url.clone(),
            description: webhook.description.clone(),
            events: webhook.events.clone(),
            secret: webhook.secret.clone(),
            enabled: webhook.enabled,
            disabled_reason: webhook.disabled_reason.clone(),
            cursor: i64::try_from(webhook.cursor).map_err(corrupt("webhooks"))?,
            failing_since: webhook.failing_since.map(Moment),
            created_by: webhook.created_by.into(),
            created_at: Moment(webhook.created_at),
            updated_at: Moment(webhook.updated_at),
            revision: webhook.revision,
        })
    }
}

impl TryFrom<Row> for Webhook {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id.id(),
            organization: row.organization_id.id(),
            url: row.url,
            description: row.description,
            events: row.events,
            secret: row.secret,
            enabled: row.enabled,
            disabled_reason: row.disabled_reason,
            cursor: u64::try_from(row.cursor).map_err(corrupt("webhooks"))?,
            failing_since: row.failing_since.map(|at| at.0),
            created_by: row.created_by.id(),
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            revision: row.revision,
        })
    }
}

/// A delivery as it is stored.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = webhook_deliveries, check_for_backend(diesel::pg::Pg))]
struct DeliveryRow {
    organization_id: Key,
    id: Key,
    webhook_id: Key,
    event_seq: i64,
    event_id: Key,
    action: String,
    state: String,
    attempts: Json<Vec<Attempt>>,
    next_attempt_at: Moment,
    created_at: Moment,
    revision: i64,
}

impl TryFrom<DeliveryRow> for Delivery {
    type Error = StoreError;

    fn try_from(row: DeliveryRow) -> Result<Self, StoreError> {
        let state = DeliveryState::from_word(&row.state);
        Ok(Self {
            id: row.id.id(),
            organization: row.organization_id.id(),
            webhook: row.webhook_id.id(),
            event_seq: u64::try_from(row.event_seq).map_err(corrupt("webhook_deliveries"))?,
            event: row.event_id.id(),
            action: row.action,
            state: state
                .ok_or_else(|| corrupt("webhook_deliveries")("no delivery is in this state"))?,
            attempts: row.attempts.0,
            next_attempt_at: row.next_attempt_at.0,
            created_at: row.created_at.0,
            revision: row.revision,
        })
    }
}

/// A delivery as it is to be stored.
#[derive(Debug, Insertable, AsChangeset)]
#[diesel(table_name = webhook_deliveries, check_for_backend(diesel::pg::Pg))]
#[diesel(primary_key(organization_id, id))]
struct NewDeliveryRow {
    organization_id: Key,
    id: Key,
    webhook_id: Key,
    event_seq: i64,
    event_id: Key,
    action: String,
    state: &'static str,
    attempts: JsonText,
    next_attempt_at: Moment,
    created_at: Moment,
    revision: i64,
}

impl NewDeliveryRow {
    fn of(delivery: &Delivery) -> StoreResult<Self> {
        Ok(Self {
            organization_id: delivery.organization.into(),
            id: delivery.id.into(),
            webhook_id: delivery.webhook.into(),
            event_seq: i64::try_from(delivery.event_seq).map_err(corrupt("webhook_deliveries"))?,
            event_id: delivery.event.into(),
            action: delivery.action.clone(),
            state: delivery.state.as_str(),
            attempts: JsonText::of(&delivery.attempts)?,
            next_attempt_at: Moment(delivery.next_attempt_at),
            created_at: Moment(delivery.created_at),
            revision: delivery.revision,
        })
    }
}

#[async_trait]
impl WebhookRepository for PgUnitOfWork {
    #[tracing::instrument(name = "db.webhooks.find", skip_all, fields(webhook.id = %id))]
    async fn find(&mut self, id: WebhookId) -> StoreResult<Option<Webhook>> {
        let row: Option<Row> = webhooks::table
            .find((self.tenant(), Key::from(id)))
            .select(Row::as_select())
            .for_no_key_update()
            .first(self.conn()?)
            .await
            .optional()
            .map_err(on_read("webhooks"))?;
        row.map(Webhook::try_from).transpose()
    }

    #[tracing::instrument(name = "db.webhooks.insert", skip_all, fields(webhook.id = %webhook.id))]
    async fn insert(&mut self, webhook: &Webhook) -> StoreResult<()> {
        prepared(diesel::insert_into(webhooks::table).values(Row::of(webhook)?))
            .execute(self.conn()?)
            .await
            .map_err(on_write("webhooks"))?;
        Ok(())
    }

    #[tracing::instrument(name = "db.webhooks.update", skip_all, fields(webhook.id = %webhook.id))]
    async fn update(&mut self, mut webhook: Webhook) -> StoreResult<Webhook> {
        let read = webhook.revision;
        webhook.revision += 1;
        let unchanged = webhooks::table
            .find((self.tenant(), Key::from(webhook.id)))
            .filter(webhooks::revision.eq(read));
        let updated =
            prepared(diesel::update(unchanged).set(Row::of(&webhook)?)).execute(self.conn()?).await;
        if updated.map_err(on_write("webhooks"))? != 1 {
            return Err(StoreError::Conflict);
        }
        Ok(webhook)
    }

    #[tracing::instrument(name = "db.webhooks.delete", skip_all, fields(webhook.id = %id))]
    async fn delete(&mut self, id: WebhookId) -> StoreResult<bool> {
        // Deliveries go with their foreign key.
        let webhook = webhooks::table.find((self.tenant(), Key::from(id)));
        let deleted = diesel::delete(webhook).execute(self.conn()?).await;
        Ok(deleted.map_err(on_write("webhooks"))? == 1)
    }

    #[tracing::instrument(name = "db.webhook_deliveries.insert", skip_all)]
    async fn insert_deliveries(&mut self, deliveries: &[Delivery]) -> StoreResult<()> {
        for some in deliveries.chunks(BATCH) {
            let rows: Vec<NewDeliveryRow> =
                some.iter().map(NewDeliveryRow::of).collect::<StoreResult<_>>()?;
            diesel::insert_into(webhook_deliveries::table)
                .values(rows)
                .execute(self.conn()?)
                .await
                .map_err(on_write("webhook_deliveries"))?;
        }
        Ok(())
    }

    #[tracing::instrument(name = "db.webhook_deliveries.find", skip_all, fields(delivery.id = %id))]
    async fn find_delivery(&mut self, id: DeliveryId) -> StoreResult<Option<Delivery>> {
        let row: Option<DeliveryRow> = webhook_deliveries::table
            .find((self.tenant(), Key::from(id)))
            .select(DeliveryRow::as_select())
            .for_no_key_update()
            .first(self.conn()?)
            .await
            .optional()
            .map_err(on_read("webhook_deliveries"))?;
        row.map(Delivery::try_from).transpose()
    }

    #[tracing::instrument(
        name = "db.webhook_deliveries.update", skip_all, fields(delivery.id = %delivery.id)
    )]
    async fn update_delivery(&mut self, mut delivery: Delivery) -> StoreResult<Delivery> {
        let read = delivery.revision;
        delivery.revision += 1;
        let unchanged = webhook_deliveries::table
            .find((self.tenant(), Key::from(delivery.id)))
            .filter(webhook_deliveries::revision.eq(read));
        let updated = prepared(diesel::update(unchanged).set(NewDeliveryRow::of(&delivery)?))
            .execute(self.conn()?)
            .await;
        if updated.map_err(on_write("webhook_deliveries"))? != 1 {
            return Err(StoreError::Conflict);
        }
        Ok(delivery)
    }
}

#[async_trait]
impl WebhookQueries for PgStore {
    #[tracing::instrument(name = "db.webhooks.list", skip_all)]
    async fn webhooks(&self, tenant: OrganizationId) -> StoreResult<Vec<Webhook>> {
        let all = webhooks::table
            .filter(webhooks::organization_id.eq(Key::from(tenant)))
            .order(webhooks::id)
            .select(Row::as_select());
        let rows: Vec<Row> = Transaction::read(&self.connections, tenant, all)
            .await?
            .map_err(on_read("webhooks"))?;
        rows.into_iter().map(Webhook::try_from).collect()
    }

    #[tracing::instrument(name = "db.webhook_deliveries.list", skip_all)]
    async fn deliveries(
        &self,
        tenant: OrganizationId,
        webhook: WebhookId,
        before: Option<DeliveryId>,
        limit: u32,
    ) -> StoreResult<Vec<Delivery>> {
        // Ids are of version 7, so the largest of all is never one of them.
        let before = before.map_or(Key(Uuid::max()), Key::from);
        let page = webhook_deliveries::table
            .filter(webhook_deliveries::organization_id.eq(Key::from(tenant)))
            .filter(webhook_deliveries::webhook_id.eq(Key::from(webhook)))
            .filter(webhook_deliveries::id.lt(before))
            .order(webhook_deliveries::id.desc())
            .limit(limit.into())
            .select(DeliveryRow::as_select());
        let rows: Vec<DeliveryRow> = Transaction::read(&self.connections, tenant, page)
            .await?
            .map_err(on_read("webhook_deliveries"))?;
        rows.into_iter().map(Delivery::try_from).collect()
    }

    #[tracing::instrument(name = "db.webhooks.behind", skip_all)]
    async fn behind(&self, limit: u32) -> StoreResult<Vec<(OrganizationId, WebhookId)>> {
        let mut conn = self.connections.get().await?;
        let rows = Sql::<(SqlUuid, SqlUuid)>::new("SELECT * FROM find_webhooks_behind(?)")
            .bind::<BigInt, _>(i64::from(limit))
            .load::<(Key, Key)>(&mut conn)
            .await
            .map_err(on_read("webhooks"))?;
        Ok(rows.into_iter().map(|(tenant, id)| (tenant.id(), id.id())).collect())
    }

    #[tracing::instrument(name = "db.webhook_deliveries.due", skip_all)]
    async fn due(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> StoreResult<Vec<(OrganizationId, DeliveryId)>> {
        let mut conn = self.connections.get().await?;
        let rows = Sql::<(SqlUuid, SqlUuid)>::new("SELECT * FROM find_due_deliveries(?, ?)")
            .bind::<Timestamptz, _>(Moment(now))
            .bind::<BigInt, _>(i64::from(limit))
            .load::<(Key, Key)>(&mut conn)
            .await
            .map_err(on_read("webhook_deliveries"))?;
        Ok(rows.into_iter().map(|(tenant, id)| (tenant.id(), id.id())).collect())
    }
}
