//! The assistant: identity, content, access policy and life cycle.

pub mod content;
pub mod document;
pub mod edit;
pub mod policy;
mod rules;
pub mod view;

use std::{fmt, str::FromStr};

pub use content::Content;
pub use policy::{AccessMode, Policy};
pub(crate) use rules::{check as check_rules, too_large};

use crate::{AssistantId, OrganizationId, TeamId, Timestamp, UserId};

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
