//! Blob stores. Each case gets an empty one.
#![expect(
    clippy::as_conversions,
    clippy::indexing_slicing,
    reason = "lengths are small, and a failing test panics"
)]

use std::ops::Range;

use bytes::Bytes;
use futures_util::future::join_all;
use understudy_domain::{
    Blob, Digest, OrganizationId, Timestamp,
    ports::{BlobError, BlobReader, BlobResult, BlobStore, BlobWriter, StoredBlob},
};

use crate::sample;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// The first organization.
fn ours() -> OrganizationId {
    sample::id(1)
}

/// Bytes of which no piece is like another; another number gives others.
fn bytes(number: u64, length: usize) -> Vec<u8> {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        Some(state.to_le_bytes())
    };
    std::iter::from_fn(next).flatten().take(length).collect()
}

/// Begins to write these bytes, a chunk at a time.
async fn begin(
    store: &dyn BlobStore,
    tenant: OrganizationId,
    bytes: &[u8],
    chunk: usize,
) -> Box<dyn BlobWriter> {
    let mut writer = store.begin(tenant).await.unwrap();
    for chunk in bytes.chunks(chunk) {
        writer.write(Bytes::copy_from_slice(chunk)).await.unwrap();
    }
    writer
}

async fn put(store: &dyn BlobStore, tenant: OrganizationId, bytes: &[u8]) -> Digest {
    let digest = Digest::of(bytes);
    begin(store, tenant, bytes, 64 * KIB).await.finish(digest).await.unwrap();
    digest
}

async fn read(
    store: &dyn BlobStore,
    digest: Digest,
    range: Option<Range<u64>>,
) -> BlobResult<Vec<u8>> {
    drain(store.read(ours(), digest, range).await?).await
}

async fn drain(mut reader: Box<dyn BlobReader>) -> BlobResult<Vec<u8>> {
    let mut whole = Vec::new();
    while let Some(chunk) = reader.next().await? {
        assert!((1..=MIB).contains(&chunk.len()), "a chunk of {} bytes", chunk.len());
        whole.extend_from_slice(&chunk);
    }
    assert_eq!(reader.next().await.unwrap(), None, "bytes behind the end");
    Ok(whole)
}

/// Neither `assert_eq!`, which would print megabytes.
fn assert_same(found: &[u8], written: &[u8]) {
    assert_eq!(found.len(), written.len());
    assert!(found == written, "{} other bytes came back", written.len());
}

async fn keys(store: &dyn BlobStore) -> Vec<(OrganizationId, Digest)> {
    let listed = store.inventory().list(None, 1_000).await.unwrap();
    listed.iter().map(key).collect()
}

const fn key(stored: &StoredBlob) -> (OrganizationId, Digest) {
    (stored.organization, stored.blob.digest)
}

/// Before anything that a test writes.
fn long_ago() -> Timestamp {
    Timestamp::parse_rfc3339("2000-01-01T00:00:00Z").unwrap()
}

/// After it.
fn far_ahead() -> Timestamp {
    Timestamp::parse_rfc3339("2999-01-01T00:00:00Z").unwrap()
}

/// Bytes read back, few and none.
pub async fn written_bytes_read_back(store: &dyn BlobStore) {
    for length in [0, 1, 2, 4 * KIB, MIB - 1, MIB, MIB + 1] {
        let bytes = bytes(1, length);
        let digest = put(store, ours(), &bytes).await;

        assert_same(&read(store, digest, None).await.unwrap(), &bytes);
        assert_eq!(store.size(ours(), digest).await.unwrap(), Some(length as u64));
    }
}

/// It does not matter in which chunks they come, empty ones included.
pub async fn bytes_read_back_in_whatever_chunks_they_came(store: &dyn BlobStore) {
    let bytes = bytes(2, 10 * MIB);
    let digest = Digest::of(&bytes);
    let mut writer = store.begin(ours()).await.unwrap();
    let mut rest = Bytes::from(bytes.clone());
    for length in [0, 1, 7, 3 * MIB + 1, 0, 65_537, 5 * MIB].into_iter().cycle() {
        if rest.is_empty() {
            break;
        }
        writer.write(rest.split_to(length.min(rest.len()))).await.unwrap();
    }
    writer.finish(digest).await.unwrap();

    assert_same(&read(store, digest, None).await.unwrap(), &bytes);
}

/// A blob that is larger than what a store would like to hold in memory.
pub async fn a_large_blob_reads_back(store: &dyn BlobStore) {
    let bytes = bytes(3, 17 * MIB + 3);
    let digest = put(store, ours(), &bytes).await;

    assert_same(&read(store, digest, None).await.unwrap(), &bytes);
    assert_eq!(store.size(ours(), digest).await.unwrap(), Some(bytes.len() as u64));
    let listed = store.inventory().list(None, 10).await.unwrap();
    assert_eq!(listed.len(), 1, "something is left beside the blob");
}

/// A blob of exactly so many bytes as go in one piece somewhere.
pub async fn a_blob_of_whole_parts_reads_back(store: &dyn BlobStore) {
    for parts in [1, 2] {
        let bytes = bytes(4, parts * 8 * MIB);
        let digest = Digest::of(&bytes);
        begin(store, ours(), &bytes, 8 * MIB).await.finish(digest).await.unwrap();

        assert_same(&read(store, digest, None).await.unwrap(), &bytes);
    }
}

/// A range gives its bytes and no other.
pub async fn a_range_reads_its_bytes(store: &dyn BlobStore) {
    let bytes = bytes(5, 3 * MIB);
    let digest = put(store, ours(), &bytes).await;
    let end = bytes.len();

    for range in [0..1, 0..100, 1..2, 4_095..4_097, MIB - 1..2 * MIB + 1, end - 1..end, 0..end] {
        let found = read(store, digest, Some(range.start as u64..range.end as u64)).await;
        assert_same(&found.unwrap(), &bytes[range]);
    }
}

/// A range of nothing is nothing.
pub async fn an_empty_range_reads_nothing(store: &dyn BlobStore) {
    for length in [0, 10] {
        let digest = put(store, ours(), &bytes(6, length)).await;
        assert_eq!(read(store, digest, Some(0..0)).await.unwrap(), b"");
    }
}

/// A blob that is shorter than it should be is noticed.
pub async fn a_range_behind_the_end_is_an_error(store: &dyn BlobStore) {
    let digest = put(store, ours(), &bytes(7, 100)).await;

    for range in [0..101, 50..200, 100..101] {
        let found = read(store, digest, Some(range.clone())).await;
        assert!(found.is_err(), "{range:?} of 100 bytes gave {found:?}");
    }
}

/// What is not there is not found.
pub async fn an_unknown_blob_is_not_found(store: &dyn BlobStore) {
    let digest = Digest::of(b"nobody wrote this");

    for range in [None, Some(0..1), Some(0..0)] {
        let found = read(store, digest, range).await;
        assert!(matches!(found, Err(BlobError::NotFound)), "{found:?}");
    }
    assert_eq!(store.size(ours(), digest).await.unwrap(), None);
}

/// Nobody sees a blob before it is finished.
pub async fn nothing_is_readable_before_it_is_finished(store: &dyn BlobStore) {
    for length in [10, 17 * MIB] {
        let bytes = bytes(8, length);
        let digest = Digest::of(&bytes);
        let writer = begin(store, ours(), &bytes, MIB).await;

        assert_eq!(store.size(ours(), digest).await.unwrap(), None);
        assert!(matches!(read(store, digest, None).await, Err(BlobError::NotFound)));
        assert_eq!(keys(store).await, []);

        writer.finish(digest).await.unwrap();
        assert_eq!(store.size(ours(), digest).await.unwrap(), Some(length as u64));
        store.delete(ours(), digest).await.unwrap();
    }
}

/// An abandoned blob is nowhere.
pub async fn an_abandoned_blob_is_forgotten(store: &dyn BlobStore) {
    for length in [0, 10, 17 * MIB] {
        let bytes = bytes(9, length);
        begin(store, ours(), &bytes, MIB).await.abandon().await.unwrap();

        assert_eq!(store.size(ours(), Digest::of(&bytes)).await.unwrap(), None);
    }
    assert_eq!(keys(store).await, []);
    assert_eq!(store.inventory().remove_unfinished(far_ahead()).await.unwrap(), 0);
}

/// A writer that is dropped leaves no blob.
pub async fn a_dropped_blob_is_forgotten(store: &dyn BlobStore) {
    for length in [0, 10, 17 * MIB] {
        let bytes = bytes(10, length);
        drop(begin(store, ours(), &bytes, MIB).await);

        assert_eq!(store.size(ours(), Digest::of(&bytes)).await.unwrap(), None);
    }
    assert_eq!(keys(store).await, []);
}

/// A blob that is written again stays as it was.
pub async fn an_existing_blob_stays_as_it_is(store: &dyn BlobStore) {
    for length in [10, 17 * MIB] {
        let bytes = bytes(11, length);
        let digest = put(store, ours(), &bytes).await;
        let before = store.inventory().list(None, 10).await.unwrap();

        assert_eq!(put(store, ours(), &bytes).await, digest);

        assert_eq!(store.inventory().list(None, 10).await.unwrap(), before);
        assert_same(&read(store, digest, None).await.unwrap(), &bytes);
        store.delete(ours(), digest).await.unwrap();
    }
}

/// Those who write the same bytes at the same time all succeed.
pub async fn of_simultaneous_writers_of_one_blob_all_succeed(store: &dyn BlobStore) {
    for length in [10, 9 * MIB] {
        let bytes = bytes(12, length);
        let digest = Digest::of(&bytes);
        let mut writers = Vec::new();
        for _ in 0..6 {
            writers.push(begin(store, ours(), &bytes, MIB).await);
        }

        let finished = join_all(writers.into_iter().map(|writer| writer.finish(digest))).await;

        assert!(finished.iter().all(Result::is_ok), "{finished:?}");
        assert_same(&read(store, digest, None).await.unwrap(), &bytes);
        assert_eq!(keys(store).await, [(ours(), digest)]);
        store.delete(ours(), digest).await.unwrap();
    }
}

/// A removed blob is gone, and can be written again.
pub async fn a_removed_blob_is_gone(store: &dyn BlobStore) {
    let bytes = bytes(13, 100);
    let digest = put(store, ours(), &bytes).await;

    store.delete(ours(), digest).await.unwrap();

    assert!(matches!(read(store, digest, None).await, Err(BlobError::NotFound)));
    assert_eq!(store.size(ours(), digest).await.unwrap(), None);
    assert_eq!(keys(store).await, []);
    put(store, ours(), &bytes).await;
    assert_same(&read(store, digest, None).await.unwrap(), &bytes);
}

/// What is gone can be removed.
pub async fn a_blob_can_be_removed_twice(store: &dyn BlobStore) {
    let digest = put(store, ours(), b"x").await;

    store.delete(ours(), digest).await.unwrap();
    store.delete(ours(), digest).await.unwrap();
    store.delete(sample::id(2), Digest::of(b"never written")).await.unwrap();
}

/// The same bytes of two organizations are two blobs.
pub async fn organizations_do_not_see_each_others_blobs(store: &dyn BlobStore) {
    let theirs = sample::id(2);
    let digest = put(store, theirs, b"theirs").await;

    assert!(matches!(read(store, digest, None).await, Err(BlobError::NotFound)));
    assert_eq!(store.size(ours(), digest).await.unwrap(), None);
    store.delete(ours(), digest).await.unwrap();
    assert_eq!(store.size(theirs, digest).await.unwrap(), Some(6));

    put(store, ours(), b"theirs").await;
    store.delete(theirs, digest).await.unwrap();
    assert_same(&read(store, digest, None).await.unwrap(), b"theirs");
}

/// Thirty blobs of three organizations, in the order of a list.
async fn filled(store: &dyn BlobStore) -> Vec<(OrganizationId, Digest)> {
    let mut keys = Vec::new();
    for number in 0..30 {
        let tenant = sample::id(1 + number % 3);
        keys.push((tenant, put(store, tenant, &bytes(number.into(), 10)).await));
    }
    keys.sort_by_key(|(tenant, digest)| (tenant.to_string(), digest.to_string()));
    keys
}

/// Blobs are listed by the texts of organization and digest.
pub async fn blobs_are_listed_in_order(store: &dyn BlobStore) {
    assert_eq!(keys(store).await, []);
    let expected = filled(store).await;

    assert_eq!(keys(store).await, expected);
}

/// Pages of whatever size hold each blob once.
pub async fn pages_hold_each_blob_once(store: &dyn BlobStore) {
    let expected = filled(store).await;
    for limit in [1, 7, 29, 30, 31] {
        let mut found = Vec::new();
        loop {
            let page = store.inventory().list(found.last().copied(), limit).await.unwrap();
            assert!(page.len() <= limit);
            found.extend(page.iter().map(key));
            if page.len() < limit {
                break;
            }
        }
        assert_eq!(found, expected, "pages of {limit}");
    }
}

/// A page goes on where it should also when the blob there is gone.
pub async fn a_page_goes_on_behind_a_blob_that_is_gone(store: &dyn BlobStore) {
    let expected = filled(store).await;
    let (last, rest) = (expected[14], &expected[15..]);
    store.delete(last.0, last.1).await.unwrap();

    let page = store.inventory().list(Some(last), 100).await.unwrap();

    assert_eq!(page.iter().map(key).collect::<Vec<_>>(), rest);
}

/// A listed blob has its size, and a time at which it can have been written.
pub async fn a_listed_blob_says_what_it_is(store: &dyn BlobStore) {
    let bytes = bytes(14, 12_345);
    put(store, ours(), &bytes).await;

    let listed = store.inventory().list(None, 10).await.unwrap();

    let [stored] = listed[..] else { panic!("{listed:?}") };
    assert_eq!(stored.organization, ours());
    assert_eq!(stored.blob, Blob::of(&bytes));
    assert!(long_ago() < stored.modified_at && stored.modified_at < far_ahead());
}

/// What is being written is left alone as long as it is young.
pub async fn what_is_being_written_stays_while_it_is_young(store: &dyn BlobStore) {
    for length in [10, 17 * MIB] {
        let bytes = bytes(15, length);
        let digest = Digest::of(&bytes);
        let writer = begin(store, ours(), &bytes, MIB).await;

        assert_eq!(store.inventory().remove_unfinished(long_ago()).await.unwrap(), 0);

        writer.finish(digest).await.unwrap();
        assert_same(&read(store, digest, None).await.unwrap(), &bytes);
    }
}

/// Sweeping removes no blob, however old, and leaves nothing to sweep.
pub async fn sweeping_removes_no_blob(store: &dyn BlobStore) {
    let digests =
        [put(store, ours(), b"small").await, put(store, ours(), &bytes(16, 9 * MIB)).await];
    // One that nobody will ever finish or drop, as after a crash.
    std::mem::forget(begin(store, ours(), &bytes(17, 9 * MIB), MIB).await);

    store.inventory().remove_unfinished(far_ahead()).await.unwrap();

    assert_eq!(store.inventory().remove_unfinished(far_ahead()).await.unwrap(), 0);
    for digest in digests {
        assert!(store.size(ours(), digest).await.unwrap().is_some());
    }
    assert_eq!(keys(store).await.len(), 2);
}

/// A store that can be written to says so, and keeps nothing of the trial.
pub async fn a_usable_store_answers_a_ping(store: &dyn BlobStore) {
    store.inventory().ping().await.unwrap();
    store.inventory().ping().await.unwrap();

    assert_eq!(keys(store).await, []);
    assert_eq!(store.inventory().remove_unfinished(far_ahead()).await.unwrap(), 0);
}
