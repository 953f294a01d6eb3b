//! Sweeping out what nobody needs any more, and checking that what is needed is
//! there.

use time::Duration;

use super::{Deps, Result};
use crate::{
    Blob, Digest, OrganizationId,
    ports::{BlobError, StoredBlob},
};

/// How many rows or blobs are looked at in one go.
const BATCH: u32 = 200;

/// What a sweep took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Uploads that expired.
    pub uploads: u64,
    /// Blobs that no row named.
    pub blobs: u64,
    /// Bytes that the ledger does not know: of a crash while they were taken in.
    pub strays: u64,
    /// Writes that were never finished.
    pub unfinished: u64,
}

/// Sweeps out expired uploads, and blobs that no row names and nobody touched for
/// `keep`.
///
/// # Errors
///
/// The first failure; what was swept until then is swept.
pub async fn sweep(deps: Deps<'_>, keep: Duration) -> Result<Swept> {
    let mut swept = Swept::default();
    let now = deps.clock.now();
    loop {
        let expired = deps.store.housekeeping().expired_uploads(now, BATCH).await?;
        let some = !expired.is_empty();
        for (tenant, id) in expired {
            let mut work = deps.store.begin(tenant).await?;
            swept.uploads += u64::from(work.uploads().delete(id).await?);
            work.commit().await?;
        }
        if !some {
            break;
        }
    }
    let before = now.plus(-keep);
    loop {
        let unnamed = deps.store.housekeeping().unnamed_blobs(before, BATCH).await?;
        let mut forgotten = 0;
        for (tenant, digest) in &unnamed {
            let mut work = deps.store.begin(*tenant).await?;
            if work.blobs().forget(*digest, before).await? {
                // The row stays locked until the bytes are gone: whoever takes the
                // same bytes in meanwhile waits, and then stores them anew.
                deps.blobs.delete(*tenant, *digest).await?;
                work.commit().await?;
                forgotten += 1;
            }
        }
        swept.blobs += forgotten;
        if forgotten == 0 {
            return Ok(swept);
        }
    }
}

/// Sweeps out bytes in the blob store that no row of the ledger stands for, and
/// writes that were begun and never finished, if they are older than `keep`. It
/// looks at every stored blob, so it is for now and then.
///
/// # Errors
///
/// The first failure; what was swept until then is swept.
pub async fn sweep_strays(deps: Deps<'_>, keep: Duration) -> Result<Swept> {
    let before = deps.clock.now().plus(-keep);
    let mut swept = Swept {
        unfinished: deps.blobs.inventory().remove_unfinished(before).await?,
        ..Swept::default()
    };
    let mut after = None;
    loop {
        let stored = list(&deps, after).await?;
        let Some(last) = stored.last() else { return Ok(swept) };
        after = Some((last.organization, last.blob.digest));
        let keys: Vec<_> = stored.iter().map(|s| (s.organization, s.blob.digest)).collect();
        let known = deps.store.housekeeping().known_blobs(&keys).await?;
        let old = stored.iter().filter(|stored| stored.modified_at < before);
        for StoredBlob { organization, blob, .. } in old {
            if known.contains(&(*organization, blob.digest)) {
                continue;
            }
            // A row of its own locks it against whoever takes the same bytes in now,
            // whose touch is later and stays.
            let mut work = deps.store.begin(*organization).await?;
            work.blobs().touch(*blob, before.plus(-Duration::SECOND)).await?;
            if work.blobs().forget(blob.digest, before).await? {
                deps.blobs.delete(*organization, blob.digest).await?;
                work.commit().await?;
                swept.strays += 1;
            }
        }
    }
}

async fn list(deps: &Deps<'_>, after: Option<(OrganizationId, Digest)>) -> Result<Vec<StoredBlob>> {
    let limit = usize::try_from(BATCH).unwrap_or(usize::MAX);
    Ok(deps.blobs.inventory().list(after, limit).await?)
}

/// What is wrong with a blob that a row names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// It is not there.
    Missing,
    /// It has another size.
    Size {
        /// How many bytes are there.
        found: u64,
    },
    /// It has other bytes.
    Bytes,
}

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// How many blobs rows name.
    pub named: u64,
    /// Those of them that are not as they should be.
    pub damaged: Vec<(OrganizationId, Blob, Damage)>,
}

/// Checks that every blob that a row names is there with its size; with `deep` also
/// that its bytes are those that its digest tells.
///
/// # Errors
///
/// When store or blob store cannot be read; damage is no error.
pub async fn check(deps: Deps<'_>, deep: bool) -> Result<Checked> {
    let mut checked = Checked::default();
    let mut after = None;
    loop {
        let named = deps.store.housekeeping().named_blobs(after, BATCH).await?;
        let Some((tenant, blob)) = named.last() else { return Ok(checked) };
        after = Some((*tenant, blob.digest));
        for (tenant, blob) in named {
            checked.named += 1;
            if let Some(damage) = damage_of(&deps, tenant, blob, deep).await? {
                checked.damaged.push((tenant, blob, damage));
            }
        }
    }
}

async fn damage_of(
    deps: &Deps<'_>,
    tenant: OrganizationId,
    blob: Blob,
    deep: bool,
) -> Result<Option<Damage>> {
    match deps.blobs.size(tenant, blob.digest).await? {
        None => return Ok(Some(Damage::Missing)),
        Some(found) if found != blob.size => return Ok(Some(Damage::Size { found })),
        Some(_) => {}
    }
    if deep && !is_whole(deps, tenant, blob).await? {
        return Ok(Some(Damage::Bytes));
    }
    Ok(None)
}

async fn is_whole(deps: &Deps<'_>, tenant: OrganizationId, blob: Blob) -> Result<bool> {
    use sha2::Digest as _;

    let mut hash = sha2::Sha256::new();
    let mut reader = deps.blobs.read(tenant, blob.digest, None).await?;
    loop {
        match reader.next().await {
            Ok(Some(chunk)) => hash.update(&chunk),
            Ok(None) => return Ok(Digest::from_bytes(hash.finalize().into()) == blob.digest),
            Err(BlobError::Damaged(_)) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
}
