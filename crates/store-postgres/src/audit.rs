//! The audit log, read and waited for.

use std::time::Duration;

use async_trait::async_trait;
use diesel::{
    ExpressionMethods, QueryDsl, Queryable, Selectable, SelectableHelper, define_sql_function,
    pg::Pg, sql_types::Text,
};
use serde_json::Value;
use tokio::{
    sync::broadcast::{self, error::RecvError},
    time::{Instant, timeout_at},
};
use understudy_domain::{
    AuditEvent, ChainHash, EventFilter, OrganizationId, RecordedEvent,
    audit::ChainHead,
    ports::{AuditQueries, StoreError, StoreResult, Walk},
};

use crate::{
    errors::{corrupt, on_read},
    schema::{audit_events, audit_heads},
    store::PgStore,
    transaction::Transaction,
    values::{Json, Key, Link, Moment, comparable},
};

define_sql_function! {
    /// Whether `text` begins with `prefix`.
    fn starts_with(text: Text, prefix: Text) -> Bool;
}

/// How often the end of a log is looked at for events of other servers.
///
/// NOTIFY would tell of them at once, but whoever commits one holds a lock on the
/// whole server, so that no two such commits write to the disk together.
const LOOK: Duration = Duration::from_secs(1);

/// The longest wait, whatever the patience: who waits looks again.
const LONGEST: Duration = Duration::from_hours(1);

/// How many commits a waiter may be late to hear of before it looks for itself.
const REMEMBERED: usize = 64;

/// Tells whoever waits that a transaction of this process added events.
#[derive(Clone)]
pub(crate) struct Log(broadcast::Sender<OrganizationId>);

impl Default for Log {
    fn default() -> Self {
        Self(broadcast::Sender::new(REMEMBERED))
    }
}

impl Log {
    /// The log of this organization has events that it had not.
    pub(crate) fn has_grown(&self, tenant: OrganizationId) {
        drop(self.0.send(tenant)); // an error says that nobody waits
    }
}

/// Returns when the log of this organization has grown, or may have.
async fn growth(heard: &mut broadcast::Receiver<OrganizationId>, tenant: OrganizationId) {
    loop {
        match heard.recv().await {
            Ok(grown) if grown != tenant => {}
            Ok(_) | Err(RecvError::Lagged(_) | RecvError::Closed) => return,
        }
    }
}

/// An event as it is stored.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = audit_events, check_for_backend(diesel::pg::Pg))]
struct Row {
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
    seq: i64,
    hash: Option<Link>,
    assistant_id: Option<Key>,
}

impl TryFrom<Row> for RecordedEvent {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let event = AuditEvent {
            id: row.id.id(),
            organization: row.organization_id.id(),
            at: row.at.0,
            actor: row.actor.map(Key::id),
            token: row.token.map(Key::id),
            address: row.address,
            request_id: row.request_id,
            action: row.action,
            target: row.target,
            assistant: row.assistant_id.map(Key::id),
            before: row.before.map(|value| value.0),
            after: row.after.map(|value| value.0),
        };
        let seq = u64::try_from(row.seq).map_err(corrupt("audit_events"))?;
        Ok(Self { seq, hash: row.hash.map(|link| link.0), event })
    }
}

/// The events of an organization that the filter lets through.
fn matching(tenant: OrganizationId, filter: &EventFilter) -> audit_events::BoxedQuery<'static, Pg> {
    let EventFilter { assistant, target, actor, token, action, from, until } = filter;
    let mut events = audit_events::table
        .filter(audit_events::organization_id.eq(Key::from(tenant)))
        .into_boxed();
    if let Some(assistant) = assistant {
        events = events.filter(audit_events::assistant_id.eq(Key::from(*assistant)));
    }
    if let Some(target) = target {
        events = events.filter(audit_events::target.eq(comparable(target.clone())));
    }
    if let Some(actor) = actor {
        events = events.filter(audit_events::actor.eq(Key::from(*actor)));
    }
    if let Some(token) = token {
        events = events.filter(audit_events::token.eq(Key::from(*token)));
    }
    if let Some(action) = action {
        let action = comparable(action.clone());
        events = match action.strip_suffix('*') {
            Some(prefix) => events.filter(starts_with(audit_events::action, prefix.to_owned())),
            None => events.filter(audit_events::action.eq(action)),
        };
    }
    if let Some(from) = from {
        events = events.filter(audit_events::at.ge(Moment(*from)));
    }
    if let Some(until) = until {
        events = events.filter(audit_events::at.lt(Moment(*until)));
    }
    events
}

/// A number that no event has is behind all that any has.
fn number(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

#[async_trait]
impl AuditQueries for PgStore {
    #[tracing::instrument(name = "db.audit.events", skip_all)]
    async fn events(
        &self,
        tenant: OrganizationId,
        filter: &EventFilter,
        walk: Walk,
        limit: u32,
    ) -> StoreResult<Vec<RecordedEvent>> {
        let events = matching(tenant, filter);
        let page = match walk {
            Walk::Backward(before) => events
                .filter(audit_events::seq.lt(before.map_or(i64::MAX, number)))
                .order(audit_events::seq.desc()),
            Walk::Forward(after) => {
                events.filter(audit_events::seq.gt(number(after))).order(audit_events::seq)
            }
        };
        let page = page.limit(limit.into()).select(Row::as_select());
        let rows: Vec<Row> = Transaction::read(&self.connections, tenant, page)
            .await?
            .map_err(on_read("audit_events"))?;
        rows.into_iter().map(RecordedEvent::try_from).collect()
    }

    #[tracing::instrument(name = "db.audit.head", skip_all)]
    async fn head(&self, tenant: OrganizationId) -> StoreResult<ChainHead> {
        let head = audit_heads::table
            .find(Key::from(tenant))
            .select((audit_heads::seq, audit_heads::hash));
        let rows: Vec<(i64, Link)> = Transaction::read(&self.connections, tenant, head)
            .await?
            .map_err(on_read("audit_heads"))?;
        match rows.into_iter().next() {
            Some((seq, hash)) => {
                let seq = u64::try_from(seq).map_err(corrupt("audit_heads"))?;
                Ok(ChainHead { seq, hash: hash.0 })
            }
            None => Ok(ChainHead { seq: 0, hash: ChainHash::START }),
        }
    }

    async fn wait(
        &self,
        tenant: OrganizationId,
        after: u64,
        patience: Duration,
    ) -> StoreResult<()> {
        let end = Instant::now() + patience.min(LONGEST);
        // Listens before it looks, so that it misses no commit in between.
        let mut heard = self.log.0.subscribe();
        loop {
            if self.head(tenant).await?.seq > after {
                return Ok(());
            }
            let next = end.min(Instant::now() + LOOK);
            let grown = timeout_at(next, growth(&mut heard, tenant)).await;
            if grown.is_ok() || next == end {
                return Ok(());
            }
        }
    }
}
