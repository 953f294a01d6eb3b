//! Finds callers.

use async_trait::async_trait;
use understudy_domain::{
    Actor, AssistantRef, Credential, Email, Organization, OrganizationId, Timestamp, TokenId,
    TokenUse, UserId,
    ports::{
        AssistantRecord, CallerQueries, CallerRecord, Installation, LoginRecord, Proof, StoreResult,
    },
};

use super::{MemoryStore, listing::find_record, state::State};

#[async_trait]
impl CallerQueries for MemoryStore {
    async fn find(&self, proof: Proof) -> StoreResult<Option<CallerRecord>> {
        Ok(caller(&*self.shared.read()?, proof))
    }

    async fn find_with_assistant(
        &self,
        proof: Proof,
        reference: &AssistantRef,
    ) -> StoreResult<Option<(CallerRecord, Option<AssistantRecord>)>> {
        let state = self.shared.read()?;
        Ok(caller(&state, proof).map(|caller| {
            let assistant = find_record(&state, caller.actor.organization, reference);
            (caller, assistant)
        }))
    }

    async fn find_login(&self, email: &Email) -> StoreResult<Option<LoginRecord>> {
        let state = self.shared.read()?;
        let user = state.users.rows().find(|user| user.email == *email);
        Ok(user.map(|user| LoginRecord {
            user: user.id,
            organization: user.organization,
            password: user.password.clone(),
            disabled: user.disabled,
        }))
    }

    async fn record_uses(&self, uses: &[(OrganizationId, TokenId, TokenUse)]) -> StoreResult<()> {
        let writer = self.shared.lock().await?;
        let mut state = State::clone(&*self.shared.read()?);
        for (organization, id, last_use) in uses {
            if let Some(mut token) = state.tokens.find(*organization, id).cloned() {
                token.last_use = Some(last_use.clone());
                state.tokens.put(*id, token);
            }
        }
        self.shared.publish(&writer, state)
    }

    async fn installation(&self) -> StoreResult<Option<Installation>> {
        Ok(self.shared.read()?.installation.clone())
    }

    async fn first_organization(&self) -> StoreResult<Option<Organization>> {
        let state = self.shared.read()?;
        let organizations = state.organizations.rows();
        Ok(organizations.min_by_key(|first| (first.created_at, first.id)).cloned())
    }
}

fn caller(state: &State, proof: Proof) -> Option<CallerRecord> {
    let (user, credential, expires_at) = credential(state, proof)?;
    let user = state.users.get(&user)?;
    let teams = state.teams.of(user.organization);
    let actor = Actor {
        user: user.id,
        organization: user.organization,
        email: user.email.clone(),
        name: user.name.clone(),
        role: user.role,
        departments: user.departments.iter().cloned().collect(),
        teams: teams
            .filter_map(|team| team.members.get(&user.id).map(|role| (team.id, *role)))
            .collect(),
        ai_seat: user.ai_seat,
        credential,
    };
    Some(CallerRecord { actor, disabled: user.disabled, expires_at })
}

fn credential(state: &State, proof: Proof) -> Option<(UserId, Credential, Option<Timestamp>)> {
    let token = state.tokens.rows().find(|token| match proof {
        Proof::Token(hash) => token.hash == hash,
        Proof::KnownToken(id) => token.id == id,
        Proof::Cookie(_) | Proof::Session(_) => false,
    });
    if let Some(token) = token {
        let credential = Credential::Token { id: token.id, limits: token.limits.clone() };
        return Some((token.user, credential, token.limits.expires_at));
    }
    let session = state.sessions.rows().find(|session| match proof {
        Proof::Cookie(hash) => session.cookie == hash,
        Proof::Session(id) => session.id == id,
        Proof::Token(_) | Proof::KnownToken(_) => false,
    })?;
    Some((session.user, Credential::Session(session.id), Some(session.expires_at)))
}
