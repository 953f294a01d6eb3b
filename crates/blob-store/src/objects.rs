//! Blobs as objects of a bucket, or of a process.

mod inventory;
mod reader;
mod s3;
mod writer;

use std::{ops::Range, sync::Arc, time::Duration};

use async_trait::async_trait;
use object_store::{
    ObjectStore, ObjectStoreExt, aws::AmazonS3, memory::InMemory, path::Path, signer::Signer,
};
use reqwest::Method;
use understudy_domain::{
    Digest, OrganizationId,
    ports::{BlobError, BlobInventory, BlobReader, BlobResult, BlobStore, BlobWriter},
};
use url::Url;

pub use self::s3::{Links, S3Credentials, S3Settings};
use self::{reader::ObjectReader, writer::ObjectWriter};
use crate::{
    errors::{OpenError, on_object, on_upload},
    layout,
};

/// A blob store over an object store.
///
/// Small blobs go straight to their place in one request; large ones are staged in
/// parts and copied there within the service. The service must answer a request
/// only when what it wrote is durable, show it to everyone from then on, and list
/// objects in the order of their names, as S3 does (its directory buckets do not).
///
/// AWS copies at most 5 GiB in one request, so that is the largest blob there.
#[derive(Clone, Debug)]
pub struct ObjectBlobs {
    objects: Arc<Objects>,
}

/// The objects, and where among others they are.
#[derive(Debug)]
struct Objects {
    store: Arc<dyn ObjectStore>,
    /// Everything is below it.
    prefix: Path,
    /// Who signs links, if there are to be any.
    signer: Option<AmazonS3>,
}

impl ObjectBlobs {
    /// The store in an S3 bucket. It connects when it is first used.
    ///
    /// # Errors
    ///
    /// [`OpenError::Settings`].
    pub fn s3(settings: S3Settings) -> Result<Self, OpenError> {
        let prefix = settings.prefix()?;
        let links = settings.links;
        let client = settings.client()?;
        let signer = (links == Links::Presigned).then(|| client.clone());
        let objects = Objects { store: Arc::new(client), prefix, signer };
        Ok(Self { objects: Arc::new(objects) })
    }

    /// A store in the memory of the process, gone with its last clone.
    #[must_use]
    pub fn memory() -> Self {
        let store = Arc::new(InMemory::new());
        Self { objects: Arc::new(Objects { store, prefix: Path::default(), signer: None }) }
    }
}

impl Objects {
    /// Where what our layout calls so is.
    fn path(&self, name: &str) -> Path {
        name.split('/').fold(self.prefix.clone(), Path::join)
    }

    fn blob(&self, tenant: OrganizationId, digest: Digest) -> Path {
        self.path(&layout::blob(tenant, digest))
    }

    /// What our layout calls this place; `None` when it is none of ours.
    fn name(&self, path: &Path) -> Option<String> {
        let parts: Vec<_> = path.prefix_match(&self.prefix)?.collect();
        Some(parts.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join("/"))
    }

    async fn size(&self, tenant: OrganizationId, digest: Digest) -> BlobResult<Option<u64>> {
        match self.store.head(&self.blob(tenant, digest)).await.map_err(on_object) {
            Ok(meta) => Ok(Some(meta.size)),
            Err(BlobError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes an object; one that is gone already is no error.
    async fn remove(&self, path: &Path) -> BlobResult<()> {
        match self.store.delete(path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(on_upload(error)),
        }
    }
}

#[async_trait]
impl BlobStore for ObjectBlobs {
    async fn begin(&self, tenant: OrganizationId) -> BlobResult<Box<dyn BlobWriter>> {
        Ok(Box::new(ObjectWriter::new(Arc::clone(&self.objects), tenant)))
    }

    async fn read(
        &self,
        tenant: OrganizationId,
        digest: Digest,
        range: Option<Range<u64>>,
    ) -> BlobResult<Box<dyn BlobReader>> {
        let path = self.objects.blob(tenant, digest);
        let store = Arc::clone(&self.objects.store);
        Ok(Box::new(ObjectReader::open(store, path, range).await?))
    }

    async fn size(&self, tenant: OrganizationId, digest: Digest) -> BlobResult<Option<u64>> {
        self.objects.size(tenant, digest).await
    }

    async fn delete(&self, tenant: OrganizationId, digest: Digest) -> BlobResult<()> {
        self.objects.remove(&self.objects.blob(tenant, digest)).await
    }

    async fn link(
        &self,
        tenant: OrganizationId,
        digest: Digest,
        seconds: u32,
    ) -> BlobResult<Option<Url>> {
        let Some(signer) = &self.objects.signer else { return Ok(None) };
        let path = self.objects.blob(tenant, digest);
        let lasting = Duration::from_secs(seconds.into());
        signer.signed_url(Method::GET, &path, lasting).await.map(Some).map_err(on_upload)
    }

    fn inventory(&self) -> &dyn BlobInventory {
        self
    }
}
