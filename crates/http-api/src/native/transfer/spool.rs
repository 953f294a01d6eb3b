//! A body that is read more than once: kept in a file without a name, which is gone
//! as soon as nobody has it open.

use std::{fs::File, io, os::unix::fs::FileExt};

use actix_web::web::Bytes;
use sha2::{Digest as _, Sha256};
use tokio::task::spawn_blocking;
use understudy_domain::Digest;

use crate::{body::too_large, multipart::Sink, problem::Problem};

/// So much is gathered before it is written: each write is a thread's business.
const AT_ONCE: usize = 1024 * 1024;

pub(super) struct Spool {
    /// `None` while a thread writes to it.
    file: Option<File>,
    gathered: Vec<u8>,
    written: u64,
    max: u64,
    hash: Sha256,
}

impl Spool {
    /// An empty one for at most `max` bytes.
    pub(super) fn new(max: u64) -> io::Result<Self> {
        let file = Some(tempfile::tempfile()?);
        Ok(Self { file, gathered: Vec::new(), written: 0, max, hash: Sha256::new() })
    }

    /// Writes what was gathered.
    async fn flush(&mut self) -> Result<(), Problem> {
        let pieces = std::mem::take(&mut self.gathered);
        let length = u64::try_from(pieces.len()).unwrap_or(u64::MAX);
        let (Some(file), at) = (self.file.take(), self.written) else { return Err(lost()) };
        let written = spawn_blocking(move || {
            file.write_all_at(&pieces, at)?;
            io::Result::Ok(file)
        });
        let file = written.await.map_err(|error| Problem::internal(&error))?;
        self.file = Some(file.map_err(|error| Problem::internal(&error))?);
        self.written += length;
        Ok(())
    }

    /// Ends the writing; the text names what was written.
    pub(super) async fn finish(&mut self) -> Result<String, Problem> {
        self.flush().await?;
        let digest = std::mem::take(&mut self.hash).finalize();
        Ok(Digest::from_bytes(digest.into()).to_string())
    }

    /// All of it, if it is a document of at most `max` bytes and no archive.
    pub(super) async fn document(&mut self, max: u64) -> Result<Option<Vec<u8>>, Problem> {
        let length = self.written;
        let Some(file) = self.file.take() else { return Err(lost()) };
        let read = spawn_blocking(move || {
            let mut head = [0; 2];
            let is_archive =
                length >= 2 && file.read_exact_at(&mut head, 0).is_ok() && head == *b"PK";
            if is_archive || length > max {
                return io::Result::Ok((file, None));
            }
            let mut all = vec![0; usize::try_from(length).unwrap_or_default()];
            file.read_exact_at(&mut all, 0)?;
            Ok((file, Some(all)))
        });
        let read = read.await.map_err(|error| Problem::internal(&error))?;
        let (file, all) = read.map_err(|error| Problem::internal(&error))?;
        self.file = Some(file);
        Ok(all)
    }

    /// The file; `None` when a thread lost it.
    pub(super) fn into_file(self) -> Option<File> {
        self.file
    }
}

fn lost() -> Problem {
    Problem::internal(&io::Error::other("a thread took the file and did not give it back"))
}

impl Sink for Spool {
    async fn write(&mut self, piece: Bytes) -> Result<(), Problem> {
        self.hash.update(&piece);
        self.gathered.extend_from_slice(&piece);
        let gathered = u64::try_from(self.gathered.len()).unwrap_or(u64::MAX);
        if self.written.saturating_add(gathered) > self.max {
            return Err(too_large(self.max));
        }
        if self.gathered.len() >= AT_ONCE { self.flush().await } else { Ok(()) }
    }
}
