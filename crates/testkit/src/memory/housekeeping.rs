//! Finds, in all organizations, what is to be swept out or checked.

use std::collections::BTreeSet;

use async_trait::async_trait;
use understudy_domain::{
    Blob, Digest, OrganizationId, Timestamp, UploadId,
    ports::{Housekeeping, StoreResult},
};

use super::{MemoryStore, state::State};

/// Organization and digest of every blob that a row names.
fn named(state: &State) -> BTreeSet<(OrganizationId, Digest)> {
    let tenants: BTreeSet<_> = state.blobs.rows().map(|known| known.organization).collect();
    let of_tenant = |tenant| state.named(tenant).map(move |digest| (tenant, digest));
    tenants.into_iter().flat_map(of_tenant).collect()
}

fn most(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

#[async_trait]
impl Housekeeping for MemoryStore {
    async fn organizations(
        &self,
        after: Option<OrganizationId>,
        limit: u32,
    ) -> StoreResult<Vec<OrganizationId>> {
        let state = self.shared.read()?;
        let ids = state.organizations.rows().map(|organization| organization.id);
        Ok(ids.filter(|id| after.is_none_or(|after| *id > after)).take(most(limit)).collect())
    }

    async fn expired_uploads(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> StoreResult<Vec<(OrganizationId, UploadId)>> {
        let state = self.shared.read()?;
        let expired = state.uploads.rows().filter(|upload| upload.expires_at <= now);
        Ok(expired.take(most(limit)).map(|upload| (upload.organization, upload.id)).collect())
    }

    async fn unnamed_blobs(
        &self,
        before: Timestamp,
        limit: u32,
    ) -> StoreResult<Vec<(OrganizationId, Digest)>> {
        let state = self.shared.read()?;
        let named = named(&state);
        let old = state.blobs.rows().filter(|known| known.touched_at < before);
        let keys = old.map(|known| (known.organization, known.blob.digest));
        Ok(keys.filter(|key| !named.contains(key)).take(most(limit)).collect())
    }

    async fn named_blobs(
        &self,
        after: Option<(OrganizationId, Digest)>,
        limit: u32,
    ) -> StoreResult<Vec<(OrganizationId, Blob)>> {
        let state = self.shared.read()?;
        let behind = named(&state).into_iter().filter(|key| after.is_none_or(|after| *key > after));
        let known = behind.filter_map(|key| state.blobs.get(&key));
        Ok(known.take(most(limit)).map(|known| (known.organization, known.blob)).collect())
    }

    async fn known_blobs(
        &self,
        blobs: &[(OrganizationId, Digest)],
    ) -> StoreResult<Vec<(OrganizationId, Digest)>> {
        let state = self.shared.read()?;
        Ok(blobs.iter().filter(|key| state.blobs.get(key).is_some()).copied().collect())
    }
}
