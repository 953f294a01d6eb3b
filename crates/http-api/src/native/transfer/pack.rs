//! Packs an export as it is sent: no more of it is in memory than a piece.

use std::{
    cell::RefCell,
    io::{self, Write},
    rc::Rc,
    vec,
};

use actix_web::web::{Bytes, Data};
use futures_util::{Stream, stream};
use understudy_domain::{
    OrganizationId,
    ports::{BlobError, BlobReader},
    usecases::transfer::{DOCUMENT, Export, ExportEntry},
};
use zip::{
    CompressionMethod, DateTime, ZipWriter,
    result::ZipError,
    write::{SimpleFileOptions, StreamWriter},
};

use crate::{problem::chain, server::State};

/// The bytes of the archive, the next when those before were sent.
pub(super) fn packed(
    export: Export,
    state: Data<State>,
) -> impl Stream<Item = io::Result<Bytes>> + 'static {
    let packing = Packing::new(export, state);
    stream::unfold(Some(packing), async |packing| {
        let mut packing = packing?;
        match packing.next().await {
            Ok(None) => None,
            Ok(Some(piece)) => Some((Ok(piece), Some(packing))),
            Err(error) => {
                // The head of the answer is gone already: all that is left is to
                // break it off.
                tracing::error!(error = %chain(&error), "an export was broken off");
                Some((Err(io::Error::other(error)), None))
            }
        }
    })
}

#[derive(Debug, thiserror::Error)]
enum PackError {
    #[error("the blob store could not give a file")]
    Blobs(#[from] BlobError),
    #[error("the archive could not be written")]
    Zip(#[from] ZipError),
    #[error("the archive could not be written")]
    Write(#[from] io::Error),
}

/// What was written and not sent yet.
#[derive(Clone, Default)]
struct Written(Rc<RefCell<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Packing {
    state: Data<State>,
    organization: OrganizationId,
    /// `None` when it is finished.
    zip: Option<ZipWriter<StreamWriter<Written>>>,
    written: Written,
    document: Option<Vec<u8>>,
    entries: vec::IntoIter<ExportEntry>,
    reader: Option<Box<dyn BlobReader>>,
}

impl Packing {
    fn new(export: Export, state: Data<State>) -> Self {
        let Export { organization, document, entries, .. } = export;
        let written = Written::default();
        Self {
            state,
            organization,
            zip: Some(ZipWriter::new_stream(written.clone())),
            written,
            document: Some(document),
            entries: entries.into_iter(),
            reader: None,
        }
    }

    async fn next(&mut self) -> Result<Option<Bytes>, PackError> {
        loop {
            let written = std::mem::take(&mut *self.written.0.borrow_mut());
            if !written.is_empty() {
                return Ok(Some(written.into()));
            }
            let Some(zip) = &mut self.zip else { return Ok(None) };
            if let Some(reader) = &mut self.reader {
                match reader.next().await? {
                    Some(piece) => zip.write_all(&piece)?,
                    None => self.reader = None,
                }
            } else if let Some(document) = self.document.take() {
                zip.start_file(DOCUMENT, options(CompressionMethod::Deflated))?;
                zip.write_all(&document)?;
            } else if let Some(ExportEntry { name, blob }) = self.entries.next() {
                let is_large = blob.size >= u64::from(u32::MAX);
                let options = options(CompressionMethod::Stored).large_file(is_large);
                zip.start_file(name, options)?;
                let blobs = &self.state.services.blobs;
                self.reader = Some(blobs.read(self.organization, blob.digest, None).await?);
            } else if let Some(zip) = self.zip.take() {
                zip.finish()?;
            }
        }
    }
}

/// Always the same time, so that the same state gives the same archive.
fn options(method: CompressionMethod) -> SimpleFileOptions {
    let options = SimpleFileOptions::default().compression_method(method);
    options.last_modified_time(DateTime::default()).unix_permissions(0o644)
}
