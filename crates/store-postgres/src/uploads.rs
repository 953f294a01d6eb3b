//! Uploads.

use async_trait::async_trait;
use diesel::{
    AsChangeset, Insertable, OptionalExtension, QueryDsl, Queryable, Selectable, SelectableHelper,
    dsl::SqlTypeOf,
    pg::Pg,
    sql_types::{BigInt, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use understudy_domain::{
    Blob, OrganizationId, Upload, UploadId, UploadPurpose, WholeUpload,
    ports::{StoreError, StoreResult, UploadListQuery, UploadRepository},
};

use crate::{
    errors::{corrupt, on_read, on_write},
    names::Namer,
    schema::uploads,
    sql::{Sql, prepared},
    unit_of_work::PgUnitOfWork,
    values::{Json, JsonText, Key, Moment, Sum, comparable},
};

/// An upload as it is stored.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = uploads, check_for_backend(diesel::pg::Pg))]
pub(crate) struct Row {
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
    created_at: Moment,
    expires_at: Moment,
    purpose: String,
}

impl TryFrom<Row> for Upload {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let whole = match (row.digest, row.size, row.media_type) {
            (Some(digest), Some(size), Some(media_type)) => {
                Some(WholeUpload { blob: digest.blob("uploads", size)?, media_type })
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
            length: row.length.map(u64::try_from).transpose().map_err(corrupt("uploads"))?,
            parts: row.parts.0,
            whole,
            metadata: row.metadata,
            purpose,
            created_at: row.created_at.0,
            expires_at: row.expires_at.0,
        })
    }
}

/// The SQL types of a [`Row`].
type RowTypes = SqlTypeOf<<Row as Selectable<Pg>>::SelectExpression>;

/// The statement for a page of a user's uploads: few texts, so they stay prepared.
pub(crate) fn page(tenant: OrganizationId, query: &UploadListQuery) -> Sql<RowTypes> {
    let statement = Sql::new(
        "SELECT organization_id, id, user_id, name, declared_type, length, parts, digest, size, \
         media_type, metadata, created_at, expires_at, purpose FROM uploads \
         WHERE organization_id = ? AND user_id = ? AND expires_at > ?",
    )
    .bind::<SqlUuid, _>(Key::from(tenant))
    .bind::<SqlUuid, _>(Key::from(query.user))
    .bind::<Timestamptz, _>(Moment(query.alive_at));
    let statement = match query.purpose {
        Some(purpose) => statement.then(" AND purpose = ?").bind::<Text, _>(purpose.as_str()),
        None => statement,
    };
    let statement = match query.after {
        Some((begun, id)) => {
            let behind = [" AND (created_at, id) > (?, ?)", " AND (created_at, id) < (?, ?)"];
            statement
                .then(if query.newest_first { behind[1] } else { behind[0] })
                .bind::<Timestamptz, _>(Moment(begun))
                .bind::<SqlUuid, _>(Key::from(id))
        }
        None => statement,
    };
    let order = if query.newest_first {
        " ORDER BY created_at DESC, id DESC LIMIT ?"
    } else {
        " ORDER BY created_at, id LIMIT ?"
    };
    statement.then(order).bind::<BigInt, _>(i64::from(query.limit))
}

#[derive(Debug, Insertable, AsChangeset)]
#[diesel(table_name = uploads, check_for_backend(diesel::pg::Pg))]
#[diesel(primary_key(organization_id, id), treat_none_as_null = true)]
#[diesel(treat_none_as_default_value = false)]
struct NewRow {
    organization_id: Key,
    id: Key,
    user_id: Key,
    name: Option<String>,
    declared_type: Option<String>,
    length: Option<i64>,
    parts: JsonText,
    digest: Option<Sum>,
    size: Option<i64>,
    media_type: Option<String>,
    metadata: String,
    created_at: Moment,
    expires_at: Moment,
    purpose: String,
}

impl NewRow {
    fn of(upload: &Upload) -> StoreResult<Self> {
        let number = |value| i64::try_from(value).map_err(corrupt("uploads"));
        let whole = upload.whole.as_ref();
        Ok(Self {
            organization_id: upload.organization.into(),
            id: upload.id.into(),
            user_id: upload.user.into(),
            name: upload.name.clone().map(comparable),
            declared_type: upload.declared_type.clone().map(comparable),
            length: upload.length.map(number).transpose()?,
            parts: JsonText::of(&upload.parts)?,
            digest: whole.map(|whole| Sum(whole.blob.digest)),
            size: whole.map(|whole| number(whole.blob.size)).transpose()?,
            media_type: whole.map(|whole| whole.media_type.clone()),
            metadata: comparable(upload.metadata.clone()),
            created_at: Moment(upload.created_at),
            expires_at: Moment(upload.expires_at),
            purpose: upload.purpose.as_str().to_owned(),
        })
    }
}

#[async_trait]
impl UploadRepository for PgUnitOfWork {
    #[tracing::instrument(name = "db.uploads.find", skip_all)]
    async fn find(&mut self, id: UploadId) -> StoreResult<Option<Upload>> {
        let row: Option<Row> = uploads::table
            .find((self.tenant(), Key::from(id)))
            .select(Row::as_select())
            .for_no_key_update()
            .first(self.conn()?)
            .await
            .optional()
            .map_err(on_read("uploads"))?;
        row.map(Upload::try_from).transpose()
    }

    #[tracing::instrument(name = "db.uploads.insert", skip_all)]
    async fn insert(&mut self, upload: &Upload) -> StoreResult<()> {
        let namer = Namer::upload(self.tenant(), upload.id);
        let conn = self.conn()?;
        prepared(diesel::insert_into(uploads::table).values(NewRow::of(upload)?))
            .execute(conn)
            .await
            .map_err(on_write("uploads"))?;
        namer.name(conn, upload.blobs()).await
    }

    #[tracing::instrument(name = "db.uploads.update", skip_all)]
    async fn update(&mut self, upload: &Upload) -> StoreResult<()> {
        let namer = Namer::upload(self.tenant(), upload.id);
        let stored = uploads::table.find((self.tenant(), Key::from(upload.id)));
        let conn = self.conn()?;
        let updated = prepared(diesel::update(stored).set(NewRow::of(upload)?)).execute(conn).await;
        if updated.map_err(on_write("uploads"))? != 1 {
            return Err(StoreError::Conflict);
        }
        namer.rename(conn, upload.blobs()).await
    }

    #[tracing::instrument(name = "db.uploads.delete", skip_all)]
    async fn delete(&mut self, id: UploadId) -> StoreResult<bool> {
        let namer = Namer::upload(self.tenant(), id);
        let upload = uploads::table.find((self.tenant(), Key::from(id)));
        let conn = self.conn()?;
        let deleted = diesel::delete(upload).execute(conn).await.map_err(on_write("uploads"))?;
        namer.unname(conn).await?;
        Ok(deleted == 1)
    }
}
