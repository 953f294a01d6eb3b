//! Reading uploads, pictures, extractions, providers and usage.

use async_trait::async_trait;
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, SelectableHelper, sql_types::Text};
use diesel_async::RunQueryDsl;
use understudy_domain::{
    AssistantId, Digest, Extraction, Image, ImageId, OrganizationId, Provider, Upload, UploadId,
    UsageTotal, UserId,
    ports::{ContentQueries, StoreResult, UploadListQuery, UsageFilter},
};
use uuid::Uuid;

use crate::{
    blobs::ExtractionRow,
    errors::on_read,
    images, providers, schema,
    sql::Sql,
    store::PgStore,
    transaction::Transaction,
    uploads,
    usage::{TotalRow, totals},
    values::{Key, Sum, comparable},
};

#[async_trait]
impl ContentQueries for PgStore {
    #[tracing::instrument(name = "db.uploads.read", skip_all)]
    async fn upload(&self, tenant: OrganizationId, id: UploadId) -> StoreResult<Option<Upload>> {
        let upload = schema::uploads::table.find((Key::from(tenant), Key::from(id)));
        let upload = upload.select(uploads::Row::as_select());
        let rows: Vec<uploads::Row> = Transaction::read(&self.connections, tenant, upload)
            .await?
            .map_err(on_read("uploads"))?;
        rows.into_iter().next().map(Upload::try_from).transpose()
    }

    #[tracing::instrument(name = "db.uploads.list", skip_all)]
    async fn uploads(
        &self,
        tenant: OrganizationId,
        query: &UploadListQuery,
    ) -> StoreResult<Vec<Upload>> {
        let page = uploads::page(tenant, query);
        let rows: Vec<uploads::Row> = Transaction::read(&self.connections, tenant, page)
            .await?
            .map_err(on_read("uploads"))?;
        rows.into_iter().map(Upload::try_from).collect()
    }

    #[tracing::instrument(name = "db.images.by_key", skip_all)]
    async fn image_by_key(&self, key: &str) -> StoreResult<Option<Image>> {
        let mut conn = self.connections.get().await?;
        let row = Sql::<images::RowTypes>::new(
            "SELECT organization_id, id, user_id, assistant_id, key, digest, size, created_at, \
             origin FROM find_image(?)",
        )
        .bind::<Text, _>(comparable(key.to_owned()))
        .get_result::<images::Row>(&mut conn)
        .await;
        row.optional().map_err(on_read("images"))?.map(Image::try_from).transpose()
    }

    #[tracing::instrument(name = "db.images.list", skip_all)]
    async fn images(
        &self,
        tenant: OrganizationId,
        user: Option<UserId>,
        before: Option<ImageId>,
        limit: u32,
    ) -> StoreResult<Vec<Image>> {
        // Ids are of version 7, so the largest of all is never one of them.
        let before = before.map_or(Key(Uuid::max()), Key::from);
        let page = images::generated(tenant.into(), before)
            .limit(limit.into())
            .select(images::Row::as_select());
        let rows: Vec<images::Row> = match user {
            None => Transaction::read(&self.connections, tenant, page).await?,
            Some(user) => {
                let page = page.filter(schema::images::user_id.eq(Key::from(user)));
                Transaction::read(&self.connections, tenant, page).await?
            }
        }
        .map_err(on_read("images"))?;
        rows.into_iter().map(Image::try_from).collect()
    }

    #[tracing::instrument(name = "db.images.avatar", skip_all)]
    async fn avatar(
        &self,
        tenant: OrganizationId,
        assistant: AssistantId,
    ) -> StoreResult<Option<Image>> {
        let newest = images::avatars(tenant.into(), assistant.into())
            .limit(1)
            .select(images::Row::as_select());
        let rows: Vec<images::Row> = Transaction::read(&self.connections, tenant, newest)
            .await?
            .map_err(on_read("images"))?;
        rows.into_iter().next().map(Image::try_from).transpose()
    }

    #[tracing::instrument(name = "db.extractions.read", skip_all)]
    async fn extraction(
        &self,
        tenant: OrganizationId,
        source: Digest,
    ) -> StoreResult<Option<Extraction>> {
        let extraction = schema::extractions::table
            .find((Key::from(tenant), Sum(source)))
            .select(ExtractionRow::as_select());
        let rows: Vec<ExtractionRow> = Transaction::read(&self.connections, tenant, extraction)
            .await?
            .map_err(on_read("extractions"))?;
        Ok(rows.into_iter().next().map(Extraction::from))
    }

    #[tracing::instrument(name = "db.providers.list", skip_all)]
    async fn providers(&self, tenant: OrganizationId) -> StoreResult<Vec<Provider>> {
        let all = schema::providers::table
            .filter(schema::providers::organization_id.eq(Key::from(tenant)))
            .order((schema::providers::priority, schema::providers::name_key))
            .select(providers::Row::as_select());
        let rows: Vec<providers::Row> = Transaction::read(&self.connections, tenant, all)
            .await?
            .map_err(on_read("providers"))?;
        rows.into_iter().map(Provider::try_from).collect()
    }

    #[tracing::instrument(name = "db.usage.count", skip_all)]
    async fn usage(
        &self,
        tenant: OrganizationId,
        filter: &UsageFilter,
    ) -> StoreResult<Vec<UsageTotal>> {
        let totals = totals(tenant, filter);
        let rows: Vec<TotalRow> = Transaction::read(&self.connections, tenant, totals)
            .await?
            .map_err(on_read("usage"))?;
        rows.into_iter().map(UsageTotal::try_from).collect()
    }
}
