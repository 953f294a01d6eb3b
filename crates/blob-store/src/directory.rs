//! Blobs as files of a directory.

mod files;
mod inventory;
mod reader;
mod writer;

use std::{ops::Range, path::Path, sync::Arc};

use async_trait::async_trait;
use understudy_domain::{
    Digest, OrganizationId,
    ports::{BlobInventory, BlobReader, BlobResult, BlobStore, BlobWriter},
};
use url::Url;

use self::{
    files::{Files, blocking},
    reader::FileReader,
    writer::FileWriter,
};
use crate::errors::OpenError;

/// A blob store in a directory of its own.
///
/// What it has taken in is on the disk: bytes are synced before they get their
/// name, and so is every directory on the way to it afterwards. Only its owner can
/// read it.
#[derive(Clone, Debug)]
pub struct DirectoryBlobs {
    files: Arc<Files>,
}

impl DirectoryBlobs {
    /// Opens the store in `directory`, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// [`OpenError::Directory`] when it cannot be made or written to.
    pub fn open(directory: &Path) -> Result<Self, OpenError> {
        let files = Files::open(directory).map_err(|source| {
            let path = directory.to_owned();
            OpenError::Directory { path, source }
        })?;
        Ok(Self { files: Arc::new(files) })
    }
}

#[async_trait]
impl BlobStore for DirectoryBlobs {
    async fn begin(&self, tenant: OrganizationId) -> BlobResult<Box<dyn BlobWriter>> {
        Ok(Box::new(FileWriter::begin(Arc::clone(&self.files), tenant).await?))
    }

    async fn read(
        &self,
        tenant: OrganizationId,
        digest: Digest,
        range: Option<Range<u64>>,
    ) -> BlobResult<Box<dyn BlobReader>> {
        let files = Arc::clone(&self.files);
        let reader = blocking(move || FileReader::open(&files, tenant, digest, range)).await?;
        Ok(Box::new(reader))
    }

    async fn size(&self, tenant: OrganizationId, digest: Digest) -> BlobResult<Option<u64>> {
        let files = Arc::clone(&self.files);
        blocking(move || files.size(tenant, digest)).await
    }

    async fn delete(&self, tenant: OrganizationId, digest: Digest) -> BlobResult<()> {
        let files = Arc::clone(&self.files);
        blocking(move || files.remove(tenant, digest)).await
    }

    async fn link(&self, _: OrganizationId, _: Digest, _: u32) -> BlobResult<Option<Url>> {
        Ok(None)
    }

    fn inventory(&self) -> &dyn BlobInventory {
        self
    }
}
