//! Uploads.

use understudy_domain::{Upload, ports::Store};

use super::stage::{add, assert_conflict, begin, home, people};
use crate::sample::{Row, blob, id, instant, touched, upload, whole_upload};

async fn stocked(store: &dyn Store) {
    people(store, 2).await;
    add(store, (1..=5).map(|n| touched(n).into()).collect()).await;
}

/// An upload that has only some of its bytes.
fn partial(n: u32) -> Upload {
    Upload {
        user: id(2),
        length: Some(1 << 40),
        parts: vec![blob(2), blob(1), blob(2)],
        whole: None,
        ..whole_upload(n)
    }
}

/// Uploads read back as they were written, begun, partial or whole.
pub async fn a_saved_upload_reads_back_equal(store: &dyn Store) {
    stocked(store).await;
    let saved = [upload(1), partial(2), whole_upload(3)];
    add(store, saved.clone().map(Row::from).into()).await;

    for expected in saved {
        let found = store.content().upload(home(), expected.id).await.unwrap();
        assert_eq!(found.as_ref(), Some(&expected));
        let found = begin(store).await.uploads().find(expected.id).await.unwrap();
        assert_eq!(found, Some(expected));
    }
}

/// An upload that is not there is `None`.
pub async fn an_unknown_upload_is_none(store: &dyn Store) {
    stocked(store).await;
    add(store, vec![upload(1).into()]).await;

    assert_eq!(store.content().upload(home(), id(2)).await.unwrap(), None);
    assert_eq!(begin(store).await.uploads().find(id(2)).await.unwrap(), None);
}

/// An updated upload reads back as it was written last.
pub async fn an_updated_upload_reads_back_equal(store: &dyn Store) {
    stocked(store).await;
    add(store, vec![partial(4).into(), upload(5).into()]).await;
    let updated = [
        Upload { expires_at: instant(9), ..whole_upload(4) },
        Upload { length: Some(7), ..partial(5) },
    ];
    let mut work = begin(store).await;
    for upload in &updated {
        work.uploads().update(upload).await.unwrap();
    }
    work.commit().await.unwrap();

    for expected in updated {
        let found = store.content().upload(home(), expected.id).await.unwrap();
        assert_eq!(found, Some(expected));
    }
}

/// An upload that is not there cannot be updated.
pub async fn a_change_of_an_unknown_upload_conflicts(store: &dyn Store) {
    stocked(store).await;

    assert_conflict(&begin(store).await.uploads().update(&upload(1)).await.unwrap_err());
    assert_eq!(store.content().upload(home(), id(1)).await.unwrap(), None);
}

/// An upload is removed once.
pub async fn a_removed_upload_is_gone(store: &dyn Store) {
    stocked(store).await;
    add(store, vec![partial(1).into(), whole_upload(2).into()]).await;
    let mut work = begin(store).await;
    assert!(work.uploads().delete(id(1)).await.unwrap());
    assert!(!work.uploads().delete(id(1)).await.unwrap());
    work.commit().await.unwrap();

    assert_eq!(store.content().upload(home(), id(1)).await.unwrap(), None);
    assert_eq!(store.content().upload(home(), id(2)).await.unwrap(), Some(whole_upload(2)));
}
