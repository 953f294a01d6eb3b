//! What was spent of budgets.

use async_trait::async_trait;
use understudy_domain::{
    budget::{Spending, SpendingKey},
    ports::{SpendingChange, SpendingRepository, StoreResult},
};

use super::work::MemoryUnitOfWork;

impl MemoryUnitOfWork {
    fn spent(&self, key: &SpendingKey) -> Spending {
        self.state.spending.get(&(self.tenant, key.clone())).copied().unwrap_or_default()
    }
}

#[async_trait]
impl SpendingRepository for MemoryUnitOfWork {
    async fn find(&mut self, keys: &[SpendingKey]) -> StoreResult<Vec<(SpendingKey, Spending)>> {
        Ok(keys.iter().map(|key| (key.clone(), self.spent(key))).collect())
    }

    async fn add(&mut self, changes: &[(SpendingKey, SpendingChange)]) -> StoreResult<()> {
        for (key, change) in changes {
            let before = self.spent(key);
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
