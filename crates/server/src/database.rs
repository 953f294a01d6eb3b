//! The database that the configuration names: opened, waited for, brought up to
//! date.

use std::{num::NonZeroU8, sync::Arc, time::Duration};

use tokio::time::{Instant, sleep_until};
use understudy_domain::ports::{Store, StoreError};
use understudy_store_postgres::{self as postgres, PgOptions, PgStore};
use understudy_store_sqlite::{self as sqlite, SqliteOptions, SqliteStore};

pub use understudy_store_sqlite::Sharing;

use crate::{
    config::{Config, DatabaseUrl},
    error::chain,
};

/// How long it waits between two tries.
const PAUSE: Duration = Duration::from_secs(1);

/// More readers than this wait for each other.
const SQLITE_READERS: NonZeroU8 = NonZeroU8::MIN.saturating_add(7);

/// A database of either kind.
#[derive(Clone)]
pub enum Database {
    /// Embedded.
    Sqlite(SqliteStore),
    /// A server.
    Postgres(PgStore),
}

/// How a database's schema stands to this build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// It is the one this build knows.
    Current,
    /// It can be brought forward; also an empty database.
    Behind,
}

/// The database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The SQLite file cannot be opened.
    #[error("the database cannot be opened")]
    Sqlite(#[source] sqlite::OpenError),
    /// The Postgres URL cannot be used.
    #[error("the database cannot be opened")]
    Postgres(#[source] postgres::OpenError),
    /// It could not be used for a long time.
    #[error("the database could not be used for {} seconds", waited.as_secs())]
    Silent {
        /// How long.
        waited: Duration,
        /// What it said last.
        #[source]
        source: StoreError,
    },
    /// It answers, but cannot be read.
    #[error("the database cannot be read")]
    Unreadable(#[source] StoreError),
    /// A later build made it.
    #[error(
        "the database was made by a newer version of this program; \
         nothing was changed; use that version or a later one"
    )]
    Newer,
    /// Another program made it.
    #[error("the database belongs to another program; nothing was changed; name another one")]
    Foreign,
    /// It cannot be brought up to date.
    #[error("the database cannot be brought up to date")]
    Migration(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Database {
    /// Opens the configured database. A Postgres server is not asked yet.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] when there can be none.
    pub fn open(config: &Config, sharing: Sharing) -> Result<Self, DatabaseError> {
        match &config.database {
            DatabaseUrl::Sqlite(path) => {
                let readers = NonZeroU8::try_from(config.database_pool_size);
                let options = SqliteOptions {
                    sharing,
                    readers: readers.unwrap_or(SQLITE_READERS).min(SQLITE_READERS),
                    ..SqliteOptions::default()
                };
                SqliteStore::open(path, options).map(Self::Sqlite).map_err(DatabaseError::Sqlite)
            }
            DatabaseUrl::Postgres(url) => {
                let options = PgOptions { max_connections: config.database_pool_size };
                PgStore::open(url.expose(), options)
                    .map(Self::Postgres)
                    .map_err(DatabaseError::Postgres)
            }
        }
    }

    /// The store, for everything that does not care which it is.
    #[must_use]
    pub fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(store) => Arc::new(store.clone()),
            Self::Postgres(store) => Arc::new(store.clone()),
        }
    }

    /// How the schema stands to this build; asks again for as long as `patience`
    /// while the database does not answer.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] when it does not answer or this build must not touch it.
    pub async fn await_schema(&self, patience: Duration) -> Result<Schema, DatabaseError> {
        let until = Instant::now() + patience;
        let mut said = String::new();
        loop {
            match self.schema().await {
                Err(DatabaseError::Unreadable(error)) if error.is_transient() => {
                    let next = Instant::now() + PAUSE;
                    if next > until {
                        return Err(DatabaseError::Silent { waited: patience, source: error });
                    }
                    let why = chain(&error);
                    if why != said {
                        tracing::warn!(error = why, "waiting for the database");
                        said = why;
                    }
                    sleep_until(next).await;
                }
                result => return result,
            }
        }
    }

    /// How the schema stands to this build, asked once.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] when it does not answer or this build must not touch it.
    pub async fn schema(&self) -> Result<Schema, DatabaseError> {
        match self {
            Self::Sqlite(store) => {
                match store.schema_state().await.map_err(DatabaseError::Unreadable)? {
                    sqlite::SchemaState::Current => Ok(Schema::Current),
                    sqlite::SchemaState::Behind => Ok(Schema::Behind),
                    sqlite::SchemaState::Newer => Err(DatabaseError::Newer),
                    sqlite::SchemaState::Foreign => Err(DatabaseError::Foreign),
                }
            }
            Self::Postgres(store) => {
                match store.schema_state().await.map_err(DatabaseError::Unreadable)? {
                    postgres::SchemaState::Current => Ok(Schema::Current),
                    postgres::SchemaState::Behind => Ok(Schema::Behind),
                    postgres::SchemaState::Newer => Err(DatabaseError::Newer),
                    postgres::SchemaState::Foreign => Err(DatabaseError::Foreign),
                }
            }
        }
    }

    /// Brings the schema up to date.
    ///
    /// # Errors
    ///
    /// [`DatabaseError::Migration`] with the reason.
    pub async fn migrate(&self) -> Result<(), DatabaseError> {
        match self {
            Self::Sqlite(store) => store.migrate().await.map_err(failed),
            Self::Postgres(store) => store.migrate().await.map_err(failed),
        }
    }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> DatabaseError {
    DatabaseError::Migration(Box::new(error))
}
