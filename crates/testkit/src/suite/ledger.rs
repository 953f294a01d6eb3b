//! The ledger of blobs: what is named stays, what is not can go.

use understudy_domain::{
    Assistant, Content, Digest, Extraction, ExtractionOutcome, Timestamp, Upload,
    assistant::content::IconImage,
    ports::{Store, UnitOfWork},
};

use super::stage::{add, assert_conflict, begin, home, people, refusal};
use crate::sample::{
    Row, Touched, assistant, blob, draft_of, extraction, icon, id, image, instant, touched, upload,
    version, whole_upload, with_files,
};

/// An instant after all touches.
fn later() -> Timestamp {
    instant(1_000)
}

/// Organization 1 with user 1 and the blobs 1 to `blobs`.
async fn stocked(store: &dyn Store, blobs: u32) {
    people(store, 1).await;
    add(store, (1..=blobs).map(|n| touched(n).into()).collect()).await;
}

/// Whether blob `n` is forgotten, for good.
async fn forget(store: &dyn Store, n: u32, before: Timestamp) -> bool {
    let mut work = begin(store).await;
    let forgotten = work.blobs().forget(blob(n).digest, before).await.unwrap();
    work.commit().await.unwrap();
    forgotten
}

/// Which of the blobs 1 to 20 are in the ledger.
async fn known(store: &dyn Store) -> Vec<u32> {
    let asked: Vec<_> = (1..=20).map(|n| (home(), blob(n).digest)).collect();
    let found = store.housekeeping().known_blobs(&asked).await.unwrap();
    (1..=20).filter(|n| found.contains(&(home(), blob(*n).digest))).collect()
}

/// Does something in a unit of work.
async fn change(store: &dyn Store, change: impl AsyncFnOnce(&mut dyn UnitOfWork)) {
    let mut work = begin(store).await;
    change(&mut *work).await;
    work.commit().await.unwrap();
}

/// A touched blob is in the ledger; others are not.
pub async fn a_touched_blob_is_known(store: &dyn Store) {
    stocked(store, 0).await;
    assert_eq!(known(store).await, [0u32; 0]);
    add(store, vec![touched(2).into(), touched(5).into(), touched(2).into()]).await;

    assert_eq!(known(store).await, [2, 5]);
}

/// An old blob that nothing names goes once.
pub async fn a_forgotten_blob_is_gone(store: &dyn Store) {
    stocked(store, 2).await;

    assert!(forget(store, 1, later()).await);
    assert!(!forget(store, 1, later()).await);
    assert!(!forget(store, 9, later()).await);
    assert_eq!(known(store).await, [2]);
}

/// A blob that is forgotten in a unit of work that is dropped stays.
pub async fn a_blob_that_was_forgotten_in_vain_stays(store: &dyn Store) {
    stocked(store, 1).await;
    let mut work = begin(store).await;
    assert!(work.blobs().forget(blob(1).digest, later()).await.unwrap());
    drop(work);

    assert_eq!(known(store).await, [1]);
}

/// A blob that was touched at that instant or after it stays.
pub async fn a_young_blob_is_not_forgotten(store: &dyn Store) {
    stocked(store, 2).await;

    assert!(!forget(store, 2, instant(2)).await);
    assert!(!forget(store, 2, instant(1)).await);
    assert!(forget(store, 1, instant(2)).await);
    assert_eq!(known(store).await, [2]);
}

/// A blob that came in again is as young as that.
pub async fn a_blob_that_was_touched_again_is_not_forgotten(store: &dyn Store) {
    stocked(store, 1).await;
    add(store, vec![Touched { at: instant(10), ..touched(1) }.into()]).await;

    assert!(!forget(store, 1, instant(10)).await);
    assert!(forget(store, 1, instant(11)).await);
}

/// An earlier touch that comes later makes no blob older.
pub async fn a_later_touch_stays(store: &dyn Store) {
    stocked(store, 9).await;
    add(store, vec![Touched { at: instant(1), ..touched(9) }.into()]).await;

    assert!(!forget(store, 9, instant(9)).await);
}

/// A blob is kept by whatever names it.
pub async fn a_named_blob_is_not_forgotten(store: &dyn Store) {
    stocked(store, 20).await;
    let ada = with_files(assistant(1, id(1), "Ada"), [1, 2]);
    let mut draft = with_files(draft_of(2, &ada), [3]);
    draft.content.icon_image = Some(icon(4)); // and 5
    let deleted =
        Assistant { deleted_at: Some(instant(9)), ..with_files(assistant(3, id(1), "Gone"), [6]) };
    let version = version(1, &with_files(ada.clone(), [7]));
    let partial = Upload { parts: vec![blob(8), blob(9)], ..upload(1) };
    let rows: Vec<Row> = vec![
        ada.into(),
        draft.into(),
        deleted.into(),
        version.into(),
        partial.into(),
        whole_upload(10).into(),
        image(11).into(),
        extraction(20, [12, 13]).into(),
    ];
    add(store, rows).await;

    for n in 1..=13 {
        assert!(!forget(store, n, later()).await, "blob {n} is named");
    }
    for n in 14..=20 {
        assert!(forget(store, n, later()).await, "nothing names blob {n}");
    }
}

/// What was extracted from a blob goes with it and names nothing any more.
pub async fn a_blob_is_forgotten_with_its_extraction(store: &dyn Store) {
    stocked(store, 3).await;
    add(store, vec![extraction(1, [2, 3]).into()]).await;

    assert!(!forget(store, 2, later()).await);
    assert!(forget(store, 1, later()).await);
    let found = store.content().extraction(home(), blob(1).digest).await.unwrap();
    assert_eq!(found, None);
    assert!(forget(store, 2, later()).await);
    assert!(forget(store, 3, later()).await);
}

/// A document in which its own bytes were found is not kept by that.
pub async fn a_blob_is_not_kept_by_its_own_extraction(store: &dyn Store) {
    stocked(store, 2).await;
    add(store, vec![extraction(1, [1, 2]).into()]).await;

    assert!(forget(store, 1, later()).await);
    assert_eq!(known(store).await, [2]);
}

/// No row names what the ledger does not have.
pub async fn a_row_that_names_an_unknown_blob_is_refused(store: &dyn Store) {
    stocked(store, 1).await;
    let ada = assistant(1, id(1), "Ada");
    add(store, vec![ada.clone().into()]).await;
    let mut with_icon = assistant(3, id(1), "Bob");
    with_icon.content.icon_image = Some(icon(1)); // and 2
    let rows: [Row; 9] = [
        with_files(assistant(2, id(1), "Bob"), [1, 2]).into(),
        with_icon.into(),
        with_files(draft_of(4, &ada), [2]).into(),
        version(1, &with_files(ada, [2])).into(),
        whole_upload(2).into(),
        Upload { parts: vec![blob(1), blob(2)], ..upload(1) }.into(),
        image(2).into(),
        extraction(1, [2]).into(),
        extraction(2, [1]).into(),
    ];

    for row in rows {
        assert_conflict(&refusal(store, row).await);
    }
}

/// Neither does a row begin to name what the ledger does not have.
pub async fn a_change_that_names_an_unknown_blob_is_refused(store: &dyn Store) {
    stocked(store, 1).await;
    let ada = assistant(1, id(1), "Ada");
    add(store, vec![ada.clone().into(), upload(1).into(), extraction(1, []).into()]).await;

    let with_file = with_files(ada, [2]);
    assert_conflict(&begin(store).await.assistants().update(with_file).await.unwrap_err());
    let with_bytes = Upload { id: id(1), ..whole_upload(2) };
    assert_conflict(&begin(store).await.uploads().update(&with_bytes).await.unwrap_err());
    let mut work = begin(store).await;
    let error = work.blobs().save_extraction(&extraction(1, [2])).await.unwrap_err();
    assert_conflict(&error);
}

/// A row that is removed names nothing any more.
pub async fn names_go_with_their_row(store: &dyn Store) {
    stocked(store, 3).await;
    let ada = assistant(1, id(1), "Ada");
    let draft = with_files(draft_of(2, &ada), [1]);
    add(store, vec![ada.into(), draft.into(), whole_upload(2).into(), image(3).into()]).await;
    for n in 1..=3 {
        assert!(!forget(store, n, later()).await);
    }
    change(store, async |work| {
        assert!(work.assistants().delete_draft(id(2)).await.unwrap());
        assert!(work.uploads().delete(id(2)).await.unwrap());
        assert!(work.images().delete(id(3)).await.unwrap());
    })
    .await;

    for n in 1..=3 {
        assert!(forget(store, n, later()).await, "nothing names blob {n} any more");
    }
}

/// A row that changes names what it has then; its versions name theirs.
pub async fn names_change_with_their_row(store: &dyn Store) {
    stocked(store, 6).await;
    let ada = with_files(assistant(1, id(1), "Ada"), [1, 2]);
    let version = version(1, &with_files(ada.clone(), [2]));
    let partial = Upload { parts: vec![blob(3), blob(4)], ..upload(4) };
    add(store, vec![ada.clone().into(), version.into(), partial.into()]).await;
    change(store, async |work| {
        work.assistants().update(with_files(ada, [5])).await.unwrap();
        work.uploads().update(&whole_upload(4)).await.unwrap();
    })
    .await;

    for n in [1, 3, 6] {
        assert!(forget(store, n, later()).await, "nothing names blob {n} any more");
    }
    for n in [2, 4, 5] {
        assert!(!forget(store, n, later()).await, "blob {n} is named");
    }
    change(store, async |work| {
        let mut ada = work.assistants().find(id(1)).await.unwrap().unwrap();
        ada.content = Content { files: vec![], ..ada.content };
        work.assistants().update(ada).await.unwrap();
    })
    .await;
    assert!(forget(store, 5, later()).await);
}

/// A row may name the same blob more than once, as another row may.
pub async fn a_blob_is_named_until_nothing_names_it(store: &dyn Store) {
    stocked(store, 1).await;
    let mut ada = with_files(assistant(1, id(1), "Ada"), [1, 1]);
    ada.content.icon_image = Some(IconImage { svg: None, ..icon(1) });
    let bob = with_files(assistant(2, id(1), "Bob"), [1]);
    let twice = Upload { parts: vec![blob(1), blob(1)], ..upload(1) };
    add(store, vec![ada.clone().into(), bob.clone().into(), twice.into()]).await;

    change(store, async |work| {
        assert!(work.uploads().delete(id(1)).await.unwrap());
        work.assistants().update(with_files(bob, [])).await.unwrap();
        ada = work.assistants().update(with_files(ada.clone(), [1])).await.unwrap();
    })
    .await;
    assert!(!forget(store, 1, later()).await);
    change(store, async |work| {
        ada.content.icon_image = None;
        ada = work.assistants().update(ada.clone()).await.unwrap();
    })
    .await;
    assert!(!forget(store, 1, later()).await);
    change(store, async |work| {
        work.assistants().update(with_files(ada, [])).await.unwrap();
    })
    .await;
    assert!(forget(store, 1, later()).await);
}

/// An extraction reads back as it was written, whatever came of it.
pub async fn a_saved_extraction_reads_back_equal(store: &dyn Store) {
    stocked(store, 5).await;
    let reason = "Größe: 0 × 0".to_owned();
    let failed = Extraction { outcome: ExtractionOutcome::Failed { reason }, ..extraction(4, []) };
    let saved = [extraction(1, [3, 2, 3]), extraction(2, []), failed];
    add(store, saved.clone().map(Row::from).into()).await;

    for expected in saved {
        let found = store.content().extraction(home(), expected.source).await.unwrap();
        assert_eq!(found, Some(expected));
    }
    for digest in [blob(5).digest, Digest::of(b"unknown")] {
        assert_eq!(store.content().extraction(home(), digest).await.unwrap(), None);
    }
}

/// An extraction takes the place of an earlier one, and names its own images only.
pub async fn an_extraction_is_replaced(store: &dyn Store) {
    stocked(store, 3).await;
    add(store, vec![extraction(1, [2]).into(), extraction(1, [3]).into()]).await;

    let found = store.content().extraction(home(), blob(1).digest).await.unwrap();
    assert_eq!(found, Some(extraction(1, [3])));
    assert!(forget(store, 2, later()).await);
    assert!(!forget(store, 3, later()).await);
}
