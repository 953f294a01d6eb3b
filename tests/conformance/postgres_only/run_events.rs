//! How servers hear of each other's events of runs, and who waits for whom meanwhile.

use std::{future::poll_fn, pin::pin, time::Duration};

use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::timeout,
};
use tokio_postgres::{AsyncMessage, Client, NoTls};
use understudy_domain::{
    OrganizationId, RunEvent, RunId,
    ports::{RunEventLog, Store},
};
use understudy_store_postgres::PgStore;
use understudy_testkit::sample::{id, organization, run, save, told, user};
use understudy_tests::Database;

use super::{PROMPT, connect, meanwhile, open, until_somebody_waits};

const HOUR: Duration = Duration::from_hours(1);

/// Runs 1 and 2 of organization 1.
async fn stocked() -> (Database, PgStore) {
    let database = Database::create().await;
    let store = open(&database, 4);
    let rows = vec![organization(1).into(), user(1).into(), run(1).into(), run(2).into()];
    save(&store, rows).await.unwrap();
    (database, store)
}

/// Event `sequence` of run `n`.
fn of_run(n: u32, sequence: u64) -> (OrganizationId, RunId, RunEvent) {
    (id(1), id(n), told(sequence))
}

fn run_id(n: u32) -> RunId {
    id(n)
}

/// A connection that listens, and what it hears.
async fn listening(database: &Database) -> (Client, UnboundedReceiver<String>) {
    let (client, mut connection) = tokio_postgres::connect(database.url(), NoTls).await.unwrap();
    let (say, heard) = unbounded_channel();
    tokio::spawn(async move {
        while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
            if let AsyncMessage::Notification(said) = message {
                drop(say.send(said.payload().to_owned()));
            }
        }
    });
    client.batch_execute("LISTEN understudy_run_events").await.unwrap();
    (client, heard)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_tells_all_servers_once_of_each_run_and_its_last_event() {
    let (database, store) = stocked().await;
    let (_client, mut heard) = listening(&database).await;

    store.append(&[of_run(2, 1), of_run(1, 1), of_run(1, 2)]).await.unwrap();
    store.append(&[of_run(1, 3)]).await.unwrap();

    let mut said = Vec::new();
    for _ in 0..3 {
        said.push(timeout(PROMPT, heard.recv()).await.unwrap().unwrap());
    }
    let payload = |n: u32, last: u64| format!("{} {last}", run_id(n).as_uuid());
    said[..2].sort();
    assert_eq!(said, [payload(1, 2), payload(2, 1), payload(1, 3)]);
    assert!(heard.try_recv().is_err(), "nothing else was said");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_hears_what_another_server_says() {
    let (database, store) = stocked().await;
    // Once it begins to listen, who waits is told to look.
    let first = store.wait(id(1), id(1), 0, HOUR);
    timeout(PROMPT, first).await.unwrap().unwrap();

    // There is no such event to be found by looking.
    let waiting = pin!(store.wait(id(1), id(1), 0, HOUR));
    let other = connect(database.url()).await;
    let say = format!("NOTIFY understudy_run_events, '{} 7'", run_id(1).as_uuid());
    let saying = pin!(async {
        loop {
            other.batch_execute(&say).await.unwrap();
        }
    });
    let woken = timeout(PROMPT, futures_util::future::select(waiting, saying)).await;

    assert!(woken.is_ok(), "nobody was woken");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_waited_for_also_when_the_listening_connection_is_lost() {
    let (database, store) = stocked().await;
    timeout(PROMPT, store.wait(id(1), id(1), 0, HOUR)).await.unwrap().unwrap();
    let administrator = database.administrator().await;
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
        WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    assert_eq!(administrator.query(cut, &[]).await.unwrap().len(), 1);

    let other = open(&database, 1);
    other.append(&[of_run(1, 1)]).await.unwrap();

    timeout(PROMPT, store.wait(id(1), id(1), 0, HOUR)).await.unwrap().unwrap();
    let events = store.events(id(1), id(1), 0, 10).await.unwrap();
    assert_eq!(events, [told(1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_run_that_is_being_removed_wait_and_are_left_out() {
    let (database, store) = stocked().await;
    let mut work = store.begin(id(1)).await.unwrap();
    assert!(work.runs().delete(id(1)).await.unwrap());
    let log = store.clone();
    let appending = tokio::spawn(async move { log.append(&[of_run(1, 1), of_run(2, 1)]).await });
    until_somebody_waits(&database).await;
    work.commit().await.unwrap();

    timeout(PROMPT, appending).await.unwrap().unwrap().unwrap();
    assert_eq!(store.events(id(1), id(1), 0, 10).await.unwrap(), []);
    assert_eq!(store.events(id(1), id(2), 0, 10).await.unwrap(), [told(1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_takes_events_while_it_is_being_written() {
    let (_database, store) = stocked().await;
    let mut work = store.begin(id(1)).await.unwrap();
    let found = work.runs().find(id(1)).await.unwrap().unwrap();
    work.runs().update(found).await.unwrap();

    timeout(PROMPT, store.append(&[of_run(1, 1)])).await.unwrap().unwrap();

    work.commit().await.unwrap();
    assert_eq!(store.events(id(1), id(1), 0, 10).await.unwrap(), [told(1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_counts_the_runs_of_a_user_waits_for_others_who_do() {
    let (database, store) = stocked().await;
    let mut work = store.begin(id(1)).await.unwrap();
    let before = work.runs().count_active(id(1)).await.unwrap();
    work.runs().insert(&run(3)).await.unwrap();
    let counting = meanwhile(&store, async |work| work.runs().count_active(id(1)).await);
    until_somebody_waits(&database).await;
    work.commit().await.unwrap();

    assert_eq!(counting.await.unwrap().unwrap(), before + 1);
}
