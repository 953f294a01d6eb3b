//! The events of runs: written in batches outside of units of work, and waited for.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use diesel::{
    ExpressionMethods, QueryDsl,
    dsl::auto_type,
    sql_types::{Array, BigInt, Json as SqlJson, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use tokio::time::{Instant, timeout_at};
use understudy_domain::{
    OrganizationId, RunEvent, RunId, Timestamp,
    ports::{RunEventLog, StoreResult},
    run::EventData,
};

use crate::{
    errors::{corrupt, on_read, on_write},
    schema::run_events,
    sql::Sql,
    store::PgStore,
    transaction::Transaction,
    values::{Json, JsonText, Key, Moment},
};

/// How often events of other servers are looked for while they are not listened to.
const LOOK: Duration = Duration::from_secs(1);

/// How often they are looked for while they are: a connection may be dead and not
/// know it.
const LOOK_ANYWAY: Duration = Duration::from_secs(10);

/// The longest wait, whatever the patience: who waits looks again.
const LONGEST: Duration = Duration::from_hours(1);

/// Events as `append_run_events` takes them.
#[derive(Default)]
struct Batch {
    tenants: Vec<Key>,
    runs: Vec<Key>,
    sequences: Vec<i64>,
    names: Vec<String>,
    documents: Vec<JsonText>,
    /// The last sequence of each run.
    lasts: BTreeMap<Key, u64>,
}

impl Batch {
    fn of(events: &[(OrganizationId, RunId, RunEvent)]) -> StoreResult<Self> {
        let mut batch = Self::default();
        for (tenant, run, event) in events {
            let run = Key::from(*run);
            batch.tenants.push(Key::from(*tenant));
            batch.runs.push(run);
            batch.sequences.push(i64::try_from(event.sequence).map_err(corrupt("run_events"))?);
            batch.names.push(event.name.as_ref().to_owned());
            batch.documents.push(JsonText::of(&event.data)?);
            let last = batch.lasts.entry(run).or_default();
            *last = event.sequence.max(*last);
        }
        Ok(batch)
    }
}

/// Events of a run behind one.
#[auto_type]
fn behind(tenant: Key, run: Key, after: i64) -> _ {
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

impl PgStore {
    /// Whether the run has events behind `after`.
    async fn has_events(
        &self,
        tenant: OrganizationId,
        run: RunId,
        after: u64,
    ) -> StoreResult<bool> {
        let next =
            behind(tenant.into(), run.into(), number(after)).limit(1).select(run_events::sequence);
        let rows: Vec<i64> = Transaction::read(&self.connections, tenant, next)
            .await?
            .map_err(on_read("run_events"))?;
        Ok(!rows.is_empty())
    }
}

#[async_trait]
impl RunEventLog for PgStore {
    #[tracing::instrument(name = "db.run_events.append", skip_all)]
    async fn append(&self, events: &[(OrganizationId, RunId, RunEvent)]) -> StoreResult<()> {
        if events.is_empty() {
            return Ok(());
        }
        let Batch { tenants, runs, sequences, names, documents, lasts } = Batch::of(events)?;
        let mut conn = self.connections.get().await?;
        Sql::<()>::new("SELECT FROM append_run_events(?, ?, ?, ?, ?)")
            .bind::<Array<SqlUuid>, _>(tenants)
            .bind::<Array<SqlUuid>, _>(runs)
            .bind::<Array<BigInt>, _>(sequences)
            .bind::<Array<Text>, _>(names)
            .bind::<Array<SqlJson>, _>(documents)
            .execute(&mut conn)
            .await
            .map_err(on_write("run_events"))?;
        // Also heard from the server, but sooner like this.
        for (run, last) in lasts {
            self.run_news.tell(run, last);
        }
        Ok(())
    }

    #[tracing::instrument(name = "db.run_events.list", skip_all, fields(run.id = %run))]
    async fn events(
        &self,
        tenant: OrganizationId,
        run: RunId,
        after: u64,
        limit: u32,
    ) -> StoreResult<Vec<RunEvent>> {
        let page = behind(tenant.into(), run.into(), number(after)).limit(limit.into()).select((
            run_events::sequence,
            run_events::name,
            run_events::data,
        ));
        let rows: Vec<Row> = Transaction::read(&self.connections, tenant, page)
            .await?
            .map_err(on_read("run_events"))?;
        let event = |(sequence, name, data): Row| {
            let sequence = u64::try_from(sequence).map_err(corrupt("run_events"))?;
            Ok(RunEvent::new(sequence, &name, data.0))
        };
        rows.into_iter().map(event).collect()
    }

    async fn wait(
        &self,
        tenant: OrganizationId,
        run: RunId,
        after: u64,
        patience: Duration,
    ) -> StoreResult<()> {
        let end = Instant::now() + patience.min(LONGEST);
        // Listens before it looks, so that it misses nothing in between.
        let mut listener = self.run_news.listen(Key::from(run));
        loop {
            if self.has_events(tenant, run, after).await? {
                return Ok(());
            }
            let look = if listener.hears_all() { LOOK_ANYWAY } else { LOOK };
            let next = end.min(Instant::now() + look);
            let heard = timeout_at(next, listener.heard_of(after)).await;
            if heard.is_ok() || next == end {
                return Ok(());
            }
        }
    }

    #[tracing::instrument(name = "db.run_events.sweep", skip_all)]
    async fn sweep(&self, before: Timestamp, limit: u32) -> StoreResult<u64> {
        let mut conn = self.connections.get().await?;
        let swept: i64 = Sql::<BigInt>::new("SELECT sweep_run_events(?, ?)")
            .bind::<Timestamptz, _>(Moment(before))
            .bind::<BigInt, _>(i64::from(limit))
            .get_result(&mut conn)
            .await
            .map_err(on_write("run_events"))?;
        u64::try_from(swept).map_err(corrupt("run_events"))
    }
}
