//! A store with everything that it lives in.

use std::{any::Any, ops::Deref, sync::Arc};

use understudy_domain::ports::Store;
use understudy_testkit::MemoryStore;

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
#[expect(clippy::unused_async, reason = "suites open every store in the same way")]
pub async fn memory() -> TestStore {
    TestStore { store: Arc::new(MemoryStore::default()), _place: None }
}
