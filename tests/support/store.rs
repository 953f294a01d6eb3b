//! A store with everything that it lives in.
#![expect(clippy::expect_used, reason = "a store that cannot be made fails the test")]

use std::{any::Any, num::NonZeroU16, ops::Deref, sync::Arc};

use understudy_domain::ports::Store;
use understudy_store_postgres::{PgOptions, PgStore};
use understudy_store_sqlite::{SqliteOptions, SqliteStore};
use understudy_testkit::MemoryStore;

use crate::database::Database;

/// An empty store of its own. Dropping it removes what it was kept in.
pub struct TestStore {
    // Declared first, so that the store closes before its place is removed.
    store: Arc<dyn Store>,
    _place: Option<Box<dyn Any + Send + Sync>>,
}

impl TestStore {
    /// A handle for code that keeps one. The place of the store goes with `self`
    /// all the same.
    #[must_use]
    pub fn handle(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store)
    }
}

impl Deref for TestStore {
    type Target = dyn Store;

    fn deref(&self) -> &(dyn Store + 'static) {
        &*self.store
    }
}

/// A store in memory.
pub async fn memory() -> TestStore {
    TestStore { store: Arc::new(MemoryStore::default()), _place: None }
}

/// A migrated store in a SQLite file in a folder of its own.
///
/// # Panics
///
/// When the file cannot be made.
pub async fn sqlite() -> TestStore {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("understudy.db");
    let store = SqliteStore::open(&path, SqliteOptions::default()).expect("an openable file");
    store.migrate().await.expect("a migrated file");
    TestStore { store: Arc::new(store), _place: Some(Box::new(folder)) }
}

/// A migrated store in a PostgreSQL database of its own.
///
/// # Panics
///
/// When there is no PostgreSQL server and none can be started.
pub async fn postgres() -> TestStore {
    let database = Database::create().await;
    let store = PgStore::open(database.url(), few_connections()).expect("a well-formed URL");
    TestStore { store: Arc::new(store), _place: Some(Box::new(database)) }
}

/// Many tests share one server, so each takes little of it.
pub(crate) fn few_connections() -> PgOptions {
    PgOptions { max_connections: NonZeroU16::MIN.saturating_add(7) }
}
