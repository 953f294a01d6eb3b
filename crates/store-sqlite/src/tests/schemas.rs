//! Schemas older, newer and of others.

use diesel::connection::SimpleConnection;

use super::samples::store;
use crate::{MigrateError, SchemaState, SqliteOptions, SqliteStore};

async fn execute(store: &SqliteStore, sql: &'static str) {
    store.writer.exclusively(move |conn| conn.batch_execute(sql)).await.unwrap().unwrap();
}

fn empty() -> (SqliteStore, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store =
        SqliteStore::open(&folder.path().join("test.db"), SqliteOptions::default()).unwrap();
    (store, folder)
}

#[tokio::test]
async fn an_empty_database_is_behind_until_it_is_migrated() {
    let (store, _folder) = empty();

    assert_eq!(store.schema_state().await.unwrap(), SchemaState::Behind);
    store.migrate().await.unwrap();
    assert_eq!(store.schema_state().await.unwrap(), SchemaState::Current);
    store.migrate().await.unwrap();
}

#[tokio::test]
async fn a_database_with_an_unknown_migration_is_newer_and_refused() {
    let (store, _folder) = store().await;
    execute(&store, "INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000')")
        .await;

    assert_eq!(store.schema_state().await.unwrap(), SchemaState::Newer);
    assert!(matches!(store.migrate().await, Err(MigrateError::Newer)));
}

#[tokio::test]
async fn a_database_of_another_program_is_refused() {
    let (store, _folder) = empty();
    execute(&store, "CREATE TABLE recipes (name TEXT)").await;

    assert_eq!(store.schema_state().await.unwrap(), SchemaState::Foreign);
    assert!(matches!(store.migrate().await, Err(MigrateError::Foreign)));
}
