//! The file and who has it.

use understudy_domain::ports::Store;

use super::samples::{TENANT, inhabited, store, team};
use crate::{OpenError, Sharing, SqliteOptions, SqliteStore};

#[tokio::test]
async fn a_second_opening_of_the_file_is_refused_in_one_line() {
    let (_store, folder) = store().await;

    let second = SqliteStore::open(&folder.path().join("test.db"), SqliteOptions::default());

    let Err(error @ OpenError::InUse { .. }) = second else { panic!("it was opened twice") };
    assert!(error.to_string().ends_with("SQLite is for one process on one machine"));
    assert_eq!(error.to_string().lines().count(), 1);
}

#[tokio::test]
async fn a_command_works_beside_the_one_that_has_the_file() {
    let (store, folder) = inhabited().await;
    let options = SqliteOptions { sharing: Sharing::Beside, ..SqliteOptions::default() };
    let beside = SqliteStore::open(&folder.path().join("test.db"), options).unwrap();
    let mut work = beside.begin(TENANT).await.unwrap();
    work.teams().insert(&team(1)).await.unwrap();
    work.commit().await.unwrap();

    assert_eq!(store.directory().teams(TENANT).await.unwrap(), vec![team(1)]);
}

#[tokio::test]
async fn what_was_committed_is_there_after_closing_and_opening() {
    let (store, folder) = inhabited().await;
    drop(store);

    let store =
        SqliteStore::open(&folder.path().join("test.db"), SqliteOptions::default()).unwrap();

    assert!(store.directory().organization(TENANT).await.unwrap().is_some());
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("letter.txt");
    std::fs::write(&path, "Dear Ada, ".repeat(200)).unwrap();

    let opened = SqliteStore::open(&path, SqliteOptions::default());

    assert!(matches!(opened, Err(OpenError::Database { .. })));
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_but_the_owner_reads_the_files() {
    use std::os::unix::fs::PermissionsExt;

    let (_store, folder) = inhabited().await;

    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap).collect();
    assert!(files.len() >= 3, "the database, its log and its lock");
    for file in files {
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.path().display());
    }
}

#[tokio::test]
async fn an_open_store_answers_a_ping() {
    let (store, _folder) = store().await;

    store.ping().await.unwrap();
}
