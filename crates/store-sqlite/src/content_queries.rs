//! Reading uploads, pictures, extractions, providers and usage.

use async_trait::async_trait;
use understudy_domain::{
    AssistantId, Digest, Extraction, Image, ImageId, OrganizationId, Provider, Upload, UploadId,
    UsageTotal, UserId,
    ports::{ContentQueries, StoreResult, UploadListQuery, UsageFilter},
};

use crate::{blobs, images, providers, store::SqliteStore, uploads, usage};

#[async_trait]
impl ContentQueries for SqliteStore {
    async fn upload(&self, tenant: OrganizationId, id: UploadId) -> StoreResult<Option<Upload>> {
        self.readers
            .run("content.upload", move |conn| uploads::find(conn, tenant.into(), id.into()))
            .await
    }

    async fn uploads(
        &self,
        tenant: OrganizationId,
        query: &UploadListQuery,
    ) -> StoreResult<Vec<Upload>> {
        let query = *query;
        self.readers
            .run("content.uploads", move |conn| uploads::list(conn, tenant.into(), &query))
            .await
    }

    async fn image_by_key(&self, key: &str) -> StoreResult<Option<Image>> {
        let key = key.to_owned();
        self.readers.glance("content.image_by_key", move |conn| images::by_key(conn, &key)).await
    }

    async fn images(
        &self,
        tenant: OrganizationId,
        user: Option<UserId>,
        before: Option<ImageId>,
        limit: u32,
    ) -> StoreResult<Vec<Image>> {
        self.readers
            .run("content.images", move |conn| {
                images::list(conn, tenant.into(), user, before, limit)
            })
            .await
    }

    async fn avatar(
        &self,
        tenant: OrganizationId,
        assistant: AssistantId,
    ) -> StoreResult<Option<Image>> {
        self.readers
            .glance("content.avatar", move |conn| {
                images::avatar(conn, tenant.into(), assistant.into())
            })
            .await
    }

    async fn extraction(
        &self,
        tenant: OrganizationId,
        source: Digest,
    ) -> StoreResult<Option<Extraction>> {
        self.readers
            .run("content.extraction", move |conn| blobs::extraction(conn, tenant.into(), source))
            .await
    }

    async fn providers(&self, tenant: OrganizationId) -> StoreResult<Vec<Provider>> {
        self.readers
            .glance("content.providers", move |conn| providers::all(conn, tenant.into()))
            .await
    }

    async fn usage(
        &self,
        tenant: OrganizationId,
        filter: &UsageFilter,
    ) -> StoreResult<Vec<UsageTotal>> {
        let filter = filter.clone();
        self.readers
            .run("content.usage", move |conn| usage::count(conn, tenant.into(), &filter))
            .await
    }
}
