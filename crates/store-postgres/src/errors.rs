//! What PostgreSQL's failures mean to the domain: the right meaning depends on what
//! was attempted, so each is a function and none a `From`.

use std::error::Error;

use diesel::result::{DatabaseErrorKind, Error as Failure};
use understudy_domain::ports::StoreError;

type Source = Box<dyn Error + Send + Sync>;

/// The database does not answer, or gave up: no connection, no free one in time,
/// shut down, deadlock, a lock that took too long.
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
        other => unavailable(other),
    }
}

/// A change failed: a unique value is taken, what it refers to is gone, or as for
/// [`on_read`].
pub(crate) fn on_write(table: &'static str) -> impl Fn(Failure) -> StoreError {
    move |error| match error {
        Failure::DatabaseError(DatabaseErrorKind::UniqueViolation, info) => {
            taken(info.constraint_name().unwrap_or_default())
        }
        // Whoever was referred to was there when the caller looked.
        Failure::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _) => StoreError::Conflict,
        other => on_read(table)(other),
    }
}

/// Which value is taken, by the name of its unique index.
fn taken(index: &str) -> StoreError {
    let what = match index {
        "users_email_key" => "email",
        "users_external_id_key" => "external id",
        "teams_name_key"
        | "assistants_name_key"
        | "providers_name_key"
        | "rules_name_key"
        | "tags_name_key"
        | "automations_name_key" => "name",
        "assistants_slug_key" => "slug",
        "assistants_draft_key" => "draft",
        "assistants_default_key" => "default",
        // Somebody else made the version with this number first.
        "versions_number_key" => return StoreError::Conflict,
        _ => "id",
    };
    StoreError::AlreadyExists { what }
}
