//! Automations and their executions.

use async_trait::async_trait;
use understudy_domain::{
    Automation, AutomationId, Execution,
    ports::{AutomationRepository, StoreError, StoreResult},
};

use super::work::MemoryUnitOfWork;

impl MemoryUnitOfWork {
    fn automation_name_is_free(&self, automation: &Automation) -> StoreResult<()> {
        let name = automation.name.to_lowercase();
        let mut others = self.state.automations.of(self.tenant);
        if others.any(|other| other.id != automation.id && other.name.to_lowercase() == name) {
            return Err(StoreError::AlreadyExists { what: "name" });
        }
        Ok(())
    }
}

#[async_trait]
impl AutomationRepository for MemoryUnitOfWork {
    async fn find(&mut self, id: AutomationId) -> StoreResult<Option<Automation>> {
        Ok(self.state.automations.find(self.tenant, &id).cloned())
    }

    async fn insert(&mut self, automation: &Automation) -> StoreResult<()> {
        self.automation_name_is_free(automation)?;
        self.state.automations.insert(self.tenant, automation.id, automation.clone())
    }

    async fn update(&mut self, mut automation: Automation) -> StoreResult<Automation> {
        let stored = self.state.automations.find(self.tenant, &automation.id);
        let is_ours = automation.organization == self.tenant;
        if !is_ours || stored.is_none_or(|stored| stored.revision != automation.revision) {
            return Err(StoreError::Conflict);
        }
        self.automation_name_is_free(&automation)?;
        automation.revision += 1;
        self.state.automations.put(automation.id, automation.clone());
        Ok(automation)
    }

    async fn delete(&mut self, id: AutomationId) -> StoreResult<bool> {
        if !self.state.automations.delete(self.tenant, &id) {
            return Ok(false);
        }
        self.state.executions.retain(|execution| execution.automation != id);
        Ok(true)
    }

    async fn save_execution(&mut self, execution: &Execution) -> StoreResult<()> {
        let automation = self.state.automations.find(self.tenant, &execution.automation);
        let stored = self.state.executions.get(&execution.id);
        let is_ours = execution.organization == self.tenant
            && stored.is_none_or(|stored| stored.organization == self.tenant);
        if automation.is_none() || !is_ours {
            return Err(StoreError::Conflict);
        }
        self.state.executions.put(execution.id, execution.clone());
        Ok(())
    }
}
