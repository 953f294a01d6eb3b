//! Cancelled work, and the one writer. These run on one thread, where a statement
//! that blocked would stop everything.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Waker},
};

use understudy_domain::{
    EventFilter,
    ports::{IdempotencyStore, Store, StoreError, Walk},
};

use super::samples::{ADA, TENANT, at, event, inhabited, team, user};

/// Runs a test where one thread may block, so that [`cancel`] can hold it.
fn with_one_blocking_thread(test: impl Future<Output = ()>) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
    runtime.block_on(test);
}

/// Starts the future and gives it up while its statement waits for a thread; the
/// statement then runs for nobody.
async fn cancel<F: Future>(future: F) {
    let (release, held) = std::sync::mpsc::channel::<()>();
    let holder = tokio::task::spawn_blocking(move || held.recv().is_err());
    {
        let poll = pin!(future).poll(&mut Context::from_waker(Waker::noop()));
        assert!(poll.is_pending(), "there was nothing to cancel");
    }
    drop(release);
    assert!(holder.await.unwrap());
}

#[test]
fn a_cancelled_statement_undoes_its_transaction_and_frees_the_writer() {
    with_one_blocking_thread(async {
        let (store, _folder) = inhabited().await;
        let mut work = store.begin(TENANT).await.unwrap();
        work.teams().insert(&team(1)).await.unwrap();

        cancel(work.teams().insert(&team(2))).await;
        let ended = work.teams().find(team(1).id).await;
        drop(work);

        assert!(matches!(ended, Err(StoreError::Unavailable(_))));
        let mut next = store.begin(TENANT).await.unwrap();
        assert_eq!(next.teams().find(team(1).id).await.unwrap(), None);
        assert_eq!(next.teams().find(team(2).id).await.unwrap(), None);
    });
}

#[test]
fn a_cancelled_beginning_frees_the_writer() {
    with_one_blocking_thread(async {
        let (store, _folder) = inhabited().await;

        cancel(store.begin(TENANT)).await;

        store.begin(TENANT).await.unwrap().commit().await.unwrap();
    });
}

#[test]
fn a_cancelled_wait_for_the_writer_takes_nothing() {
    with_one_blocking_thread(async {
        let (store, _folder) = inhabited().await;
        let first = store.begin(TENANT).await.unwrap();

        cancel(store.begin(TENANT)).await;
        drop(first);

        store.begin(TENANT).await.unwrap().commit().await.unwrap();
    });
}

#[test]
fn a_cancelled_query_gives_its_connection_back() {
    with_one_blocking_thread(async {
        let (store, _folder) = inhabited().await;

        for _ in 0..20 {
            cancel(store.directory().teams(TENANT)).await;
        }

        assert!(store.directory().user(TENANT, ADA).await.unwrap().is_some());
    });
}

#[tokio::test]
async fn a_dropped_transaction_leaves_no_trace_and_lets_the_next_one_go() {
    let (store, _folder) = inhabited().await;
    let mut work = store.begin(TENANT).await.unwrap();
    work.teams().insert(&team(1)).await.unwrap();

    drop(work);

    assert_eq!(store.directory().teams(TENANT).await.unwrap(), vec![]);
    store.begin(TENANT).await.unwrap().commit().await.unwrap();
}

#[tokio::test]
async fn queries_go_on_while_a_transaction_is_open_and_do_not_see_it() {
    let (store, _folder) = inhabited().await;
    let mut work = store.begin(TENANT).await.unwrap();
    work.teams().insert(&team(1)).await.unwrap();

    assert_eq!(store.directory().teams(TENANT).await.unwrap(), vec![]);
    work.commit().await.unwrap();
    assert_eq!(store.directory().teams(TENANT).await.unwrap(), vec![team(1)]);
}

#[tokio::test]
async fn a_refused_value_does_not_end_the_transaction() {
    let (store, _folder) = inhabited().await;
    let mut work = store.begin(TENANT).await.unwrap();
    let taken = work.users().insert(&user(ADA, "other@example.org")).await;
    work.teams().insert(&team(1)).await.unwrap();
    work.commit().await.unwrap();

    assert!(matches!(taken, Err(StoreError::AlreadyExists { what: "id" })));
    assert_eq!(store.directory().teams(TENANT).await.unwrap(), vec![team(1)]);
}

#[tokio::test]
async fn a_member_who_is_gone_conflicts() {
    let (store, _folder) = inhabited().await;
    let mut work = store.begin(TENANT).await.unwrap();
    assert!(work.users().delete(ADA).await.unwrap());

    let refused = work.teams().insert(&team(1)).await;

    assert!(matches!(refused, Err(StoreError::Conflict)));
}

#[tokio::test]
async fn a_record_of_another_organization_is_not_written() {
    let (store, _folder) = inhabited().await;
    let mut foreign = team(1);
    foreign.organization = understudy_domain::OrganizationId::from_uuid(uuid::Uuid::max());
    let mut work = store.begin(TENANT).await.unwrap();

    assert!(work.teams().insert(&foreign).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_update_is_lost_when_many_write_one_row() {
    let (store, _folder) = inhabited().await;
    let mut work = store.begin(TENANT).await.unwrap();
    work.teams().insert(&team(1)).await.unwrap();
    work.commit().await.unwrap();

    let writers = (0..20).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut work = store.begin(TENANT).await.unwrap();
            let team = work.teams().find(team(1).id).await.unwrap().unwrap();
            work.teams().update(team).await.unwrap();
            work.commit().await.unwrap();
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }

    let written = store.directory().team(TENANT, team(1).id).await.unwrap().unwrap();
    assert_eq!(written.revision, 21);
}

#[tokio::test]
async fn writing_outside_of_a_unit_of_work_waits_for_it() {
    let (store, _folder) = inhabited().await;
    let work = store.begin(TENANT).await.unwrap();
    let sweep = IdempotencyStore::sweep(&store, at(0), at(0));
    let mut sweep = pin!(sweep);

    let early = sweep.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    work.commit().await.unwrap();

    assert!(early.is_pending());
    sweep.await.unwrap();
}

#[tokio::test]
async fn who_waits_for_an_event_is_woken_by_the_commit_and_not_before() {
    let (store, _folder) = inhabited().await;
    let hour = std::time::Duration::from_hours(1);
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { store.audit().wait(TENANT, 0, hour).await }
    });
    let mut work = store.begin(TENANT).await.unwrap();
    work.records().append_event(&event(1)).await.unwrap();
    assert!(!waiting.is_finished());
    work.commit().await.unwrap();

    waiting.await.unwrap().unwrap();
    assert_eq!(store.audit().head(TENANT).await.unwrap().seq, 1);
}

#[tokio::test]
async fn an_event_of_a_dropped_transaction_leaves_no_gap() {
    let (store, _folder) = inhabited().await;
    let mut work = store.begin(TENANT).await.unwrap();
    work.records().append_event(&event(1)).await.unwrap();
    drop(work);
    let mut work = store.begin(TENANT).await.unwrap();
    work.records().append_event(&event(2)).await.unwrap();
    work.commit().await.unwrap();

    let all = EventFilter::default();
    let log = store.audit().events(TENANT, &all, Walk::Backward(None), 10).await.unwrap();
    assert_eq!(log.iter().map(|e| (e.seq, e.event.id)).collect::<Vec<_>>(), [(1, event(2).id)]);
}
