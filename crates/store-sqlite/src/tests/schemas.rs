//! Schemas older, newer and of others.

use diesel::{RunQueryDsl, connection::SimpleConnection};
use diesel_migrations::MigrationHarness;
use understudy_domain::{
    AuditEvent, Blob, ChainHash, EventFilter, EventId, MessageId, RecordedEvent, ThreadId, TokenId,
    audit::ChainHead,
    ports::{Proof, Store, UsageFilter, Walk},
};
use uuid::Uuid;

use super::samples::{ADA, TENANT, assistant, at, event, organization, store, with_file};
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

/// What each release but the first stored when it was the newest: after how many
/// migrations, and what was added to what the one before had stored.
const RELEASED: [(usize, &str); 3] = [
    (2, include_str!("released.sql")),
    (1, include_str!("released_2.sql")),
    (1, include_str!("released_3.sql")),
];

/// A database that this many releases have made and brought forward, with an assistant,
/// a draft and a version in it.
async fn released(releases: usize) -> (SqliteStore, tempfile::TempDir) {
    let (store, folder) = empty();
    store
        .writer
        .exclusively(move |conn| {
            for (migrations, rows) in RELEASED.into_iter().take(releases) {
                for _ in 0..migrations {
                    conn.run_next_migration(MIGRATIONS).unwrap();
                }
                conn.batch_execute(rows).unwrap();
            }
        })
        .await
        .unwrap();
    (store, folder)
}

#[tokio::test]
async fn a_database_of_a_release_before_is_brought_forward_with_what_it_holds() {
    for releases in [1, 2, 3] {
        let (store, _folder) = released(releases).await;
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
}

#[tokio::test]
async fn what_was_used_before_tokens_were_counted_is_counted_without_them() {
    let (store, _folder) = released(2).await;
    store.migrate().await.unwrap();

    let filter = UsageFilter { from: at(0), until: at(1), user: Some(ADA) };
    let totals = store.content().usage(TENANT, &filter).await.unwrap();
    let [total] = &totals[..] else { panic!("one use was noted: {totals:?}") };
    assert_eq!((total.count, total.quantity), (1, 2));
    assert_eq!((total.input_tokens, total.output_tokens, total.cost_micros), (0, 0, 0));
}

#[tokio::test]
async fn a_token_of_a_release_before_can_be_asked_for_by_its_id() {
    let (store, _folder) = released(2).await;
    store.migrate().await.unwrap();

    let token = TokenId::from_uuid(Uuid::from_u128(4));
    let caller = store.callers().find(Proof::KnownToken(token)).await.unwrap();
    assert_eq!(caller.map(|caller| caller.actor.user), Some(ADA));
}

#[tokio::test]
async fn a_message_of_a_release_before_is_found_by_its_id() {
    let (store, _folder) = released(3).await;
    store.migrate().await.unwrap();

    let (thread, message) = (Uuid::from_u128(5), Uuid::from_u128(6));
    let (thread, message) = (ThreadId::from_uuid(thread), MessageId::from_uuid(message));
    let found = store.conversations().message(TENANT, thread, message).await.unwrap().unwrap();
    assert_eq!((found.id, found.position), (message, 1));
    let mut work = store.begin(TENANT).await.unwrap();
    assert_eq!(work.conversations().delete_messages(thread, 1).await.unwrap(), 1);
}

#[tokio::test]
async fn an_assistant_of_a_release_before_takes_a_file() {
    let (store, _folder) = released(1).await;
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
async fn the_log_of_a_release_before_is_numbered_and_goes_on_as_a_chain() {
    let (store, _folder) = released(1).await;
    store.migrate().await.unwrap();
    let head = store.audit().head(TENANT).await.unwrap();
    assert_eq!(head, ChainHead { seq: 3, hash: ChainHash::START });
    let mut work = store.begin(TENANT).await.unwrap();
    work.records().append_event(&event(9)).await.unwrap();
    work.commit().await.unwrap();

    let old = |seq: u64, id: u128, target: &str, assistant| {
        let id = EventId::from_uuid(Uuid::from_u128(id));
        let target = target.to_owned();
        let event = AuditEvent { id, target, assistant, ..event(0) };
        RecordedEvent { seq, hash: None, event }
    };
    let live = assistant(1).id;
    let hash = ChainHash::START.next(4, &event(9).canonical());
    let expected = [
        old(1, 7, &live.to_string(), Some(live)),
        // Of the draft, which is the live one's affair.
        old(2, 5, &assistant(2).id.to_string(), Some(live)),
        old(3, 6, "team_00000000000000000000000000000001", None),
        RecordedEvent { seq: 4, hash: Some(hash), event: event(9) },
    ];
    let all = EventFilter::default();
    let log = store.audit().events(TENANT, &all, Walk::Forward(0), 10).await.unwrap();
    assert_eq!(log, expected);
}

#[tokio::test]
async fn the_content_of_an_assistant_stands_behind_all_that_is_small() {
    #[derive(diesel::QueryableByName)]
    struct Column {
        #[diesel(sql_type = diesel::sql_types::Text)]
        name: String,
    }
    let (store, _folder) = store().await;
    let columns: Vec<Column> = store
        .readers
        .run("test", |conn| {
            let columns = diesel::sql_query("SELECT name FROM pragma_table_info('assistants')");
            Ok(columns.load(conn).unwrap())
        })
        .await
        .unwrap();

    assert_eq!(columns.last().map(|column| &*column.name), Some("content"));
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
