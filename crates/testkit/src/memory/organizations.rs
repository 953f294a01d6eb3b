//! Organizations and the installation's record.

use async_trait::async_trait;
use understudy_domain::{
    ApiToken, Organization,
    ports::{Counted, Installation, OrganizationRepository, StoreError, StoreResult},
};

use super::{assistants::is_listed, queries::total, work::MemoryUnitOfWork};

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

    async fn update(&mut self, organization: Organization) -> StoreResult<Organization> {
        let stored = self.state.organizations.get(&self.tenant);
        let stored = stored.filter(|stored| stored.id == organization.id);
        let Some(stored) = stored.filter(|stored| stored.revision == organization.revision) else {
            return Err(StoreError::Conflict);
        };
        let changed = Organization {
            name: organization.name,
            settings: organization.settings,
            revision: stored.revision + 1,
            ..stored.clone()
        };
        self.state.organizations.put(changed.id, changed.clone());
        Ok(changed)
    }

    async fn count(&mut self, what: Counted) -> StoreResult<u64> {
        let (state, tenant) = (&self.state, self.tenant);
        Ok(match what {
            Counted::Assistants => {
                total(state.assistants.of(tenant).filter(|row| is_listed(row)).count())
            }
            Counted::Users => total(state.users.of(tenant).count()),
            Counted::Tokens(user, now) => {
                let tokens = state.tokens.of(tenant).filter(|token| token.user == user);
                let lasts = |token: &&ApiToken| token.limits.expires_at.is_none_or(|end| end > now);
                total(tokens.filter(lasts).count())
            }
            Counted::StoredBytes => state.blobs.of(tenant).map(|known| known.blob.size).sum(),
        })
    }

    async fn update_key_check(&mut self, key_check: &[u8]) -> StoreResult<()> {
        if let Some(installation) = &mut self.state.installation {
            installation.key_check = key_check.to_vec();
        }
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
