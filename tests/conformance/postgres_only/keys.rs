//! Who waits for whom while the keys are changed.

use understudy_domain::ports::{Store, UnitOfWork};
use understudy_store_postgres::PgStore;
use understudy_testkit::sample::{data_key, id, organization, save};
use understudy_tests::Database;

use super::{meanwhile, open, until_somebody_waits};

/// Organization 1 with data key 1.
async fn locked_up() -> (Database, PgStore) {
    let database = Database::create().await;
    let store = open(&database, 4);
    save(&store, vec![organization(1).into(), data_key(1, id(1)).into()]).await.unwrap();
    (database, store)
}

async fn begin(store: &PgStore) -> Box<dyn UnitOfWork> {
    store.begin(id(1)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_seals_while_the_keys_are_changed_waits_and_gets_the_new_one() {
    let (database, store) = locked_up().await;
    let mut changing = begin(&store).await;
    assert_eq!(changing.keys().all().await.unwrap().len(), 1);
    let sealing = meanwhile(&store, async |work| work.records().newest_data_key().await);
    until_somebody_waits(&database).await;
    changing.records().insert_data_key(&data_key(2, id(1))).await.unwrap();
    changing.commit().await.unwrap();

    assert_eq!(sealing.await.unwrap().unwrap(), Some(data_key(2, id(1))));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_changes_the_keys_waits_for_whoever_is_sealing() {
    let (database, store) = locked_up().await;
    let mut sealing = begin(&store).await;
    let mut also_sealing = begin(&store).await;
    sealing.records().newest_data_key().await.unwrap().unwrap();
    also_sealing.records().newest_data_key().await.unwrap().unwrap();
    let changing = meanwhile(&store, async |work| work.keys().all().await);
    until_somebody_waits(&database).await;
    sealing.commit().await.unwrap();
    until_somebody_waits(&database).await;
    assert!(!changing.is_finished());
    also_sealing.commit().await.unwrap();

    assert_eq!(changing.await.unwrap().unwrap(), [data_key(1, id(1))]);
}
