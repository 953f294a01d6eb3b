//! Reads the audit log.

use async_trait::async_trait;
use understudy_domain::{
    AuditEvent, EventId, OrganizationId,
    ports::{AuditQueries, StoreResult},
};

use super::MemoryStore;

#[async_trait]
impl AuditQueries for MemoryStore {
    async fn events(
        &self,
        tenant: OrganizationId,
        target: Option<String>,
        before: Option<EventId>,
        limit: u32,
    ) -> StoreResult<Vec<AuditEvent>> {
        let state = self.shared.read()?;
        let newest_first = state.events.of(tenant).rev();
        let wanted = newest_first
            .filter(|event| target.as_ref().is_none_or(|target| event.target == *target))
            .filter(|event| before.is_none_or(|before| event.id < before));
        Ok(wanted.take(usize::try_from(limit).unwrap_or(usize::MAX)).cloned().collect())
    }
}
