//! Taking a blob in: a file under `staging`, which gets its name at the end.

use std::{
    fs::File,
    io::{self, Write},
    mem,
    sync::Arc,
};

use async_trait::async_trait;
use bytes::Bytes;
use tempfile::TempPath;
use tokio::task::{JoinHandle, spawn_blocking};
use understudy_domain::{
    Digest, OrganizationId,
    ports::{BlobResult, BlobWriter},
};

use super::files::{Files, blocking};
use crate::errors::{on_file, unavailable};

/// So much is written at once.
const WRITE_BYTES: usize = 1 << 20;

/// A file that is being written. While a thread writes one buffer, the next one
/// fills up.
pub(super) struct FileWriter {
    files: Arc<Files>,
    tenant: OrganizationId,
    stage: Stage,
    buffer: Vec<u8>,
    /// Removes the file when it is dropped.
    path: TempPath,
}

enum Stage {
    /// Nobody writes.
    Free(File),
    /// A thread writes, and gives the file back.
    Busy(JoinHandle<io::Result<File>>),
    /// A write failed.
    Broken,
}

impl FileWriter {
    pub(super) async fn begin(files: Arc<Files>, tenant: OrganizationId) -> BlobResult<Self> {
        blocking(move || {
            let (file, path) = files.stage(tenant).map_err(on_file)?;
            Ok(Self { files, tenant, stage: Stage::Free(file), buffer: Vec::new(), path })
        })
        .await
    }

    /// The file, as soon as nobody writes to it. Who is cancelled here has lost
    /// nothing.
    async fn free(&mut self) -> BlobResult<File> {
        if let Stage::Busy(writing) = &mut self.stage {
            let written = writing.await;
            self.stage = Stage::Broken;
            self.stage = Stage::Free(written.map_err(unavailable)?.map_err(on_file)?);
        }
        match mem::replace(&mut self.stage, Stage::Broken) {
            Stage::Free(file) => Ok(file),
            Stage::Busy(_) | Stage::Broken => Err(unavailable("an earlier write failed")),
        }
    }
}

#[async_trait]
impl BlobWriter for FileWriter {
    async fn write(&mut self, chunk: Bytes) -> BlobResult<()> {
        self.buffer.extend_from_slice(&chunk);
        if self.buffer.len() < WRITE_BYTES {
            return Ok(());
        }
        let mut file = self.free().await?;
        let full = mem::replace(&mut self.buffer, Vec::with_capacity(WRITE_BYTES));
        self.stage = Stage::Busy(spawn_blocking(move || {
            file.write_all(&full)?;
            Ok(file)
        }));
        Ok(())
    }

    async fn finish(mut self: Box<Self>, digest: Digest) -> BlobResult<()> {
        let mut file = self.free().await?;
        let Self { files, tenant, buffer, path, .. } = *self;
        blocking(move || {
            file.write_all(&buffer).map_err(on_file)?;
            file.sync_all().map_err(on_file)?;
            files.publish((tenant, digest), path).map_err(on_file)
        })
        .await
    }

    async fn abandon(mut self: Box<Self>) -> BlobResult<()> {
        // Even if the last write failed, the file has to go.
        drop(self.free().await);
        let Self { path, .. } = *self;
        blocking(move || path.close().map_err(on_file)).await
    }
}
