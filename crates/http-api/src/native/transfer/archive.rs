//! Reads an archive that somebody sent. Its table of contents is read here, strictly
//! and within bounds, and not by a library that looks for others when one is odd:
//! what this takes means the same to every reader.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
    os::unix::fs::FileExt,
    sync::Arc,
};

use actix_web::web::Bytes;
use flate2::{Crc, read::DeflateDecoder};
use tokio::{
    sync::mpsc::{Receiver, Sender, channel},
    task::spawn_blocking,
};

use crate::problem::{Code, Problem};

mod table;

use table::{Entry, Method};

/// Most entries of an archive: files, icon, document, and some room.
const MAX_ENTRIES: u64 = 2_100;
/// Most bytes of a table of contents.
const MAX_TABLE: u64 = 1024 * 1024;
/// How many times its packed size an entry may unpack to.
const MAX_RATIO: u64 = 100;
/// Below this, the ratio does not matter.
const SMALL: u64 = 1024 * 1024;
/// How much is unpacked at once.
const PIECE: usize = 64 * 1024;
/// How many pieces wait to be taken.
const WAITING: usize = 4;

/// An archive whose table of contents was read.
pub(super) struct Archive {
    file: File,
    entries: BTreeMap<String, Entry>,
}

/// That an archive cannot be read.
pub(super) fn broken(why: impl Into<String>) -> Problem {
    Problem::new(Code::InvalidFile).detail(why.into())
}

/// Why an entry cannot be read.
#[derive(Debug, thiserror::Error)]
enum Unreadable {
    #[error("{0}")]
    Broken(String),
    #[error("the file could not be read")]
    Io(#[source] io::Error),
}

const BROKEN: &str = "the file is no zip archive, or it is broken";

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Self {
        // What it says of itself leads out of it.
        if error.kind() == io::ErrorKind::UnexpectedEof {
            Self::Broken(BROKEN.to_owned())
        } else {
            Self::Io(error)
        }
    }
}

impl From<Unreadable> for Problem {
    fn from(error: Unreadable) -> Self {
        match error {
            Unreadable::Broken(why) => broken(why),
            Unreadable::Io(error) => Self::internal(&error),
        }
    }
}

fn odd<T>(why: impl Into<String>) -> Result<T, Unreadable> {
    Err(Unreadable::Broken(why.into()))
}

impl Archive {
    /// The names of all entries.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    fn entry(&self, name: &str) -> Result<Entry, Unreadable> {
        let entry = self.entries.get(name).copied();
        entry.ok_or_else(|| Unreadable::Broken(format!("the archive does not hold `{name}`")))
    }

    /// Unpacks an entry of at most `max` bytes piece by piece; `take` says whether
    /// to go on.
    fn unpack(
        &self,
        name: &str,
        max: u64,
        mut take: impl FnMut(Bytes) -> bool,
    ) -> Result<(), Unreadable> {
        let entry = self.entry(name)?;
        if entry.size > max {
            return odd(format!("`{name}` has at most {max} bytes"));
        }
        let packed = Window::new(&self.file, entry.data_at(&self.file, name)?, entry.packed);
        let mut unpacked: Box<dyn Read + '_> = match entry.method {
            Method::Stored => Box::new(packed),
            Method::Deflated => Box::new(DeflateDecoder::new(packed)),
        };
        let mut crc = Crc::new();
        let mut rest = entry.size;
        loop {
            let mut piece = vec![0; PIECE];
            let length = match unpacked.read(&mut piece) {
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return odd(format!("`{name}` cannot be unpacked")),
            };
            let Some(left) = rest.checked_sub(u64::try_from(length).unwrap_or(u64::MAX)) else {
                return odd(format!("`{name}` is larger than the archive says"));
            };
            if length == 0 {
                break;
            }
            rest = left;
            piece.truncate(length);
            crc.update(&piece);
            if !take(piece.into()) {
                return Ok(());
            }
        }
        if rest > 0 || crc.sum() != entry.crc {
            return odd(format!("`{name}` is damaged"));
        }
        Ok(())
    }
}

/// Opens an archive that unpacks to at most `max` bytes.
pub(super) async fn open(file: Option<File>, max: u64) -> Result<Archive, Problem> {
    let opened = spawn_blocking(move || {
        let file = file.ok_or_else(|| io::Error::other("the file was lost"))?;
        let entries = table::read(&file)?;
        let mut total: u64 = 0;
        for (name, entry) in &entries {
            total = total.saturating_add(entry.size);
            if entry.size > SMALL && entry.size / MAX_RATIO > entry.packed {
                return odd(format!("`{name}` unpacks to more than a hundred times its size"));
            }
        }
        if total > max.saturating_add(super::OVERHEAD) {
            return odd(format!("the archive unpacks to more than {max} bytes"));
        }
        Ok(Archive { file, entries })
    });
    Ok(opened.await.map_err(|error| Problem::internal(&error))??)
}

/// All of an entry of at most `max` bytes.
pub(super) async fn read(archive: &Arc<Archive>, name: &str, max: u64) -> Result<Vec<u8>, Problem> {
    let (archive, name) = (Arc::clone(archive), name.to_owned());
    let unpacked = spawn_blocking(move || {
        let mut all = Vec::new();
        archive.unpack(&name, max, |piece| {
            all.extend_from_slice(&piece);
            true
        })?;
        Result::<_, Unreadable>::Ok(all)
    });
    Ok(unpacked.await.map_err(|error| Problem::internal(&error))??)
}

/// The pieces of an entry of at most `max` bytes, unpacked as they are taken.
pub(super) fn pour(
    archive: Arc<Archive>,
    name: &str,
    max: u64,
) -> Result<Receiver<Result<Bytes, Problem>>, Problem> {
    archive.entry(name)?;
    let name = name.to_owned();
    let (pieces, taken) = channel(WAITING);
    spawn_blocking(move || pour_into(&archive, &name, max, &pieces));
    Ok(taken)
}

fn pour_into(archive: &Archive, name: &str, max: u64, pieces: &Sender<Result<Bytes, Problem>>) {
    let unpacked = archive.unpack(name, max, |piece| pieces.blocking_send(Ok(piece)).is_ok());
    if let Err(error) = unpacked {
        // Whoever waits no longer does not need to know.
        let _ = pieces.blocking_send(Err(error.into()));
    }
}

/// A part of a file.
struct Window<'a> {
    file: &'a File,
    at: u64,
    rest: u64,
}

impl<'a> Window<'a> {
    const fn new(file: &'a File, at: u64, rest: u64) -> Self {
        Self { file, at, rest }
    }
}

impl Read for Window<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = usize::try_from(self.rest).unwrap_or(usize::MAX).min(buffer.len());
        let read = match buffer.get_mut(..room) {
            Some(buffer) if room > 0 => self.file.read_at(buffer, self.at)?,
            _ => return Ok(0),
        };
        let length = u64::try_from(read).unwrap_or_default();
        self.at += length;
        self.rest -= length;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use proptest::prelude::*;
    use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

    use super::*;

    fn archive(large: bool) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, method) in [
            ("assistant.json", CompressionMethod::Deflated),
            ("files/x", CompressionMethod::Stored),
        ] {
            let options = SimpleFileOptions::default().compression_method(method);
            zip.start_file(name, options.large_file(large)).unwrap();
            zip.write_all(&name.repeat(20).into_bytes()).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    fn open(bytes: &[u8]) -> Result<Archive, Unreadable> {
        let mut file = tempfile::tempfile()?;
        file.write_all(bytes)?;
        let entries = table::read(&file)?;
        Ok(Archive { file, entries })
    }

    fn unpacked(archive: &Archive, name: &str) -> Result<Vec<u8>, Unreadable> {
        let mut all = Vec::new();
        archive.unpack(name, 1_000, |piece| {
            all.extend_from_slice(&piece);
            true
        })?;
        Ok(all)
    }

    #[test]
    fn entries_come_out_as_they_went_in() {
        for large in [false, true] {
            let archive = open(&archive(large)).unwrap();
            for name in ["assistant.json", "files/x"] {
                assert_eq!(unpacked(&archive, name).unwrap(), name.repeat(20).into_bytes());
            }
        }
    }

    proptest! {
        #[test]
        fn whatever_is_changed_in_an_archive_it_is_read_right_or_refused(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
            large: bool,
        ) {
            let mut bytes = archive(large);
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            match open(&bytes) {
                Ok(archive) => for name in archive.names() {
                    let unpacked = unpacked(&archive, name);
                    prop_assert!(!matches!(unpacked, Err(Unreadable::Io(_))), "{:?}", unpacked);
                },
                Err(error) => prop_assert!(matches!(error, Unreadable::Broken(_)), "{}", error),
            }
        }

        #[test]
        fn nothing_that_is_sent_makes_the_reader_stumble(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            head in prop::sample::select(vec![&b""[..], b"PK\x01\x02", b"PK\x06\x06"]),
        ) {
            let end = b"PK\x05\x06\0\0\0\0\x01\0\x01\0\x2e\0\0\0\0\0\0\0\0\0";
            let bytes = [head, &bytes, end].concat();
            prop_assert!(!matches!(open(&bytes), Err(Unreadable::Io(_))));
        }
    }
}
