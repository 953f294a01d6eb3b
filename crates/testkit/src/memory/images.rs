//! Pictures and their usage.

use async_trait::async_trait;
use understudy_domain::{
    AssistantId, Image, ImageId, ImageOrigin, OrganizationId, Usage,
    ports::{ImageRepository, StoreError, StoreResult},
};

use super::{state::State, work::MemoryUnitOfWork};

/// The newest avatar of the assistant.
pub(super) fn avatar(
    state: &State,
    tenant: OrganizationId,
    assistant: AssistantId,
) -> Option<&Image> {
    let is_avatar =
        |image: &&Image| image.origin == ImageOrigin::Avatar && image.assistant == Some(assistant);
    state.images.of(tenant).rfind(is_avatar)
}

#[async_trait]
impl ImageRepository for MemoryUnitOfWork {
    async fn find(&mut self, id: ImageId) -> StoreResult<Option<Image>> {
        Ok(self.state.images.find(self.tenant, &id).cloned())
    }

    async fn find_avatar(&mut self, assistant: AssistantId) -> StoreResult<Option<Image>> {
        Ok(avatar(&self.state, self.tenant, assistant).cloned())
    }

    async fn insert(&mut self, image: &Image) -> StoreResult<()> {
        self.blobs_are_known(std::iter::once(image.blob))?;
        if self.state.images.rows().any(|other| other.key.expose() == image.key.expose()) {
            return Err(StoreError::AlreadyExists { what: "id" });
        }
        self.state.images.insert(self.tenant, image.id, image.clone())
    }

    async fn delete(&mut self, id: ImageId) -> StoreResult<bool> {
        Ok(self.state.images.delete(self.tenant, &id))
    }

    async fn count(&mut self, usage: &Usage) -> StoreResult<()> {
        self.state.usage.insert(self.tenant, usage.id, usage.clone())
    }
}
