//! Finds, in all organizations, what is to be swept out or checked.

use async_trait::async_trait;
use diesel::sql_types::{Array, BigInt, Binary, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use understudy_domain::{
    Blob, Digest, OrganizationId, Timestamp, UploadId,
    ports::{Housekeeping, StoreResult},
};
use uuid::Uuid;

use crate::{
    errors::on_read,
    sql::Sql,
    store::PgStore,
    values::{Key, Moment, Sum},
};

fn found(rows: Vec<(Key, Sum)>) -> Vec<(OrganizationId, Digest)> {
    rows.into_iter().map(|(tenant, sum)| (tenant.id(), sum.0)).collect()
}

#[async_trait]
impl Housekeeping for PgStore {
    #[tracing::instrument(name = "db.housekeeping.expired_uploads", skip_all)]
    async fn expired_uploads(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> StoreResult<Vec<(OrganizationId, UploadId)>> {
        let mut conn = self.connections.get().await?;
        let rows = Sql::<(SqlUuid, SqlUuid)>::new("SELECT * FROM find_expired_uploads(?, ?)")
            .bind::<Timestamptz, _>(Moment(now))
            .bind::<BigInt, _>(i64::from(limit))
            .load::<(Key, Key)>(&mut conn)
            .await
            .map_err(on_read("uploads"))?;
        Ok(rows.into_iter().map(|(tenant, id)| (tenant.id(), id.id())).collect())
    }

    #[tracing::instrument(name = "db.housekeeping.unnamed_blobs", skip_all)]
    async fn unnamed_blobs(
        &self,
        before: Timestamp,
        limit: u32,
    ) -> StoreResult<Vec<(OrganizationId, Digest)>> {
        let mut conn = self.connections.get().await?;
        let rows = Sql::<(SqlUuid, Binary)>::new("SELECT * FROM find_unnamed_blobs(?, ?)")
            .bind::<Timestamptz, _>(Moment(before))
            .bind::<BigInt, _>(i64::from(limit))
            .load(&mut conn)
            .await
            .map_err(on_read("blobs"))?;
        Ok(found(rows))
    }

    #[tracing::instrument(name = "db.housekeeping.named_blobs", skip_all)]
    async fn named_blobs(
        &self,
        after: Option<(OrganizationId, Digest)>,
        limit: u32,
    ) -> StoreResult<Vec<(OrganizationId, Blob)>> {
        // No organization has the nil UUID, so all come behind it.
        let (tenant, digest) = match after {
            Some((tenant, digest)) => (Key::from(tenant), digest),
            None => (Key(Uuid::nil()), Digest::from_bytes([0; 32])),
        };
        let mut conn = self.connections.get().await?;
        let rows = Sql::<(SqlUuid, Binary, BigInt)>::new("SELECT * FROM find_named_blobs(?, ?, ?)")
            .bind::<SqlUuid, _>(tenant)
            .bind::<Binary, _>(Sum(digest))
            .bind::<BigInt, _>(i64::from(limit))
            .load::<(Key, Sum, i64)>(&mut conn)
            .await
            .map_err(on_read("blobs"))?;
        let blob =
            |(tenant, sum, size): (Key, Sum, i64)| Ok((tenant.id(), sum.blob("blobs", size)?));
        rows.into_iter().map(blob).collect()
    }

    #[tracing::instrument(name = "db.housekeeping.organizations", skip_all)]
    async fn organizations(
        &self,
        after: Option<OrganizationId>,
        limit: u32,
    ) -> StoreResult<Vec<OrganizationId>> {
        let after = after.map_or(Key(Uuid::nil()), Key::from);
        let mut conn = self.connections.get().await?;
        let ids = Sql::<SqlUuid>::new("SELECT * FROM list_organizations(?, ?)")
            .bind::<SqlUuid, _>(after)
            .bind::<BigInt, _>(i64::from(limit))
            .load::<Key>(&mut conn)
            .await
            .map_err(on_read("organizations"))?;
        Ok(ids.into_iter().map(Key::id).collect())
    }

    #[tracing::instrument(name = "db.housekeeping.known_blobs", skip_all)]
    async fn known_blobs(
        &self,
        blobs: &[(OrganizationId, Digest)],
    ) -> StoreResult<Vec<(OrganizationId, Digest)>> {
        let (tenants, digests): (Vec<Key>, Vec<Sum>) =
            blobs.iter().map(|(tenant, digest)| (Key::from(*tenant), Sum(*digest))).unzip();
        let mut conn = self.connections.get().await?;
        let rows = Sql::<(SqlUuid, Binary)>::new("SELECT * FROM find_known_blobs(?, ?)")
            .bind::<Array<SqlUuid>, _>(tenants)
            .bind::<Array<Binary>, _>(digests)
            .load(&mut conn)
            .await
            .map_err(on_read("blobs"))?;
        Ok(found(rows))
    }
}
