//! The audit log.

use async_trait::async_trait;
use diesel::{ExpressionMethods, Insertable, QueryDsl, Queryable, Selectable, SelectableHelper};
use serde_json::Value;
use understudy_domain::{
    AuditEvent, EventId, OrganizationId,
    ports::{AuditQueries, StoreResult},
};
use uuid::Uuid;

use crate::{
    errors::on_read,
    schema::audit_events,
    store::PgStore,
    transaction::Transaction,
    values::{Json, JsonText, Key, Moment},
};

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = audit_events, check_for_backend(diesel::pg::Pg))]
struct EventRow {
    organization_id: Key,
    id: Key,
    at: Moment,
    actor: Option<Key>,
    token: Option<Key>,
    address: Option<String>,
    request_id: Option<String>,
    action: String,
    target: String,
    before: Option<Json<Value>>,
    after: Option<Json<Value>>,
}

/// An event as it is to be stored.
#[derive(Debug, Insertable)]
#[diesel(table_name = audit_events, check_for_backend(diesel::pg::Pg))]
#[diesel(treat_none_as_default_value = false)]
pub(crate) struct NewEventRow {
    organization_id: Key,
    id: Key,
    at: Moment,
    actor: Option<Key>,
    token: Option<Key>,
    address: Option<String>,
    request_id: Option<String>,
    action: String,
    target: String,
    before: Option<JsonText>,
    after: Option<JsonText>,
}

impl NewEventRow {
    /// The row of `event`.
    pub(crate) fn of(event: &AuditEvent) -> StoreResult<Self> {
        Ok(Self {
            organization_id: event.organization.into(),
            id: event.id.into(),
            at: Moment(event.at),
            actor: event.actor.map(Key::from),
            token: event.token.map(Key::from),
            address: event.address.clone(),
            request_id: event.request_id.clone(),
            action: event.action.clone(),
            target: event.target.clone(),
            before: event.before.as_ref().map(JsonText::of).transpose()?,
            after: event.after.as_ref().map(JsonText::of).transpose()?,
        })
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
            before: row.before.map(|value| value.0),
            after: row.after.map(|value| value.0),
        }
    }
}

#[async_trait]
impl AuditQueries for PgStore {
    #[tracing::instrument(name = "db.audit.events", skip_all)]
    async fn events(
        &self,
        tenant: OrganizationId,
        target: Option<String>,
        before: Option<EventId>,
        limit: u32,
    ) -> StoreResult<Vec<AuditEvent>> {
        // Nothing is behind the largest UUID, so one statement serves both.
        let before = before.map_or(Key(Uuid::max()), Key::from);
        let page = audit_events::table
            .filter(audit_events::organization_id.eq(Key::from(tenant)))
            .filter(audit_events::id.lt(before))
            .order(audit_events::id.desc())
            .limit(limit.into())
            .select(EventRow::as_select());
        let rows: Vec<EventRow> = match target {
            None => Transaction::read(&self.connections, tenant, page).await?,
            Some(target) => {
                let page = page.filter(audit_events::target.eq(target));
                Transaction::read(&self.connections, tenant, page).await?
            }
        }
        .map_err(on_read("audit_events"))?;
        Ok(rows.into_iter().map(AuditEvent::from).collect())
    }
}
