//! People: who they are in their organization, and whether they may use AI.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{OrganizationId, Secret, Timestamp, UserId};

/// The rank of a user in the organization, highest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Sees and runs what is shared with them; makes nothing.
    Viewer,
    /// Makes assistants.
    Member,
    /// Makes assistants; a rank that assistants can be opened to.
    Manager,
    /// Administers users, teams and every assistant.
    Admin,
    /// As [`Role::Admin`], and may make and unmake owners.
    Owner,
}

impl Role {
    /// All roles, highest first.
    pub const ALL: [Self; 5] =
        [Self::Owner, Self::Admin, Self::Manager, Self::Member, Self::Viewer];

    /// Its name in the API and in stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Manager => "manager",
            Self::Member => "member",
            Self::Viewer => "viewer",
        }
    }

    /// Whether this role administers the organization.
    #[must_use]
    pub const fn is_admin(self) -> bool {
        matches!(self, Self::Owner | Self::Admin)
    }

    /// Whether this role may make assistants (`assistants:create`).
    #[must_use]
    pub const fn may_create_assistants(self) -> bool {
        !matches!(self, Self::Viewer)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a role is one of owner, admin, manager, member, viewer")]
pub struct UnknownRole;

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str().eq_ignore_ascii_case(text))
            .ok_or(UnknownRole)
    }
}

/// An e-mail address as a log-in name: lower case, unique in the installation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Email(String);

/// The text is no e-mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an e-mail address has one `@` with text on both sides and at most 254 characters")]
pub struct InvalidEmail;

impl Email {
    /// Reads an address; case and surrounding blanks do not matter.
    ///
    /// # Errors
    ///
    /// [`InvalidEmail`] when it cannot be one.
    pub fn parse(raw: &str) -> Result<Self, InvalidEmail> {
        let text = raw.trim().to_lowercase();
        let well_formed = text.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && !domain.is_empty() && !domain.contains('@')
        });
        let plain = !text.chars().any(|c| c.is_whitespace() || c.is_control());
        if well_formed && plain && text.chars().count() <= 254 {
            Ok(Self(text))
        } else {
            Err(InvalidEmail)
        }
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A name for a part of the organization; compared without regard to case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Department(String);

impl Department {
    /// Most characters of a department's name.
    pub const MAX_CHARS: usize = 100;

    /// Reads a name; `None` when it is blank, too long or has control characters.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        let text = raw.trim();
        let chars = text.chars().count();
        let fits = (1..=Self::MAX_CHARS).contains(&chars) && !text.chars().any(char::is_control);
        fits.then(|| Self(text.to_owned()))
    }

    /// The name as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as it is compared.
    #[must_use]
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

/// The argon2id hash of a password, in PHC string format.
#[derive(Clone, Debug)]
pub struct PasswordHash(pub Secret<String>);

/// A user of one organization.
#[derive(Clone, Debug)]
pub struct User {
    /// Its identifier.
    pub id: UserId,
    /// The organization it belongs to.
    pub organization: OrganizationId,
    /// The log-in name.
    pub email: Email,
    /// What people call them; may be empty.
    pub name: String,
    /// The rank in the organization.
    pub role: Role,
    /// The departments they work in, at most 50.
    pub departments: BTreeSet<Department>,
    /// Whether they may use assistants at all.
    pub ai_seat: bool,
    /// Whether they are shut out.
    pub disabled: bool,
    /// Set when they may log in with a password.
    pub password: Option<PasswordHash>,
    /// Who they are to the organization's directory: the subject that its
    /// `OpenID` provider names, SCIM's `externalId`. Unique in the organization, at most
    /// 255 characters.
    pub external_id: Option<String>,
    /// When the user was made.
    pub created_at: Timestamp,
    /// When the user was last changed.
    pub updated_at: Timestamp,
    /// Counts changes; a stale update conflicts.
    pub revision: i64,
}
