//! A blob store with everything that it lives in.
#![expect(clippy::expect_used, reason = "a store that cannot be made fails the test")]

use std::{
    any::Any,
    future::{Ready, ready},
    ops::Deref,
    sync::Arc,
};

use understudy_blob_store::{DirectoryBlobs, ObjectBlobs};
use understudy_domain::ports::BlobStore;
use understudy_testkit::MemoryBlobs;

use crate::s3::{Moto, S3s};

/// An empty blob store of its own. Dropping it removes what it was kept in.
pub struct TestBlobs {
    store: Arc<dyn BlobStore>,
    _place: Option<Box<dyn Any + Send + Sync>>,
}

impl TestBlobs {
    fn new(store: impl BlobStore + 'static, place: Option<Box<dyn Any + Send + Sync>>) -> Self {
        Self { store: Arc::new(store), _place: place }
    }

    /// A handle for code that keeps one. The place of the store goes with `self`
    /// all the same.
    #[must_use]
    pub fn handle(&self) -> Arc<dyn BlobStore> {
        Arc::clone(&self.store)
    }
}

impl Deref for TestBlobs {
    type Target = dyn BlobStore;

    fn deref(&self) -> &(dyn BlobStore + 'static) {
        &*self.store
    }
}

/// The fake of the test kit.
pub fn memory() -> Ready<TestBlobs> {
    ready(TestBlobs::new(MemoryBlobs::default(), None))
}

/// Objects in memory.
pub fn objects() -> Ready<TestBlobs> {
    ready(TestBlobs::new(ObjectBlobs::memory(), None))
}

/// Files.
///
/// # Panics
///
/// When there is no room for a directory.
pub fn directory() -> Ready<TestBlobs> {
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    let blobs = DirectoryBlobs::open(folder.path()).expect("a blob directory can be made");
    ready(TestBlobs::new(blobs, Some(Box::new(folder))))
}

/// A bucket of `s3s-fs`.
pub async fn s3s() -> TestBlobs {
    let server = S3s::start().await;
    TestBlobs::new(server.bucket.blobs(), Some(Box::new(server)))
}

/// A bucket of moto.
pub async fn moto() -> TestBlobs {
    let server = Moto::start().await;
    TestBlobs::new(server.bucket.blobs(), Some(Box::new(server)))
}
