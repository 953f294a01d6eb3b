//! The ledger of blobs, and what was extracted from documents.

use async_trait::async_trait;
use diesel::{
    ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable, RunQueryDsl, Selectable,
    SelectableHelper, SqliteConnection,
    dsl::{exists, not},
};
use understudy_domain::{
    Blob, Digest, Extraction, ExtractionOutcome, Timestamp,
    ports::{BlobLedger, StoreResult},
};

use crate::{
    errors::{corrupt, on_read, on_write},
    names::Namer,
    schema::{blob_names, blobs, extractions},
    sql::Sql,
    unit_of_work::SqliteUnitOfWork,
    values::{Json, Key, Micros, Sum},
};

#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = extractions, check_for_backend(diesel::sqlite::Sqlite))]
struct ExtractionRow {
    organization_id: Key,
    source: Sum,
    outcome: Json<ExtractionOutcome>,
    created_at: Micros,
}

impl From<&Extraction> for ExtractionRow {
    fn from(extraction: &Extraction) -> Self {
        Self {
            organization_id: extraction.organization.into(),
            source: Sum(extraction.source),
            outcome: Json(extraction.outcome.clone()),
            created_at: Micros(extraction.created_at),
        }
    }
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

/// What was extracted from the document, or `None`.
pub(crate) fn extraction(
    conn: &mut SqliteConnection,
    tenant: Key,
    source: Digest,
) -> StoreResult<Option<Extraction>> {
    let row = extractions::table.find((tenant, Sum(source)));
    let row = row.select(ExtractionRow::as_select()).first(conn).optional();
    Ok(row.map_err(on_read("extractions"))?.map(Extraction::from))
}

fn touch(conn: &mut SqliteConnection, tenant: Key, blob: Blob, now: Timestamp) -> StoreResult<()> {
    let size = i64::try_from(blob.size).map_err(corrupt("blobs"))?;
    let mut upsert =
        Sql::<()>::new("INSERT INTO blobs (organization_id, digest, size, touched_at) VALUES (");
    upsert.word(tenant.text()).text(", ").digest(blob.digest).text(", ");
    upsert.number(size).text(", ").number(now.unix_micros());
    upsert.text(") ON CONFLICT DO UPDATE SET touched_at = max(touched_at, excluded.touched_at)");
    upsert.execute(conn).map_err(on_write("blobs"))?;
    Ok(())
}

fn forget(
    conn: &mut SqliteConnection,
    tenant: Key,
    digest: Digest,
    before: Timestamp,
) -> StoreResult<bool> {
    let names = blob_names::table
        .filter(blob_names::organization_id.eq(tenant))
        .filter(blob_names::digest.eq(Sum(digest)));
    let old = blobs::table
        .find((tenant, Sum(digest)))
        .filter(blobs::touched_at.lt(Micros(before)))
        .filter(not(exists(names)));
    let can_go: bool = diesel::select(exists(old)).get_result(conn).map_err(on_read("blobs"))?;
    if !can_go {
        return Ok(false);
    }
    Namer::extraction(tenant, digest).unname(conn)?;
    diesel::delete(extractions::table.find((tenant, Sum(digest))))
        .execute(conn)
        .map_err(on_write("extractions"))?;
    diesel::delete(blobs::table.find((tenant, Sum(digest))))
        .execute(conn)
        .map_err(on_write("blobs"))?;
    Ok(true)
}

fn save(conn: &mut SqliteConnection, extraction: &Extraction) -> StoreResult<()> {
    let row = ExtractionRow::from(extraction);
    let tenant = row.organization_id;
    // An upsert and no REPLACE, which would delete, and that is restricted.
    diesel::insert_into(extractions::table)
        .values(&row)
        .on_conflict((extractions::organization_id, extractions::source))
        .do_update()
        .set((
            extractions::outcome.eq(row.outcome.clone()),
            extractions::created_at.eq(row.created_at),
        ))
        .execute(conn)
        .map_err(on_write("extractions"))?;
    // A document that holds itself is not kept by that.
    let named = extraction.blobs().filter(|blob| blob.digest != extraction.source);
    Namer::extraction(tenant, extraction.source).rename(conn, named)
}

#[async_trait]
impl BlobLedger for SqliteUnitOfWork {
    async fn touch(&mut self, blob: Blob, now: Timestamp) -> StoreResult<()> {
        let tenant = self.tenant();
        self.run("blobs.touch", move |conn| touch(conn, tenant, blob, now)).await
    }

    async fn forget(&mut self, digest: Digest, before: Timestamp) -> StoreResult<bool> {
        let tenant = self.tenant();
        self.run("blobs.forget", move |conn| forget(conn, tenant, digest, before)).await
    }

    async fn save_extraction(&mut self, extraction: &Extraction) -> StoreResult<()> {
        self.check_tenant("extractions", extraction.organization)?;
        let extraction = extraction.clone();
        self.run("blobs.save_extraction", move |conn| save(conn, &extraction)).await
    }
}
