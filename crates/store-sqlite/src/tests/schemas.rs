//! Schemas older, newer and of others.

use diesel::{RunQueryDsl, connection::SimpleConnection};
use diesel_migrations::MigrationHarness;
use understudy_domain::{Blob, ports::Store};

use super::samples::{TENANT, assistant, at, organization, store, with_file};
use crate::{MigrateError, SchemaState, SqliteOptions, SqliteStore, migrations::MIGRATIONS};

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

/// How many migrations the release before this one had.
const RELEASED: usize = 1;

/// A database that the release before this one made, with an assistant, a draft and
/// a version in it.
async fn released() -> (SqliteStore, tempfile::TempDir) {
    let (store, folder) = empty();
    store
        .writer
        .exclusively(|conn| {
            for _ in 0..RELEASED {
                conn.run_next_migration(MIGRATIONS).unwrap();
            }
            conn.batch_execute(include_str!("released.sql")).unwrap();
        })
        .await
        .unwrap();
    (store, folder)
}

#[tokio::test]
async fn a_database_of_the_release_before_is_brought_forward_with_what_it_holds() {
    let (store, _folder) = released().await;
    assert_eq!(store.schema_state().await.unwrap(), SchemaState::Behind);
    store.migrate().await.unwrap();
    assert_eq!(store.schema_state().await.unwrap(), SchemaState::Current);

    let mut work = store.begin(TENANT).await.unwrap();
    let found = work.organizations().find().await.unwrap();
    assert_eq!(found.map(|found| found.name), Some(organization().name));
    let found = work.assistants().find(assistant(1).id).await.unwrap().unwrap();
    assert_eq!(found, assistant(1));
    assert!(work.assistants().find_draft_of(found.id).await.unwrap().is_some());
    let version = work.records().find_version(found.id, 1).await.unwrap().unwrap();
    assert_eq!(version.content, assistant(1).content);
}

#[tokio::test]
async fn an_assistant_of_the_release_before_takes_a_file() {
    let (store, _folder) = released().await;
    store.migrate().await.unwrap();
    let mut work = store.begin(TENANT).await.unwrap();
    let found = work.assistants().find(assistant(1).id).await.unwrap().unwrap();
    work.blobs().touch(Blob::of(b"new"), at(1)).await.unwrap();
    let updated = work.assistants().update(with_file(found, b"new")).await.unwrap();
    work.commit().await.unwrap();

    assert_eq!(updated.revision, 2);
    let named = store.housekeeping().named_blobs(None, 10).await.unwrap();
    assert_eq!(named, [(TENANT, Blob::of(b"new"))]);
}

#[tokio::test]
async fn every_foreign_key_of_a_tenants_table_begins_with_the_organization() {
    #[derive(diesel::QueryableByName)]
    struct Broken {
        #[diesel(sql_type = diesel::sql_types::Text)]
        name: String,
    }
    let (store, _folder) = store().await;
    let broken: Vec<Broken> = store
        .readers
        .run("test", |conn| {
            let keys = diesel::sql_query(
                "SELECT t.name || '.' || f.\"from\" AS name FROM sqlite_schema t, \
                 pragma_foreign_key_list(t.name) f WHERE t.type = 'table' AND f.seq = 0 \
                 AND f.\"from\" <> 'organization_id'",
            );
            Ok(keys.load(conn).unwrap())
        })
        .await
        .unwrap();
    let names: Vec<String> = broken.into_iter().map(|broken| broken.name).collect();

    assert!(names.is_empty(), "{names:?}");
}
