//! What a directory holds.

use std::{
    fs::{self, Metadata},
    io::{self, ErrorKind},
    path::Path,
    sync::Arc,
};

use async_trait::async_trait;
use understudy_domain::{
    Blob, Digest, OrganizationId, Timestamp,
    ports::{BlobInventory, BlobResult, StoredBlob},
};

use super::{
    DirectoryBlobs,
    files::{Files, blocking},
};
use crate::{errors::on_file, layout};

type Key = (OrganizationId, Digest);

#[async_trait]
impl BlobInventory for DirectoryBlobs {
    async fn list(&self, after: Option<Key>, limit: usize) -> BlobResult<Vec<StoredBlob>> {
        let files = Arc::clone(&self.files);
        blocking(move || list(&files, after, limit).map_err(on_file)).await
    }

    async fn remove_unfinished(&self, before: Timestamp) -> BlobResult<u64> {
        let files = Arc::clone(&self.files);
        blocking(move || remove_unfinished(&files, before).map_err(on_file)).await
    }

    async fn ping(&self) -> BlobResult<()> {
        let files = Arc::clone(&self.files);
        blocking(move || files.probe().map_err(on_file)).await
    }
}

/// Goes through the directories in order, so that no more than one of the smallest
/// is in memory.
fn list(files: &Files, after: Option<Key>, limit: usize) -> io::Result<Vec<StoredBlob>> {
    let mut found = Vec::new();
    for organization in names(&files.blobs())? {
        let Some(tenant) = layout::parse_organization(&organization) else { continue };
        // Of the organization in which the last page ended, only what follows.
        let behind = match after {
            Some((last, _)) if tenant < last => continue,
            Some((last, digest)) if tenant == last => Some(digest),
            _ => None,
        };
        let folder = files.blobs().join(organization);
        for shard in names(&folder)? {
            if behind.is_some_and(|digest| shard < layout::shard(digest)) {
                continue;
            }
            for name in names(&folder.join(&shard))? {
                if found.len() == limit {
                    return Ok(found);
                }
                let Ok(digest) = name.parse::<Digest>() else { continue };
                if layout::shard(digest) == shard && behind.is_none_or(|last| digest > last) {
                    found.extend(stored(&folder.join(&shard).join(name), tenant, digest)?);
                }
            }
        }
    }
    Ok(found)
}

/// The names in a directory, in order; none when it is gone, or is none.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotADirectory => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut names = Vec::new();
    for entry in entries {
        // A name that is no text is none of ours.
        names.extend(entry?.file_name().into_string().ok());
    }
    names.sort_unstable();
    Ok(names)
}

/// The blob in this file; `None` when it went away in the meantime, or is no file.
fn stored(
    path: &Path,
    organization: OrganizationId,
    digest: Digest,
) -> io::Result<Option<StoredBlob>> {
    let Some(metadata) = look(path)? else { return Ok(None) };
    let blob = Blob { digest, size: metadata.len() };
    Ok(Some(StoredBlob { organization, blob, modified_at: modified(&metadata)? }))
}

fn look(path: &Path) -> io::Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        metadata => metadata.map(|metadata| metadata.is_file().then_some(metadata)),
    }
}

fn modified(metadata: &Metadata) -> io::Result<Timestamp> {
    Ok(Timestamp::new(metadata.modified()?.into()))
}

fn remove_unfinished(files: &Files, before: Timestamp) -> io::Result<u64> {
    let mut removed = 0;
    for organization in names(&files.staging())? {
        let folder = files.staging().join(organization);
        for name in names(&folder)? {
            let path = folder.join(name);
            let Some(metadata) = look(&path)? else { continue };
            if modified(&metadata)? < before {
                match fs::remove_file(&path) {
                    Ok(()) => removed += 1,
                    // Its writer was faster.
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }
    Ok(removed)
}
