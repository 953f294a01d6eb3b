//! Providers.

use async_trait::async_trait;
use understudy_domain::{
    Provider, ProviderId,
    ports::{ProviderRepository, StoreError, StoreResult},
};

use super::work::MemoryUnitOfWork;

impl MemoryUnitOfWork {
    fn provider_name_is_free(&self, provider: &Provider) -> StoreResult<()> {
        let name = provider.name.to_lowercase();
        let mut others = self.state.providers.of(self.tenant);
        if others.any(|other| other.id != provider.id && other.name.to_lowercase() == name) {
            return Err(StoreError::AlreadyExists { what: "name" });
        }
        Ok(())
    }
}

#[async_trait]
impl ProviderRepository for MemoryUnitOfWork {
    async fn find(&mut self, id: ProviderId) -> StoreResult<Option<Provider>> {
        Ok(self.state.providers.find(self.tenant, &id).cloned())
    }

    async fn insert(&mut self, provider: &Provider) -> StoreResult<()> {
        self.provider_name_is_free(provider)?;
        self.state.providers.insert(self.tenant, provider.id, provider.clone())
    }

    async fn update(&mut self, mut provider: Provider) -> StoreResult<Provider> {
        let stored = self.state.providers.find(self.tenant, &provider.id);
        if stored.is_none_or(|stored| stored.revision != provider.revision) {
            return Err(StoreError::Conflict);
        }
        self.provider_name_is_free(&provider)?;
        provider.revision += 1;
        self.state.providers.put(provider.id, provider.clone());
        Ok(provider)
    }

    async fn delete(&mut self, id: ProviderId) -> StoreResult<bool> {
        Ok(self.state.providers.delete(self.tenant, &id))
    }
}
