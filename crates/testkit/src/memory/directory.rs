//! Reads organizations, users, teams and tokens.

use std::cmp::Reverse;

use async_trait::async_trait;
use understudy_domain::{
    ApiToken, AssistantId, Email, Organization, OrganizationId, Team, TeamId, User, UserId,
    ports::{DirectoryQueries, Page, StoreResult},
};

use super::{
    MemoryStore,
    queries::{page, total},
};

#[async_trait]
impl DirectoryQueries for MemoryStore {
    async fn organization(&self, tenant: OrganizationId) -> StoreResult<Option<Organization>> {
        Ok(self.shared.read()?.organizations.get(&tenant).cloned())
    }

    async fn user(&self, tenant: OrganizationId, id: UserId) -> StoreResult<Option<User>> {
        Ok(self.shared.read()?.users.find(tenant, &id).cloned())
    }

    async fn user_by_external_id(
        &self,
        tenant: OrganizationId,
        external_id: &str,
    ) -> StoreResult<Option<User>> {
        let state = self.shared.read()?;
        let mut users = state.users.of(tenant);
        Ok(users.find(|user| user.external_id.as_deref() == Some(external_id)).cloned())
    }

    async fn users(
        &self,
        tenant: OrganizationId,
        q: Option<String>,
        after: Option<Email>,
        limit: u32,
        count: bool,
    ) -> StoreResult<Page<User>> {
        let state = self.shared.read()?;
        let contains = |user: &User, q: &String| {
            user.email.as_str().contains(q) || user.name.to_lowercase().contains(q)
        };
        let users = state.users.of(tenant);
        let mut users: Vec<&User> =
            users.filter(|user| q.as_ref().is_none_or(|q| contains(user, q))).collect();
        let total = count.then(|| total(users.len()));
        users.sort_by(|a, b| a.email.cmp(&b.email));
        users.retain(|user| after.as_ref().is_none_or(|after| user.email > *after));
        Ok(page(users.into_iter().cloned().collect(), limit, total))
    }

    async fn team(&self, tenant: OrganizationId, id: TeamId) -> StoreResult<Option<Team>> {
        Ok(self.shared.read()?.teams.find(tenant, &id).cloned())
    }

    async fn teams(&self, tenant: OrganizationId) -> StoreResult<Vec<Team>> {
        let mut teams: Vec<Team> = self.shared.read()?.teams.of(tenant).cloned().collect();
        teams.sort_by_key(|team| team.name.to_lowercase());
        Ok(teams)
    }

    async fn tokens(&self, tenant: OrganizationId, user: UserId) -> StoreResult<Vec<ApiToken>> {
        let state = self.shared.read()?;
        Ok(newest_first(state.tokens.of(tenant).filter(|token| token.user == user)))
    }

    async fn assistant_tokens(
        &self,
        tenant: OrganizationId,
        assistant: AssistantId,
    ) -> StoreResult<Vec<ApiToken>> {
        let state = self.shared.read()?;
        let tokens = state.tokens.of(tenant);
        Ok(newest_first(tokens.filter(|token| token.limits.assistant == Some(assistant))))
    }
}

fn newest_first<'a>(tokens: impl Iterator<Item = &'a ApiToken>) -> Vec<ApiToken> {
    let mut tokens: Vec<ApiToken> = tokens.cloned().collect();
    tokens.sort_by_key(|token| Reverse((token.created_at, token.id)));
    tokens
}
