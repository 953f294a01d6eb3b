//! The audit log: chained when units of work end.

use std::time::Duration;

use async_trait::async_trait;
use understudy_domain::{
    AuditEvent, ChainHash, EventFilter, OrganizationId, RecordedEvent,
    audit::ChainHead,
    ports::{AuditQueries, StoreResult, Walk},
};

use super::{MemoryStore, state::State};

impl State {
    /// Where the organization's log ends.
    fn chain_head(&self, tenant: OrganizationId) -> ChainHead {
        let last = self.events.of(tenant).next_back();
        ChainHead {
            seq: last.map_or(0, |last| last.seq),
            hash: last.and_then(|last| last.hash).unwrap_or(ChainHash::START),
        }
    }

    /// Whether the webhooks of the organization have something to read behind `seq`.
    pub(super) fn has_events_behind(&self, tenant: OrganizationId, seq: u64) -> bool {
        self.chain_head(tenant).seq > seq
    }

    /// Adds events behind the last one.
    pub(super) fn chain(&mut self, events: Vec<AuditEvent>) {
        for event in events {
            let head = self.chain_head(event.organization);
            let seq = head.seq + 1;
            let hash = Some(head.hash.next(seq, &event.canonical()));
            let key = (event.organization, seq);
            self.events.put(key, RecordedEvent { seq, hash, event });
        }
    }
}

#[async_trait]
impl AuditQueries for MemoryStore {
    async fn events(
        &self,
        tenant: OrganizationId,
        filter: &EventFilter,
        walk: Walk,
        limit: u32,
    ) -> StoreResult<Vec<RecordedEvent>> {
        let state = self.shared.read()?;
        let wanted = state.events.of(tenant).filter(|recorded| filter.matches(&recorded.event));
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(match walk {
            Walk::Forward(after) => {
                wanted.filter(|recorded| recorded.seq > after).take(most).cloned().collect()
            }
            Walk::Backward(before) => {
                let older = wanted.filter(|recorded| before.is_none_or(|seq| recorded.seq < seq));
                older.rev().take(most).cloned().collect()
            }
        })
    }

    async fn head(&self, tenant: OrganizationId) -> StoreResult<ChainHead> {
        Ok(self.shared.read()?.chain_head(tenant))
    }

    async fn wait(
        &self,
        tenant: OrganizationId,
        after: u64,
        patience: Duration,
    ) -> StoreResult<()> {
        let mut commits = self.shared.committed.subscribe();
        let written = async {
            while !self.shared.read()?.has_events_behind(tenant, after) {
                if commits.changed().await.is_err() {
                    break;
                }
            }
            Ok(())
        };
        // Whoever has waited long enough looks again.
        tokio::time::timeout(patience, written).await.unwrap_or(Ok(()))
    }
}
