//! Tags and favourites.

use async_trait::async_trait;
use understudy_domain::{
    Assistant, AssistantId, OrganizationId, Tag, TagId, Timestamp, UserId,
    ports::{LabelQueries, LabelRepository, StoreError, StoreResult},
};

use super::{MemoryStore, work::MemoryUnitOfWork};

/// What a user noted of an assistant, perhaps of another organization.
pub(super) struct Marked {
    /// The user's organization.
    pub(super) organization: OrganizationId,
    pub(super) user: UserId,
    pub(super) at: Timestamp,
}

impl MemoryUnitOfWork {
    fn tag_name_is_free(&self, tag: &Tag) -> StoreResult<()> {
        let mut others = self.state.tags.of(self.tenant).filter(|other| other.id != tag.id);
        if others.any(|other| other.name.to_lowercase() == tag.name.to_lowercase()) {
            return Err(StoreError::AlreadyExists { what: "name" });
        }
        Ok(())
    }
}

#[async_trait]
impl LabelRepository for MemoryUnitOfWork {
    async fn find(&mut self, id: TagId) -> StoreResult<Option<Tag>> {
        Ok(self.state.tags.find(self.tenant, &id).cloned())
    }

    async fn insert(&mut self, tag: &Tag) -> StoreResult<()> {
        self.tag_name_is_free(tag)?;
        self.state.tags.insert(self.tenant, tag.id, tag.clone())
    }

    async fn update(&mut self, mut tag: Tag) -> StoreResult<Tag> {
        let stored = self.state.tags.find(self.tenant, &tag.id);
        if stored.is_none_or(|stored| stored.revision != tag.revision) {
            return Err(StoreError::Conflict);
        }
        self.tag_name_is_free(&tag)?;
        tag.revision += 1;
        self.state.tags.put(tag.id, tag.clone());
        Ok(tag)
    }

    async fn delete(&mut self, id: TagId) -> StoreResult<bool> {
        if !self.state.tags.delete(self.tenant, &id) {
            return Ok(false);
        }
        let assistants = self.state.assistants.of(self.tenant);
        let tagged = assistants.filter(|assistant| assistant.tags.contains(&id)).cloned();
        for mut assistant in tagged.collect::<Vec<Assistant>>() {
            assistant.tags.remove(&id);
            assistant.revision += 1;
            self.state.assistants.put(assistant.id, assistant);
        }
        Ok(true)
    }

    async fn add_favorite(
        &mut self,
        user: UserId,
        assistant: AssistantId,
        now: Timestamp,
    ) -> StoreResult<bool> {
        let (organization, key) = (self.tenant, (user, assistant));
        if self.state.favorites.get(&key).is_some() {
            return Ok(false);
        }
        self.state.favorites.put(key, Marked { organization, user, at: now });
        Ok(true)
    }

    async fn remove_favorite(&mut self, user: UserId, assistant: AssistantId) -> StoreResult<bool> {
        Ok(self.state.favorites.delete(self.tenant, &(user, assistant)))
    }
}

#[async_trait]
impl LabelQueries for MemoryStore {
    async fn tags(&self, tenant: OrganizationId) -> StoreResult<Vec<Tag>> {
        let mut tags: Vec<Tag> = self.shared.read()?.tags.of(tenant).cloned().collect();
        tags.sort_by_key(|tag| tag.name.to_lowercase());
        Ok(tags)
    }

    async fn favorite(
        &self,
        tenant: OrganizationId,
        user: UserId,
        assistant: AssistantId,
    ) -> StoreResult<Option<Timestamp>> {
        Ok(self.shared.read()?.favorites.find(tenant, &(user, assistant)).map(|mark| mark.at))
    }
}
