//! Taking a blob in as an object.

use std::{mem, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use object_store::{
    Attribute, Attributes, ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions,
    PutPayload, WriteMultipart, path::Path,
};
use tokio::runtime::Handle;
use understudy_domain::{
    Digest, OrganizationId,
    ports::{BlobResult, BlobWriter},
};

use super::Objects;
use crate::{
    errors::{on_upload, unavailable},
    layout,
};

/// So much goes in one request. A blob that is not larger waits here for its
/// digest, and needs no staging.
const PART_BYTES: usize = 8 << 20;
/// How many parts are on their way at once.
const PARTS: usize = 2;

/// A blob that is being written, in memory as long as it is small.
pub(super) struct ObjectWriter {
    objects: Arc<Objects>,
    tenant: OrganizationId,
    /// What is not on its way yet, at most a part.
    buffer: Vec<u8>,
    staged: Option<Staged>,
    /// Set while a write is going on: one that was cancelled or failed has left
    /// bytes out.
    incomplete: bool,
}

/// A large blob: an object under `staging`, which comes to be at the end.
struct Staged {
    path: Path,
    /// There until it is finished or aborted.
    upload: Option<WriteMultipart>,
}

impl ObjectWriter {
    pub(super) fn new(objects: Arc<Objects>, tenant: OrganizationId) -> Self {
        Self { objects, tenant, buffer: Vec::new(), staged: None, incomplete: false }
    }

    /// Sends what is in the buffer as a part.
    async fn send(&mut self) -> BlobResult<()> {
        if self.staged.is_none() {
            let path = self.objects.path(&layout::staging(self.tenant)?);
            let options = PutMultipartOptions { attributes: harmless(), ..Default::default() };
            let store = &self.objects.store;
            let upload = store.put_multipart_opts(&path, options).await.map_err(on_upload)?;
            let upload = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
            self.staged = Some(Staged { path, upload: Some(upload) });
        }
        let upload = self.staged.as_mut().and_then(|staged| staged.upload.as_mut());
        if let Some(upload) = upload {
            upload.wait_for_capacity(PARTS).await.map_err(on_upload)?;
            upload.put(mem::take(&mut self.buffer).into());
        }
        Ok(())
    }
}

#[async_trait]
impl BlobWriter for ObjectWriter {
    async fn write(&mut self, mut chunk: Bytes) -> BlobResult<()> {
        if mem::replace(&mut self.incomplete, true) {
            return Err(unavailable("an earlier write failed"));
        }
        while !chunk.is_empty() {
            if self.buffer.len() == PART_BYTES {
                self.send().await?;
            }
            let room = PART_BYTES - self.buffer.len();
            self.buffer.extend_from_slice(&chunk.split_to(room.min(chunk.len())));
        }
        self.incomplete = false;
        Ok(())
    }

    async fn finish(self: Box<Self>, digest: Digest) -> BlobResult<()> {
        let Self { objects, tenant, buffer, staged, incomplete } = *self;
        if incomplete {
            return Err(unavailable("an earlier write failed"));
        }
        match staged {
            None => objects.put((tenant, digest), buffer.into()).await,
            Some(staged) => staged.finish(&objects, (tenant, digest), buffer.into()).await,
        }
    }

    async fn abandon(self: Box<Self>) -> BlobResult<()> {
        let upload = self.staged.and_then(|mut staged| staged.upload.take());
        match upload {
            Some(upload) => upload.abort().await.map_err(on_upload),
            None => Ok(()),
        }
    }
}

impl Staged {
    async fn finish(
        mut self,
        objects: &Objects,
        key: (OrganizationId, Digest),
        rest: Bytes,
    ) -> BlobResult<()> {
        if let Some(mut upload) = self.upload.take() {
            upload.put(rest);
            upload.finish().await.map_err(on_upload)?;
        }
        let published = objects.publish(key, &self.path).await;
        // If it cannot be removed now, it is when somebody sweeps.
        let _ = objects.remove(&self.path).await;
        published
    }
}

impl Drop for Staged {
    /// Parts of an upload that is neither finished nor aborted are kept, paid for
    /// and shown to nobody, so this tries to abort it.
    fn drop(&mut self) {
        if let (Some(upload), Ok(runtime)) = (self.upload.take(), Handle::try_current()) {
            runtime.spawn(async {
                let _ = upload.abort().await;
            });
        }
    }
}

impl Objects {
    /// Writes a small blob to its place.
    ///
    /// Looking first, instead of asking to write only what is not there: not every
    /// service has that, and those that have it answer 'conflict' also when the
    /// other write may still fail.
    async fn put(&self, key: (OrganizationId, Digest), bytes: Bytes) -> BlobResult<()> {
        if self.size(key.0, key.1).await?.is_some() {
            return Ok(());
        }
        let options = PutOptions { attributes: harmless(), ..PutOptions::default() };
        let payload = PutPayload::from(bytes);
        let put = self.store.put_opts(&self.blob(key.0, key.1), payload, options).await;
        put.map(drop).map_err(on_upload)
    }

    /// Copies a large blob to its place.
    async fn publish(&self, key: (OrganizationId, Digest), staged: &Path) -> BlobResult<()> {
        if self.size(key.0, key.1).await?.is_some() {
            return Ok(());
        }
        self.store.copy(staged, &self.blob(key.0, key.1)).await.map_err(on_upload)
    }
}

/// What makes a browser save the bytes, whoever hands it a link to them.
fn harmless() -> Attributes {
    Attributes::from_iter([
        (Attribute::ContentType, "application/octet-stream"),
        (Attribute::ContentDisposition, "attachment"),
    ])
}
