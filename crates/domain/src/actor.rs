//! Who acts: the user behind a credential, with the limits of that credential.

use std::net::IpAddr;

use crate::{
    AssistantId, Department, Email, OrganizationId, Role, Scope, SessionId, TeamId, TeamRole,
    TokenId, TokenLimits, UserId,
};

/// An authenticated caller and all facts that decide what they may do.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The user.
    pub user: UserId,
    /// The user's organization.
    pub organization: OrganizationId,
    /// The user's log-in name.
    pub email: Email,
    /// The user's display name.
    pub name: String,
    /// The rank in the organization.
    pub role: Role,
    /// The user's departments.
    pub departments: Vec<Department>,
    /// The user's teams.
    pub teams: Vec<(TeamId, TeamRole)>,
    /// Whether the user may use assistants.
    pub ai_seat: bool,
    /// What they showed.
    pub credential: Credential,
}

/// What an actor showed to prove who they are.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A log-in, by cookie or JWT.
    Session(SessionId),
    /// An API token.
    Token {
        /// Which.
        id: TokenId,
        /// How it is narrower than the user.
        limits: TokenLimits,
    },
    /// The operator at the machine's own command line.
    Console,
}

impl Actor {
    /// The limits of the token that was shown; `None` for sessions.
    #[must_use]
    pub const fn limits(&self) -> Option<&TokenLimits> {
        match &self.credential {
            Credential::Token { limits, .. } => Some(limits),
            Credential::Session(_) | Credential::Console => None,
        }
    }

    /// Whether the credential covers `scope`.
    #[must_use]
    pub fn has_scope(&self, scope: Scope) -> bool {
        self.limits().is_none_or(|limits| {
            limits.scopes.contains(&scope) && (scope == Scope::Read || !limits.read_only)
        })
    }

    /// The one assistant that the credential is limited to.
    #[must_use]
    pub fn only_assistant(&self) -> Option<AssistantId> {
        self.limits().and_then(|limits| limits.assistant)
    }

    /// Whether the credential may be used from `address`.
    #[must_use]
    pub fn may_come_from(&self, address: Option<IpAddr>) -> bool {
        match self.limits().and_then(|limits| limits.cidr) {
            None => true,
            Some(net) => address.is_some_and(|address| net.contains(&address.to_canonical())),
        }
    }
}
