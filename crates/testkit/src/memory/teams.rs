//! Teams and their members.

use async_trait::async_trait;
use understudy_domain::{
    Principal, Team, TeamId,
    ports::{StoreError, StoreResult, TeamRepository},
};

use super::work::MemoryUnitOfWork;

impl MemoryUnitOfWork {
    fn team_name_is_free(&self, team: &Team) -> StoreResult<()> {
        let mut others = self.state.teams.of(self.tenant).filter(|other| other.id != team.id);
        if others.any(|other| other.name.to_lowercase() == team.name.to_lowercase()) {
            return Err(StoreError::AlreadyExists { what: "name" });
        }
        Ok(())
    }
}

#[async_trait]
impl TeamRepository for MemoryUnitOfWork {
    async fn find(&mut self, id: TeamId) -> StoreResult<Option<Team>> {
        Ok(self.state.teams.find(self.tenant, &id).cloned())
    }

    async fn insert(&mut self, team: &Team) -> StoreResult<()> {
        self.team_name_is_free(team)?;
        self.state.teams.insert(self.tenant, team.id, team.clone())
    }

    async fn update(&mut self, mut team: Team) -> StoreResult<Team> {
        let stored = self.state.teams.find(self.tenant, &team.id);
        if stored.is_none_or(|stored| stored.revision != team.revision) {
            return Err(StoreError::Conflict);
        }
        self.team_name_is_free(&team)?;
        team.revision += 1;
        self.state.teams.put(team.id, team.clone());
        Ok(team)
    }

    async fn delete(&mut self, id: TeamId) -> StoreResult<bool> {
        Ok(self.state.teams.delete(self.tenant, &id))
    }

    async fn owns_assistants(&mut self, id: TeamId) -> StoreResult<bool> {
        let mut assistants = self.state.assistants.of(self.tenant);
        Ok(assistants.any(|assistant| {
            assistant.owner == Principal::Team(id)
                && !assistant.is_draft()
                && assistant.deleted_at.is_none()
        }))
    }
}
