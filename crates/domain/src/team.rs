//! Groups of users that own assistants together.

use std::{collections::BTreeMap, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{OrganizationId, TeamId, Timestamp, UserId};

/// What a member may do in a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TeamRole {
    /// Belongs to it.
    Member,
    /// Manages its members, and owns what the team owns.
    Admin,
}

impl TeamRole {
    /// Its name in the API and in stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Admin => "admin",
        }
    }
}

/// The text names no team role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a team role is `admin` or `member`")]
pub struct UnknownTeamRole;

impl FromStr for TeamRole {
    type Err = UnknownTeamRole;

    fn from_str(text: &str) -> Result<Self, UnknownTeamRole> {
        match text {
            "member" => Ok(Self::Member),
            "admin" => Ok(Self::Admin),
            _ => Err(UnknownTeamRole),
        }
    }
}

/// A team with its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    /// Its identifier.
    pub id: TeamId,
    /// The organization it belongs to.
    pub organization: OrganizationId,
    /// What people call it: 1 to 255 characters, unique in the organization
    /// without regard to case.
    pub name: String,
    /// Its members, at most 10,000.
    pub members: BTreeMap<UserId, TeamRole>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Counts changes; a stale update conflicts.
    pub revision: i64,
}
