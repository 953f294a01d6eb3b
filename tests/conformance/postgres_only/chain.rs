//! How events get into the log: locked for the commit only, and heard by others.

use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;
use understudy_domain::{
    AuditEvent, ChainHash, EventFilter, RecordedEvent,
    ports::{Store, StoreError, UnitOfWork, Walk},
};
use understudy_store_postgres::PgStore;
use understudy_testkit::sample::{event, id, organization, save, user};
use understudy_tests::Database;

use super::{PROMPT, open};

/// Far more than any of these waits takes.
const PATIENCE: Duration = Duration::from_mins(10);

/// Organization 1 with user 1.
async fn peopled() -> (Database, PgStore) {
    let database = Database::create().await;
    let store = open(&database, 4);
    save(&store, vec![organization(1).into(), user(1).into()]).await.unwrap();
    (database, store)
}

/// A unit of work that is to add this event.
async fn adding(store: &PgStore, event: &AuditEvent) -> Box<dyn UnitOfWork> {
    let mut work = store.begin(id(1)).await.unwrap();
    work.records().append_event(event).await.unwrap();
    work
}

async fn log(store: &PgStore) -> Vec<RecordedEvent> {
    store.audit().events(id(1), &EventFilter::default(), Walk::Forward(0), 10).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_something_to_add_keeps_nobody_from_adding() {
    let (_database, store) = peopled().await;
    let (early, late) = (event(1, &user(1), "asst_1"), event(2, &user(1), "asst_1"));
    let slow = adding(&store, &early).await;

    timeout(PROMPT, adding(&store, &late).await.commit()).await.unwrap().unwrap();
    slow.commit().await.unwrap();

    let log = log(&store).await;
    let told: Vec<_> = log.iter().map(|it| (it.seq, it.event.id)).collect();
    assert_eq!(told, [(1, late.id), (2, early.id)]);
    let first = ChainHash::START.next(1, &late.canonical());
    assert_eq!(log[0].hash, Some(first));
    assert_eq!(log[1].hash, Some(first.next(2, &early.canonical())));
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_an_event_says_is_stored_as_it_was_hashed() {
    let (_database, store) = peopled().await;
    let mut odd = event(1, &user(1), "it's \\'; ROLLBACK; --");
    odd.before = Some(json!({ "b": "\0'\\", "a": [1.0, 1e300, 0.1, null, { "z": 1, "y": "ü" }] }));
    odd.after = None;
    adding(&store, &odd).await.commit().await.unwrap();

    let log = log(&store).await;
    assert_eq!(log[0].event, odd);
    assert_eq!(log[0].hash, Some(ChainHash::START.next(1, &log[0].event.canonical())));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_cannot_be_added_takes_its_transaction_along() {
    let (_database, store) = peopled().await;
    let one = event(1, &user(1), "asst_1");
    adding(&store, &one).await.commit().await.unwrap();

    let mut again = adding(&store, &one).await;
    again.users().insert(&user(2)).await.unwrap();
    let error = again.commit().await.unwrap_err();

    assert!(matches!(error, StoreError::AlreadyExists { what: "id" }), "got {error:?}");
    assert!(store.directory().user(id(1), id(2)).await.unwrap().is_none());
    assert_eq!(log(&store).await.len(), 1);
    // The end of the log is free again.
    let next = adding(&store, &event(2, &user(1), "asst_1")).await;
    timeout(PROMPT, next.commit()).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_hears_of_events_of_another_server() {
    let (database, store) = peopled().await;
    let other = open(&database, 1);
    let waiting = tokio::spawn(async move { store.audit().wait(id(1), 0, PATIENCE).await });
    adding(&other, &event(1, &user(1), "asst_1")).await.commit().await.unwrap();

    timeout(PROMPT, waiting).await.unwrap().unwrap().unwrap();
}
