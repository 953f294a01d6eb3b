//! Instants as both databases keep them: UTC, whole microseconds.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::{Duration, OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

/// An instant in UTC, cut to microseconds so that what is read equals what was
/// written on every store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(OffsetDateTime);

impl Timestamp {
    /// The instant `at`, cut to microseconds.
    #[must_use]
    pub fn new(at: OffsetDateTime) -> Self {
        let utc = at.to_offset(UtcOffset::UTC);
        let nanos = utc.microsecond() * 1_000;
        Self(utc.replace_nanosecond(nanos).unwrap_or(utc))
    }

    /// The instant `micros` microseconds after the Unix epoch, if a calendar has
    /// it (years -9999 to 9999).
    #[must_use]
    pub fn from_unix_micros(micros: i64) -> Option<Self> {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000).ok().map(Self)
    }

    /// Microseconds since the Unix epoch.
    #[must_use]
    pub fn unix_micros(self) -> i64 {
        // Years ±9999 are within ±3.2e17 µs, so the fallback is never taken.
        i64::try_from(self.0.unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX)
    }

    /// Seconds since the Unix epoch, as the assistant object gives its times.
    #[must_use]
    pub const fn unix_seconds(self) -> i64 {
        self.0.unix_timestamp()
    }

    /// The instant as the `time` crate has it.
    #[must_use]
    pub const fn as_offset_date_time(self) -> OffsetDateTime {
        self.0
    }

    /// The instant `duration` later; the last one that a calendar has if there
    /// is none so late.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }

    /// How much later than `earlier` this is; negative if it is not.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        self.0 - earlier.0
    }

    /// The RFC 3339 text, for example `2026-01-31T12:00:00.5Z`.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        self.0.format(&Rfc3339).unwrap_or_default()
    }

    /// Reads an RFC 3339 text.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        OffsetDateTime::parse(text, &Rfc3339).ok().map(Self::new)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_rfc3339())
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse_rfc3339(&text)
            .ok_or_else(|| serde::de::Error::custom("expected an RFC 3339 time"))
    }
}
