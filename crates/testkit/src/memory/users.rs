//! Users.

use std::collections::BTreeSet;

use async_trait::async_trait;
use understudy_domain::{
    Role, RunId, Team, Thread, ThreadId, User, UserId,
    ports::{StoreError, StoreResult, UserRepository},
};

use super::work::MemoryUnitOfWork;

impl MemoryUnitOfWork {
    /// An address is taken when any organization's other user has it.
    fn email_is_free(&self, user: &User) -> StoreResult<()> {
        let mut others = self.state.users.rows().filter(|other| other.id != user.id);
        if others.any(|other| other.email == user.email) {
            return Err(StoreError::AlreadyExists { what: "email" });
        }
        Ok(())
    }

    fn external_id_is_free(&self, user: &User) -> StoreResult<()> {
        let mut others = self.state.users.of(self.tenant).filter(|other| other.id != user.id);
        if user.external_id.is_some() && others.any(|other| other.external_id == user.external_id) {
            return Err(StoreError::AlreadyExists { what: "external id" });
        }
        Ok(())
    }

    fn forget_conversations(&mut self, id: UserId) {
        let theirs = |thread: &&Thread| thread.user == id;
        let threads = self.state.threads.of(self.tenant).filter(theirs).map(|thread| thread.id);
        let threads: BTreeSet<ThreadId> = threads.collect();
        self.state.threads.retain(|thread| thread.user != id);
        self.state.messages.retain(|message| !threads.contains(&message.thread));
        self.state.memories.retain(|memory| memory.user != id);
        let runs = self.state.runs.of(self.tenant).filter(|run| run.user == id);
        let runs: Vec<RunId> = runs.map(|run| run.id).collect();
        for run in runs {
            self.state.runs.remove(&run);
            self.forget_run(run);
        }
    }

    fn leave_teams(&mut self, id: UserId) {
        let mut teams: Vec<Team> = self.state.teams.of(self.tenant).cloned().collect();
        teams.retain(|team| team.members.contains_key(&id));
        for mut team in teams {
            team.members.remove(&id);
            self.state.teams.put(team.id, team);
        }
    }
}

#[async_trait]
impl UserRepository for MemoryUnitOfWork {
    async fn find(&mut self, id: UserId) -> StoreResult<Option<User>> {
        Ok(self.state.users.find(self.tenant, &id).cloned())
    }

    async fn known(&mut self, ids: &[UserId]) -> StoreResult<Vec<UserId>> {
        let users = self.state.users.of(self.tenant).map(|user| user.id);
        Ok(users.filter(|id| ids.contains(id)).collect())
    }

    async fn find_by_external_id(&mut self, external_id: &str) -> StoreResult<Option<User>> {
        let mut users = self.state.users.of(self.tenant);
        Ok(users.find(|user| user.external_id.as_deref() == Some(external_id)).cloned())
    }

    async fn count_owners(&mut self) -> StoreResult<u64> {
        let users = self.state.users.of(self.tenant);
        let owners = users.filter(|user| user.role == Role::Owner && !user.disabled);
        Ok(super::queries::total(owners.count()))
    }

    async fn insert(&mut self, user: &User) -> StoreResult<()> {
        self.email_is_free(user)?;
        self.external_id_is_free(user)?;
        self.state.users.insert(self.tenant, user.id, user.clone())
    }

    async fn update(&mut self, mut user: User) -> StoreResult<User> {
        let stored = self.state.users.find(self.tenant, &user.id);
        if stored.is_none_or(|stored| stored.revision != user.revision) {
            return Err(StoreError::Conflict);
        }
        self.email_is_free(&user)?;
        self.external_id_is_free(&user)?;
        user.revision += 1;
        self.state.users.put(user.id, user.clone());
        Ok(user)
    }

    async fn delete(&mut self, id: UserId) -> StoreResult<bool> {
        if !self.state.users.delete(self.tenant, &id) {
            return Ok(false);
        }
        self.state.tokens.retain(|token| token.user != id);
        self.state.sessions.retain(|session| session.user != id);
        self.state.favorites.retain(|mark| mark.user != id);
        self.state.read.retain(|mark| mark.user != id);
        self.leave_teams(id);
        self.forget_conversations(id);
        Ok(true)
    }
}
