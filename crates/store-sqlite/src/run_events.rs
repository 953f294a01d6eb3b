//! The events of runs: written in batches outside of units of work, and waited for.

use std::{borrow::Cow, collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl, SqliteConnection, sql_types::Text};
use tokio::time::timeout;
use understudy_domain::{
    OrganizationId, RunEvent, RunId, Timestamp,
    ports::{RunEventLog, StoreResult},
    run::EventData,
};

use crate::{
    errors::{corrupt, on_read, on_write, unavailable},
    schema::{run_events, runs},
    sql::Sql,
    store::SqliteStore,
    values::{Json, Key},
};

/// How often who waits for an event looks whether another process, which works
/// beside this one, has written one.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// An event as it is written.
struct NewEvent {
    organization: Key,
    run: Key,
    sequence: i64,
    name: Cow<'static, str>,
    data: String,
}

impl NewEvent {
    fn of((tenant, run, event): &(OrganizationId, RunId, RunEvent)) -> StoreResult<Self> {
        Ok(Self {
            organization: Key::from(*tenant),
            run: Key::from(*run),
            sequence: i64::try_from(event.sequence).map_err(corrupt("run_events"))?,
            name: event.name.clone(),
            data: serde_json::to_string(&event.data).map_err(unavailable)?,
        })
    }

    /// Adds it unless it is there or its run is not. By hand, as the query builder
    /// prepares every insert anew.
    fn insert(self, conn: &mut SqliteConnection) -> StoreResult<()> {
        let (tenant, run) = (self.organization.text(), self.run.text());
        let mut row = Sql::<()>::new(
            "INSERT INTO run_events (organization_id, run_id, sequence, name, data) SELECT ",
        );
        row.word(tenant.clone()).text(", ").word(run.clone()).text(", ").number(self.sequence);
        row.text(", ").word(self.name.into_owned()).text(", ").word(self.data);
        row.text(" WHERE EXISTS (SELECT 1 FROM runs WHERE organization_id = ").word(tenant);
        row.text(" AND id = ").word(run).text(") ON CONFLICT DO NOTHING");
        row.execute(conn).map_err(on_write("run_events"))?;
        Ok(())
    }
}

/// The last sequence of each run.
fn lasts(events: &[(OrganizationId, RunId, RunEvent)]) -> BTreeMap<Key, u64> {
    let mut lasts = BTreeMap::new();
    for (_, run, event) in events {
        let last = lasts.entry(Key::from(*run)).or_default();
        *last = event.sequence.max(*last);
    }
    lasts
}

/// Events of a run behind one.
#[diesel::dsl::auto_type]
pub(crate) fn behind(tenant: Key, run: Key, after: i64) -> _ {
    run_events::table
        .filter(run_events::organization_id.eq(tenant))
        .filter(run_events::run_id.eq(run))
        .filter(run_events::sequence.gt(after))
        .order(run_events::sequence)
}

/// No run has as many events as the largest number.
fn number(sequence: u64) -> i64 {
    i64::try_from(sequence).unwrap_or(i64::MAX)
}

/// An event as it is stored.
type Row = (i64, String, Json<EventData>);

fn events(
    conn: &mut SqliteConnection,
    (tenant, run): (Key, Key),
    after: u64,
    limit: u32,
) -> StoreResult<Vec<RunEvent>> {
    let rows: Vec<Row> = behind(tenant, run, number(after))
        .limit(limit.into())
        .select((run_events::sequence, run_events::name, run_events::data))
        .load(conn)
        .map_err(on_read("run_events"))?;
    let event = |(sequence, name, data): Row| {
        let sequence = u64::try_from(sequence).map_err(corrupt("run_events"))?;
        Ok(RunEvent::new(sequence, &name, data.0))
    };
    rows.into_iter().map(event).collect()
}

/// Organization and id of runs that are over and have events, the oldest first.
pub(crate) fn swept(before: Timestamp, limit: u32) -> Sql<(Text, Text)> {
    let mut sql = Sql::new(
        "SELECT r.organization_id, r.id FROM runs r INDEXED BY runs_to_sweep \
         WHERE r.events_swept = 0 AND r.finished_at < ",
    );
    sql.number(before.unix_micros());
    sql.text(
        " AND EXISTS (SELECT 1 FROM run_events e \
         WHERE e.organization_id = r.organization_id AND e.run_id = r.id) \
         ORDER BY r.finished_at LIMIT ",
    );
    sql.number(i64::from(limit));
    sql
}

fn sweep(conn: &mut SqliteConnection, before: Timestamp, limit: u32) -> StoreResult<u64> {
    let found: Vec<(Key, Key)> = swept(before, limit).load(conn).map_err(on_read("runs"))?;
    let mut count = 0;
    for (tenant, run) in found {
        let events = run_events::table
            .filter(run_events::organization_id.eq(tenant))
            .filter(run_events::run_id.eq(run));
        diesel::delete(events).execute(conn).map_err(on_write("run_events"))?;
        diesel::update(runs::table.find((tenant, run)))
            .set(runs::events_swept.eq(true))
            .execute(conn)
            .map_err(on_write("runs"))?;
        count += 1;
    }
    Ok(count)
}

#[async_trait]
impl RunEventLog for SqliteStore {
    async fn append(&self, events: &[(OrganizationId, RunId, RunEvent)]) -> StoreResult<()> {
        if events.is_empty() {
            return Ok(());
        }
        let lasts = lasts(events);
        let rows: Vec<NewEvent> = events.iter().map(NewEvent::of).collect::<StoreResult<_>>()?;
        let append =
            |conn: &mut SqliteConnection| rows.into_iter().try_for_each(|event| event.insert(conn));
        self.hasty.run("run_events.append", append).await?;
        // Whoever appends may be gone by now; who waits then looks for itself.
        for (run, last) in lasts {
            self.run_news.tell(run, last);
        }
        Ok(())
    }

    async fn events(
        &self,
        tenant: OrganizationId,
        run: RunId,
        after: u64,
        limit: u32,
    ) -> StoreResult<Vec<RunEvent>> {
        let key = (Key::from(tenant), Key::from(run));
        self.readers.run("run_events.list", move |conn| events(conn, key, after, limit)).await
    }

    async fn wait(
        &self,
        tenant: OrganizationId,
        run: RunId,
        after: u64,
        patience: Duration,
    ) -> StoreResult<()> {
        // Listens before it looks, so that it misses nothing in between.
        let mut listener = self.run_news.listen(Key::from(run));
        let event = async {
            while self.events(tenant, run, after, 1).await?.is_empty() {
                if timeout(LOOK_AGAIN, listener.heard_of(after)).await.is_ok() {
                    break;
                }
            }
            Ok(())
        };
        timeout(patience, event).await.unwrap_or(Ok(()))
    }

    async fn sweep(&self, before: Timestamp, limit: u32) -> StoreResult<u64> {
        self.hasty.run("run_events.sweep", move |conn| sweep(conn, before, limit)).await
    }
}
