//! The audit log: who did what to what, when and from where, each entry chained
//! to the one before.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{AssistantId, EventId, OrganizationId, Timestamp, TokenId, UserId, token::hex};

/// One entry, written in the transaction of the act it tells of. It never holds
/// a secret: write-only values appear as the mask.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEvent {
    /// Its identifier.
    pub id: EventId,
    /// The organization it belongs to.
    pub organization: OrganizationId,
    /// When it happened.
    pub at: Timestamp,
    /// Who did it; `None` for the server itself.
    pub actor: Option<UserId>,
    /// The token they used, if it was one.
    pub token: Option<TokenId>,
    /// The address they came from, if known.
    pub address: Option<String>,
    /// The identifier of the request, if it came by one.
    pub request_id: Option<String>,
    /// What was done, for example `assistant.created`.
    pub action: String,
    /// What it was done to, as its prefixed identifier.
    pub target: String,
    /// The live assistant whose affair it is, if it is one's.
    pub assistant: Option<AssistantId>,
    /// The value before, of what changed only.
    pub before: Option<Value>,
    /// The value after, of what changed only.
    pub after: Option<Value>,
}

impl AuditEvent {
    /// The event as the one sequence of bytes that its hash is made of: JSON with
    /// sorted keys and without blanks.
    ///
    /// Whoever reads the event from a store gets the same bytes again.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        sort_keys(&mut value);
        serde_json::to_vec(&value).unwrap_or_default()
    }
}

/// Whatever order a map keeps its keys in.
fn sort_keys(value: &mut Value) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = std::mem::take(map).into_iter().collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            for (_, value) in &mut entries {
                sort_keys(value);
            }
            map.extend(entries);
        }
        Value::Array(items) => items.iter_mut().for_each(sort_keys),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The hash of an event and of all before it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChainHash([u8; 32]);

impl ChainHash {
    /// What the first event is chained to.
    pub const START: Self = Self([0; 32]);

    /// The hash of the event with number `seq` and this
    /// [canonical](AuditEvent::canonical) form, behind the one with this hash:
    /// SHA-256 of hash, number (eight bytes, big-endian) and form.
    #[must_use]
    pub fn next(self, seq: u64, canonical: &[u8]) -> Self {
        let hash = Sha256::new()
            .chain_update(self.0)
            .chain_update(seq.to_be_bytes())
            .chain_update(canonical);
        Self(hash.finalize().into())
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

impl fmt::Display for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An event as the log holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedEvent {
    /// Its number in the organization's log, from 1 and without gaps, in the order
    /// in which transactions were committed.
    pub seq: u64,
    /// The hash of it and all before it; `None` on events from before the log was
    /// chained.
    pub hash: Option<ChainHash>,
    /// The event.
    pub event: AuditEvent,
}

/// Where an organization's log ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainHead {
    /// The number of the last event; 0 when there is none.
    pub seq: u64,
    /// Its hash; [`ChainHash::START`] when there is none.
    pub hash: ChainHash,
}

impl fmt::Display for ChainHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, self.hash)
    }
}

/// A text is not the head of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be the number of an event, `:` and its hash as 64 hex digits")]
pub struct ParseHeadError;

impl FromStr for ChainHead {
    type Err = ParseHeadError;

    fn from_str(text: &str) -> Result<Self, ParseHeadError> {
        let (seq, hash) = text.split_once(':').ok_or(ParseHeadError)?;
        let seq = seq.parse().or(Err(ParseHeadError))?;
        let digits = hash.as_bytes().chunks(2).map(|digits| {
            let is_hex = digits.len() == 2 && digits.iter().all(u8::is_ascii_hexdigit);
            let digits = std::str::from_utf8(digits).ok().filter(|_| is_hex)?;
            u8::from_str_radix(digits, 16).ok()
        });
        let bytes: Vec<u8> = digits.collect::<Option<_>>().ok_or(ParseHeadError)?;
        let hash = ChainHash::from_slice(&bytes).ok_or(ParseHeadError)?;
        Ok(Self { seq, hash })
    }
}

/// Which events to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Of this assistant, its draft and what belongs to them.
    pub assistant: Option<AssistantId>,
    /// Done to this, as its prefixed identifier.
    pub target: Option<String>,
    /// Done by this user.
    pub actor: Option<UserId>,
    /// Done with this token.
    pub token: Option<TokenId>,
    /// With this action; with a trailing `*`, with actions that begin so.
    pub action: Option<String>,
    /// From this instant on.
    pub from: Option<Timestamp>,
    /// Before this instant.
    pub until: Option<Timestamp>,
}

impl EventFilter {
    /// Whether the filter lets the event through.
    #[must_use]
    pub fn matches(&self, event: &AuditEvent) -> bool {
        let Self { assistant, target, actor, token, action, from, until } = self;
        let fits = |wanted: &String| match wanted.strip_suffix('*') {
            Some(prefix) => event.action.starts_with(prefix),
            None => *wanted == event.action,
        };
        assistant.is_none_or(|wanted| event.assistant == Some(wanted))
            && target.as_ref().is_none_or(|wanted| *wanted == event.target)
            && actor.is_none_or(|wanted| event.actor == Some(wanted))
            && token.is_none_or(|wanted| event.token == Some(wanted))
            && action.as_ref().is_none_or(fits)
            && from.is_none_or(|from| event.at >= from)
            && until.is_none_or(|until| event.at < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_of_a_log_is_read_as_it_is_written() {
        let head = ChainHead { seq: 42, hash: ChainHash::START.next(1, b"a") };

        assert_eq!(head.to_string().parse(), Ok(head));
        for text in ["", "42", "42:", "x:00", "42:00", &format!("42:{}", "+1".repeat(32))] {
            assert_eq!(text.parse::<ChainHead>(), Err(ParseHeadError), "{text}");
        }
    }

    #[test]
    fn each_hash_depends_on_number_event_and_all_before() {
        let (a, b) = (b"a".as_slice(), b"b".as_slice());
        let first = ChainHash::START.next(1, a);

        assert_ne!(first, ChainHash::START.next(2, a));
        assert_ne!(first, ChainHash::START.next(1, b));
        assert_ne!(first.next(2, b), ChainHash::START.next(1, b).next(2, b));
        assert_eq!(ChainHash::from_slice(first.as_bytes()), Some(first));
    }
}
