//! The one way in for bytes: streamed, counted, hashed, told apart and noted.
//!
//! The order keeps two promises. No row ever names a blob that is not durable: the
//! bytes are finished before [`Intake::finish`] returns, and rows that name them
//! come after. And the sweep never takes what is about to be named: the ledger is
//! touched before the bytes are published, so they count as young from then on.

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::{Deps, Error, Result, organization::Storage};
use crate::{
    Blob, Digest, OrganizationId,
    media_type::{self, HEAD_BYTES},
    ports::BlobWriter,
};

/// How much is taken in at most, and what of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteLimit {
    /// What it is, for the message: `a file`.
    pub what: &'static str,
    /// How many bytes.
    pub bytes: u64,
}

/// Bytes that are being taken in for one organization. Dropping it forgets them.
pub struct Intake<'a> {
    deps: Deps<'a>,
    tenant: OrganizationId,
    limit: ByteLimit,
    writer: Box<dyn BlobWriter>,
    hash: Sha256,
    received: u64,
    head: Vec<u8>,
    /// Whether it may be refused for the organization's limit.
    is_limited: bool,
}

/// Bytes that were taken in. They are kept for a day without being named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The bytes.
    pub blob: Blob,
    /// The first [`HEAD_BYTES`] of them, which tell what they are.
    pub head: Vec<u8>,
}

impl Received {
    /// What they are; `name` is what their sender calls them.
    #[must_use]
    pub fn media_type(&self, name: Option<&str>) -> &'static str {
        media_type::sniff(&self.head, name)
    }
}

impl<'a> Intake<'a> {
    /// Begins.
    ///
    /// # Errors
    ///
    /// [`Error::Blobs`].
    pub async fn begin(deps: Deps<'a>, tenant: OrganizationId, limit: ByteLimit) -> Result<Self> {
        let writer = deps.blobs.begin(tenant).await?;
        let (hash, head) = (Sha256::new(), Vec::new());
        Ok(Self { deps, tenant, limit, writer, hash, received: 0, head, is_limited: true })
    }

    /// Takes in what the service makes of bytes that it has: they are not refused
    /// for the organization's limit, which the first ones fitted into.
    pub(super) async fn begin_derived(
        deps: Deps<'a>,
        tenant: OrganizationId,
        limit: ByteLimit,
    ) -> Result<Self> {
        Ok(Self { is_limited: false, ..Self::begin(deps, tenant, limit).await? })
    }

    /// Takes in more.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] as soon as it is more than the limit, [`Error::Blobs`].
    pub async fn write(&mut self, chunk: Bytes) -> Result<()> {
        let more = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        let received = self.received.saturating_add(more);
        if received > self.limit.bytes {
            let ByteLimit { what, bytes: limit } = self.limit;
            return Err(Error::TooLarge { what, limit });
        }
        let wanted = HEAD_BYTES.saturating_sub(self.head.len()).min(chunk.len());
        self.head.extend_from_slice(chunk.get(..wanted).unwrap_or_default());
        self.hash.update(&chunk);
        self.writer.write(chunk).await?;
        self.received = received;
        Ok(())
    }

    /// How many bytes came so far.
    #[must_use]
    pub const fn received(&self) -> u64 {
        self.received
    }

    /// Makes them durable.
    ///
    /// # Errors
    ///
    /// [`Error::TooMany`] when the organization may not have as many bytes,
    /// [`Error::Blobs`], [`Error::Store`].
    pub async fn finish(self) -> Result<Received> {
        let Self { deps, tenant, writer, hash, received, head, is_limited, .. } = self;
        let blob = Blob { digest: Digest::from_bytes(hash.finalize().into()), size: received };
        note(&deps, tenant, blob, is_limited).await?;
        writer.finish(blob.digest).await?;
        Ok(Received { blob, head })
    }

    /// Forgets them at once.
    ///
    /// # Errors
    ///
    /// [`Error::Blobs`].
    pub async fn abandon(self) -> Result<()> {
        Ok(self.writer.abandon().await?)
    }
}

/// Touches the blob in the ledger, in a transaction of its own. All bytes of the
/// organization are added up only where it has a limit.
async fn note(deps: &Deps<'_>, tenant: OrganizationId, blob: Blob, is_limited: bool) -> Result<()> {
    let mut work = deps.store.begin(tenant).await?;
    let storage = if is_limited { Storage::measure(&mut *work).await? } else { None };
    work.blobs().touch(blob, deps.clock.now()).await?;
    if let Some(storage) = storage {
        storage.require_fit(&mut *work).await?;
    }
    Ok(work.commit().await?)
}

/// Takes in bytes that are in memory.
pub(super) async fn take_in(deps: &Deps<'_>, tenant: OrganizationId, bytes: Bytes) -> Result<Blob> {
    let limit = ByteLimit { what: "a picture", bytes: u64::MAX };
    let mut intake = Intake::begin(*deps, tenant, limit).await?;
    intake.write(bytes).await?;
    Ok(intake.finish().await?.blob)
}

/// Takes in bytes that are in memory and were made of others that are stored.
pub(super) async fn take_in_derived(
    deps: &Deps<'_>,
    tenant: OrganizationId,
    bytes: Bytes,
) -> Result<Blob> {
    let limit = ByteLimit { what: "a picture", bytes: u64::MAX };
    let mut intake = Intake::begin_derived(*deps, tenant, limit).await?;
    intake.write(bytes).await?;
    Ok(intake.finish().await?.blob)
}

/// Makes a blob of one organization one of another, too: a copy of a shared
/// assistant takes its files along.
pub(super) async fn carry_over(
    deps: &Deps<'_>,
    (from, to): (OrganizationId, OrganizationId),
    blob: Blob,
) -> Result<()> {
    if from == to {
        // It is named by what is copied, so it stays; the ledger knows it.
        return Ok(());
    }
    let mut reader = deps.blobs.read(from, blob.digest, None).await?;
    let limit = ByteLimit { what: "a file", bytes: u64::MAX };
    let mut intake = Intake::begin(*deps, to, limit).await?;
    while let Some(chunk) = reader.next().await? {
        intake.write(chunk).await?;
    }
    intake.finish().await.map(drop)
}

/// All of a small blob.
pub(super) async fn read_whole(
    deps: &Deps<'_>,
    tenant: OrganizationId,
    blob: Blob,
) -> Result<Bytes> {
    let mut reader = deps.blobs.read(tenant, blob.digest, None).await?;
    let mut whole = Vec::with_capacity(usize::try_from(blob.size).unwrap_or_default());
    while let Some(chunk) = reader.next().await? {
        whole.extend_from_slice(&chunk);
    }
    Ok(whole.into())
}
