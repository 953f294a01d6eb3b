//! The audit log: each event with its number, chained to the one before.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use diesel::{
    ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable, RunQueryDsl, Selectable,
    SelectableHelper, SqliteConnection,
};
use tokio::{sync::watch, time::timeout};
use understudy_domain::{
    AuditEvent, ChainHash, EventFilter, OrganizationId, RecordedEvent, Timestamp,
    audit::ChainHead,
    ports::{AuditQueries, StoreError, StoreResult, Walk},
};

use crate::{
    errors::{corrupt, on_read, on_write},
    schema::{audit_events, audit_heads},
    sql::Sql,
    store::SqliteStore,
    values::{Json, Key, Link, Micros},
};

/// How often who waits for an event looks whether another process, which works
/// beside this one, has written one.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Where logs end, as far as this process has written them.
#[derive(Clone, Default)]
pub(crate) struct News(watch::Sender<BTreeMap<Key, u64>>);

impl News {
    /// Wakes those who wait for an event with this or an earlier number.
    pub(crate) fn tell(&self, tenant: Key, seq: u64) {
        self.0.send_modify(|ends| {
            ends.insert(tenant, seq);
        });
    }
}

type Document = Json<serde_json::Value>;

/// An event as it is stored, in the order of columns.
#[derive(Debug, Queryable, Insertable)]
#[diesel(table_name = audit_events, check_for_backend(diesel::sqlite::Sqlite))]
struct EventRow {
    organization_id: Key,
    seq: i64,
    id: Key,
    hash: Option<Link>,
    at: Micros,
    actor: Option<Key>,
    token: Option<Key>,
    address: Option<String>,
    request_id: Option<String>,
    action: String,
    target: String,
    assistant_id: Option<Key>,
    before: Option<Document>,
    after: Option<Document>,
}

impl EventRow {
    fn new(event: &AuditEvent, seq: i64, hash: ChainHash) -> Self {
        Self {
            organization_id: event.organization.into(),
            seq,
            id: event.id.into(),
            hash: Some(Link(hash)),
            at: Micros(event.at),
            actor: event.actor.map(Key::from),
            token: event.token.map(Key::from),
            address: event.address.clone(),
            request_id: event.request_id.clone(),
            action: event.action.clone(),
            target: event.target.clone(),
            assistant_id: event.assistant.map(Key::from),
            before: event.before.clone().map(Json),
            after: event.after.clone().map(Json),
        }
    }
}

impl TryFrom<EventRow> for RecordedEvent {
    type Error = StoreError;

    fn try_from(row: EventRow) -> Result<Self, StoreError> {
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
            before: row.before.map(|document| document.0),
            after: row.after.map(|document| document.0),
        };
        let seq = u64::try_from(row.seq).map_err(corrupt("audit_events"))?;
        Ok(Self { seq, hash: row.hash.map(|link| link.0), event })
    }
}

#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = audit_heads, check_for_backend(diesel::sqlite::Sqlite))]
struct HeadRow {
    organization_id: Key,
    seq: i64,
    hash: Link,
}

fn head(conn: &mut SqliteConnection, tenant: Key) -> StoreResult<ChainHead> {
    let row: Option<HeadRow> = audit_heads::table
        .find(tenant)
        .select(HeadRow::as_select())
        .first(conn)
        .optional()
        .map_err(on_read("audit_heads"))?;
    let Some(row) = row else { return Ok(ChainHead { seq: 0, hash: ChainHash::START }) };
    let seq = u64::try_from(row.seq).map_err(corrupt("audit_heads"))?;
    Ok(ChainHead { seq, hash: row.hash.0 })
}

/// Adds the event behind the last one of its organization, and returns its number.
pub(crate) fn append(conn: &mut SqliteConnection, event: &AuditEvent) -> StoreResult<u64> {
    let tenant = Key::from(event.organization);
    let last = head(conn, tenant)?;
    let seq = last.seq + 1;
    let hash = last.hash.next(seq, &event.canonical());
    let number = i64::try_from(seq).map_err(corrupt("audit_heads"))?;
    diesel::insert_into(audit_events::table)
        .values(EventRow::new(event, number, hash))
        .execute(conn)
        .map_err(on_write("audit_events"))?;
    diesel::insert_into(audit_heads::table)
        .values(HeadRow { organization_id: tenant, seq: number, hash: Link(hash) })
        .on_conflict(audit_heads::organization_id)
        .do_update()
        .set((audit_heads::seq.eq(number), audit_heads::hash.eq(Link(hash))))
        .execute(conn)
        .map_err(on_write("audit_heads"))?;
    Ok(seq)
}

/// The rows of the log that the filter lets through, by whichever index has the
/// fewest to pass by. Conditions that no index serves are always there, so that
/// there are few statements.
pub(crate) fn page<R>(tenant: Key, filter: &EventFilter, walk: Walk, limit: u32) -> Sql<R> {
    let EventFilter { assistant, target, actor, token, action, from, until } = filter;
    let assistant = assistant.map(|id| Key::from(id).text());
    let actor = actor.map(|id| Key::from(id).text());
    let token = token.map(|id| Key::from(id).text());
    let mut sql = Sql::new(
        "SELECT organization_id, seq, id, hash, at, actor, token, address, request_id, action, \
         target, assistant_id, before, after FROM audit_events",
    );
    sql.text(match (target, &assistant, &actor) {
        (Some(_), _, _) => " INDEXED BY audit_events_by_target",
        (None, Some(_), _) => " INDEXED BY audit_events_by_assistant",
        (None, None, Some(_)) => " INDEXED BY audit_events_by_actor",
        (None, None, None) => "",
    });
    sql.text(" WHERE organization_id = ").word(tenant.text());
    for (column, wanted) in [
        (" AND target = ", target),
        (" AND assistant_id = ", &assistant),
        (" AND actor = ", &actor),
    ] {
        if wanted.is_some() {
            sql.text(column).word(wanted.clone());
        }
    }
    let prefix = action.as_deref().and_then(|action| action.strip_suffix('*')).map(str::to_owned);
    let exact = action.clone().filter(|_| prefix.is_none());
    sql.text(" AND (").word(token.clone()).text(" IS NULL OR token = ").word(token);
    sql.text(") AND ifnull(action = ").word(exact);
    sql.text(", 1) AND ifnull(substr(action, 1, length(").word(prefix.clone());
    sql.text(")) = ").word(prefix);
    sql.text(", 1) AND ifnull(at >= ").number(from.map(Timestamp::unix_micros));
    sql.text(", 1) AND ifnull(at < ").number(until.map(Timestamp::unix_micros));
    // No log is as long as the largest number.
    let number = |seq: u64| i64::try_from(seq).unwrap_or(i64::MAX);
    match walk {
        Walk::Backward(before) => sql
            .text(", 1) AND seq < ")
            .number(before.map_or(i64::MAX, number))
            .text(" ORDER BY seq DESC LIMIT "),
        Walk::Forward(after) => {
            sql.text(", 1) AND seq > ").number(number(after)).text(" ORDER BY seq LIMIT ")
        }
    };
    sql.number(i64::from(limit));
    sql
}

#[async_trait]
impl AuditQueries for SqliteStore {
    async fn events(
        &self,
        tenant: OrganizationId,
        filter: &EventFilter,
        walk: Walk,
        limit: u32,
    ) -> StoreResult<Vec<RecordedEvent>> {
        let page = page::<audit_events::SqlType>(tenant.into(), filter, walk, limit);
        self.readers
            .run("audit.events", move |conn| {
                let rows: Vec<EventRow> = page.load(conn).map_err(on_read("audit_events"))?;
                rows.into_iter().map(RecordedEvent::try_from).collect()
            })
            .await
    }

    async fn head(&self, tenant: OrganizationId) -> StoreResult<ChainHead> {
        self.readers.run("audit.head", move |conn| head(conn, tenant.into())).await
    }

    async fn wait(
        &self,
        tenant: OrganizationId,
        after: u64,
        patience: Duration,
    ) -> StoreResult<()> {
        let key = Key::from(tenant);
        let mut ends = self.news.0.subscribe();
        let event = async {
            while AuditQueries::head(self, tenant).await?.seq <= after {
                let told = ends.wait_for(|ends| ends.get(&key).is_some_and(|seq| *seq > after));
                if timeout(LOOK_AGAIN, told).await.is_ok() {
                    break;
                }
            }
            Ok(())
        };
        timeout(patience, event).await.unwrap_or(Ok(()))
    }
}
