//! The assistant: identity, content, access policy and life cycle.

pub mod content;
pub mod document;
pub mod edit;
pub mod policy;
mod rules;
pub mod view;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

pub use content::Content;
use content::words;
pub use policy::{AccessMode, Policy};
pub(crate) use rules::{check_whole as check_rules, too_large};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{AssistantId, OrganizationId, TagId, TeamId, Timestamp, UserId, access::Level};

/// An assistant, or the draft of one.
#[derive(Clone, Debug, PartialEq)]
pub struct Assistant {
    /// Its identifier; a draft has its own.
    pub id: AssistantId,
    /// The organization it belongs to.
    pub organization: OrganizationId,
    /// On a draft, what it drafts.
    pub editing: Option<Editing>,
    /// Its name in URLs; drafts have none.
    pub slug: Option<Slug>,
    /// Who owns it; a draft's owner is the live one's and is not consulted.
    pub owner: Principal,
    /// The user who made it.
    pub created_by: UserId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it was deleted, if it was.
    pub deleted_at: Option<Timestamp>,
    /// Whether it is the organization's default.
    pub is_default: bool,
    /// The number of its newest version; on a draft, of the one it began from.
    pub version: u32,
    /// Counts changes; a stale update conflicts.
    pub revision: i64,
    /// What a draft may change.
    pub content: Content,
    /// Who may reach it; on a draft unused (access follows the live one).
    pub policy: Policy,
    /// Who else may reach it, beside owner and policy; on a draft unused.
    pub shares: BTreeMap<Principal, Share>,
    /// Its labels; on a draft unused.
    pub tags: BTreeSet<TagId>,
}

/// What somebody was given on an assistant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Share {
    /// How much.
    pub level: ShareLevel,
    /// When it was first given.
    pub created_at: Timestamp,
    /// Who gave it, or changed it last.
    pub created_by: UserId,
}

words!(
    /// How much a share gives (assistant.md, 'who may do what').
    ShareLevel {
        /// Read and run it; 1 in the API.
        Read = "read",
        /// Change its content; 2 in the API.
        Write = "write",
        /// Change who reaches it, and delete it; 3 in the API.
        Admin = "admin",
    }
);

impl ShareLevel {
    /// 1 to 3, as the API has it.
    #[must_use]
    pub const fn number(self) -> i64 {
        match self {
            Self::Read => 1,
            Self::Write => 2,
            Self::Admin => 3,
        }
    }

    /// Reads the number; `None` for any other.
    #[must_use]
    pub const fn from_number(number: i64) -> Option<Self> {
        match number {
            1 => Some(Self::Read),
            2 => Some(Self::Write),
            3 => Some(Self::Admin),
            _ => None,
        }
    }

    /// The level of access that it gives.
    #[must_use]
    pub const fn level(self) -> Level {
        match self {
            Self::Read => Level::View,
            Self::Write => Level::Edit,
            Self::Admin => Level::Manage,
        }
    }
}

/// What a draft drafts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Editing {
    /// The live assistant.
    pub live: AssistantId,
}

impl Assistant {
    /// Whether it is a draft.
    #[must_use]
    pub const fn is_draft(&self) -> bool {
        self.editing.is_some()
    }

    /// The live assistant's id: its own, or on a draft that of what it drafts.
    /// Sealed values and token limits are bound to it.
    #[must_use]
    pub const fn lineage(&self) -> AssistantId {
        match self.editing {
            Some(Editing { live }) => live,
            None => self.id,
        }
    }
}

/// A user or a team, as an owner or as one who has a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Principal {
    /// One person.
    User(UserId),
    /// A team.
    Team(TeamId),
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(user) => user.fmt(f),
            Self::Team(team) => team.fmt(f),
        }
    }
}

/// The text names no user and no team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be the id of a user (`usr_…`) or of a team (`team_…`)")]
pub struct InvalidPrincipal;

impl FromStr for Principal {
    type Err = InvalidPrincipal;

    /// Reads a prefixed identifier, also as `user:<id>` or `team:<id>`; a bare UUID
    /// would not tell which of the two it names.
    fn from_str(text: &str) -> Result<Self, InvalidPrincipal> {
        let (user, team) = (text.strip_prefix("user:"), text.strip_prefix("team:"));
        if text.starts_with("usr_") || user.is_some() {
            return user.unwrap_or(text).parse().map(Self::User).or(Err(InvalidPrincipal));
        }
        if text.starts_with("team_") || team.is_some() {
            return team.unwrap_or(text).parse().map(Self::Team).or(Err(InvalidPrincipal));
        }
        Err(InvalidPrincipal)
    }
}

impl Serialize for Principal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Principal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// A name in URLs: 1 to 100 lower-case letters, digits and hyphens, beginning
/// and ending with a letter or digit, and neither an identifier nor a UUID.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slug(String);

/// The text is no slug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a slug has 1 to 100 lower-case letters, digits and hyphens, begins and ends with a letter or digit, and is no identifier"
)]
pub struct InvalidSlug;

impl Slug {
    /// Most characters of a slug.
    pub const MAX_CHARS: usize = 100;

    /// Reads a slug.
    ///
    /// # Errors
    ///
    /// [`InvalidSlug`] when it has other characters or could be taken for an id.
    pub fn parse(text: &str) -> Result<Self, InvalidSlug> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let edges =
            text.bytes().next().is_some_and(plain) && text.bytes().last().is_some_and(plain);
        let inner = text.bytes().all(|b| plain(b) || b == b'-');
        let fits = text.len() <= Self::MAX_CHARS;
        if edges && inner && fits && AssistantId::from_str(text).is_err() {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidSlug)
        }
    }

    /// The slug of a name: transliterated, other characters as hyphens, cut to
    /// leave room for a number; `assistant` when nothing is left.
    #[must_use]
    pub fn of_name(name: &str) -> Self {
        let mut text = String::new();
        for c in deunicode::deunicode(name).chars() {
            if c.is_ascii_alphanumeric() {
                text.push(c.to_ascii_lowercase());
            } else if !text.is_empty() && !text.ends_with('-') {
                text.push('-');
            }
        }
        text.truncate(80);
        Self::parse(text.trim_end_matches('-')).unwrap_or_else(|_| Self("assistant".to_owned()))
    }

    /// This slug with `-n` behind it.
    #[must_use]
    pub fn numbered(&self, n: u32) -> Self {
        let suffix = format!("-{n}");
        let mut base = self.0.clone();
        base.truncate(Self::MAX_CHARS - suffix.len());
        Self(format!("{}{suffix}", base.trim_end_matches('-')))
    }

    /// The slug.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a caller names an assistant in a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AssistantRef {
    /// By its id or hyphenated UUID.
    Id(AssistantId),
    /// By its slug in the caller's organization.
    Slug(Slug),
}

impl AssistantRef {
    /// Reads a path segment; `None` when it can name no assistant.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().map(Self::Id).ok().or_else(|| Slug::parse(text).map(Self::Slug).ok())
    }
}
