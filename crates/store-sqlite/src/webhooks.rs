//! Webhooks and their deliveries.

use async_trait::async_trait;
use diesel::{
    AsChangeset, ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable,
    RunQueryDsl, Selectable, SelectableHelper, SqliteConnection, sql_types::Text,
};
use understudy_domain::{
    Attempt, Delivery, DeliveryId, DeliveryState, OrganizationId, Timestamp, Webhook, WebhookId,
    ports::{StoreError, StoreResult, WebhookQueries, WebhookRepository},
};
use uuid::Uuid;

use crate::{
    errors::{corrupt, on_read, on_write},
    schema::{webhook_deliveries, webhooks},
    sql::Sql,
    store::SqliteStore,
    unit_of_work::SqliteUnitOfWork,
    values::{Json, Key, Micros},
};

#[derive(Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = webhooks, check_for_backend(diesel::sqlite::Sqlite))]
#[diesel(primary_key(organization_id, id), treat_none_as_null = true)]
struct Row {
    organization_id: Key,
    id: Key,
    url: String,
    description: Option<String>,
    events: Json<Vec<String>>,
    secret: Vec<u8>,
    enabled: bool,
    disabled_reason: Option<String>,
    cursor: i64,
    failing_since: Option<Micros>,
    created_by: Key,
    created_at: Micros,
    updated_at: Micros,
    revision: i64,
}

impl TryFrom<&Webhook> for Row {
    type Error = StoreError;

    fn try_from(webhook: &Webhook) -> Result<Self, StoreError> {
        Ok(Self {
            organization_id: webhook.organization.into(),
            id: webhook.id.into(),
            url: webhook.url.clone(),
            description: webhook.description.clone(),
            events: Json(webhook.events.clone()),
            secret: webhook.secret.clone(),
            enabled: webhook.enabled,
            disabled_reason: webhook.disabled_reason.clone(),
            cursor: i64::try_from(webhook.cursor).map_err(corrupt("webhooks"))?,
            failing_since: webhook.failing_since.map(Micros),
            created_by: webhook.created_by.into(),
            created_at: Micros(webhook.created_at),
            updated_at: Micros(webhook.updated_at),
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
            events: row.events.0,
            secret: row.secret,
            enabled: row.enabled,
            disabled_reason: row.disabled_reason,
            cursor: u64::try_from(row.cursor).map_err(corrupt("webhooks"))?,
            failing_since: row.failing_since.map(|since| since.0),
            created_by: row.created_by.id(),
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            revision: row.revision,
        })
    }
}

#[derive(Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = webhook_deliveries, check_for_backend(diesel::sqlite::Sqlite))]
#[diesel(primary_key(organization_id, id))]
struct DeliveryRow {
    organization_id: Key,
    id: Key,
    webhook_id: Key,
    event_seq: i64,
    event_id: Key,
    action: String,
    state: String,
    next_attempt_at: Micros,
    created_at: Micros,
    revision: i64,
    attempts: Json<Vec<Attempt>>,
}

impl TryFrom<&Delivery> for DeliveryRow {
    type Error = StoreError;

    fn try_from(delivery: &Delivery) -> Result<Self, StoreError> {
        let seq = i64::try_from(delivery.event_seq);
        Ok(Self {
            organization_id: delivery.organization.into(),
            id: delivery.id.into(),
            webhook_id: delivery.webhook.into(),
            event_seq: seq.map_err(corrupt("webhook_deliveries"))?,
            event_id: delivery.event.into(),
            action: delivery.action.clone(),
            state: delivery.state.as_str().to_owned(),
            next_attempt_at: Micros(delivery.next_attempt_at),
            created_at: Micros(delivery.created_at),
            revision: delivery.revision,
            attempts: Json(delivery.attempts.clone()),
        })
    }
}

impl TryFrom<DeliveryRow> for Delivery {
    type Error = StoreError;

    fn try_from(row: DeliveryRow) -> Result<Self, StoreError> {
        let state = DeliveryState::from_word(&row.state);
        let seq = u64::try_from(row.event_seq);
        Ok(Self {
            id: row.id.id(),
            organization: row.organization_id.id(),
            webhook: row.webhook_id.id(),
            event_seq: seq.map_err(corrupt("webhook_deliveries"))?,
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

/// Organization and id of enabled webhooks that have not read their log to its end.
pub(crate) fn behind(limit: u32) -> Sql<(Text, Text)> {
    let mut sql = Sql::new(
        "SELECT w.organization_id, w.id FROM webhooks w INDEXED BY webhooks_by_cursor \
         CROSS JOIN audit_heads h ON h.organization_id = w.organization_id \
         WHERE w.enabled = 1 AND w.cursor < h.seq ORDER BY h.seq - w.cursor DESC LIMIT ",
    );
    sql.number(i64::from(limit));
    sql
}

/// Organization and id of deliveries that are to be tried, those that wait longest
/// first.
pub(crate) fn due(now: Timestamp, limit: u32) -> Sql<(Text, Text)> {
    let mut sql = Sql::new(
        "SELECT d.organization_id, d.id \
         FROM webhook_deliveries d INDEXED BY webhook_deliveries_by_turn \
         CROSS JOIN webhooks w ON w.organization_id = d.organization_id AND w.id = d.webhook_id \
         WHERE d.state = 'pending' AND w.enabled = 1 AND d.next_attempt_at <= ",
    );
    sql.number(now.unix_micros());
    sql.text(" ORDER BY d.next_attempt_at, d.id LIMIT ").number(i64::from(limit));
    sql
}

fn insert_delivery(conn: &mut SqliteConnection, row: DeliveryRow) -> StoreResult<()> {
    diesel::insert_into(webhook_deliveries::table)
        .values(row)
        .execute(conn)
        .map_err(on_write("webhook_deliveries"))?;
    Ok(())
}

#[async_trait]
impl WebhookRepository for SqliteUnitOfWork {
    async fn find(&mut self, id: WebhookId) -> StoreResult<Option<Webhook>> {
        let tenant = self.tenant();
        self.run("webhooks.find", move |conn| {
            let webhook = webhooks::table.find((tenant, Key::from(id)));
            let row = webhook.select(Row::as_select()).first(conn).optional();
            row.map_err(on_read("webhooks"))?.map(Webhook::try_from).transpose()
        })
        .await
    }

    async fn insert(&mut self, webhook: &Webhook) -> StoreResult<()> {
        self.check_tenant("webhooks", webhook.organization)?;
        let row = Row::try_from(webhook)?;
        self.run("webhooks.insert", move |conn| {
            diesel::insert_into(webhooks::table)
                .values(row)
                .execute(conn)
                .map_err(on_write("webhooks"))?;
            Ok(())
        })
        .await
    }

    async fn update(&mut self, mut webhook: Webhook) -> StoreResult<Webhook> {
        self.check_tenant("webhooks", webhook.organization)?;
        let tenant = self.tenant();
        self.run("webhooks.update", move |conn| {
            let read = webhook.revision;
            webhook.revision += 1;
            let unchanged = webhooks::table
                .find((tenant, Key::from(webhook.id)))
                .filter(webhooks::revision.eq(read));
            let updated = diesel::update(unchanged).set(Row::try_from(&webhook)?).execute(conn);
            match updated.map_err(on_write("webhooks"))? {
                1 => Ok(webhook),
                _ => Err(StoreError::Conflict),
            }
        })
        .await
    }

    async fn delete(&mut self, id: WebhookId) -> StoreResult<bool> {
        let tenant = self.tenant();
        self.run("webhooks.delete", move |conn| {
            // Deliveries go with their foreign key.
            let webhook = webhooks::table.find((tenant, Key::from(id)));
            let deleted = diesel::delete(webhook).execute(conn);
            Ok(deleted.map_err(on_write("webhooks"))? == 1)
        })
        .await
    }

    async fn insert_deliveries(&mut self, deliveries: &[Delivery]) -> StoreResult<()> {
        let mut rows = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            self.check_tenant("webhook_deliveries", delivery.organization)?;
            rows.push(DeliveryRow::try_from(delivery)?);
        }
        self.run("webhooks.insert_deliveries", move |conn| {
            rows.into_iter().try_for_each(|row| insert_delivery(conn, row))
        })
        .await
    }

    async fn find_delivery(&mut self, id: DeliveryId) -> StoreResult<Option<Delivery>> {
        let tenant = self.tenant();
        self.run("webhooks.find_delivery", move |conn| {
            let delivery = webhook_deliveries::table.find((tenant, Key::from(id)));
            let row = delivery.select(DeliveryRow::as_select()).first(conn).optional();
            row.map_err(on_read("webhook_deliveries"))?.map(Delivery::try_from).transpose()
        })
        .await
    }

    async fn update_delivery(&mut self, mut delivery: Delivery) -> StoreResult<Delivery> {
        self.check_tenant("webhook_deliveries", delivery.organization)?;
        let tenant = self.tenant();
        self.run("webhooks.update_delivery", move |conn| {
            let read = delivery.revision;
            delivery.revision += 1;
            let unchanged = webhook_deliveries::table
                .find((tenant, Key::from(delivery.id)))
                .filter(webhook_deliveries::revision.eq(read));
            let row = DeliveryRow::try_from(&delivery)?;
            let updated = diesel::update(unchanged).set(row).execute(conn);
            match updated.map_err(on_write("webhook_deliveries"))? {
                1 => Ok(delivery),
                _ => Err(StoreError::Conflict),
            }
        })
        .await
    }
}

fn all(conn: &mut SqliteConnection, tenant: Key) -> StoreResult<Vec<Webhook>> {
    let rows: Vec<Row> = webhooks::table
        .filter(webhooks::organization_id.eq(tenant))
        .order(webhooks::id)
        .select(Row::as_select())
        .load(conn)
        .map_err(on_read("webhooks"))?;
    rows.into_iter().map(Webhook::try_from).collect()
}

fn deliveries(
    conn: &mut SqliteConnection,
    tenant: Key,
    webhook: WebhookId,
    before: Option<DeliveryId>,
    limit: u32,
) -> StoreResult<Vec<Delivery>> {
    // Ids are of version 7, so the largest of all is never one of them.
    let before = before.map_or(Key(Uuid::max()), Key::from);
    let rows: Vec<DeliveryRow> = webhook_deliveries::table
        .filter(webhook_deliveries::organization_id.eq(tenant))
        .filter(webhook_deliveries::webhook_id.eq(Key::from(webhook)))
        .filter(webhook_deliveries::id.lt(before))
        .order(webhook_deliveries::id.desc())
        .limit(limit.into())
        .select(DeliveryRow::as_select())
        .load(conn)
        .map_err(on_read("webhook_deliveries"))?;
    rows.into_iter().map(Delivery::try_from).collect()
}

#[async_trait]
impl WebhookQueries for SqliteStore {
    async fn webhooks(&self, tenant: OrganizationId) -> StoreResult<Vec<Webhook>> {
        self.readers.run("webhooks.all", move |conn| all(conn, tenant.into())).await
    }

    async fn deliveries(
        &self,
        tenant: OrganizationId,
        webhook: WebhookId,
        before: Option<DeliveryId>,
        limit: u32,
    ) -> StoreResult<Vec<Delivery>> {
        self.readers
            .run("webhooks.deliveries", move |conn| {
                deliveries(conn, tenant.into(), webhook, before, limit)
            })
            .await
    }

    async fn behind(&self, limit: u32) -> StoreResult<Vec<(OrganizationId, WebhookId)>> {
        self.readers
            .run("webhooks.behind", move |conn| {
                let rows: Vec<(Key, Key)> =
                    behind(limit).load(conn).map_err(on_read("webhooks"))?;
                Ok(rows.into_iter().map(|(tenant, id)| (tenant.id(), id.id())).collect())
            })
            .await
    }

    async fn due(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> StoreResult<Vec<(OrganizationId, DeliveryId)>> {
        self.readers
            .run("webhooks.due", move |conn| {
                let rows: Vec<(Key, Key)> =
                    due(now, limit).load(conn).map_err(on_read("webhook_deliveries"))?;
                Ok(rows.into_iter().map(|(tenant, id)| (tenant.id(), id.id())).collect())
            })
            .await
    }
}
