//! Assistants and drafts.

use async_trait::async_trait;
use understudy_domain::{
    Assistant, AssistantId, Slug,
    ports::{AssistantRepository, StoreError, StoreResult},
};

use super::work::MemoryUnitOfWork;

impl MemoryUnitOfWork {
    /// Checks each value that may be there once only.
    fn assistant_is_unique(&self, assistant: &Assistant) -> StoreResult<()> {
        let taken = |what: &'static str, same: &dyn Fn(&Assistant) -> bool| {
            let mut others = self.state.assistants.of(self.tenant);
            if others.any(|other| other.id != assistant.id && same(other)) {
                return Err(StoreError::AlreadyExists { what });
            }
            Ok(())
        };
        if let Some(editing) = assistant.editing {
            return taken("draft", &|other| other.editing == Some(editing));
        }
        taken("slug", &|other| other.slug.is_some() && other.slug == assistant.slug)?;
        if assistant.deleted_at.is_some() {
            return Ok(());
        }
        let name = assistant.content.name.to_lowercase();
        taken("name", &|other| is_listed(other) && other.content.name.to_lowercase() == name)?;
        if assistant.is_default {
            taken("default", &|other| is_listed(other) && other.is_default)?;
        }
        Ok(())
    }

    fn draft_id(&self, live: AssistantId) -> Option<AssistantId> {
        let mut assistants = self.state.assistants.of(self.tenant);
        let draft = assistants.find(|other| other.editing.is_some_and(|e| e.live == live));
        draft.map(|draft| draft.id)
    }
}

/// Whether it is neither a draft nor deleted.
pub(super) const fn is_listed(assistant: &Assistant) -> bool {
    !assistant.is_draft() && assistant.deleted_at.is_none()
}

#[async_trait]
impl AssistantRepository for MemoryUnitOfWork {
    async fn find(&mut self, id: AssistantId) -> StoreResult<Option<Assistant>> {
        Ok(self.state.assistants.find(self.tenant, &id).cloned())
    }

    async fn find_draft_of(&mut self, live: AssistantId) -> StoreResult<Option<Assistant>> {
        let draft = self.draft_id(live);
        Ok(draft.and_then(|id| self.state.assistants.get(&id)).cloned())
    }

    async fn find_by_slug(&mut self, slug: &Slug) -> StoreResult<Option<AssistantId>> {
        let mut assistants = self.state.assistants.of(self.tenant);
        let found = assistants.find(|a| !a.is_draft() && a.slug.as_ref() == Some(slug));
        Ok(found.map(|assistant| assistant.id))
    }

    async fn insert(&mut self, assistant: &Assistant) -> StoreResult<()> {
        self.assistant_is_unique(assistant)?;
        self.blobs_are_known(assistant.content.blobs())?;
        self.state.assistants.insert(self.tenant, assistant.id, assistant.clone())
    }

    async fn update(&mut self, mut assistant: Assistant) -> StoreResult<Assistant> {
        let stored = self.state.assistants.find(self.tenant, &assistant.id);
        if stored.is_none_or(|stored| stored.revision != assistant.revision) {
            return Err(StoreError::Conflict);
        }
        self.assistant_is_unique(&assistant)?;
        self.blobs_are_known(assistant.content.blobs())?;
        assistant.revision += 1;
        self.state.assistants.put(assistant.id, assistant.clone());
        Ok(assistant)
    }

    async fn delete_draft(&mut self, id: AssistantId) -> StoreResult<bool> {
        let stored = self.state.assistants.find(self.tenant, &id);
        let is_draft = stored.is_some_and(Assistant::is_draft);
        Ok(is_draft && self.state.assistants.remove(&id))
    }

    async fn clear_default(&mut self) -> StoreResult<()> {
        let default = self.state.assistants.of(self.tenant).find(|a| a.is_default).cloned();
        if let Some(mut assistant) = default {
            assistant.is_default = false;
            assistant.revision += 1;
            self.state.assistants.put(assistant.id, assistant);
        }
        Ok(())
    }
}
