//! Connections that break, and transactions that are left.

use tokio::time::timeout;
use understudy_domain::{
    UserId,
    ports::{Store, StoreError, UnitOfWork},
};
use understudy_store_postgres::{PgOptions, PgStore};
use understudy_testkit::sample::{id, organization, save, user};
use understudy_tests::Database;

use super::{PROMPT, connect, open};

/// Everybody else's connections to the database.
const TERMINATE: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
    WHERE datname = current_database() AND pid <> pg_backend_pid()";

async fn with_a_user(most: u16) -> (Database, PgStore) {
    let database = Database::create().await;
    let store = open(&database, most);
    save(&store, vec![organization(1).into(), user(1).into()]).await.unwrap();
    (database, store)
}

async fn holding_the_user(store: &PgStore) -> Box<dyn UnitOfWork> {
    let mut work = store.begin(id(1)).await.unwrap();
    let user: UserId = id(1);
    work.users().find(user).await.unwrap().unwrap();
    work
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abandoned_transaction_frees_its_rows_at_once() {
    let (_database, store) = with_a_user(2).await;
    let abandoned = holding_the_user(&store).await;
    drop(abandoned);

    timeout(PROMPT, holding_the_user(&store)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_is_abandoned_outside_a_runtime_frees_its_rows_at_once() {
    let (_database, store) = with_a_user(2).await;
    let abandoned = holding_the_user(&store).await;
    std::thread::spawn(move || drop(abandoned)).join().unwrap();

    timeout(PROMPT, holding_the_user(&store)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn abandoned_transactions_do_not_use_up_the_pool() {
    let (_database, store) = with_a_user(1).await;
    for _ in 0..10 {
        drop(timeout(PROMPT, holding_the_user(&store)).await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_transaction_cannot_be_committed() {
    let (_database, store) = with_a_user(1).await;
    let mut work = store.begin(id(1)).await.unwrap();
    work.users().insert(&user(2)).await.unwrap();
    work.users().insert(&user(1)).await.unwrap_err();

    let error = work.commit().await.unwrap_err();

    assert!(matches!(error, StoreError::Unavailable(_)), "got {error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pool_recovers_from_terminated_connections() {
    const CONNECTIONS: u16 = 4;
    let (database, store) = with_a_user(CONNECTIONS).await;
    let mut open_at_once = Vec::new();
    for _ in 0..CONNECTIONS {
        open_at_once.push(store.begin(id(1)).await.unwrap());
    }
    connect(database.url()).await.batch_execute(TERMINATE).await.unwrap();
    for work in open_at_once {
        let error = work.commit().await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "got {error:?}");
    }

    // A connection that nobody knew to be broken fails once and is gone.
    let mut failures = 0;
    while let Err(error) = store.ping().await {
        assert!(matches!(error, StoreError::Unavailable(_)), "got {error:?}");
        failures += 1;
        assert!(failures <= CONNECTIONS, "the pool hands out broken connections");
    }
    holding_the_user(&store).await.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_unavailable() {
    let store = PgStore::open("postgres://nobody@127.0.0.1:1/none", PgOptions::default()).unwrap();

    let error = store.ping().await.unwrap_err();

    assert!(matches!(error, StoreError::Unavailable(_)), "got {error:?}");
    assert!(error.is_transient());
}
