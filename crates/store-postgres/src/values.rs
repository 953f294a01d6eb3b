//! How single values stand in columns.
//!
//! Reading parses them anew: what the domain would not make is refused there and
//! becomes [`StoreError::Corrupt`](understudy_domain::ports::StoreError::Corrupt).

use std::{fmt::Debug, io::Write};

use diesel::{
    deserialize::{self, FromSql, FromSqlRow},
    expression::AsExpression,
    pg::{Pg, PgValue},
    serialize::{self, IsNull, Output, ToSql},
    sql_types::{Binary, Timestamptz, Uuid as SqlUuid},
};
use serde::{Serialize, de::DeserializeOwned};
use time::OffsetDateTime;
use understudy_domain::{Blob, ChainHash, Digest, Id, Timestamp, TokenHash, ports::StoreResult};
use uuid::Uuid;

use crate::errors::{corrupt, unavailable};

/// A UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = SqlUuid)]
pub(crate) struct Key(pub(crate) Uuid);

impl Key {
    /// The identifier that it is.
    pub(crate) const fn id<K>(self) -> Id<K> {
        Id::from_uuid(self.0)
    }
}

impl<K> From<Id<K>> for Key {
    fn from(id: Id<K>) -> Self {
        Self(id.as_uuid())
    }
}

impl ToSql<SqlUuid, Pg> for Key {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(self.0.as_bytes())?;
        Ok(IsNull::No)
    }
}

impl FromSql<SqlUuid, Pg> for Key {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(Uuid::from_slice(value.as_bytes())?))
    }
}

/// An instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, AsExpression, FromSqlRow)]
#[diesel(sql_type = Timestamptz)]
pub(crate) struct Moment(pub(crate) Timestamp);

impl ToSql<Timestamptz, Pg> for Moment {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        let instant = self.0.as_offset_date_time();
        ToSql::<Timestamptz, Pg>::to_sql(&instant, &mut out.reborrow())
    }
}

impl FromSql<Timestamptz, Pg> for Moment {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        <OffsetDateTime as FromSql<Timestamptz, Pg>>::from_sql(value).map(Timestamp::new).map(Self)
    }
}

/// A document, read from `json`.
#[derive(Clone, Debug, PartialEq, FromSqlRow)]
#[diesel(sql_type = diesel::sql_types::Json)]
pub(crate) struct Json<T: Debug + 'static>(pub(crate) T);

impl<T: DeserializeOwned + Debug> FromSql<diesel::sql_types::Json, Pg> for Json<T> {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(serde_json::from_slice(value.as_bytes())?))
    }
}

/// Likewise, read from `jsonb`.
impl<T: DeserializeOwned + Debug> FromSql<diesel::sql_types::Jsonb, Pg> for Json<T> {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        match value.as_bytes() {
            [1, text @ ..] => Ok(Self(serde_json::from_slice(text)?)), // the format's version
            _ => Err("jsonb of an unknown version".into()),
        }
    }
}

/// The text of a document, to be written to `json`.
#[derive(Clone, Debug, AsExpression)]
#[diesel(sql_type = diesel::sql_types::Json)]
pub(crate) struct JsonText(String);

impl JsonText {
    /// The text of `document`.
    pub(crate) fn of<T: Serialize + ?Sized>(document: &T) -> StoreResult<Self> {
        // Only a map with other keys than text cannot be written; there is none.
        serde_json::to_string(document).map(Self).map_err(unavailable)
    }
}

impl ToSql<diesel::sql_types::Json, Pg> for JsonText {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(self.0.as_bytes())?;
        Ok(IsNull::No)
    }
}

/// A SHA-256 as 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Binary)]
pub(crate) struct Hash(pub(crate) TokenHash);

impl ToSql<Binary, Pg> for Hash {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(self.0.as_bytes())?;
        Ok(IsNull::No)
    }
}

impl FromSql<Binary, Pg> for Hash {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let hash = TokenHash::from_slice(value.as_bytes());
        hash.map(Self).ok_or_else(|| "a hash has 32 bytes".into())
    }
}

/// The hash of an event and of all before it, read from 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromSqlRow)]
#[diesel(sql_type = Binary)]
pub(crate) struct Link(pub(crate) ChainHash);

impl FromSql<Binary, Pg> for Link {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let hash = ChainHash::from_slice(value.as_bytes());
        hash.map(Self).ok_or_else(|| "a hash has 32 bytes".into())
    }
}

/// A blob's digest as 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, AsExpression, FromSqlRow)]
#[diesel(sql_type = Binary)]
pub(crate) struct Sum(pub(crate) Digest);

impl Sum {
    /// The blob that has it, with its size as it is stored in `table`.
    pub(crate) fn blob(self, table: &'static str, size: i64) -> StoreResult<Blob> {
        Ok(Blob { digest: self.0, size: u64::try_from(size).map_err(corrupt(table))? })
    }
}

impl ToSql<Binary, Pg> for Sum {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(self.0.as_bytes())?;
        Ok(IsNull::No)
    }
}

impl FromSql<Binary, Pg> for Sum {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(Digest::from_bytes(value.as_bytes().try_into()?)))
    }
}

/// `text` as it is compared: PostgreSQL's text has no NUL, so it stands as U+FFFD.
pub(crate) fn comparable(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{FFFD}") } else { text }
}
