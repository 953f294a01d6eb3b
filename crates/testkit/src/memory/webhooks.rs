//! Webhooks and their deliveries.

use async_trait::async_trait;
use understudy_domain::{
    Delivery, DeliveryId, DeliveryState, OrganizationId, Timestamp, Webhook, WebhookId,
    ports::{StoreError, StoreResult, WebhookQueries, WebhookRepository},
};

use super::{MemoryStore, state::State, work::MemoryUnitOfWork};

fn most(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

#[async_trait]
impl WebhookRepository for MemoryUnitOfWork {
    async fn find(&mut self, id: WebhookId) -> StoreResult<Option<Webhook>> {
        Ok(self.state.webhooks.find(self.tenant, &id).cloned())
    }

    async fn insert(&mut self, webhook: &Webhook) -> StoreResult<()> {
        self.state.webhooks.insert(self.tenant, webhook.id, webhook.clone())
    }

    async fn update(&mut self, mut webhook: Webhook) -> StoreResult<Webhook> {
        let stored = self.state.webhooks.find(self.tenant, &webhook.id);
        if stored.is_none_or(|stored| stored.revision != webhook.revision) {
            return Err(StoreError::Conflict);
        }
        webhook.revision += 1;
        self.state.webhooks.put(webhook.id, webhook.clone());
        Ok(webhook)
    }

    async fn delete(&mut self, id: WebhookId) -> StoreResult<bool> {
        if !self.state.webhooks.delete(self.tenant, &id) {
            return Ok(false);
        }
        self.state.deliveries.retain(|delivery| delivery.webhook != id);
        Ok(true)
    }

    async fn insert_deliveries(&mut self, deliveries: &[Delivery]) -> StoreResult<()> {
        for delivery in deliveries {
            if self.state.webhooks.find(self.tenant, &delivery.webhook).is_none() {
                return Err(StoreError::Conflict);
            }
            self.state.deliveries.insert(self.tenant, delivery.id, delivery.clone())?;
        }
        Ok(())
    }

    async fn find_delivery(&mut self, id: DeliveryId) -> StoreResult<Option<Delivery>> {
        Ok(self.state.deliveries.find(self.tenant, &id).cloned())
    }

    async fn update_delivery(&mut self, mut delivery: Delivery) -> StoreResult<Delivery> {
        let stored = self.state.deliveries.find(self.tenant, &delivery.id);
        if stored.is_none_or(|stored| stored.revision != delivery.revision) {
            return Err(StoreError::Conflict);
        }
        delivery.revision += 1;
        self.state.deliveries.put(delivery.id, delivery.clone());
        Ok(delivery)
    }
}

#[async_trait]
impl WebhookQueries for MemoryStore {
    async fn webhooks(&self, tenant: OrganizationId) -> StoreResult<Vec<Webhook>> {
        Ok(self.shared.read()?.webhooks.of(tenant).cloned().collect())
    }

    async fn deliveries(
        &self,
        tenant: OrganizationId,
        webhook: WebhookId,
        before: Option<DeliveryId>,
        limit: u32,
    ) -> StoreResult<Vec<Delivery>> {
        let state = self.shared.read()?;
        let newest_first = state.deliveries.of(tenant).rev();
        let wanted = newest_first
            .filter(|delivery| delivery.webhook == webhook)
            .filter(|delivery| before.is_none_or(|before| delivery.id < before));
        Ok(wanted.take(most(limit)).cloned().collect())
    }

    async fn behind(&self, limit: u32) -> StoreResult<Vec<(OrganizationId, WebhookId)>> {
        let state = self.shared.read()?;
        let behind = state.webhooks.rows().filter(|webhook| {
            webhook.enabled && state.has_events_behind(webhook.organization, webhook.cursor)
        });
        Ok(behind.take(most(limit)).map(|webhook| (webhook.organization, webhook.id)).collect())
    }

    async fn due(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> StoreResult<Vec<(OrganizationId, DeliveryId)>> {
        let state = self.shared.read()?;
        let mut due: Vec<&Delivery> =
            state.deliveries.rows().filter(|delivery| is_due(&state, delivery, now)).collect();
        due.sort_by_key(|delivery| (delivery.next_attempt_at, delivery.id));
        due.truncate(most(limit));
        Ok(due.into_iter().map(|delivery| (delivery.organization, delivery.id)).collect())
    }
}

fn is_due(state: &State, delivery: &Delivery, now: Timestamp) -> bool {
    let webhook = state.webhooks.get(&delivery.webhook);
    delivery.state == DeliveryState::Pending
        && delivery.next_attempt_at <= now
        && webhook.is_some_and(|webhook| webhook.enabled)
}
