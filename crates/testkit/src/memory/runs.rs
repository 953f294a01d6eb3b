//! Runs and their approvals.

use async_trait::async_trait;
use understudy_domain::{
    Approval, Automation, AutomationId, Execution, ExecutionId, OrganizationId, Run, RunId,
    Timestamp, UserId,
    budget::{Spending, SpendingKey},
    ports::{RunQueries, RunRepository, StoreError, StoreResult},
    run::{ApprovalState, RunStatus},
};

use super::{
    MemoryStore,
    queries::{most, total},
    state::State,
    work::MemoryUnitOfWork,
};

impl MemoryUnitOfWork {
    /// Removes what belongs to runs that are gone; their events go with the commit.
    pub(super) fn forget_run(&mut self, id: RunId) {
        self.state.approvals.retain(|approval| approval.run != id);
        self.forgotten_runs.push(id);
    }
}

#[async_trait]
impl RunRepository for MemoryUnitOfWork {
    async fn find(&mut self, id: RunId) -> StoreResult<Option<Run>> {
        Ok(self.state.runs.find(self.tenant, &id).cloned())
    }

    async fn insert(&mut self, run: &Run) -> StoreResult<()> {
        self.state.runs.insert(self.tenant, run.id, run.clone())
    }

    async fn update(&mut self, mut run: Run) -> StoreResult<Run> {
        let stored = self.state.runs.find(self.tenant, &run.id);
        let is_ours = run.organization == self.tenant;
        if !is_ours || stored.is_none_or(|stored| stored.revision != run.revision) {
            return Err(StoreError::Conflict);
        }
        run.revision += 1;
        self.state.runs.put(run.id, run.clone());
        Ok(run)
    }

    async fn delete(&mut self, id: RunId) -> StoreResult<bool> {
        if !self.state.runs.delete(self.tenant, &id) {
            return Ok(false);
        }
        self.forget_run(id);
        Ok(true)
    }

    async fn count_active(&mut self, user: UserId) -> StoreResult<u64> {
        let runs = self.state.runs.of(self.tenant);
        Ok(total(runs.filter(|run| run.user == user && run.status.is_active()).count()))
    }

    async fn save_approvals(&mut self, approvals: &[Approval]) -> StoreResult<()> {
        for approval in approvals {
            let has_run = self.state.runs.find(self.tenant, &approval.run).is_some();
            let stored = self.state.approvals.get(&approval.id);
            let is_ours = approval.organization == self.tenant
                && stored.is_none_or(|stored| stored.organization == self.tenant);
            if !has_run || !is_ours {
                return Err(StoreError::Conflict);
            }
            self.state.approvals.put(approval.id, approval.clone());
        }
        Ok(())
    }

    async fn approvals(&mut self, run: RunId) -> StoreResult<Vec<Approval>> {
        Ok(approvals(&self.state, self.tenant, run))
    }
}

fn approvals(state: &State, tenant: OrganizationId, run: RunId) -> Vec<Approval> {
    state.approvals.of(tenant).filter(|approval| approval.run == run).cloned().collect()
}

/// At most `limit` of the runs of all organizations that are `wanted`.
fn everywhere(
    state: &State,
    limit: u32,
    wanted: impl Fn(&Run) -> bool,
) -> Vec<(OrganizationId, RunId)> {
    let runs = state.runs.rows().filter(|run| wanted(run));
    runs.take(most(limit)).map(|run| (run.organization, run.id)).collect()
}

#[async_trait]
impl RunQueries for MemoryStore {
    async fn run(&self, tenant: OrganizationId, id: RunId) -> StoreResult<Option<Run>> {
        Ok(self.shared.read()?.runs.find(tenant, &id).cloned())
    }

    async fn approvals(&self, tenant: OrganizationId, run: RunId) -> StoreResult<Vec<Approval>> {
        Ok(approvals(&*self.shared.read()?, tenant, run))
    }

    async fn automations(&self, tenant: OrganizationId) -> StoreResult<Vec<Automation>> {
        let state = self.shared.read()?;
        let mut automations: Vec<Automation> = state.automations.of(tenant).cloned().collect();
        automations.sort_by_cached_key(|automation| automation.name.to_lowercase());
        Ok(automations)
    }

    async fn executions(
        &self,
        tenant: OrganizationId,
        automation: AutomationId,
        before: Option<ExecutionId>,
        limit: u32,
    ) -> StoreResult<Vec<Execution>> {
        let state = self.shared.read()?;
        let newest_first = state.executions.of(tenant).rev();
        let wanted = newest_first
            .filter(|execution| execution.automation == automation)
            .filter(|execution| before.is_none_or(|before| execution.id < before));
        Ok(wanted.take(most(limit)).cloned().collect())
    }

    async fn spending(
        &self,
        tenant: OrganizationId,
        keys: &[SpendingKey],
    ) -> StoreResult<Vec<(SpendingKey, Spending)>> {
        Ok(self.shared.read()?.spent(tenant, keys))
    }

    async fn abandoned(
        &self,
        now: Timestamp,
        queued_before: Timestamp,
        limit: u32,
    ) -> StoreResult<Vec<(OrganizationId, RunId)>> {
        let state = self.shared.read()?;
        Ok(everywhere(&state, limit, |run| match run.lease {
            Some(lease) => run.status.is_active() && lease.until <= now,
            None => run.status == RunStatus::Queued && run.created_at < queued_before,
        }))
    }

    async fn overdue(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> StoreResult<Vec<(OrganizationId, RunId)>> {
        let state = self.shared.read()?;
        let is_late = |approval: &Approval| {
            approval.state == ApprovalState::Pending && approval.expires_at <= now
        };
        Ok(everywhere(&state, limit, |run| {
            let mut approvals = state.approvals.of(run.organization);
            run.status == RunStatus::Waiting
                && approvals.any(|approval| approval.run == run.id && is_late(approval))
        }))
    }

    async fn forgettable(
        &self,
        ended_before: Timestamp,
        limit: u32,
    ) -> StoreResult<Vec<(OrganizationId, RunId)>> {
        let state = self.shared.read()?;
        Ok(everywhere(&state, limit, |run| {
            !run.visible && run.finished_at.is_some_and(|end| end < ended_before)
        }))
    }
}
