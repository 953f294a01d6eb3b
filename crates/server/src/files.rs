//! The data directory and the master key's file: for their owner's eyes only.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use understudy_crypto::MasterKey;
use understudy_domain::Secret;
use zeroize::Zeroize;

/// Name of the generated key in the data directory.
pub const KEY_FILE: &str = "master.key";
/// Name of the key before it in the data directory, while the key is changed.
pub const PREVIOUS_KEY_FILE: &str = "master.key.previous";
/// A file longer than this is no key.
const KEY_FILE_MAX: u64 = 1_024;
/// Rights of group and others.
const NOT_THE_OWNERS: u32 = 0o077;

/// A file or directory is not usable as it is.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The data directory cannot be made.
    #[error("the data directory {} cannot be made", .path.display())]
    DataDir {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The key's file cannot be read.
    #[error("the master key file {} cannot be read", .path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Others than its owner can read the key's file.
    #[error("the master key file {0} can be read by others; run: chmod 600 {0}", .path.display())]
    Exposed {
        /// Which.
        path: PathBuf,
    },
    /// The file holds something else.
    #[error("the master key file {} does not hold 32 bytes in base64", .path.display())]
    NoKey {
        /// Which.
        path: PathBuf,
    },
    /// The key's file cannot be made.
    #[error("the master key file {} cannot be made", .path.display())]
    Unwritable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Makes the data directory, for its owner only. One that exists stays as it is.
///
/// # Errors
///
/// [`FileError::DataDir`] when there is none then.
pub fn make_data_dir(path: &Path) -> Result<(), FileError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|source| FileError::DataDir { path: path.to_owned(), source })
}

/// Reads a master key; `None` when there is no such file.
///
/// # Errors
///
/// [`FileError`] when it cannot be read, others can read it, or it is no key.
pub fn read_key(path: &Path) -> Result<Option<MasterKey>, FileError> {
    let unreadable = |source| FileError::Unreadable { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    let mode = file.metadata().map_err(unreadable)?.permissions().mode();
    if mode & NOT_THE_OWNERS != 0 {
        return Err(FileError::Exposed { path: path.to_owned() });
    }
    let mut text = String::new();
    let read = file.take(KEY_FILE_MAX).read_to_string(&mut text);
    let key = MasterKey::from_base64(&text);
    text.zeroize();
    match (read, key) {
        (Ok(_), Ok(key)) => Ok(Some(key)),
        (Err(error), _) if error.kind() != io::ErrorKind::InvalidData => Err(unreadable(error)),
        _ => Err(FileError::NoKey { path: path.to_owned() }),
    }
}

/// Keeps a new master key, readable by its owner only. When another process kept
/// one first, that one counts and is returned.
///
/// # Errors
///
/// [`FileError`] when there is no readable key then.
pub fn keep_key(path: &Path, key: MasterKey) -> Result<MasterKey, FileError> {
    let unwritable = |source| FileError::Unwritable { path: path.to_owned(), source };
    match write_new(path, &key.to_base64()) {
        Ok(()) => Ok(key),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            read_key(path)?.ok_or_else(|| unwritable(error))
        }
        Err(error) => Err(unwritable(error)),
    }
}

/// Writes a file that is there whole and durable, or not at all.
fn write_new(path: &Path, text: &Secret<String>) -> io::Result<()> {
    let draft = path.with_extension(format!("{}.new", std::process::id()));
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    let written = file
        .write_all(text.expose().as_bytes())
        .and_then(|()| file.write_all(b"\n"))
        .and_then(|()| file.sync_all())
        // A link fails where the name is taken; a rename would replace it.
        .and_then(|()| fs::hard_link(&draft, path));
    let removed = fs::remove_file(&draft);
    written.and(removed)?;
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn a_kept_key_reads_back_and_only_its_owner_can_read_it() {
        let directory = directory();
        let path = directory.path().join(KEY_FILE);

        assert!(read_key(&path).unwrap().is_none());
        let kept = keep_key(&path, MasterKey::from_bytes([1; 32])).unwrap();
        let read = read_key(&path).unwrap().unwrap();

        assert_eq!(read.to_base64().expose(), kept.to_base64().expose());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_key_that_was_kept_first_counts() {
        let directory = directory();
        let path = directory.path().join(KEY_FILE);
        keep_key(&path, MasterKey::from_bytes([1; 32])).unwrap();

        let second = keep_key(&path, MasterKey::from_bytes([2; 32])).unwrap();

        let first = MasterKey::from_bytes([1; 32]);
        assert_eq!(second.to_base64().expose(), first.to_base64().expose());
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let directory = directory();
        let path = directory.path().join(KEY_FILE);
        keep_key(&path, MasterKey::from_bytes([1; 32])).unwrap();

        for mode in [0o640, 0o604, 0o644, 0o660] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = read_key(&path).unwrap_err();
            assert!(matches!(error, FileError::Exposed { .. }), "{mode:o}: {error}");
        }
    }

    #[test]
    fn a_file_that_holds_no_key_is_refused() {
        let directory = directory();
        let path = directory.path().join(KEY_FILE);

        for content in [&b""[..], b"secret", &[0xff; 44], &[b'A'; 5_000]] {
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            let error = read_key(&path).unwrap_err();
            assert!(matches!(error, FileError::NoKey { .. }), "{error}");
        }
    }

    #[test]
    fn a_new_data_directory_is_its_owners() {
        let directory = directory();
        let path = directory.path().join("a/b");

        make_data_dir(&path).unwrap();
        make_data_dir(&path).unwrap();

        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
