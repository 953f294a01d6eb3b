//! Finds, in all organizations, what is to be swept out or checked.

use async_trait::async_trait;
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl,
    dsl::auto_type,
    sql_types::{BigInt, Binary, Text},
};
use understudy_domain::{
    Blob, Digest, OrganizationId, Timestamp, UploadId,
    ports::{Housekeeping, StoreResult},
};

use crate::{
    errors::{corrupt, on_read},
    schema::{blobs, organizations, uploads},
    sql::Sql,
    store::SqliteStore,
    values::{Key, Micros, Sum},
};

#[auto_type(no_type_alias)]
pub(crate) fn expired(now: Micros) -> _ {
    uploads::table.filter(uploads::expires_at.le(now)).order(uploads::expires_at)
}

/// Organization and digest of blobs that no row names, the oldest first.
pub(crate) fn unnamed(before: Timestamp, limit: u32) -> Sql<(Text, Binary)> {
    let mut sql = Sql::new(
        "SELECT b.organization_id, b.digest FROM blobs b INDEXED BY blobs_by_age \
         WHERE b.touched_at < ",
    );
    sql.number(before.unix_micros());
    sql.text(
        " AND NOT EXISTS (SELECT 1 FROM blob_names n \
         WHERE n.organization_id = b.organization_id AND n.digest = b.digest) \
         ORDER BY b.touched_at LIMIT ",
    );
    sql.number(i64::from(limit));
    sql
}

/// Organization, digest and size of blobs that rows name, in order.
pub(crate) fn named(
    after: Option<(OrganizationId, Digest)>,
    limit: u32,
) -> Sql<(Text, Binary, BigInt)> {
    let mut sql = Sql::new(
        "SELECT b.organization_id, b.digest, b.size FROM blobs b \
         WHERE (b.organization_id, b.digest) > (",
    );
    // The empty text comes before every organization.
    sql.word(after.map_or_else(String::new, |(tenant, _)| Key::from(tenant).text()));
    sql.text(", ");
    sql.digest(after.map_or(Digest::from_bytes([0; 32]), |(_, digest)| digest));
    sql.text(
        ") AND EXISTS (SELECT 1 FROM blob_names n \
         WHERE n.organization_id = b.organization_id AND n.digest = b.digest) \
         ORDER BY b.organization_id, b.digest LIMIT ",
    );
    sql.number(i64::from(limit));
    sql
}

#[async_trait]
impl Housekeeping for SqliteStore {
    async fn expired_uploads(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> StoreResult<Vec<(OrganizationId, UploadId)>> {
        self.readers
            .run("housekeeping.expired_uploads", move |conn| {
                let rows: Vec<(Key, Key)> = expired(Micros(now))
                    .limit(limit.into())
                    .select((uploads::organization_id, uploads::id))
                    .load(conn)
                    .map_err(on_read("uploads"))?;
                Ok(rows.into_iter().map(|(tenant, id)| (tenant.id(), id.id())).collect())
            })
            .await
    }

    async fn unnamed_blobs(
        &self,
        before: Timestamp,
        limit: u32,
    ) -> StoreResult<Vec<(OrganizationId, Digest)>> {
        self.readers
            .run("housekeeping.unnamed_blobs", move |conn| {
                let rows = unnamed(before, limit).load::<(Key, Sum)>(conn);
                let rows = rows.map_err(on_read("blobs"))?;
                Ok(rows.into_iter().map(|(tenant, sum)| (tenant.id(), sum.0)).collect())
            })
            .await
    }

    async fn named_blobs(
        &self,
        after: Option<(OrganizationId, Digest)>,
        limit: u32,
    ) -> StoreResult<Vec<(OrganizationId, Blob)>> {
        self.readers
            .run("housekeeping.named_blobs", move |conn| {
                let rows = named(after, limit).load::<(Key, Sum, i64)>(conn);
                let blob = |(tenant, Sum(digest), size): (Key, Sum, i64)| {
                    let size = u64::try_from(size).map_err(corrupt("blobs"))?;
                    Ok((tenant.id(), Blob { digest, size }))
                };
                rows.map_err(on_read("blobs"))?.into_iter().map(blob).collect()
            })
            .await
    }

    async fn organizations(
        &self,
        after: Option<OrganizationId>,
        limit: u32,
    ) -> StoreResult<Vec<OrganizationId>> {
        self.readers
            .run("housekeeping.organizations", move |conn| {
                // The empty text comes before every organization.
                let after = after.map_or_else(String::new, |tenant| Key::from(tenant).text());
                let ids: Vec<Key> = organizations::table
                    .filter(organizations::id.gt(after))
                    .order(organizations::id)
                    .limit(limit.into())
                    .select(organizations::id)
                    .load(conn)
                    .map_err(on_read("organizations"))?;
                Ok(ids.into_iter().map(Key::id).collect())
            })
            .await
    }

    async fn known_blobs(
        &self,
        blobs: &[(OrganizationId, Digest)],
    ) -> StoreResult<Vec<(OrganizationId, Digest)>> {
        let asked = blobs.to_vec();
        self.readers
            .run("housekeeping.known_blobs", move |conn| {
                let mut known = Vec::with_capacity(asked.len());
                for (tenant, digest) in asked {
                    let blob = blobs::table.find((Key::from(tenant), Sum(digest)));
                    let size = blob.select(blobs::size).first::<i64>(conn).optional();
                    known.extend(size.map_err(on_read("blobs"))?.map(|_| (tenant, digest)));
                }
                Ok(known)
            })
            .await
    }
}
