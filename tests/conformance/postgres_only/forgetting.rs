//! Who waits for whom while a blob is forgotten.

use understudy_domain::{
    Assistant,
    ports::{Store, StoreError, UnitOfWork},
};
use understudy_store_postgres::PgStore;
use understudy_testkit::sample::{
    Row, assistant, blob, draft_of, id, image, instant, organization, save, touched, user,
    whole_upload, with_files,
};
use understudy_tests::Database;

use super::{meanwhile, open, until_somebody_waits};

/// Organization 1 with user 1, assistant 1, its draft 2, and blob 1.
async fn stocked() -> (Database, PgStore) {
    let database = Database::create().await;
    let store = open(&database, 4);
    let ada = assistant(1, id(1), "Ada");
    let rows: Vec<Row> = vec![
        organization(1).into(),
        user(1).into(),
        ada.clone().into(),
        draft_of(2, &ada).into(),
        touched(1).into(),
    ];
    save(&store, rows).await.unwrap();
    (database, store)
}

async fn begin(store: &PgStore) -> Box<dyn UnitOfWork> {
    store.begin(id(1)).await.unwrap()
}

/// A unit of work that has forgotten blob 1.
async fn forgetting(store: &PgStore) -> Box<dyn UnitOfWork> {
    let mut work = begin(store).await;
    assert!(work.blobs().forget(blob(1).digest, instant(100)).await.unwrap());
    work
}

async fn is_known(store: &PgStore) -> bool {
    let asked = [(id(1), blob(1).digest)];
    !store.housekeeping().known_blobs(&asked).await.unwrap().is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_names_a_blob_that_is_being_forgotten_waits_and_is_refused() {
    let (database, store) = stocked().await;
    let work = forgetting(&store).await;
    let naming = meanwhile(&store, async |work| work.uploads().insert(&whole_upload(1)).await);
    until_somebody_waits(&database).await;
    work.commit().await.unwrap();

    let refused = naming.await.unwrap();
    assert!(matches!(refused, Err(StoreError::Conflict)), "got {refused:?}");
    assert!(!is_known(&store).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_names_a_blob_that_was_forgotten_in_vain_waits_and_names_it() {
    let (database, store) = stocked().await;
    let work = forgetting(&store).await;
    let naming = meanwhile(&store, async |work| work.uploads().insert(&whole_upload(1)).await);
    until_somebody_waits(&database).await;
    drop(work);

    naming.await.unwrap().unwrap();
    assert!(is_known(&store).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_a_blob_in_that_is_being_forgotten_waits_and_notes_it_anew() {
    let (database, store) = stocked().await;
    let work = forgetting(&store).await;
    let taking_in = meanwhile(&store, async |work| work.blobs().touch(blob(1), instant(9)).await);
    until_somebody_waits(&database).await;
    work.commit().await.unwrap();

    taking_in.await.unwrap().unwrap();
    assert!(is_known(&store).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_forgets_a_blob_that_is_being_named_waits_and_lets_it_be() {
    let (database, store) = stocked().await;
    let mut naming = begin(&store).await;
    naming.images().insert(&image(1)).await.unwrap();
    let forgotten =
        meanwhile(&store, async |work| work.blobs().forget(blob(1).digest, instant(100)).await);
    until_somebody_waits(&database).await;
    naming.commit().await.unwrap();

    assert!(!forgotten.await.unwrap().unwrap());
    assert!(is_known(&store).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_forgets_a_blob_that_is_being_taken_in_waits_and_lets_it_be() {
    let (database, store) = stocked().await;
    let mut taking_in = begin(&store).await;
    taking_in.blobs().touch(blob(1), instant(100)).await.unwrap();
    let forgotten =
        meanwhile(&store, async |work| work.blobs().forget(blob(1).digest, instant(100)).await);
    until_somebody_waits(&database).await;
    taking_in.commit().await.unwrap();

    assert!(!forgotten.await.unwrap().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_that_is_removed_while_it_begins_to_name_a_blob_names_nothing() {
    let (database, store) = stocked().await;
    let mut naming = begin(&store).await;
    let draft: Assistant = naming.assistants().find(id(2)).await.unwrap().unwrap();
    naming.assistants().update(with_files(draft, [1])).await.unwrap();
    let removed = meanwhile(&store, async |work| work.assistants().delete_draft(id(2)).await);
    until_somebody_waits(&database).await;
    naming.commit().await.unwrap();

    assert!(removed.await.unwrap().unwrap());
    forgetting(&store).await.commit().await.unwrap();
    assert!(!is_known(&store).await);
}
