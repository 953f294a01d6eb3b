//! The ledger of blobs. Who names a blob is looked up in the rows themselves.

use async_trait::async_trait;
use understudy_domain::{
    Blob, Digest, Extraction, OrganizationId, Timestamp, Upload,
    ports::{BlobLedger, StoreError, StoreResult},
};

use super::{state::State, work::MemoryUnitOfWork};

/// A blob of the ledger.
pub(super) struct Known {
    pub(super) organization: OrganizationId,
    pub(super) blob: Blob,
    pub(super) touched_at: Timestamp,
}

impl State {
    /// Digests of the blobs that the organization's rows name, some more than
    /// once.
    pub(super) fn named(&self, tenant: OrganizationId) -> impl Iterator<Item = Digest> + '_ {
        let assistants = self.assistants.of(tenant).flat_map(|row| row.content.blobs());
        let versions = self.versions.of(tenant).flat_map(|row| row.content.blobs());
        let uploads = self.uploads.of(tenant).flat_map(Upload::blobs);
        let images = self.images.of(tenant).map(|image| image.blob);
        let extractions = self.extractions.of(tenant).flat_map(|row| {
            // A blob is not kept for what was extracted from itself.
            row.blobs().filter(|blob| blob.digest != row.source)
        });
        let all = assistants.chain(versions).chain(uploads).chain(images).chain(extractions);
        all.map(|blob| blob.digest)
    }
}

impl MemoryUnitOfWork {
    /// Refuses rows that name what the ledger does not have.
    pub(super) fn blobs_are_known(&self, mut blobs: impl Iterator<Item = Blob>) -> StoreResult<()> {
        let known = |blob: Blob| self.state.blobs.get(&(self.tenant, blob.digest)).is_some();
        if blobs.all(known) { Ok(()) } else { Err(StoreError::Conflict) }
    }
}

#[async_trait]
impl BlobLedger for MemoryUnitOfWork {
    async fn touch(&mut self, blob: Blob, now: Timestamp) -> StoreResult<()> {
        let key = (self.tenant, blob.digest);
        let touched_at = self.state.blobs.get(&key).map_or(now, |known| known.touched_at.max(now));
        self.state.blobs.put(key, Known { organization: self.tenant, blob, touched_at });
        Ok(())
    }

    async fn forget(&mut self, digest: Digest, before: Timestamp) -> StoreResult<bool> {
        let key = (self.tenant, digest);
        let is_old = self.state.blobs.get(&key).is_some_and(|known| known.touched_at < before);
        if !is_old || self.state.named(self.tenant).any(|named| named == digest) {
            return Ok(false);
        }
        self.state.extractions.remove(&key);
        Ok(self.state.blobs.remove(&key))
    }

    async fn save_extraction(&mut self, extraction: &Extraction) -> StoreResult<()> {
        let key = (extraction.organization, extraction.source);
        if extraction.organization != self.tenant || self.state.blobs.get(&key).is_none() {
            return Err(StoreError::Conflict);
        }
        self.blobs_are_known(extraction.blobs())?;
        self.state.extractions.put(key, extraction.clone());
        Ok(())
    }
}
