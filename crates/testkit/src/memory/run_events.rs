//! The events of runs. They live beside the state, because no unit of work may undo or
//! delay them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use understudy_domain::{
    OrganizationId, RunEvent, RunId, Timestamp,
    ports::{RunEventLog, StoreResult},
};

use super::{
    MemoryStore, Shared,
    queries::{most, total},
};

/// Events by run and sequence.
pub(super) type RunEvents = BTreeMap<(RunId, u64), RunEvent>;

impl Shared {
    /// The events. Whoever wants to read the state as well takes them first.
    pub(super) fn run_events(&self) -> MutexGuard<'_, RunEvents> {
        self.run_events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MemoryStore {
    fn has_run(&self, tenant: OrganizationId, run: RunId) -> StoreResult<bool> {
        Ok(self.shared.read()?.runs.find(tenant, &run).is_some())
    }
}

#[async_trait]
impl RunEventLog for MemoryStore {
    async fn append(&self, events: &[(OrganizationId, RunId, RunEvent)]) -> StoreResult<()> {
        let gate =
            self.shared.run_events_gate.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(gate) = gate {
            gate.pass().await;
        }
        let mut known = self.shared.run_events();
        for (tenant, run, event) in events {
            if self.has_run(*tenant, *run)? {
                known.entry((*run, event.sequence)).or_insert_with(|| event.clone());
            }
        }
        drop(known);
        self.shared.told.send_replace(());
        Ok(())
    }

    async fn events(
        &self,
        tenant: OrganizationId,
        run: RunId,
        after: u64,
        limit: u32,
    ) -> StoreResult<Vec<RunEvent>> {
        let known = self.shared.run_events();
        if !self.has_run(tenant, run)? {
            return Ok(Vec::new());
        }
        let of_run = known.range((run, 0)..=(run, u64::MAX)).map(|(_, event)| event);
        let behind = of_run.filter(|event| event.sequence > after);
        Ok(behind.take(most(limit)).cloned().collect())
    }

    async fn wait(
        &self,
        tenant: OrganizationId,
        run: RunId,
        after: u64,
        patience: Duration,
    ) -> StoreResult<()> {
        let mut told = self.shared.told.subscribe();
        let written = async {
            while self.events(tenant, run, after, 1).await?.is_empty() {
                if told.changed().await.is_err() {
                    break;
                }
            }
            Ok(())
        };
        // Whoever has waited long enough looks again.
        tokio::time::timeout(patience, written).await.unwrap_or(Ok(()))
    }

    async fn sweep(&self, before: Timestamp, limit: u32) -> StoreResult<u64> {
        let mut known = self.shared.run_events();
        let state = self.shared.read()?;
        let has_ended = |id: &RunId| {
            let run = state.runs.get(id);
            run.is_some_and(|run| run.finished_at.is_some_and(|end| end < before))
        };
        let runs: BTreeSet<RunId> = known.keys().map(|(run, _)| *run).collect();
        let swept: BTreeSet<RunId> = runs.into_iter().filter(has_ended).take(most(limit)).collect();
        known.retain(|(run, _), _| !swept.contains(run));
        Ok(total(swept.len()))
    }
}
