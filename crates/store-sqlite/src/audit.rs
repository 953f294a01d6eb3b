//! The audit log.

use async_trait::async_trait;
use diesel::{
    ExpressionMethods, Insertable, QueryDsl, Queryable, RunQueryDsl, Selectable, SelectableHelper,
    SqliteConnection,
};
use understudy_domain::{
    AuditEvent, EventId, OrganizationId,
    ports::{AuditQueries, StoreResult},
};
use uuid::Uuid;

use crate::{
    errors::on_read,
    schema::audit_events,
    store::SqliteStore,
    values::{Json, Key, Micros},
};

type Document = Json<serde_json::Value>;

/// An event as it is stored.
#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = audit_events, check_for_backend(diesel::sqlite::Sqlite))]
pub(crate) struct EventRow {
    organization_id: Key,
    id: Key,
    at: Micros,
    actor: Option<Key>,
    token: Option<Key>,
    address: Option<String>,
    request_id: Option<String>,
    action: String,
    target: String,
    before: Option<Document>,
    after: Option<Document>,
}

impl From<&AuditEvent> for EventRow {
    fn from(event: &AuditEvent) -> Self {
        Self {
            organization_id: event.organization.into(),
            id: event.id.into(),
            at: Micros(event.at),
            actor: event.actor.map(Key::from),
            token: event.token.map(Key::from),
            address: event.address.clone(),
            request_id: event.request_id.clone(),
            action: event.action.clone(),
            target: event.target.clone(),
            before: event.before.clone().map(Json),
            after: event.after.clone().map(Json),
        }
    }
}

impl From<EventRow> for AuditEvent {
    fn from(row: EventRow) -> Self {
        Self {
            id: row.id.id(),
            organization: row.organization_id.id(),
            at: row.at.0,
            actor: row.actor.map(Key::id),
            token: row.token.map(Key::id),
            address: row.address,
            request_id: row.request_id,
            action: row.action,
            target: row.target,
            before: row.before.map(|document| document.0),
            after: row.after.map(|document| document.0),
        }
    }
}

fn events(
    conn: &mut SqliteConnection,
    tenant: Key,
    target: Option<String>,
    before: Option<EventId>,
    limit: u32,
) -> StoreResult<Vec<AuditEvent>> {
    // Ids are of version 7, so the largest of all is never one of them.
    let before = before.map_or(Key(Uuid::max()), Key::from);
    let page = audit_events::table
        .filter(audit_events::organization_id.eq(tenant))
        .filter(audit_events::id.lt(before))
        .order(audit_events::id.desc())
        .limit(limit.into())
        .select(EventRow::as_select());
    let rows: Result<Vec<EventRow>, _> = match target {
        None => page.load(conn),
        Some(target) => page.filter(audit_events::target.eq(target)).load(conn),
    };
    Ok(rows.map_err(on_read("audit_events"))?.into_iter().map(AuditEvent::from).collect())
}

#[async_trait]
impl AuditQueries for SqliteStore {
    async fn events(
        &self,
        tenant: OrganizationId,
        target: Option<String>,
        before: Option<EventId>,
        limit: u32,
    ) -> StoreResult<Vec<AuditEvent>> {
        self.readers
            .run("audit.events", move |conn| events(conn, tenant.into(), target, before, limit))
            .await
    }
}
