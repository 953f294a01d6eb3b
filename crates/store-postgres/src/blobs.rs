//! The ledger of blobs, and what was extracted from documents.

use async_trait::async_trait;
use diesel::{
    Queryable, Selectable,
    sql_types::{BigInt, Binary, Bool, Json as SqlJson, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use understudy_domain::{
    Blob, Digest, Extraction, ExtractionOutcome, Timestamp,
    ports::{BlobLedger, StoreResult},
};

use crate::{
    errors::{corrupt, on_write},
    names::Namer,
    schema::extractions,
    sql::Sql,
    unit_of_work::PgUnitOfWork,
    values::{Json, JsonText, Key, Moment, Sum},
};

/// An extraction as it is stored.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = extractions, check_for_backend(diesel::pg::Pg))]
pub(crate) struct ExtractionRow {
    organization_id: Key,
    source: Sum,
    outcome: Json<ExtractionOutcome>,
    created_at: Moment,
}

impl From<ExtractionRow> for Extraction {
    fn from(row: ExtractionRow) -> Self {
        Self {
            organization: row.organization_id.id(),
            source: row.source.0,
            outcome: row.outcome.0,
            created_at: row.created_at.0,
        }
    }
}

#[async_trait]
impl BlobLedger for PgUnitOfWork {
    #[tracing::instrument(name = "db.blobs.touch", skip_all)]
    async fn touch(&mut self, blob: Blob, now: Timestamp) -> StoreResult<()> {
        // An upsert also waits for whoever deletes the row, and then adds it anew.
        Sql::<()>::new(
            "INSERT INTO blobs (organization_id, digest, size, touched_at) VALUES (?, ?, ?, ?) \
             ON CONFLICT (organization_id, digest) DO UPDATE \
             SET touched_at = greatest(blobs.touched_at, excluded.touched_at)",
        )
        .bind::<SqlUuid, _>(self.tenant())
        .bind::<Binary, _>(Sum(blob.digest))
        .bind::<BigInt, _>(i64::try_from(blob.size).map_err(corrupt("blobs"))?)
        .bind::<Timestamptz, _>(Moment(now))
        .execute(self.conn()?)
        .await
        .map_err(on_write("blobs"))?;
        Ok(())
    }

    #[tracing::instrument(name = "db.blobs.forget", skip_all)]
    async fn forget(&mut self, digest: Digest, before: Timestamp) -> StoreResult<bool> {
        Sql::<Bool>::new("SELECT forget_blob(?, ?, ?)")
            .bind::<SqlUuid, _>(self.tenant())
            .bind::<Binary, _>(Sum(digest))
            .bind::<Timestamptz, _>(Moment(before))
            .get_result(self.conn()?)
            .await
            .map_err(on_write("blobs"))
    }

    #[tracing::instrument(name = "db.blobs.save_extraction", skip_all)]
    async fn save_extraction(&mut self, extraction: &Extraction) -> StoreResult<()> {
        let tenant = Key::from(extraction.organization);
        let conn = self.conn()?;
        Sql::<()>::new(
            "INSERT INTO extractions (organization_id, source, outcome, created_at) \
             VALUES (?, ?, ?, ?) ON CONFLICT (organization_id, source) DO UPDATE \
             SET outcome = excluded.outcome, created_at = excluded.created_at",
        )
        .bind::<SqlUuid, _>(tenant)
        .bind::<Binary, _>(Sum(extraction.source))
        .bind::<SqlJson, _>(JsonText::of(&extraction.outcome)?)
        .bind::<Timestamptz, _>(Moment(extraction.created_at))
        .execute(conn)
        .await
        .map_err(on_write("extractions"))?;
        // A document that holds itself is not kept by that.
        let named = extraction.blobs().filter(|blob| blob.digest != extraction.source);
        Namer::extraction(tenant, extraction.source).rename(conn, named).await
    }
}
