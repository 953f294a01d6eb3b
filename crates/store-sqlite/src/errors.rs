//! What SQLite's failures mean to the domain: the right meaning depends on what
//! was attempted, so each is a function and none a `From`.

use std::error::Error;

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error as Failure};
use understudy_domain::ports::StoreError;

type Source = Box<dyn Error + Send + Sync>;

/// The database does not answer: locked, full, unreadable.
pub(crate) fn unavailable(error: impl Into<Source>) -> StoreError {
    StoreError::Unavailable(error.into())
}

/// What a table holds cannot be read.
pub(crate) fn corrupt<E: Into<Source>>(table: &'static str) -> impl Fn(E) -> StoreError {
    move |error| StoreError::Corrupt { table, source: error.into() }
}

/// A query failed: by its rows, or by the database.
pub(crate) fn on_read(table: &'static str) -> impl Fn(Failure) -> StoreError {
    move |error| match error {
        Failure::DeserializationError(source) => StoreError::Corrupt { table, source },
        Failure::DatabaseError(_, info) if is_damage(info.as_ref()) => {
            StoreError::Corrupt { table, source: info.message().into() }
        }
        other => unavailable(other),
    }
}

/// A change failed: a unique value is taken, what it refers to is gone, or as for
/// [`on_read`].
pub(crate) fn on_write(table: &'static str) -> impl Fn(Failure) -> StoreError {
    move |error| match error {
        Failure::DatabaseError(DatabaseErrorKind::UniqueViolation, info) => {
            StoreError::AlreadyExists { what: taken(info.message()) }
        }
        // Whoever was referred to was there when the caller looked.
        Failure::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _) => StoreError::Conflict,
        other => on_read(table)(other),
    }
}

/// Which value is taken, by the columns that SQLite names:
/// `UNIQUE constraint failed: table.column, table.column`.
fn taken(message: &str) -> &'static str {
    match message.rsplit([' ', '.']).next().unwrap_or_default() {
        "name_key" => "name",
        "slug" => "slug",
        "email" => "email",
        "external_id" => "external id",
        "editing_id" => "draft",
        // The only unique index on an organization alone.
        "organization_id" => "default",
        _ => "id",
    }
}

fn is_damage(info: &(dyn DatabaseErrorInformation + Send + Sync)) -> bool {
    let message = info.message();
    message.contains("malformed") || message.contains("not a database")
}
