//! The directory itself. Everything here blocks.

use std::{
    collections::HashSet,
    fs::{self, DirBuilder, File},
    io::{self, ErrorKind, Write},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use tempfile::{NamedTempFile, TempPath};
use tokio::task::spawn_blocking;
use understudy_domain::{
    Digest, OrganizationId,
    ports::{BlobError, BlobResult},
};

use crate::{
    errors::{on_file, unavailable},
    layout::{self, BLOBS, STAGING},
};

/// For the owner's eyes only.
const OWNERS: u32 = 0o700;

/// So many folders are remembered as durable.
const SETTLED: usize = 1 << 16;

/// Where the files are.
#[derive(Debug)]
pub(super) struct Files {
    root: PathBuf,
    /// Folders of blobs whose own names this process has seen to be durable.
    settled: Mutex<HashSet<PathBuf>>,
}

/// Does what blocks on a thread that may.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> BlobResult<T> + Send + 'static,
) -> BlobResult<T> {
    spawn_blocking(work).await.map_err(unavailable)?
}

impl Files {
    /// Makes what is missing, and sees that it can be written to.
    pub(super) fn open(directory: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(OWNERS).create(directory)?;
        // A later change of the working directory must not move the blobs.
        let files = Self { root: directory.canonicalize()?, settled: Mutex::default() };
        for folder in [files.blobs(), files.staging()] {
            make(&folder)?;
        }
        sync(&files.root)?;
        files.root.parent().map(sync).transpose()?;
        files.probe()?;
        Ok(files)
    }

    pub(super) fn blobs(&self) -> PathBuf {
        self.root.join(BLOBS)
    }

    pub(super) fn staging(&self) -> PathBuf {
        self.root.join(STAGING)
    }

    fn blob(&self, tenant: OrganizationId, digest: Digest) -> PathBuf {
        self.root.join(layout::blob(tenant, digest))
    }

    /// A file to write to. It goes with its path.
    pub(super) fn stage(&self, tenant: OrganizationId) -> io::Result<(File, TempPath)> {
        let folder = self.staging().join(layout::organization(tenant));
        make(&folder)?;
        NamedTempFile::new_in(folder).map(NamedTempFile::into_parts)
    }

    /// Gives what was staged, and is on the disk, its name for good.
    pub(super) fn publish(
        &self,
        (tenant, digest): (OrganizationId, Digest),
        staged: TempPath,
    ) -> io::Result<()> {
        let organization = self.blobs().join(layout::organization(tenant));
        let shard = organization.join(layout::shard(digest));
        let is_new = make(&organization)? | make(&shard)?;
        match staged.persist_noclobber(self.blob(tenant, digest)) {
            Ok(()) => {}
            Err(failure) if failure.error.kind() == ErrorKind::AlreadyExists => {
                failure.path.close()?;
            }
            Err(failure) => return Err(failure.error),
        }
        // Even if the blob was there: whoever wrote it may not have come to this.
        sync(&shard)?;
        self.settle(is_new, &organization, shard)
    }

    /// Makes the names of folders durable. That they are old says nothing: whoever
    /// made them may not have come to this yet.
    fn settle(&self, is_new: bool, organization: &Path, shard: PathBuf) -> io::Result<()> {
        let settled = || self.settled.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_new && settled().contains(&shard) {
            return Ok(());
        }
        sync(organization)?;
        sync(&self.blobs())?;
        let mut settled = settled();
        if settled.len() == SETTLED {
            settled.clear();
        }
        settled.insert(shard);
        Ok(())
    }

    /// The blob's file and its size.
    pub(super) fn find(&self, tenant: OrganizationId, digest: Digest) -> BlobResult<(File, u64)> {
        let file = File::open(self.blob(tenant, digest)).map_err(|error| self.missing(error))?;
        let size = file.metadata().map_err(on_file)?.len();
        Ok((file, size))
    }

    pub(super) fn size(&self, tenant: OrganizationId, digest: Digest) -> BlobResult<Option<u64>> {
        match fs::metadata(self.blob(tenant, digest)).map_err(|error| self.missing(error)) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(BlobError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) fn remove(&self, tenant: OrganizationId, digest: Digest) -> BlobResult<()> {
        let path = self.blob(tenant, digest);
        match fs::remove_file(&path).map_err(|error| self.missing(error)) {
            Ok(()) => path.parent().map(sync).transpose().map(drop).map_err(on_file),
            Err(BlobError::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Makes a file and removes it again.
    pub(super) fn probe(&self) -> io::Result<()> {
        let mut file = NamedTempFile::new_in(self.staging())?;
        file.write_all(b"ping")?;
        file.close()
    }

    /// What a failed look for a blob says. When the directory itself is gone, a
    /// disk is not mounted, and no blob is missing.
    fn missing(&self, error: io::Error) -> BlobError {
        if error.kind() == ErrorKind::NotFound && self.blobs().is_dir() {
            return BlobError::NotFound;
        }
        on_file(error)
    }
}

/// Makes a directory, but not the ones above: if those are gone, the blobs are,
/// too, and new ones must not go where they would be hidden later. Whether it was
/// not there.
fn make(folder: &Path) -> io::Result<bool> {
    match DirBuilder::new().mode(OWNERS).create(folder) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        made => made.map(|()| true),
    }
}

/// Makes the names in a directory durable.
fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
