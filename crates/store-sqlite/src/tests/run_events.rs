//! How the events of runs are written.

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Waker},
};

use diesel::{QueryableByName, RunQueryDsl, sql_types::BigInt};
use serde_json::Map;
use understudy_domain::{
    RunEvent, RunId,
    ports::{RunEventLog, Store},
};
use uuid::Uuid;

use super::samples::{TENANT, inhabited};
use crate::connections::Writer;

/// What SQLite calls its waiting for the disk: 1 when it does not, 2 when it does.
async fn synchronous(writer: &Arc<Writer>) -> i64 {
    #[derive(QueryableByName)]
    struct Setting {
        #[diesel(sql_type = BigInt)]
        synchronous: i64,
    }
    let asked = writer.exclusively(|conn| {
        diesel::sql_query("PRAGMA synchronous").get_result::<Setting>(conn).unwrap()
    });
    asked.await.unwrap().synchronous
}

#[tokio::test]
async fn only_events_do_not_wait_for_the_disk() {
    let (store, _folder) = inhabited().await;

    assert_eq!(synchronous(&store.hasty).await, 1);
    assert_eq!(synchronous(&store.writer).await, 2);
}

#[tokio::test]
async fn events_take_their_turn_behind_a_unit_of_work() {
    let (store, _folder) = inhabited().await;
    let event = RunEvent::new(1, "response.processing", Map::new());
    let events = [(TENANT, RunId::from_uuid(Uuid::nil()), event)];
    let work = store.begin(TENANT).await.unwrap();
    let mut append = pin!(store.append(&events));
    assert!(append.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());

    work.commit().await.unwrap();

    append.await.unwrap();
}
