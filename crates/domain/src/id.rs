//! Identifiers: one type for each kind of thing, written as `<prefix>_<32 hex>`.

use std::{cmp::Ordering, fmt, hash, marker::PhantomData, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

/// What an identifier names, and how its text form begins.
pub trait Kind {
    /// The text before the underscore, for example `asst`.
    const PREFIX: &'static str;
}

/// The identifier of one `T`, a UUID (version 7 for rows that we make).
///
/// Its text form is the prefix of its kind, an underscore and 32 hex digits;
/// [`FromStr`] also takes the hyphenated UUID.
pub struct Id<T> {
    uuid: Uuid,
    of: PhantomData<fn() -> T>, // `fn() -> T`: Send + Sync whatever T is
}

/// The text names no identifier of the expected kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an identifier is `{prefix}_` and 32 hex digits, or a hyphenated UUID")]
pub struct ParseIdError {
    prefix: &'static str,
}

impl<T> Id<T> {
    /// The identifier with this UUID.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self { uuid, of: PhantomData }
    }

    /// The bare UUID, as stores keep it.
    #[must_use]
    pub const fn as_uuid(self) -> Uuid {
        self.uuid
    }
}

impl<T: Kind> FromStr for Id<T> {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let fault = ParseIdError { prefix: T::PREFIX };
        let prefixed = text.strip_prefix(T::PREFIX).and_then(|rest| rest.strip_prefix('_'));
        let expected = if prefixed.is_some() { 32 } else { 36 };
        let digits = prefixed.unwrap_or(text);
        if digits.len() != expected {
            return Err(fault);
        }
        Uuid::try_parse(digits).map(Self::from_uuid).or(Err(fault))
    }
}

impl<T: Kind> fmt::Display for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", T::PREFIX, self.uuid.simple())
    }
}

impl<T: Kind> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

// By hand: `derive` would demand each of these of T.
impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Id<T> {}
impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.uuid == other.uuid
    }
}
impl<T> Eq for Id<T> {}
impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.uuid.cmp(&other.uuid)
    }
}
impl<T> hash::Hash for Id<T> {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.uuid.hash(state);
    }
}

impl<T: Kind> Serialize for Id<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, T: Kind> Deserialize<'de> for Id<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use crate::{AssistantId, UserId};

    proptest! {
        #[test]
        fn every_id_reads_back_from_both_of_its_texts(raw: u128) {
            let id = AssistantId::from_uuid(Uuid::from_u128(raw));
            prop_assert_eq!(id.to_string().parse::<AssistantId>(), Ok(id));
            prop_assert_eq!(id.as_uuid().to_string().parse::<AssistantId>(), Ok(id));
        }
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let user = UserId::from_uuid(Uuid::from_u128(7));

        assert!(user.to_string().parse::<AssistantId>().is_err());
    }
}
