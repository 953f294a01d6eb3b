//! Data keys and what is sealed with them.

use async_trait::async_trait;
use understudy_domain::{
    DataKey, DataKeyId, OrganizationId, SealedId, SealedValue,
    ports::{KeyQueries, KeyRepository, StoreError, StoreResult},
};

use super::{MemoryStore, work::MemoryUnitOfWork};

#[async_trait]
impl KeyQueries for MemoryStore {
    async fn data_key(
        &self,
        tenant: OrganizationId,
        id: DataKeyId,
    ) -> StoreResult<Option<DataKey>> {
        Ok(self.shared.read()?.data_keys.find(tenant, &id).cloned())
    }

    async fn sealed(
        &self,
        tenant: OrganizationId,
        ids: &[SealedId],
    ) -> StoreResult<Vec<SealedValue>> {
        let state = self.shared.read()?;
        Ok(ids.iter().filter_map(|id| state.sealed.find(tenant, id).cloned()).collect())
    }
}

#[async_trait]
impl KeyRepository for MemoryUnitOfWork {
    async fn find(&mut self, id: DataKeyId) -> StoreResult<Option<DataKey>> {
        Ok(self.state.data_keys.find(self.tenant, &id).cloned())
    }

    async fn all(&mut self) -> StoreResult<Vec<DataKey>> {
        let mut keys: Vec<DataKey> = self.state.data_keys.of(self.tenant).cloned().collect();
        keys.sort_by_key(|key| (key.created_at, key.id));
        Ok(keys)
    }

    async fn rewrap(&mut self, key: &DataKey) -> StoreResult<()> {
        let stored = self.state.data_keys.find(self.tenant, &key.id).ok_or(StoreError::Conflict)?;
        let changed = DataKey { wrapped: key.wrapped.clone(), ..stored.clone() };
        self.state.data_keys.put(key.id, changed);
        Ok(())
    }

    async fn sealed_after(
        &mut self,
        after: Option<SealedId>,
        limit: u32,
    ) -> StoreResult<Vec<SealedValue>> {
        let values = self.state.sealed.of(self.tenant);
        let behind = values.filter(|value| after.is_none_or(|after| value.id > after));
        Ok(behind.take(usize::try_from(limit).unwrap_or(usize::MAX)).cloned().collect())
    }

    async fn reseal(&mut self, value: &SealedValue) -> StoreResult<()> {
        let stored = self.state.sealed.find(self.tenant, &value.id).ok_or(StoreError::Conflict)?;
        let changed = SealedValue { ciphertext: value.ciphertext.clone(), ..stored.clone() };
        self.state.sealed.put(value.id, changed);
        Ok(())
    }
}
