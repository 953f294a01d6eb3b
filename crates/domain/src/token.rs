//! API tokens and sessions: what a caller shows to prove who they are.

use std::{collections::BTreeSet, fmt, str::FromStr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{AssistantId, OrganizationId, Secret, SessionId, Timestamp, TokenId, UserId};

/// What a token may be used for; it never exceeds its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Reading.
    Read,
    /// Changing assistants and what belongs to them.
    Write,
    /// Asking assistants.
    Run,
    /// Administering users, teams and tokens.
    Admin,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Self; 4] = [Self::Read, Self::Write, Self::Run, Self::Admin];

    /// Its name in the API and in stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Run => "run",
            Self::Admin => "admin",
        }
    }
}

/// The text names no scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a scope is one of read, write, run, admin")]
pub struct UnknownScope;

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text).ok_or(UnknownScope)
    }
}

/// Whether a token is for everything its user may do or for one assistant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenKind {
    /// Acts as its user everywhere.
    Personal,
    /// Acts as its user on one assistant and its draft.
    Assistant,
}

impl TokenKind {
    /// Its name in the API and in stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Personal => "personal",
            Self::Assistant => "assistant",
        }
    }
}

/// How a token is narrower than its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenLimits {
    /// Refuses every change and every run.
    pub read_only: bool,
    /// Reaches this assistant and its draft only.
    pub assistant: Option<AssistantId>,
    /// Is taken from these addresses only.
    pub cidr: Option<IpNet>,
    /// What it may be used for; never empty.
    pub scopes: BTreeSet<Scope>,
    /// Is refused from this instant on.
    pub expires_at: Option<Timestamp>,
}

impl Default for TokenLimits {
    fn default() -> Self {
        Self {
            read_only: false,
            assistant: None,
            cidr: None,
            scopes: Scope::ALL.into_iter().collect(),
            expires_at: None,
        }
    }
}

/// A long-lived credential of one user. Its value is known to nobody but its
/// holder; stores keep [`TokenHash`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    /// Its identifier.
    pub id: TokenId,
    /// The organization of its user.
    pub organization: OrganizationId,
    /// The user it acts as.
    pub user: UserId,
    /// Personal, or of one assistant.
    pub kind: TokenKind,
    /// What its owner wrote about it, at most 1,000 characters.
    pub notes: String,
    /// How it is narrower than its user.
    pub limits: TokenLimits,
    /// What stores find it by.
    pub hash: TokenHash,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it was last used (to the minute), and from where.
    pub last_use: Option<TokenUse>,
}

/// A use of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenUse {
    /// When.
    pub at: Timestamp,
    /// The caller's address, without port.
    pub address: String,
}

/// SHA-256 of a credential's text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of a credential as the caller shows it.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// Restores a stored hash; `None` unless it has 32 bytes.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(…)")
    }
}

/// The text of an API token: `ust_`, 64 hex digits of 256 random bits, and 8 hex
/// digits of their CRC-32, so that a mistyped token is refused without a query.
#[derive(Clone, Debug)]
pub struct TokenText(Secret<String>);

impl TokenText {
    /// How every token begins.
    pub const PREFIX: &str = "ust_";

    /// The token made of these random bytes.
    #[must_use]
    pub fn from_random(random: [u8; 32]) -> Self {
        let body = hex(&random);
        let check = crc32fast::hash(body.as_bytes());
        Self(Secret::new(format!("{}{body}{check:08x}", Self::PREFIX)))
    }

    /// A token that the operator chose; `None` unless [`Self::is_plausible`].
    #[must_use]
    pub fn chosen(text: Secret<String>) -> Option<Self> {
        Self::is_plausible(text.expose()).then_some(Self(text))
    }

    /// The value, to be shown once.
    #[must_use]
    pub const fn expose(&self) -> &String {
        self.0.expose()
    }

    /// What stores keep.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(self.expose())
    }

    /// Whether `text` could be a token: the prefix and at least 32 characters in
    /// all, and where it has the length of one of ours, the right check digits.
    /// (The operator's bootstrap token may be any such text.)
    #[must_use]
    pub fn is_plausible(text: &str) -> bool {
        let Some(rest) = text.strip_prefix(Self::PREFIX) else { return false };
        let ours = rest.len() == 72 && rest.bytes().all(|b| b.is_ascii_hexdigit());
        if !ours {
            return text.len() >= 32 && text.len() <= 512;
        }
        let (body, check) = rest.split_at(64);
        u32::from_str_radix(check, 16).is_ok_and(|check| check == crc32fast::hash(body.as_bytes()))
    }
}

/// Lower-case hex digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A log-in, kept on the server so that it can be ended there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its identifier; a JWT names it.
    pub id: SessionId,
    /// The organization of its user.
    pub organization: OrganizationId,
    /// Who logged in.
    pub user: UserId,
    /// Hash of the value in the session cookie.
    pub cookie: TokenHash,
    /// When it began.
    pub created_at: Timestamp,
    /// Is refused from this instant on.
    pub expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_with_a_wrong_digit_is_refused_by_its_check() {
        let token = TokenText::from_random([7; 32]);
        let wrong = token.expose().replacen("07", "17", 1);

        assert!(TokenText::is_plausible(token.expose()));
        assert!(!TokenText::is_plausible(&wrong));
    }

    #[test]
    fn an_operators_own_token_needs_prefix_and_length() {
        assert!(TokenText::is_plausible("ust_my-own-bootstrap-token-0123456789"));
        assert!(!TokenText::is_plausible("ust_short"));
        assert!(!TokenText::is_plausible("my-own-bootstrap-token-0123456789-abc"));
    }
}
