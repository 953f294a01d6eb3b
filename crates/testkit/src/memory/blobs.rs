//! A blob store in memory.

use std::{
    collections::BTreeMap,
    ops::{Bound, Range},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use understudy_domain::{
    Blob, Digest, OrganizationId, Timestamp,
    ports::{
        BlobError, BlobInventory, BlobReader, BlobResult, BlobStore, BlobWriter, Clock, StoredBlob,
    },
};
use url::Url;

use crate::FixedClock;

/// So much is read at once.
const READ_BYTES: usize = 1 << 20;

type Key = (OrganizationId, Digest);

/// Blobs in memory. A clone is another handle to the same ones.
#[derive(Clone, Default)]
pub struct MemoryBlobs {
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    blobs: BTreeMap<Key, Kept>,
    /// When each unfinished one was begun.
    unfinished: BTreeMap<u64, Timestamp>,
    begun: u64,
    now: Timestamp,
    fault: Option<BlobFault>,
    address: Option<Url>,
}

struct Kept {
    bytes: Bytes,
    modified_at: Timestamp,
}

/// How a [`MemoryBlobs`] fails when it is told to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlobFault {
    /// Nothing can be reached.
    Unavailable,
    /// Nothing can be written any more, but what is there can be read.
    Full,
}

impl Default for Shared {
    fn default() -> Self {
        let now = FixedClock::default().now();
        Self {
            blobs: BTreeMap::new(),
            unfinished: BTreeMap::new(),
            begun: 0,
            now,
            fault: None,
            address: None,
        }
    }
}

impl MemoryBlobs {
    /// Makes every further call fail like this, or ends that.
    pub fn set_fault(&self, fault: Option<BlobFault>) {
        self.lock().fault = fault;
    }

    /// Says what time it is: what is written from now on was written then. At
    /// first it is the default of [`FixedClock`].
    pub fn set_now(&self, now: Timestamp) {
        self.lock().now = now;
    }

    /// Gives addresses of blobs from now on, all of them this one.
    pub fn set_address(&self, address: Option<Url>) {
        self.lock().address = address;
    }

    /// Puts other bytes in the place of a blob, as a failing disk does.
    pub fn damage(&self, tenant: OrganizationId, digest: Digest, bytes: &[u8]) {
        if let Some(kept) = self.lock().blobs.get_mut(&(tenant, digest)) {
            kept.bytes = Bytes::copy_from_slice(bytes);
        }
    }

    /// How many blobs there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.lock().blobs.len()
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn readable(&self) -> BlobResult<MutexGuard<'_, Shared>> {
        let shared = self.lock();
        match shared.fault {
            Some(BlobFault::Unavailable) => {
                Err(BlobError::Unavailable("the blobs were told to be unreachable".into()))
            }
            Some(BlobFault::Full) | None => Ok(shared),
        }
    }

    fn writable(&self) -> BlobResult<MutexGuard<'_, Shared>> {
        let shared = self.readable()?;
        match shared.fault {
            Some(BlobFault::Full) => Err(BlobError::Full("the blobs were told to be full".into())),
            Some(BlobFault::Unavailable) | None => Ok(shared),
        }
    }
}

#[async_trait]
impl BlobStore for MemoryBlobs {
    async fn begin(&self, tenant: OrganizationId) -> BlobResult<Box<dyn BlobWriter>> {
        let mut shared = self.writable()?;
        shared.begun += 1;
        let (number, now) = (shared.begun, shared.now);
        shared.unfinished.insert(number, now);
        drop(shared);
        Ok(Box::new(Writer { blobs: self.clone(), tenant, number, bytes: Vec::new() }))
    }

    async fn read(
        &self,
        tenant: OrganizationId,
        digest: Digest,
        range: Option<Range<u64>>,
    ) -> BlobResult<Box<dyn BlobReader>> {
        let shared = self.readable()?;
        let bytes = shared.blobs.get(&(tenant, digest)).ok_or(BlobError::NotFound)?.bytes.clone();
        drop(shared);
        let Some(Range { start, end }) = range else { return Ok(Box::new(Reader(bytes))) };
        let (start, end) = (usize::try_from(start), usize::try_from(end));
        match (start, end) {
            (Ok(start), Ok(end)) if start <= end && end <= bytes.len() => {
                Ok(Box::new(Reader(bytes.slice(start..end))))
            }
            _ => Err(BlobError::Damaged("the range is not within the blob".into())),
        }
    }

    async fn size(&self, tenant: OrganizationId, digest: Digest) -> BlobResult<Option<u64>> {
        Ok(self.readable()?.blobs.get(&(tenant, digest)).map(|kept| length(&kept.bytes)))
    }

    async fn delete(&self, tenant: OrganizationId, digest: Digest) -> BlobResult<()> {
        self.readable()?.blobs.remove(&(tenant, digest));
        Ok(())
    }

    async fn link(&self, _: OrganizationId, _: Digest, _: u32) -> BlobResult<Option<Url>> {
        Ok(self.readable()?.address.clone())
    }

    fn inventory(&self) -> &dyn BlobInventory {
        self
    }
}

#[async_trait]
impl BlobInventory for MemoryBlobs {
    async fn list(&self, after: Option<Key>, limit: usize) -> BlobResult<Vec<StoredBlob>> {
        let shared = self.readable()?;
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let stored = |(&(organization, digest), kept): (&Key, &Kept)| StoredBlob {
            organization,
            blob: Blob { digest, size: length(&kept.bytes) },
            modified_at: kept.modified_at,
        };
        Ok(shared.blobs.range((from, Bound::Unbounded)).take(limit).map(stored).collect())
    }

    async fn remove_unfinished(&self, before: Timestamp) -> BlobResult<u64> {
        let mut shared = self.readable()?;
        let there = shared.unfinished.len();
        shared.unfinished.retain(|_, begun| *begun >= before);
        Ok(u64::try_from(there - shared.unfinished.len()).unwrap_or(u64::MAX))
    }

    async fn ping(&self) -> BlobResult<()> {
        self.writable().map(drop)
    }
}

struct Writer {
    blobs: MemoryBlobs,
    tenant: OrganizationId,
    number: u64,
    bytes: Vec<u8>,
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.blobs.lock().unfinished.remove(&self.number);
    }
}

#[async_trait]
impl BlobWriter for Writer {
    async fn write(&mut self, chunk: Bytes) -> BlobResult<()> {
        drop(self.blobs.writable()?);
        self.bytes.extend_from_slice(&chunk);
        Ok(())
    }

    async fn finish(mut self: Box<Self>, digest: Digest) -> BlobResult<()> {
        let bytes = std::mem::take(&mut self.bytes).into();
        let mut shared = self.blobs.writable()?;
        if !shared.unfinished.contains_key(&self.number) {
            return Err(BlobError::Unavailable("what was begun was swept out".into()));
        }
        let kept = Kept { bytes, modified_at: shared.now };
        shared.blobs.entry((self.tenant, digest)).or_insert(kept);
        Ok(())
    }

    async fn abandon(self: Box<Self>) -> BlobResult<()> {
        Ok(())
    }
}

struct Reader(Bytes);

#[async_trait]
impl BlobReader for Reader {
    async fn next(&mut self) -> BlobResult<Option<Bytes>> {
        let piece = self.0.split_to(READ_BYTES.min(self.0.len()));
        Ok((!piece.is_empty()).then_some(piece))
    }
}

fn length(bytes: &Bytes) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
