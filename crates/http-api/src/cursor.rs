//! Where the next page begins, as callers carry it: text without meaning to them.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use understudy_domain::{
    Email, Id, Timestamp,
    ports::{Position, PositionKey},
    token::hex,
};
use uuid::Uuid;

use crate::problem::{Code, Problem};

/// A position bound to the list that it is in.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor {
    /// The list: its order and its filters.
    l: String,
    /// The key of the last row.
    k: Key,
    /// The id of the last row, where keys are not unique.
    i: Option<Uuid>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Key {
    Time(i64),
    Text(String),
}

/// What a cursor is bound to: it means nothing in another list.
pub(crate) fn list_of(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hex(&hash.finalize()).chars().take(16).collect()
}

pub(crate) fn of_position(list: &str, position: &Position) -> String {
    let key = match &position.key {
        PositionKey::Time(at) => Key::Time(at.unix_micros()),
        PositionKey::Text(text) => Key::Text(text.clone()),
    };
    encode(&Cursor { l: list.to_owned(), k: key, i: Some(position.id) })
}

/// The position that a cursor names; whether its key is a time must fit the list.
pub(crate) fn to_position(list: &str, text: &str, timed: bool) -> Result<Position, Problem> {
    let Cursor { k, i, .. } = decode(list, text)?;
    let id = i.ok_or_else(bad)?;
    let key = match k {
        Key::Time(micros) if timed => {
            PositionKey::Time(Timestamp::from_unix_micros(micros).ok_or_else(bad)?)
        }
        Key::Text(text) if !timed && !text.contains('\0') => PositionKey::Text(text),
        Key::Time(_) | Key::Text(_) => return Err(bad()),
    };
    Ok(Position { key, id })
}

pub(crate) fn of_email(list: &str, email: &Email) -> String {
    let key = Key::Text(email.as_str().to_owned());
    encode(&Cursor { l: list.to_owned(), k: key, i: None })
}

pub(crate) fn to_email(list: &str, text: &str) -> Result<Email, Problem> {
    match decode(list, text)?.k {
        Key::Text(text) => Email::parse(&text).or(Err(bad())),
        Key::Time(_) => Err(bad()),
    }
}

pub(crate) fn of_id<T>(list: &str, id: Id<T>) -> String {
    encode(&Cursor { l: list.to_owned(), k: Key::Text(String::new()), i: Some(id.as_uuid()) })
}

pub(crate) fn to_id<T>(list: &str, text: &str) -> Result<Id<T>, Problem> {
    decode(list, text)?.i.map(Id::from_uuid).ok_or_else(bad)
}

pub(crate) fn of_number(list: &str, number: u64) -> String {
    let key = Key::Text(number.to_string());
    encode(&Cursor { l: list.to_owned(), k: key, i: None })
}

pub(crate) fn to_number(list: &str, text: &str) -> Result<u64, Problem> {
    match decode(list, text)?.k {
        Key::Text(text) => text.parse().or(Err(bad())),
        Key::Time(_) => Err(bad()),
    }
}

fn encode(cursor: &Cursor) -> String {
    // Strings and numbers always serialize.
    BASE64.encode(serde_json::to_vec(cursor).unwrap_or_default())
}

fn decode(list: &str, text: &str) -> Result<Cursor, Problem> {
    let bytes = BASE64.decode(text).or(Err(bad()))?;
    let cursor: Cursor = serde_json::from_slice(&bytes).or(Err(bad()))?;
    if cursor.l == list { Ok(cursor) } else { Err(bad()) }
}

fn bad() -> Problem {
    let fault = understudy_domain::Fault::new("cursor", "invalid", "is not a cursor of this list");
    Problem::new(Code::BadCursor).faults(vec![fault])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position() -> Position {
        let at = Timestamp::from_unix_micros(1_700_000_000_123_456).unwrap();
        Position { key: PositionKey::Time(at), id: Uuid::from_u128(7) }
    }

    #[test]
    fn a_cursor_leads_back_to_its_position_in_its_own_list_only() {
        let list = list_of(&["-updated_at", "q=x"]);
        let cursor = of_position(&list, &position());

        assert_eq!(to_position(&list, &cursor, true).unwrap(), position());
        assert!(to_position(&list, &cursor, false).is_err());
        assert!(to_position(&list_of(&["-updated_at", "q=y"]), &cursor, true).is_err());
    }

    #[test]
    fn text_that_is_no_cursor_is_refused() {
        for text in ["", "%%%", "e30", "bnVsbA", "eyJsIjoieCJ9"] {
            assert!(to_position("x", text, true).is_err(), "{text} was taken");
        }
    }
}
