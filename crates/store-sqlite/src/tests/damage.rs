//! Rows that no version of the program wrote, and rows that nobody may change.

use diesel::connection::SimpleConnection;
use understudy_domain::{
    AssistantRef, ChainHash, EventFilter, RecordedEvent,
    ports::{Store, StoreError, Walk},
};

use super::samples::{ADA, TENANT, assistant, event, inhabited};
use crate::SqliteStore;

async fn tamper(store: &SqliteStore, sql: &'static str) -> Result<(), diesel::result::Error> {
    store.writer.exclusively(move |conn| conn.batch_execute(sql)).await.unwrap()
}

#[tokio::test]
async fn a_user_with_an_unknown_role_is_corrupt() {
    let (store, _folder) = inhabited().await;
    tamper(&store, "UPDATE users SET role = 'emperor'").await.unwrap();

    let read = store.directory().user(TENANT, ADA).await;

    assert!(matches!(read, Err(StoreError::Corrupt { table: "users", .. })));
}

#[tokio::test]
async fn an_assistant_with_unreadable_content_is_corrupt() {
    let (store, _folder) = inhabited().await;
    let mut work = store.begin(TENANT).await.unwrap();
    work.assistants().insert(&assistant(1)).await.unwrap();
    work.commit().await.unwrap();
    tamper(&store, "UPDATE assistants SET content = '{\"kind\": 7}'").await.unwrap();

    let read = store.assistants().find(TENANT, &AssistantRef::Id(assistant(1).id)).await;

    assert!(matches!(read, Err(StoreError::Corrupt { table: "assistants", .. })));
}

#[tokio::test]
async fn the_audit_log_is_neither_changed_nor_deleted() {
    let (store, _folder) = inhabited().await;
    let mut work = store.begin(TENANT).await.unwrap();
    work.records().append_event(&event(1)).await.unwrap();
    work.commit().await.unwrap();

    assert!(tamper(&store, "UPDATE audit_events SET action = 'x'").await.is_err());
    assert!(tamper(&store, "DELETE FROM audit_events").await.is_err());
    let filter = EventFilter::default();
    let log = store.audit().events(TENANT, &filter, Walk::Forward(0), 10).await.unwrap();
    let hash = ChainHash::START.next(1, &event(1).canonical());
    assert_eq!(log, [RecordedEvent { seq: 1, hash: Some(hash), event: event(1) }]);
}
