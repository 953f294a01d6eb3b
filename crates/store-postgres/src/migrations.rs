//! The schema: what this build knows, what the database has, and the way from one
//! to the other. Migrations go forward only and are part of the program.
//!
//! They are applied as plain SQL, not by diesel's harness, which blocks its thread;
//! the table it keeps is the same, so its command-line tool understands it.

use std::collections::BTreeSet;

use diesel::sql_types::{Array, BigInt, Bool, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use understudy_domain::ports::{StoreError, StoreResult};

use crate::{
    errors::{on_read, unavailable},
    sql::Sql,
    store::PgStore,
};

/// Makes the role that the application acts as; safe to repeat.
const ROLE: &str = include_str!("../../../migrations/postgres/role.sql");

/// Each migration with its version, which is the digits of its folder's name.
const MIGRATIONS: &[(&str, &str)] = &[
    (
        "20261121000000",
        include_str!("../../../migrations/postgres/2026-11-21-000000_tables/up.sql"),
    ),
    (
        "20261121000001",
        include_str!("../../../migrations/postgres/2026-11-21-000001_row_level_security/up.sql"),
    ),
    (
        "20261121000002",
        include_str!("../../../migrations/postgres/2026-11-21-000002_lookups/up.sql"),
    ),
    ("20261121000003", include_str!("../../../migrations/postgres/2026-11-21-000003_lists/up.sql")),
    (
        "20261121000004",
        include_str!("../../../migrations/postgres/2026-11-21-000004_content/up.sql"),
    ),
    (
        "20261121000005",
        include_str!("../../../migrations/postgres/2026-11-21-000005_collaboration/up.sql"),
    ),
    (
        "20261121000006",
        include_str!("../../../migrations/postgres/2026-11-21-000006_shared_assistants/up.sql"),
    ),
    ("20261121000007", include_str!("../../../migrations/postgres/2026-11-21-000007_runs/up.sql")),
    ("20261121000008", include_str!("../../../migrations/postgres/2026-11-21-000008_items/up.sql")),
];

/// Tables by which a schema that somebody else made is recognized.
const OURS: [&str; 6] =
    ["installation", "organizations", "users", "teams", "assistants", "versions"];

/// Names the lock that one migrating process has (`understud` in ASCII, cut).
const LOCK: i64 = 0x756e_6465_7273_7475;

/// How a database's schema stands to this build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaState {
    /// It is the one this build knows.
    Current,
    /// [`PgStore::migrate`] would bring it forward; also an empty database.
    Behind,
    /// It has migrations that this build does not know.
    Newer,
    /// It has tables named as ours that our migrations did not make.
    Foreign,
}

/// Why a database was not migrated.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// A newer build made it.
    #[error("the database was made by a newer version of this program; use that or a later one")]
    Newer,
    /// Another program made it.
    #[error("the database has tables of another program that are named as ours")]
    Foreign,
    /// The role that the application acts as cannot be made or taken.
    #[error(
        "the database user {user} can neither make nor take the role understudy_app; an \
         administrator of the server runs: CREATE ROLE understudy_app NOLOGIN; \
         GRANT understudy_app TO {user};"
    )]
    Role {
        /// The user of the URL, quoted as SQL wants it.
        user: String,
    },
    /// A migration failed and was undone.
    #[error("migration {version} failed")]
    Failed {
        /// Which.
        version: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The database does not answer.
    #[error("the database cannot be read")]
    Store(#[source] StoreError),
}

impl PgStore {
    /// How the schema stands to this build. Changes nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database does not answer.
    pub async fn schema_state(&self) -> StoreResult<SchemaState> {
        let mut conn = self.connections.as_owner().await.map_err(unavailable)?;
        state(&mut conn).await
    }

    /// Brings the schema forward to what this build knows, each migration as one
    /// transaction, and does nothing when it is there. Of several processes one
    /// migrates; the others wait and find it done.
    ///
    /// # Errors
    ///
    /// [`MigrateError`], one line for the operator; the migrations before the one
    /// that failed stay.
    pub async fn migrate(&self) -> Result<(), MigrateError> {
        let mut conn = self
            .connections
            .as_owner()
            .await
            .map_err(|error| MigrateError::Store(unavailable(error)))?;
        let lock = format!("SELECT pg_advisory_lock({LOCK})");
        conn.batch_execute(&lock).await.map_err(|e| MigrateError::Store(unavailable(e)))?;
        // Closing the connection gives the lock back.
        bring_forward(&mut conn).await
    }
}

async fn bring_forward(conn: &mut AsyncPgConnection) -> Result<(), MigrateError> {
    let found = state(conn).await.map_err(MigrateError::Store)?;
    match found {
        SchemaState::Newer => return Err(MigrateError::Newer),
        SchemaState::Foreign => return Err(MigrateError::Foreign),
        SchemaState::Current | SchemaState::Behind => {}
    }
    // Also when the schema is current: the database may be one restored on a
    // server that does not have the role.
    take_role(conn).await?;
    if found == SchemaState::Current {
        return Ok(());
    }

    let applied = applied(conn).await.map_err(MigrateError::Store)?;
    for &(version, sql) in MIGRATIONS {
        if !applied.contains(version) {
            tracing::info!(migration.version = version, "migrating the database");
            apply(conn, version, sql).await?;
        }
    }
    Ok(())
}

async fn apply(
    conn: &mut AsyncPgConnection,
    version: &'static str,
    sql: &str,
) -> Result<(), MigrateError> {
    let script = format!(
        "BEGIN;
         CREATE TABLE IF NOT EXISTS __diesel_schema_migrations (
             version varchar(50) PRIMARY KEY,
             run_on timestamp NOT NULL DEFAULT current_timestamp
         );
         {sql};
         INSERT INTO __diesel_schema_migrations (version) VALUES ('{version}');
         COMMIT"
    );
    conn.batch_execute(&script)
        .await
        .map_err(|error| MigrateError::Failed { version, source: Box::new(error) })
}

/// Makes sure that the role exists and that this user may act as it.
async fn take_role(conn: &mut AsyncPgConnection) -> Result<(), MigrateError> {
    const ATTEMPTS: u32 = 3;
    const TAKE: &str = "SET ROLE understudy_app; RESET ROLE";
    for _ in 0..ATTEMPTS {
        if conn.batch_execute(TAKE).await.is_ok() {
            return Ok(());
        }
        // Fails without the right to make roles, or when another database of the
        // server makes it at the same moment: what counts is whether it can be taken.
        if let Err(error) = conn.batch_execute(ROLE).await {
            tracing::debug!(%error, "the role was not made");
        }
    }
    if conn.batch_execute(TAKE).await.is_ok() {
        return Ok(());
    }
    let user = Sql::<Text>::new("SELECT quote_ident(current_user)");
    let user = user.get_result(conn).await;
    Err(user.map_or_else(
        |error| MigrateError::Store(unavailable(error)),
        |user| MigrateError::Role { user },
    ))
}

async fn state(conn: &mut AsyncPgConnection) -> StoreResult<SchemaState> {
    let applied = applied(conn).await?;
    let known: BTreeSet<String> =
        MIGRATIONS.iter().map(|&(version, _)| version.to_owned()).collect();
    if applied.is_empty() {
        return Ok(if has_our_tables(conn).await? {
            SchemaState::Foreign
        } else {
            SchemaState::Behind
        });
    }
    Ok(if applied == known {
        SchemaState::Current
    } else if applied.is_subset(&known) {
        SchemaState::Behind
    } else if applied.is_disjoint(&known) {
        SchemaState::Foreign
    } else {
        SchemaState::Newer
    })
}

/// The versions of the migrations that were applied.
async fn applied(conn: &mut AsyncPgConnection) -> StoreResult<BTreeSet<String>> {
    let there = Sql::<Bool>::new(
        "SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = current_schema() \
         AND tablename = '__diesel_schema_migrations')",
    );
    if !there.get_result(conn).await.map_err(on_read("pg_tables"))? {
        return Ok(BTreeSet::new());
    }
    let versions = Sql::<Text>::new("SELECT version::text FROM __diesel_schema_migrations");
    let versions: Vec<String> =
        versions.load(conn).await.map_err(on_read("__diesel_schema_migrations"))?;
    Ok(versions.into_iter().collect())
}

async fn has_our_tables(conn: &mut AsyncPgConnection) -> StoreResult<bool> {
    let count = Sql::<BigInt>::new(
        "SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace \
         AND relname = ANY (?)",
    );
    let ours = OURS.map(str::to_owned).to_vec();
    let count = count.bind::<Array<Text>, _>(ours).get_result::<i64>(conn).await;
    Ok(count.map_err(on_read("pg_class"))? > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_migration_of_the_folder_is_part_of_the_program() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations/postgres");
        let mut versions: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.path().is_dir())
            .map(|entry| entry.file_name().into_string().unwrap())
            .map(|name| name.split('_').next().unwrap().replace('-', ""))
            .collect();
        versions.sort();

        let known: Vec<&str> = MIGRATIONS.iter().map(|&(version, _)| version).collect();
        assert_eq!(versions, known);
    }
}
