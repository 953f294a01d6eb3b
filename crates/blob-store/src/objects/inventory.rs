//! What a bucket holds.

use std::future::ready;

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt};
use object_store::{ObjectMeta, ObjectStore, PutOptions, PutPayload};
use understudy_domain::{
    Blob, Digest, OrganizationId, Timestamp,
    ports::{BlobInventory, BlobResult, StoredBlob},
};

use super::{ObjectBlobs, Objects};
use crate::{
    errors::on_upload,
    layout::{self, BLOBS, STAGING},
};

/// The name of the object that is written to see whether one can be.
const PING: &str = "ping";

#[async_trait]
impl BlobInventory for ObjectBlobs {
    async fn list(
        &self,
        after: Option<(OrganizationId, Digest)>,
        limit: usize,
    ) -> BlobResult<Vec<StoredBlob>> {
        let Objects { store, .. } = &*self.objects;
        let folder = self.objects.path(BLOBS);
        let listed = match after {
            None => store.list(Some(&folder)),
            Some((tenant, digest)) => {
                store.list_with_offset(Some(&folder), &self.objects.blob(tenant, digest))
            }
        };
        listed
            .try_filter_map(|meta| ready(Ok(self.objects.stored(&meta))))
            .take(limit)
            .try_collect()
            .await
            .map_err(on_upload)
    }

    /// It does not see the parts of uploads that were neither finished nor
    /// aborted, which are left when a process is killed: only the bucket's
    /// lifecycle rule `AbortIncompleteMultipartUpload` removes those.
    async fn remove_unfinished(&self, before: Timestamp) -> BlobResult<u64> {
        let mut staged = self.objects.store.list(Some(&self.objects.path(STAGING)));
        let mut removed = 0;
        while let Some(meta) = staged.next().await.transpose().map_err(on_upload)? {
            if modified(&meta).is_some_and(|at| at < before) {
                self.objects.remove(&meta.location).await?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    async fn ping(&self) -> BlobResult<()> {
        // A name of its own: several of us may ask at the same time.
        let path = self.objects.path(&format!("{PING}/{}", layout::random()?));
        let payload = PutPayload::from_static(PING.as_bytes());
        let put = self.objects.store.put_opts(&path, payload, PutOptions::default()).await;
        put.map_err(on_upload)?;
        self.objects.remove(&path).await
    }
}

impl Objects {
    /// The blob that this object is; `None` when it is something else.
    fn stored(&self, meta: &ObjectMeta) -> Option<StoredBlob> {
        let (organization, digest) = layout::parse_blob(&self.name(&meta.location)?)?;
        let blob = Blob { digest, size: meta.size };
        Some(StoredBlob { organization, blob, modified_at: modified(meta)? })
    }
}

fn modified(meta: &ObjectMeta) -> Option<Timestamp> {
    Timestamp::from_unix_micros(meta.last_modified.timestamp_micros())
}
