//! What is to be swept out or checked, in all organizations.

use understudy_domain::{Blob, Digest, OrganizationId, Upload, UploadId, ports::Store};

use super::stage::{add, people};
use crate::sample::{
    Members, Row, assistant, blob, extraction, id, image, instant, organization, touched, upload,
    user, version, with_files,
};

/// Organizations 1 and 2, each with its user and the blobs 1 to 6.
async fn two(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![organization(2).into(), user(2).of(2).into()]).await;
    for n in [1, 2] {
        add(store, (1..=6).map(|blob| touched(blob).of(n).into()).collect()).await;
    }
}

/// Names blob 1 in both organizations, 2 in the first, 3 by extraction only in the
/// first, and 4 in the second.
async fn name_some(store: &dyn Store) {
    let ada = with_files(assistant(1, id(1), "Ada"), [1, 2]);
    let rows: Vec<Row> =
        vec![ada.clone().into(), version(1, &ada).into(), extraction(4, [3]).into()];
    add(store, rows).await;
    let bob = with_files(assistant(2, id(2), "Bob"), [1]).of(2);
    let picture = understudy_domain::Image { user: id(2), ..image(4) }.of(2);
    add(store, vec![bob.into(), picture.into()]).await;
}

type Found = (OrganizationId, Digest);

fn keys(numbers: impl IntoIterator<Item = (u32, u32)>) -> Vec<Found> {
    let mut keys: Vec<Found> =
        numbers.into_iter().map(|(tenant, n)| (id(tenant), blob(n).digest)).collect();
    keys.sort_unstable();
    keys
}

fn sorted<T: Ord>(mut found: Vec<T>) -> Vec<T> {
    found.sort_unstable();
    found
}

/// Uploads expire at their instant, in every organization.
pub async fn expired_uploads_are_found_everywhere(store: &dyn Store) {
    two(store).await;
    let expiring = |n, at| Upload { expires_at: instant(at), ..upload(n) };
    add(store, vec![expiring(1, 10).into(), expiring(2, 20).into(), expiring(3, 21).into()]).await;
    let foreign = Upload { user: id(2), ..expiring(4, 15) }.of(2);
    add(store, vec![foreign.into()]).await;
    let expired = async |now, limit| {
        let found = store.housekeeping().expired_uploads(instant(now), limit).await.unwrap();
        sorted(found)
    };

    assert_eq!(expired(9, 10).await, []);
    let all: [(OrganizationId, UploadId); 3] = [(id(1), id(1)), (id(1), id(2)), (id(2), id(4))];
    assert_eq!(expired(20, 10).await, all);
    let two = expired(20, 2).await;
    assert!(two.len() == 2 && two.iter().all(|upload| all.contains(upload)), "got {two:?}");
}

/// Old blobs that nothing names are found in every organization.
pub async fn unnamed_blobs_are_found_everywhere(store: &dyn Store) {
    two(store).await;
    name_some(store).await;
    let unnamed = async |before, limit| {
        let found = store.housekeeping().unnamed_blobs(instant(before), limit).await.unwrap();
        sorted(found)
    };

    assert_eq!(unnamed(2, 10).await, []);
    assert_eq!(unnamed(4, 10).await, keys([(2, 2), (2, 3)]));
    let all = keys([(1, 4), (1, 5), (1, 6), (2, 2), (2, 3), (2, 5), (2, 6)]);
    assert_eq!(unnamed(7, 10).await, all);
    let three = unnamed(7, 3).await;
    assert!(three.len() == 3 && three.iter().all(|blob| all.contains(blob)), "got {three:?}");
}

/// Blobs that rows name are listed once each, in order, in pages of every size.
pub async fn named_blobs_are_listed_in_order(store: &dyn Store) {
    two(store).await;
    name_some(store).await;
    let expected: Vec<(OrganizationId, Blob)> = keys([(1, 1), (1, 2), (1, 3), (2, 1), (2, 4)])
        .into_iter()
        .map(|(tenant, digest)| {
            let n = (1..=6).find(|n| blob(*n).digest == digest).unwrap();
            (tenant, blob(n))
        })
        .collect();

    for limit in 1..=6 {
        let (mut listed, mut after) = (Vec::new(), None);
        loop {
            let page = store.housekeeping().named_blobs(after, limit).await.unwrap();
            let Some((tenant, last)) = page.last().copied() else { break };
            after = Some((tenant, last.digest));
            assert!(page.len() <= usize::try_from(limit).unwrap());
            listed.extend(page);
        }
        assert_eq!(listed, expected, "pages of {limit}");
    }
}

/// Of many blobs those are told that are known, each in its own organization.
pub async fn known_blobs_are_told_from_others(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![organization(2).into()]).await;
    add(store, vec![touched(1).into(), touched(2).into()]).await;
    add(store, vec![touched(2).of(2).into(), touched(3).of(2).into()]).await;
    let asked = keys((1..=1_000).flat_map(|n| [(1, n), (2, n), (3, n)]));

    let found = store.housekeeping().known_blobs(&asked).await.unwrap();
    assert_eq!(sorted(found), keys([(1, 1), (1, 2), (2, 2), (2, 3)]));
    assert_eq!(store.housekeeping().known_blobs(&[]).await.unwrap(), []);
}

/// All organizations are listed in the order of ids, in pages of every size.
pub async fn organizations_are_listed_in_order(store: &dyn Store) {
    assert_eq!(store.housekeeping().organizations(None, 10).await.unwrap(), []);
    add(store, [3, 1, 5, 2, 4].map(|n| organization(n).into()).into()).await;
    for limit in 1..=6 {
        let (mut listed, mut after): (Vec<OrganizationId>, _) = (Vec::new(), None);
        loop {
            let page = store.housekeeping().organizations(after, limit).await.unwrap();
            assert!(page.len() <= usize::try_from(limit).unwrap());
            let Some(last) = page.last() else { break };
            after = Some(*last);
            listed.extend(page);
        }
        assert_eq!(listed, [1, 2, 3, 4, 5].map(id), "pages of {limit}");
    }
}
