//! Uploads.

use async_trait::async_trait;
use understudy_domain::{
    Upload, UploadId,
    ports::{StoreError, StoreResult, UploadRepository},
};

use super::work::MemoryUnitOfWork;

#[async_trait]
impl UploadRepository for MemoryUnitOfWork {
    async fn find(&mut self, id: UploadId) -> StoreResult<Option<Upload>> {
        Ok(self.state.uploads.find(self.tenant, &id).cloned())
    }

    async fn insert(&mut self, upload: &Upload) -> StoreResult<()> {
        self.blobs_are_known(upload.blobs())?;
        self.state.uploads.insert(self.tenant, upload.id, upload.clone())
    }

    async fn update(&mut self, upload: &Upload) -> StoreResult<()> {
        if self.state.uploads.find(self.tenant, &upload.id).is_none() {
            return Err(StoreError::Conflict);
        }
        self.blobs_are_known(upload.blobs())?;
        self.state.uploads.put(upload.id, upload.clone());
        Ok(())
    }

    async fn delete(&mut self, id: UploadId) -> StoreResult<bool> {
        Ok(self.state.uploads.delete(self.tenant, &id))
    }
}
