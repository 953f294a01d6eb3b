//! Tokens and sessions.

use async_trait::async_trait;
use understudy_domain::{
    ApiToken, Session, SessionId, TokenId, UserId,
    ports::{CredentialRepository, StoreError, StoreResult},
};

use super::work::MemoryUnitOfWork;

#[async_trait]
impl CredentialRepository for MemoryUnitOfWork {
    async fn find_token(&mut self, id: TokenId) -> StoreResult<Option<ApiToken>> {
        Ok(self.state.tokens.find(self.tenant, &id).cloned())
    }

    async fn insert_token(&mut self, token: &ApiToken) -> StoreResult<()> {
        if self.state.tokens.rows().any(|other| other.hash == token.hash) {
            return Err(StoreError::AlreadyExists { what: "id" });
        }
        self.state.tokens.insert(self.tenant, token.id, token.clone())
    }

    async fn update_token(&mut self, token: &ApiToken) -> StoreResult<()> {
        if let Some(stored) = self.state.tokens.find(self.tenant, &token.id) {
            let changed = ApiToken {
                notes: token.notes.clone(),
                limits: token.limits.clone(),
                updated_at: token.updated_at,
                ..stored.clone()
            };
            self.state.tokens.put(token.id, changed);
        }
        Ok(())
    }

    async fn delete_token(&mut self, id: TokenId) -> StoreResult<bool> {
        Ok(self.state.tokens.delete(self.tenant, &id))
    }

    async fn insert_session(&mut self, session: &Session) -> StoreResult<()> {
        self.state.sessions.insert(self.tenant, session.id, session.clone())
    }

    async fn delete_session(&mut self, id: SessionId) -> StoreResult<bool> {
        Ok(self.state.sessions.delete(self.tenant, &id))
    }

    async fn delete_sessions_of(&mut self, user: UserId) -> StoreResult<()> {
        let tenant = self.tenant;
        self.state
            .sessions
            .retain(|session| session.user != user || session.organization != tenant);
        Ok(())
    }
}
