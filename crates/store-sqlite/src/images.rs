//! Pictures that have an address of their own.

use async_trait::async_trait;
use diesel::{
    ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable, RunQueryDsl, Selectable,
    SelectableHelper, SqliteConnection,
    dsl::{auto_type, sql},
    expression::SqlLiteral,
    result::Error as Failure,
    sql_types::Bool,
};
use understudy_domain::{
    AssistantId, Blob, Image, ImageId, ImageOrigin, Secret, Usage, UserId,
    ports::{ImageRepository, StoreError, StoreResult},
};
use uuid::Uuid;

use crate::{
    errors::{corrupt, on_read, on_write},
    names::Namer,
    schema::images,
    unit_of_work::SqliteUnitOfWork,
    usage,
    values::{Json, Key, Micros, Sum},
};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = images, check_for_backend(diesel::sqlite::Sqlite))]
struct Row {
    organization_id: Key,
    id: Key,
    user_id: Key,
    assistant_id: Option<Key>,
    key: String,
    is_avatar: bool,
    digest: Sum,
    size: i64,
    created_at: Micros,
    origin: Json<ImageOrigin>,
}

impl TryFrom<&Image> for Row {
    type Error = StoreError;

    fn try_from(image: &Image) -> Result<Self, StoreError> {
        Ok(Self {
            organization_id: image.organization.into(),
            id: image.id.into(),
            user_id: image.user.into(),
            assistant_id: image.assistant.map(Key::from),
            key: image.key.expose().clone(),
            is_avatar: image.origin == ImageOrigin::Avatar,
            digest: Sum(image.blob.digest),
            size: i64::try_from(image.blob.size).map_err(corrupt("images"))?,
            created_at: Micros(image.created_at),
            origin: Json(image.origin.clone()),
        })
    }
}

impl TryFrom<Row> for Image {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let size = u64::try_from(row.size).map_err(corrupt("images"))?;
        Ok(Self {
            id: row.id.id(),
            organization: row.organization_id.id(),
            user: row.user_id.id(),
            assistant: row.assistant_id.map(Key::id),
            key: Secret::new(row.key),
            origin: row.origin.0,
            blob: Blob { digest: row.digest.0, size },
            created_at: row.created_at.0,
        })
    }
}

fn read(row: Result<Row, Failure>) -> StoreResult<Option<Image>> {
    row.optional().map_err(on_read("images"))?.map(Image::try_from).transpose()
}

/// The picture whose address ends with `key`, or `None`.
pub(crate) fn by_key(conn: &mut SqliteConnection, key: &str) -> StoreResult<Option<Image>> {
    read(images::table.filter(images::key.eq(key)).select(Row::as_select()).first(conn))
}

/// As the indexes say it: a parameter would not tell that one fits.
fn is_avatar() -> SqlLiteral<Bool> {
    sql("is_avatar = 1")
}

/// As [`is_avatar`].
fn is_generated() -> SqlLiteral<Bool> {
    sql("is_avatar = 0")
}

#[auto_type(no_type_alias)]
pub(crate) fn avatars(tenant: Key, assistant: Key) -> _ {
    let is_avatar: SqlLiteral<Bool> = is_avatar();
    images::table
        .filter(images::organization_id.eq(tenant))
        .filter(images::assistant_id.eq(assistant))
        .filter(is_avatar)
        .order(images::id.desc())
}

/// The assistant's newest avatar, or `None`.
pub(crate) fn avatar(
    conn: &mut SqliteConnection,
    tenant: Key,
    assistant: Key,
) -> StoreResult<Option<Image>> {
    read(avatars(tenant, assistant).select(Row::as_select()).first(conn))
}

#[auto_type(no_type_alias)]
pub(crate) fn generated(tenant: Key, before: Key) -> _ {
    let is_generated: SqlLiteral<Bool> = is_generated();
    images::table
        .filter(images::organization_id.eq(tenant))
        .filter(is_generated)
        .filter(images::id.lt(before))
        .order(images::id.desc())
}

/// Generated pictures, newest first.
pub(crate) fn list(
    conn: &mut SqliteConnection,
    tenant: Key,
    user: Option<UserId>,
    before: Option<ImageId>,
    limit: u32,
) -> StoreResult<Vec<Image>> {
    // Ids are of version 7, so the largest of all is never one of them.
    let before = before.map_or(Key(Uuid::max()), Key::from);
    let page = generated(tenant, before).limit(limit.into()).select(Row::as_select());
    let rows: Result<Vec<Row>, _> = match user {
        None => page.load(conn),
        Some(user) => page.filter(images::user_id.eq(Key::from(user))).load(conn),
    };
    rows.map_err(on_read("images"))?.into_iter().map(Image::try_from).collect()
}

#[async_trait]
impl ImageRepository for SqliteUnitOfWork {
    async fn find(&mut self, id: ImageId) -> StoreResult<Option<Image>> {
        let tenant = self.tenant();
        self.run("images.find", move |conn| {
            let image = images::table.find((tenant, Key::from(id)));
            read(image.select(Row::as_select()).first(conn))
        })
        .await
    }

    async fn find_avatar(&mut self, assistant: AssistantId) -> StoreResult<Option<Image>> {
        let tenant = self.tenant();
        self.run("images.find_avatar", move |conn| avatar(conn, tenant, assistant.into())).await
    }

    async fn insert(&mut self, image: &Image) -> StoreResult<()> {
        self.check_tenant("images", image.organization)?;
        let (tenant, image) = (self.tenant(), image.clone());
        self.run("images.insert", move |conn| {
            diesel::insert_into(images::table)
                .values(Row::try_from(&image)?)
                .execute(conn)
                .map_err(on_write("images"))?;
            Namer::image(tenant, image.id).name(conn, std::iter::once(image.blob))
        })
        .await
    }

    async fn delete(&mut self, id: ImageId) -> StoreResult<bool> {
        let tenant = self.tenant();
        self.run("images.delete", move |conn| {
            let image = images::table.find((tenant, Key::from(id)));
            let deleted = diesel::delete(image).execute(conn).map_err(on_write("images"))?;
            Namer::image(tenant, id).unname(conn)?;
            Ok(deleted == 1)
        })
        .await
    }

    async fn count(&mut self, used: &Usage) -> StoreResult<()> {
        self.check_tenant("usage", used.organization)?;
        let used = used.clone();
        self.touch("images.count", move |conn| usage::insert(conn, &used))
    }
}
