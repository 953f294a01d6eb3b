//! What only the store on PostgreSQL has: its second wall, its pool, its locks, its
//! migrations, and queries whose cost can be counted.
#![expect(clippy::unwrap_used, reason = "a failing test panics")]

mod chain;
mod collaboration;
mod connections;
mod content;
mod forgetting;
mod keys;
mod lists;
mod migrations;
mod row_level_security;
mod run_events;
mod runs;

use std::{num::NonZeroU16, time::Duration};

use tokio::{task::JoinHandle, time::timeout};
use tokio_postgres::{Client, NoTls};
use understudy_domain::ports::{Store, StoreResult, UnitOfWork};
use understudy_store_postgres::{PgOptions, PgStore};
use understudy_testkit::sample::id;
use understudy_tests::Database;

/// Longer than anything that is not blocked takes, shorter than the store waits for
/// a lock.
const PROMPT: Duration = Duration::from_secs(5);

/// A store in the database, with room for `most` connections.
fn open(database: &Database, most: u16) -> PgStore {
    let options = PgOptions { max_connections: NonZeroU16::new(most).unwrap() };
    PgStore::open(database.url(), options).unwrap()
}

/// A connection beside the store's, as the user of `url`.
async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// A connection that acts as the application does.
async fn connect_as_application(database: &Database) -> Client {
    let client = connect(database.url()).await;
    client.batch_execute("SET ROLE understudy_app").await.unwrap();
    client
}

/// How often this connection read the tables whole, and how many entries of their
/// indexes it read, lately: the server starts anew every now and then, but not within
/// a transaction.
const READ: &str = "SELECT \
    (SELECT sum(pg_stat_get_xact_numscans(t::regclass))::bigint FROM unnest($1::text[]) AS t), \
    (SELECT sum(pg_stat_get_xact_tuples_returned(indexrelid))::bigint FROM pg_index \
     WHERE indrelid = ANY (SELECT t::regclass FROM unnest($1::text[]) AS t))";

async fn reads(client: &Client, tables: &[&str]) -> (i64, i64) {
    let row = client.query_one(READ, &[&tables]).await.unwrap();
    (row.get(0), row.get(1))
}

/// How many rows a query has and how many index entries of `tables` it reads, in a
/// transaction that `begin` begins. It must not read one of them whole.
async fn cost(client: &Client, begin: &str, tables: &[&str], query: &str) -> (usize, i64) {
    client.batch_execute(begin).await.unwrap();
    let (wholes_before, entries_before) = reads(client, tables).await;
    let rows = client.query(query, &[]).await.unwrap().len();
    let (wholes, entries) = reads(client, tables).await;
    client.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(wholes - wholes_before, 0, "a whole table is read by {query}");
    (rows, entries - entries_before)
}

/// Does something in a unit of work of organization 1, meanwhile, and commits it.
fn meanwhile<T: Send + 'static>(
    store: &PgStore,
    work: impl AsyncFnOnce(&mut dyn UnitOfWork) -> StoreResult<T> + Send + 'static,
) -> JoinHandle<StoreResult<T>> {
    let store = store.clone();
    let runtime = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || {
        runtime.block_on(async {
            let mut unit = store.begin(id(1)).await?;
            let result = work(&mut *unit).await?;
            unit.commit().await?;
            Ok(result)
        })
    })
}

/// Returns when somebody in the database waits for a lock.
async fn until_somebody_waits(database: &Database) {
    let waiting = "SELECT count(*) FROM pg_stat_activity \
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let client = connect(database.url()).await;
    let asking = async {
        while client.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) == 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PROMPT, asking).await.unwrap();
}
