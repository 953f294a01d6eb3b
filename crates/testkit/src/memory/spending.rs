//! What was spent of budgets.

use async_trait::async_trait;
use understudy_domain::{
    OrganizationId,
    budget::{Spending, SpendingKey},
    ports::{SpendingChange, SpendingRepository, StoreResult},
};

use super::{state::State, work::MemoryUnitOfWork};

impl State {
    /// What was spent under each of the keys.
    pub(super) fn spent(
        &self,
        tenant: OrganizationId,
        keys: &[SpendingKey],
    ) -> Vec<(SpendingKey, Spending)> {
        let spent = |key: &SpendingKey| self.spending.get(&(tenant, key.clone())).copied();
        keys.iter().map(|key| (key.clone(), spent(key).unwrap_or_default())).collect()
    }
}

#[async_trait]
impl SpendingRepository for MemoryUnitOfWork {
    async fn find(&mut self, keys: &[SpendingKey]) -> StoreResult<Vec<(SpendingKey, Spending)>> {
        Ok(self.state.spent(self.tenant, keys))
    }

    async fn add(&mut self, changes: &[(SpendingKey, SpendingChange)]) -> StoreResult<()> {
        for (key, change) in changes {
            let noted = self.state.spending.get(&(self.tenant, key.clone()));
            let before = noted.copied().unwrap_or_default();
            let after = Spending {
                tokens: before.tokens.saturating_add_signed(change.tokens),
                cost_micros: before.cost_micros.saturating_add_signed(change.cost_micros),
                reserved_tokens: before
                    .reserved_tokens
                    .saturating_add_signed(change.reserved_tokens),
            };
            self.state.spending.put((self.tenant, key.clone()), after);
        }
        Ok(())
    }
}
