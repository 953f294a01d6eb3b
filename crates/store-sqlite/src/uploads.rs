//! Uploads.

use async_trait::async_trait;
use diesel::{
    AsChangeset, Insertable, OptionalExtension, QueryDsl, Queryable, RunQueryDsl, Selectable,
    SelectableHelper, SqliteConnection,
};
use understudy_domain::{
    Blob, Upload, UploadId, UploadPurpose, WholeUpload,
    ports::{StoreError, StoreResult, UploadListQuery, UploadRepository},
};

use crate::{
    errors::{corrupt, on_read, on_write},
    names::Namer,
    schema::uploads,
    sql::Sql,
    unit_of_work::SqliteUnitOfWork,
    values::{Json, Key, Micros, Sum},
};

#[derive(Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = uploads, check_for_backend(diesel::sqlite::Sqlite))]
#[diesel(primary_key(organization_id, id), treat_none_as_null = true)]
struct Row {
    organization_id: Key,
    id: Key,
    user_id: Key,
    name: Option<String>,
    declared_type: Option<String>,
    length: Option<i64>,
    parts: Json<Vec<Blob>>,
    digest: Option<Sum>,
    size: Option<i64>,
    media_type: Option<String>,
    metadata: String,
    created_at: Micros,
    expires_at: Micros,
    purpose: String,
}

impl TryFrom<&Upload> for Row {
    type Error = StoreError;

    fn try_from(upload: &Upload) -> Result<Self, StoreError> {
        let number = |value| i64::try_from(value).map_err(corrupt("uploads"));
        let whole = upload.whole.as_ref();
        Ok(Self {
            organization_id: upload.organization.into(),
            id: upload.id.into(),
            user_id: upload.user.into(),
            name: upload.name.clone(),
            declared_type: upload.declared_type.clone(),
            length: upload.length.map(number).transpose()?,
            parts: Json(upload.parts.clone()),
            digest: whole.map(|whole| Sum(whole.blob.digest)),
            size: whole.map(|whole| number(whole.blob.size)).transpose()?,
            media_type: whole.map(|whole| whole.media_type.clone()),
            metadata: upload.metadata.clone(),
            created_at: Micros(upload.created_at),
            expires_at: Micros(upload.expires_at),
            purpose: upload.purpose.as_str().to_owned(),
        })
    }
}

impl TryFrom<Row> for Upload {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let number = |value| u64::try_from(value).map_err(corrupt("uploads"));
        let whole = match (row.digest, row.size, row.media_type) {
            (Some(Sum(digest)), Some(size), Some(media_type)) => {
                Some(WholeUpload { blob: Blob { digest, size: number(size)? }, media_type })
            }
            _ => None,
        };
        let unknown = || corrupt("uploads")("an upload has an unknown purpose");
        let purpose = UploadPurpose::from_word(&row.purpose).ok_or_else(unknown)?;
        Ok(Self {
            id: row.id.id(),
            organization: row.organization_id.id(),
            user: row.user_id.id(),
            name: row.name,
            declared_type: row.declared_type,
            length: row.length.map(number).transpose()?,
            parts: row.parts.0,
            whole,
            metadata: row.metadata,
            purpose,
            created_at: row.created_at.0,
            expires_at: row.expires_at.0,
        })
    }
}

/// The upload, or `None`.
pub(crate) fn find(
    conn: &mut SqliteConnection,
    tenant: Key,
    id: Key,
) -> StoreResult<Option<Upload>> {
    let row = uploads::table.find((tenant, id)).select(Row::as_select()).first(conn);
    row.optional().map_err(on_read("uploads"))?.map(Upload::try_from).transpose()
}

/// The statement for a page of a user's uploads.
pub(crate) fn page<R>(tenant: Key, query: &UploadListQuery) -> Sql<R> {
    let mut sql = Sql::new(
        "SELECT organization_id, id, user_id, name, declared_type, length, parts, digest, size, \
         media_type, metadata, created_at, expires_at, purpose FROM uploads \
         INDEXED BY uploads_in_order WHERE organization_id = ",
    );
    sql.word(tenant.text()).text(" AND user_id = ").word(Key::from(query.user).text());
    sql.text(" AND expires_at > ").number(query.alive_at.unix_micros());
    let purpose = query.purpose.map(|purpose| purpose.as_str().to_owned());
    sql.text(" AND ifnull(purpose = ").word(purpose.clone());
    sql.text(", ").word(purpose).text(" IS NULL)");
    if let Some((begun, id)) = query.after {
        let behind = [" AND (created_at, id) > (", " AND (created_at, id) < ("];
        sql.text(if query.newest_first { behind[1] } else { behind[0] });
        sql.number(begun.unix_micros()).text(", ").word(Key::from(id).text()).text(")");
    }
    sql.text(if query.newest_first {
        " ORDER BY created_at DESC, id DESC LIMIT "
    } else {
        " ORDER BY created_at, id LIMIT "
    });
    sql.number(i64::from(query.limit));
    sql
}

/// A page of a user's uploads.
pub(crate) fn list(
    conn: &mut SqliteConnection,
    tenant: Key,
    query: &UploadListQuery,
) -> StoreResult<Vec<Upload>> {
    let rows = page::<uploads::SqlType>(tenant, query).load::<Row>(conn);
    rows.map_err(on_read("uploads"))?.into_iter().map(Upload::try_from).collect()
}

fn update(conn: &mut SqliteConnection, upload: &Upload) -> StoreResult<()> {
    let row = Row::try_from(upload)?;
    let (tenant, id) = (row.organization_id, row.id);
    let updated = diesel::update(uploads::table.find((tenant, id))).set(row).execute(conn);
    if updated.map_err(on_write("uploads"))? != 1 {
        return Err(StoreError::Conflict);
    }
    Namer::upload(tenant, id).rename(conn, upload.blobs())
}

#[async_trait]
impl UploadRepository for SqliteUnitOfWork {
    async fn find(&mut self, id: UploadId) -> StoreResult<Option<Upload>> {
        let tenant = self.tenant();
        self.run("uploads.find", move |conn| find(conn, tenant, id.into())).await
    }

    async fn insert(&mut self, upload: &Upload) -> StoreResult<()> {
        self.check_tenant("uploads", upload.organization)?;
        let (tenant, upload) = (self.tenant(), upload.clone());
        self.run("uploads.insert", move |conn| {
            diesel::insert_into(uploads::table)
                .values(Row::try_from(&upload)?)
                .execute(conn)
                .map_err(on_write("uploads"))?;
            Namer::upload(tenant, upload.id).name(conn, upload.blobs())
        })
        .await
    }

    async fn update(&mut self, upload: &Upload) -> StoreResult<()> {
        self.check_tenant("uploads", upload.organization)?;
        let upload = upload.clone();
        self.run("uploads.update", move |conn| update(conn, &upload)).await
    }

    async fn delete(&mut self, id: UploadId) -> StoreResult<bool> {
        let tenant = self.tenant();
        self.run("uploads.delete", move |conn| {
            let upload = uploads::table.find((tenant, Key::from(id)));
            let deleted = diesel::delete(upload).execute(conn).map_err(on_write("uploads"))?;
            Namer::upload(tenant, id).unname(conn)?;
            Ok(deleted == 1)
        })
        .await
    }
}
