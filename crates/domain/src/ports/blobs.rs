//! Object storage, and what is done with pictures and documents.

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use url::Url;

use crate::{Blob, Digest, OrganizationId, Timestamp};

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Result of an operation on the blob store.
pub type BlobResult<T> = Result<T, BlobError>;

/// Why the blob store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// There is no such blob.
    #[error("there is no such blob")]
    NotFound,
    /// There is no room left.
    #[error("the blob store has no room left")]
    Full(#[source] Source),
    /// It cannot be reached, or does not answer; worth another try.
    #[error("the blob store is unavailable")]
    Unavailable(#[source] Source),
    /// What it holds is not what was put there.
    #[error("a stored blob is damaged")]
    Damaged(#[source] Source),
}

/// Bytes of organizations, each addressed by its SHA-256 within its organization.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait BlobStore: Send + Sync {
    /// Begins to take bytes in. Until [`BlobWriter::finish`] nobody can read them.
    async fn begin(&self, tenant: OrganizationId) -> BlobResult<Box<dyn BlobWriter>>;

    /// Reads a blob, or the bytes `range` of it, which MUST lie within its size.
    ///
    /// # Errors
    ///
    /// [`BlobError::NotFound`].
    async fn read(
        &self,
        tenant: OrganizationId,
        digest: Digest,
        range: Option<Range<u64>>,
    ) -> BlobResult<Box<dyn BlobReader>>;

    /// The size of a blob; `None` when there is none.
    async fn size(&self, tenant: OrganizationId, digest: Digest) -> BlobResult<Option<u64>>;

    /// Removes a blob; one that is gone already is no error.
    async fn delete(&self, tenant: OrganizationId, digest: Digest) -> BlobResult<()>;

    /// An address at which the bytes can be had without credentials for
    /// `seconds`; `None` when this store gives none.
    async fn link(
        &self,
        tenant: OrganizationId,
        digest: Digest,
        seconds: u32,
    ) -> BlobResult<Option<Url>>;

    /// What is there, for sweeping and checking.
    fn inventory(&self) -> &dyn BlobInventory;
}

/// A blob that is being written. Memory MUST stay bounded however much is written.
/// Dropping it forgets what was written, at the latest when
/// [`BlobInventory::remove_unfinished`] comes by.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait BlobWriter: Send {
    /// Adds bytes.
    async fn write(&mut self, chunk: Bytes) -> BlobResult<()>;

    /// Makes what was written the blob `digest`, which its writer computed. When
    /// this returns `Ok`, the bytes are durable: a crash at any later moment MUST
    /// NOT lose them. A blob that exists already MUST stay as it is.
    async fn finish(self: Box<Self>, digest: Digest) -> BlobResult<()>;

    /// Forgets what was written, at once.
    async fn abandon(self: Box<Self>) -> BlobResult<()>;
}

/// A blob that is being read.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait BlobReader: Send {
    /// The next bytes, at most 1 MiB at once; `None` at the end. An end before the
    /// size that was promised MUST be an error.
    async fn next(&mut self) -> BlobResult<Option<Bytes>>;
}

/// A blob as the storage has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredBlob {
    /// The organization it belongs to.
    pub organization: OrganizationId,
    /// Which, and how many bytes are there.
    pub blob: Blob,
    /// When it was last written.
    pub modified_at: Timestamp,
}

/// What a blob store holds.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait BlobInventory: Send + Sync {
    /// At most `limit` blobs behind `after`, in the order of organization and
    /// digest (both by their text). What is not a blob is left out.
    async fn list(
        &self,
        after: Option<(OrganizationId, Digest)>,
        limit: usize,
    ) -> BlobResult<Vec<StoredBlob>>;

    /// Removes what was begun before `before` and never finished; how many.
    async fn remove_unfinished(&self, before: Timestamp) -> BlobResult<u64>;

    /// Whether the store can be written to.
    async fn ping(&self) -> BlobResult<()>;
}
