//! Organizations and the installation's record.

use async_trait::async_trait;
use understudy_domain::{
    Organization,
    ports::{Installation, OrganizationRepository, StoreError, StoreResult},
};

use super::work::MemoryUnitOfWork;

#[async_trait]
impl OrganizationRepository for MemoryUnitOfWork {
    async fn find(&mut self) -> StoreResult<Option<Organization>> {
        Ok(self.state.organizations.get(&self.tenant).cloned())
    }

    async fn insert(&mut self, organization: &Organization) -> StoreResult<()> {
        if organization.id != self.tenant {
            return Err(StoreError::Conflict);
        }
        if self.state.organizations.get(&organization.id).is_some() {
            return Err(StoreError::AlreadyExists { what: "id" });
        }
        self.state.organizations.put(organization.id, organization.clone());
        Ok(())
    }

    async fn insert_installation(&mut self, installation: &Installation) -> StoreResult<()> {
        if self.state.installation.is_some() {
            return Err(StoreError::AlreadyExists { what: "id" });
        }
        self.state.installation = Some(installation.clone());
        Ok(())
    }
}
