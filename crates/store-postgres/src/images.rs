//! Pictures that have an address of their own.

use std::iter::once;

use async_trait::async_trait;
use diesel::{
    ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable, Selectable,
    SelectableHelper,
    dsl::{SqlTypeOf, auto_type, not},
    pg::Pg,
    result::Error as Failure,
};
use diesel_async::RunQueryDsl;
use understudy_domain::{
    AssistantId, Image, ImageId, ImageOrigin, Secret, Usage,
    ports::{ImageRepository, StoreError, StoreResult},
};

use crate::{
    errors::{corrupt, on_read, on_write},
    names::Namer,
    schema::images,
    sql::prepared,
    unit_of_work::PgUnitOfWork,
    usage,
    values::{Json, JsonText, Key, Moment, Sum},
};

/// A picture as it is stored.
#[derive(Queryable, Selectable)]
#[diesel(table_name = images, check_for_backend(diesel::pg::Pg))]
pub(crate) struct Row {
    organization_id: Key,
    id: Key,
    user_id: Key,
    assistant_id: Option<Key>,
    key: String,
    digest: Sum,
    size: i64,
    created_at: Moment,
    origin: Json<ImageOrigin>,
}

/// The SQL types of a [`Row`].
pub(crate) type RowTypes = SqlTypeOf<<Row as Selectable<Pg>>::SelectExpression>;

impl TryFrom<Row> for Image {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id.id(),
            organization: row.organization_id.id(),
            user: row.user_id.id(),
            assistant: row.assistant_id.map(Key::id),
            key: Secret::new(row.key),
            origin: row.origin.0,
            blob: row.digest.blob("images", row.size)?,
            created_at: row.created_at.0,
        })
    }
}

#[derive(Insertable)]
#[diesel(table_name = images, check_for_backend(diesel::pg::Pg))]
#[diesel(treat_none_as_default_value = false)]
struct NewRow {
    organization_id: Key,
    id: Key,
    user_id: Key,
    assistant_id: Option<Key>,
    key: String,
    is_avatar: bool,
    digest: Sum,
    size: i64,
    created_at: Moment,
    origin: JsonText,
}

impl NewRow {
    fn of(image: &Image) -> StoreResult<Self> {
        Ok(Self {
            organization_id: image.organization.into(),
            id: image.id.into(),
            user_id: image.user.into(),
            assistant_id: image.assistant.map(Key::from),
            key: image.key.expose().clone(),
            is_avatar: image.origin == ImageOrigin::Avatar,
            digest: Sum(image.blob.digest),
            size: i64::try_from(image.blob.size).map_err(corrupt("images"))?,
            created_at: Moment(image.created_at),
            origin: JsonText::of(&image.origin)?,
        })
    }
}

fn read(row: Result<Row, Failure>) -> StoreResult<Option<Image>> {
    row.optional().map_err(on_read("images"))?.map(Image::try_from).transpose()
}

/// The assistant's avatars, the newest first.
#[auto_type(no_type_alias)]
pub(crate) fn avatars(tenant: Key, assistant: Key) -> _ {
    images::table
        .filter(images::organization_id.eq(tenant))
        .filter(images::assistant_id.eq(assistant))
        .filter(images::is_avatar)
        .order(images::id.desc())
}

/// Generated pictures older than `before`, the newest first. `NOT is_avatar`, not a
/// comparison with a parameter, which would not tell that the index fits.
#[auto_type(no_type_alias)]
pub(crate) fn generated(tenant: Key, before: Key) -> _ {
    images::table
        .filter(images::organization_id.eq(tenant))
        .filter(not(images::is_avatar))
        .filter(images::id.lt(before))
        .order(images::id.desc())
}

#[async_trait]
impl ImageRepository for PgUnitOfWork {
    #[tracing::instrument(name = "db.images.find", skip_all)]
    async fn find(&mut self, id: ImageId) -> StoreResult<Option<Image>> {
        let image = images::table.find((self.tenant(), Key::from(id)));
        read(image.select(Row::as_select()).first(self.conn()?).await)
    }

    #[tracing::instrument(name = "db.images.find_avatar", skip_all)]
    async fn find_avatar(&mut self, assistant: AssistantId) -> StoreResult<Option<Image>> {
        let avatars = avatars(self.tenant(), assistant.into());
        read(avatars.select(Row::as_select()).first(self.conn()?).await)
    }

    #[tracing::instrument(name = "db.images.insert", skip_all)]
    async fn insert(&mut self, image: &Image) -> StoreResult<()> {
        let namer = Namer::image(self.tenant(), image.id);
        let conn = self.conn()?;
        prepared(diesel::insert_into(images::table).values(NewRow::of(image)?))
            .execute(conn)
            .await
            .map_err(on_write("images"))?;
        namer.name(conn, once(image.blob)).await
    }

    #[tracing::instrument(name = "db.images.delete", skip_all)]
    async fn delete(&mut self, id: ImageId) -> StoreResult<bool> {
        let namer = Namer::image(self.tenant(), id);
        let image = images::table.find((self.tenant(), Key::from(id)));
        let conn = self.conn()?;
        let deleted = diesel::delete(image).execute(conn).await.map_err(on_write("images"))?;
        namer.unname(conn).await?;
        Ok(deleted == 1)
    }

    #[tracing::instrument(name = "db.images.count", skip_all)]
    async fn count(&mut self, used: &Usage) -> StoreResult<()> {
        usage::insert(self.conn()?, used).await
    }
}
