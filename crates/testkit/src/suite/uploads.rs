//! Uploads.

use understudy_domain::{
    Upload, UploadPurpose,
    ports::{Store, UploadListQuery},
};

use super::stage::{add, assert_conflict, begin, home, people};
use crate::sample::{
    Members, Row, blob, id, instant, organization, touched, upload, user, whole_upload,
};

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

/// The first page of all uploads of user 1, the oldest first.
fn all() -> UploadListQuery {
    UploadListQuery {
        user: id(1),
        alive_at: instant(0),
        purpose: None,
        newest_first: false,
        after: None,
        limit: 10,
    }
}

async fn listed(store: &dyn Store, query: UploadListQuery) -> Vec<Upload> {
    store.content().uploads(home(), &query).await.unwrap()
}

/// Pages of uploads follow each other in both directions, also where several were
/// begun at one instant.
pub async fn uploads_are_listed_in_the_order_of_their_beginning(store: &dyn Store) {
    stocked(store).await;
    // Those with the larger ids were begun first, and two of them at once.
    let begun = |n, at| Upload { created_at: instant(at), ..upload(n) };
    let mine = [begun(4, 1), begun(2, 2), begun(3, 2), begun(1, 3), whole_upload(5)];
    add(store, mine.clone().map(Row::from).into()).await;

    assert_eq!(listed(store, all()).await, mine);
    for newest_first in [false, true] {
        let mut expected = mine.to_vec();
        if newest_first {
            expected.reverse();
        }
        let mut query = UploadListQuery { newest_first, limit: 2, ..all() };
        let mut found = Vec::new();
        for size in [2, 2, 1, 0] {
            let page = listed(store, query).await;
            assert_eq!(page.len(), size, "{page:?}");
            query.after = page.last().map(|upload| (upload.created_at, upload.id)).or(query.after);
            found.extend(page);
        }
        assert_eq!(found, expected);
    }
    // The place counts, whether an upload is there or not.
    let after = Some((instant(2), id(9)));
    assert_eq!(listed(store, UploadListQuery { after, ..all() }).await, mine[3..]);
}

/// Uploads are listed for their user, while they last, and by what they are for.
pub async fn uploads_are_listed_as_filtered(store: &dyn Store) {
    stocked(store).await;
    add(store, vec![organization(2).into(), user(3).of(2).into()]).await;
    let foreign = Upload { user: id(3), ..upload(4) }.of(2);
    let expired = Upload { expires_at: instant(7), ..upload(3) };
    let for_assistants = Upload { purpose: UploadPurpose::Assistants, ..upload(5) };
    let rows = [upload(1), partial(2), expired.clone(), foreign, for_assistants.clone()];
    add(store, rows.map(Row::from).into()).await;

    let found = listed(store, all()).await;
    assert_eq!(found, [upload(1), expired.clone(), for_assistants.clone()]);
    let before = listed(store, UploadListQuery { alive_at: instant(6), ..all() }).await;
    assert!(before.contains(&expired));
    let then = listed(store, UploadListQuery { alive_at: instant(7), ..all() }).await;
    assert_eq!(then, [upload(1), for_assistants.clone()]);
    let of_other = listed(store, UploadListQuery { user: id(2), ..all() }).await;
    assert_eq!(of_other, [partial(2)]);
    let purpose = Some(UploadPurpose::Assistants);
    assert_eq!(listed(store, UploadListQuery { purpose, ..all() }).await, [for_assistants]);
    let purpose = Some(UploadPurpose::UserData);
    let rest = listed(store, UploadListQuery { purpose, ..all() }).await;
    assert_eq!(rest, [upload(1), expired]);
}
