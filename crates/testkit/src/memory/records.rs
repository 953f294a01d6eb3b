//! Versions, sealed values, data keys and the audit log.

use async_trait::async_trait;
use understudy_domain::{
    AssistantId, AuditEvent, DataKey, SealedId, SealedValue, Version,
    ports::{RecordRepository, StoreError, StoreResult},
};

use super::work::MemoryUnitOfWork;

#[async_trait]
impl RecordRepository for MemoryUnitOfWork {
    async fn insert_version(&mut self, version: &Version) -> StoreResult<()> {
        let key = (version.assistant, version.number);
        if self.state.versions.get(&key).is_some() {
            return Err(StoreError::Conflict);
        }
        self.blobs_are_known(version.content.blobs())?;
        self.state.versions.insert(self.tenant, key, version.clone())
    }

    async fn find_version(
        &mut self,
        assistant: AssistantId,
        number: u32,
    ) -> StoreResult<Option<Version>> {
        Ok(self.state.versions.find(self.tenant, &(assistant, number)).cloned())
    }

    async fn insert_sealed(&mut self, values: &[SealedValue]) -> StoreResult<()> {
        for value in values {
            self.state.sealed.insert(self.tenant, value.id, value.clone())?;
        }
        Ok(())
    }

    async fn find_sealed(&mut self, ids: &[SealedId]) -> StoreResult<Vec<SealedValue>> {
        let values = self.state.sealed.of(self.tenant);
        Ok(values.filter(|value| ids.contains(&value.id)).cloned().collect())
    }

    async fn newest_data_key(&mut self) -> StoreResult<Option<DataKey>> {
        let keys = self.state.data_keys.of(self.tenant);
        Ok(keys.max_by_key(|key| (key.created_at, key.id)).cloned())
    }

    async fn insert_data_key(&mut self, key: &DataKey) -> StoreResult<()> {
        self.state.data_keys.insert(self.tenant, key.id, key.clone())
    }

    async fn append_event(&mut self, event: &AuditEvent) -> StoreResult<()> {
        if event.organization != self.tenant {
            return Err(StoreError::Conflict);
        }
        let recorded = self.state.events.rows().map(|recorded| &recorded.event);
        if recorded.chain(&self.events).any(|other| other.id == event.id) {
            return Err(StoreError::AlreadyExists { what: "id" });
        }
        self.events.push(event.clone());
        Ok(())
    }
}
