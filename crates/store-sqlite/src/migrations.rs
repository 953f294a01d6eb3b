//! The schema: what this build knows, what the file has, and the way from one to
//! the other. Migrations go forward only and are part of the program.

use std::collections::BTreeSet;

use diesel::{
    RunQueryDsl, SqliteConnection, migration::MigrationSource, sql_types::Text, sqlite::Sqlite,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use understudy_domain::ports::{StoreError, StoreResult};

use crate::{
    errors::{corrupt, on_read},
    sql::Sql,
    store::SqliteStore,
};

pub(crate) const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

/// How a database's schema stands to this build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaState {
    /// It is the one this build knows.
    Current,
    /// [`SqliteStore::migrate`] would bring it forward; also an empty database.
    Behind,
    /// It has migrations that this build does not know.
    Newer,
    /// It holds tables, but not ours.
    Foreign,
}

/// Why a database was not migrated.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// A newer build made it.
    #[error("the database was made by a newer version of this program; use that or a later one")]
    Newer,
    /// Another program made it.
    #[error("the database belongs to another program")]
    Foreign,
    /// A migration failed and was undone.
    #[error("a migration failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database does not answer.
    #[error("the database cannot be read")]
    Store(#[source] StoreError),
}

impl SqliteStore {
    /// How the schema stands to this build. Changes nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database does not answer.
    pub async fn schema_state(&self) -> StoreResult<SchemaState> {
        self.readers.run("schema.state", state).await
    }

    /// Brings the schema forward to what this build knows, each migration as one
    /// transaction, and does nothing when it is there.
    ///
    /// # Errors
    ///
    /// [`MigrateError`]; the migrations before the one that failed stay.
    pub async fn migrate(&self) -> Result<(), MigrateError> {
        self.writer.exclusively(migrate).await.map_err(MigrateError::Store)?
    }
}

fn migrate(conn: &mut SqliteConnection) -> Result<(), MigrateError> {
    match state(conn).map_err(MigrateError::Store)? {
        SchemaState::Current => Ok(()),
        SchemaState::Behind => {
            conn.run_pending_migrations(MIGRATIONS).map_err(MigrateError::Failed)?;
            Ok(())
        }
        SchemaState::Newer => Err(MigrateError::Newer),
        SchemaState::Foreign => Err(MigrateError::Foreign),
    }
}

fn state(conn: &mut SqliteConnection) -> StoreResult<SchemaState> {
    let tables = Sql::<Text>::new(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    );
    let tables: Vec<String> = tables.load(conn).map_err(on_read("sqlite_schema"))?;
    if tables.is_empty() {
        return Ok(SchemaState::Behind);
    }
    if !tables.iter().any(|table| table == "__diesel_schema_migrations") {
        return Ok(SchemaState::Foreign);
    }

    let applied = Sql::<Text>::new("SELECT version FROM __diesel_schema_migrations");
    let applied: Vec<String> = applied.load(conn).map_err(on_read("__diesel_schema_migrations"))?;
    let applied: BTreeSet<String> = applied.into_iter().collect();
    let known =
        MigrationSource::<Sqlite>::migrations(&MIGRATIONS).map_err(corrupt("migrations"))?;
    let known: BTreeSet<String> =
        known.iter().map(|migration| migration.name().version().to_string()).collect();
    Ok(if !applied.is_subset(&known) {
        SchemaState::Newer
    } else if applied == known {
        SchemaState::Current
    } else {
        SchemaState::Behind
    })
}
