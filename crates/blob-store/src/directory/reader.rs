//! Giving a blob out, one piece ahead of whoever takes it.

use std::{
    fs::File,
    io::{self, ErrorKind, Read, Seek, SeekFrom},
    ops::Range,
};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::task::{JoinHandle, spawn_blocking};
use understudy_domain::{
    Digest, OrganizationId,
    ports::{BlobError, BlobReader, BlobResult},
};

use super::files::Files;
use crate::errors::{on_file, unavailable};

/// So much is read at once: enough that changing threads costs nothing beside it.
const READ_BYTES: u64 = 512 << 10;

/// A file that is being read.
pub(super) struct FileReader {
    /// How much is not read yet, `next` not counted.
    left: u64,
    next: Next,
}

enum Next {
    /// Here it is, and the file to go on with.
    Read(File, Bytes),
    /// A thread reads it.
    Reading(JoinHandle<io::Result<(File, Bytes)>>),
    /// There is none.
    End,
    /// A read failed.
    Broken,
}

impl FileReader {
    /// Opens the file and reads its first piece. It blocks.
    pub(super) fn open(
        files: &Files,
        tenant: OrganizationId,
        digest: Digest,
        range: Option<Range<u64>>,
    ) -> BlobResult<Self> {
        let (mut file, size) = files.find(tenant, digest)?;
        let Range { start, end } = range.unwrap_or(0..size);
        if end > size {
            return Err(damaged(ErrorKind::UnexpectedEof.into()));
        }
        if start > 0 {
            file.seek(SeekFrom::Start(start)).map_err(on_file)?;
        }
        let left = end.saturating_sub(start);
        if left == 0 {
            return Ok(Self { left, next: Next::End });
        }
        let wanted = left.min(READ_BYTES);
        let (file, piece) = read(file, wanted).map_err(damaged)?;
        Ok(Self { left: left - wanted, next: Next::Read(file, piece) })
    }

    /// Begins to read the next piece.
    fn go_on(&mut self, file: File) {
        self.next = Next::End;
        if self.left > 0 {
            let wanted = self.left.min(READ_BYTES);
            self.left -= wanted;
            self.next = Next::Reading(spawn_blocking(move || read(file, wanted)));
        }
    }
}

#[async_trait]
impl BlobReader for FileReader {
    async fn next(&mut self) -> BlobResult<Option<Bytes>> {
        if let Next::Reading(reading) = &mut self.next {
            let read = reading.await;
            self.next = Next::Broken;
            let (file, piece) = read.map_err(unavailable)?.map_err(damaged)?;
            self.next = Next::Read(file, piece);
        }
        match std::mem::replace(&mut self.next, Next::Broken) {
            Next::Read(file, piece) => {
                self.go_on(file);
                Ok(Some(piece))
            }
            Next::End => {
                self.next = Next::End;
                Ok(None)
            }
            Next::Reading(_) | Next::Broken => Err(unavailable("an earlier read failed")),
        }
    }
}

/// Reads exactly so much.
fn read(file: File, wanted: u64) -> io::Result<(File, Bytes)> {
    // Not `vec![0; …]`, which would write all of it twice.
    let mut piece = Vec::with_capacity(usize::try_from(wanted).map_err(io::Error::other)?);
    let mut part = file.take(wanted);
    part.read_to_end(&mut piece)?;
    if part.limit() > 0 {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok((part.into_inner(), piece.into()))
}

/// What a failed read says: a file that ends early is not what was put there.
fn damaged(error: io::Error) -> BlobError {
    if error.kind() == ErrorKind::UnexpectedEof {
        return BlobError::Damaged(error.into());
    }
    on_file(error)
}
