//! What only the store in a directory has: files that stay, and a disk that may
//! not be there.
#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use tempfile::TempDir;
use understudy_blob_store::{DirectoryBlobs, OpenError};
use understudy_domain::{
    Digest, OrganizationId, Timestamp,
    ports::{BlobError, BlobStore},
};
use understudy_testkit::sample;

fn open() -> (TempDir, DirectoryBlobs) {
    let folder = tempfile::tempdir().unwrap();
    let blobs = DirectoryBlobs::open(&folder.path().join("blobs")).unwrap();
    (folder, blobs)
}

fn ours() -> OrganizationId {
    sample::id(1)
}

async fn put(blobs: &DirectoryBlobs, bytes: &'static [u8]) -> Digest {
    let digest = Digest::of(bytes);
    let mut writer = blobs.begin(ours()).await.unwrap();
    writer.write(bytes.into()).await.unwrap();
    writer.finish(digest).await.unwrap();
    digest
}

/// Every file and folder below a folder.
fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            let inside = if path.is_dir() { below(&path) } else { Vec::new() };
            inside.into_iter().chain([path])
        })
        .collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    below(folder).into_iter().filter(|path| path.is_file()).collect()
}

fn in_a_thousand_years() -> Timestamp {
    Timestamp::parse_rfc3339("3026-01-01T00:00:00Z").unwrap()
}

#[tokio::test]
async fn blobs_are_there_when_the_directory_is_opened_again() {
    let (folder, blobs) = open();
    let digest = put(&blobs, b"to stay").await;
    drop(blobs);

    let blobs = DirectoryBlobs::open(&folder.path().join("blobs")).unwrap();

    let mut reader = blobs.read(ours(), digest, None).await.unwrap();
    assert_eq!(reader.next().await.unwrap().unwrap(), "to stay");
}

#[tokio::test]
async fn only_the_owner_can_read_the_files() {
    let (folder, blobs) = open();
    put(&blobs, b"private").await;

    let all = below(folder.path());

    assert!(all.len() >= 6, "{all:?}");
    for path in all {
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} has {mode:o}", path.display());
    }
}

#[tokio::test]
async fn a_blob_is_the_only_file_and_named_by_its_digest() {
    let (folder, blobs) = open();
    let digest = put(&blobs, b"x").await;
    put(&blobs, b"x").await;
    drop(blobs.begin(ours()).await.unwrap());

    let organization = ours().as_uuid().simple();
    let expected = format!("blobs/blobs/{organization}/2d/{digest}");
    assert_eq!(files(folder.path()), [folder.path().join(expected)]);
}

#[tokio::test]
async fn what_a_crash_left_unfinished_is_swept_out() {
    let (folder, blobs) = open();
    let mut writer = blobs.begin(ours()).await.unwrap();
    writer.write(vec![1; 2 << 20].into()).await.unwrap();
    std::mem::forget(writer);
    assert_eq!(files(folder.path()).len(), 1);

    assert_eq!(blobs.inventory().remove_unfinished(in_a_thousand_years()).await.unwrap(), 1);

    assert_eq!(files(folder.path()), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn what_others_put_there_is_no_blob() {
    let (folder, blobs) = open();
    let digest = put(&blobs, b"x").await;
    let shard = files(folder.path()).first().unwrap().parent().unwrap().to_owned();
    fs::write(shard.join("notes.txt"), "mine").unwrap();
    fs::write(folder.path().join("blobs/blobs/README"), "mine").unwrap();
    fs::create_dir(shard.join(Digest::of(b"2d, too?").to_string())).unwrap();
    fs::create_dir_all(folder.path().join("blobs/blobs/lost+found/2d")).unwrap();

    let listed = blobs.inventory().list(None, 10).await.unwrap();

    assert_eq!(listed.iter().map(|stored| stored.blob.digest).collect::<Vec<_>>(), [digest]);
}

#[tokio::test]
async fn a_file_that_was_cut_off_is_noticed() {
    let (folder, blobs) = open();
    let digest = put(&blobs, b"0123456789").await;
    fs::write(files(folder.path()).first().unwrap(), "01234").unwrap();

    let read = blobs.read(ours(), digest, Some(0..10)).await;

    assert!(matches!(read.err(), Some(BlobError::Damaged(_))));
}

#[tokio::test]
async fn a_disk_that_is_not_mounted_is_unavailable_and_stays_empty() {
    let (folder, blobs) = open();
    let digest = put(&blobs, b"x").await;
    let begun = blobs.begin(ours()).await.unwrap();
    fs::remove_dir_all(folder.path().join("blobs")).unwrap();

    let unavailable = |error| matches!(error, Some(BlobError::Unavailable(_)));
    assert!(unavailable(blobs.begin(ours()).await.err()));
    assert!(unavailable(begun.finish(digest).await.err()));
    assert!(unavailable(blobs.read(ours(), digest, None).await.err()));
    assert!(unavailable(blobs.size(ours(), digest).await.err()));
    assert!(unavailable(blobs.delete(ours(), digest).await.err()));
    assert!(unavailable(blobs.inventory().list(None, 10).await.err()));
    assert!(unavailable(blobs.inventory().ping().await.err()));
    assert_eq!(below(folder.path()), Vec::<PathBuf>::new());
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();

    let opened = DirectoryBlobs::open(&file.join("blobs"));

    let Err(OpenError::Directory { path, .. }) = opened else { panic!("{opened:?}") };
    assert_eq!(path, file.join("blobs"));
}
