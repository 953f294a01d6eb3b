//! What only the store on PostgreSQL has: its second wall, its pool, its
//! migrations, and lists whose cost can be counted.
#![expect(clippy::unwrap_used, reason = "a failing test panics")]

mod connections;
mod lists;
mod migrations;
mod row_level_security;

use std::num::NonZeroU16;

use tokio_postgres::{Client, NoTls};
use understudy_store_postgres::{PgOptions, PgStore};
use understudy_tests::Database;

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
