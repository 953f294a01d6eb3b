//! Where imported assistants come from.

use async_trait::async_trait;
use understudy_domain::{
    AssistantId,
    ports::{ImportRepository, StoreResult},
};

use super::work::MemoryUnitOfWork;

#[async_trait]
impl ImportRepository for MemoryUnitOfWork {
    async fn find(&mut self, external: &str) -> StoreResult<Option<AssistantId>> {
        Ok(self.state.imports.get(&(self.tenant, external.to_owned())).copied())
    }

    async fn save(&mut self, external: &str, assistant: AssistantId) -> StoreResult<()> {
        self.state.imports.put((self.tenant, external.to_owned()), assistant);
        Ok(())
    }
}
