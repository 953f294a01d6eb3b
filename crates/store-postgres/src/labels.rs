//! Tags and favourites.

use async_trait::async_trait;
use diesel::{
    AsChangeset, ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable, Selectable,
    SelectableHelper,
    sql_types::{Bool, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use understudy_domain::{
    AssistantId, OrganizationId, Tag, TagId, Timestamp, UserId,
    ports::{LabelQueries, LabelRepository, StoreError, StoreResult},
};

use crate::{
    errors::{on_read, on_write},
    schema::{favorites, tags},
    sql::{Sql, prepared},
    store::PgStore,
    transaction::Transaction,
    unit_of_work::PgUnitOfWork,
    values::{Key, Moment},
};

/// A tag as it is stored.
#[derive(Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = tags, check_for_backend(diesel::pg::Pg))]
#[diesel(primary_key(organization_id, id))]
struct Row {
    organization_id: Key,
    id: Key,
    name: String,
    name_key: String,
    color: String,
    created_at: Moment,
    updated_at: Moment,
    revision: i64,
}

impl From<&Tag> for Row {
    fn from(tag: &Tag) -> Self {
        Self {
            organization_id: tag.organization.into(),
            id: tag.id.into(),
            name: tag.name.clone(),
            name_key: tag.name.to_lowercase(),
            color: tag.color.clone(),
            created_at: Moment(tag.created_at),
            updated_at: Moment(tag.updated_at),
            revision: tag.revision,
        }
    }
}

impl From<Row> for Tag {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.id(),
            organization: row.organization_id.id(),
            name: row.name,
            color: row.color,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            revision: row.revision,
        }
    }
}

#[async_trait]
impl LabelRepository for PgUnitOfWork {
    #[tracing::instrument(name = "db.tags.find", skip_all, fields(tag.id = %id))]
    async fn find(&mut self, id: TagId) -> StoreResult<Option<Tag>> {
        let row: Option<Row> = tags::table
            .find((self.tenant(), Key::from(id)))
            .select(Row::as_select())
            .for_no_key_update()
            .first(self.conn()?)
            .await
            .optional()
            .map_err(on_read("tags"))?;
        Ok(row.map(Tag::from))
    }

    #[tracing::instrument(name = "db.tags.insert", skip_all, fields(tag.id = %tag.id))]
    async fn insert(&mut self, tag: &Tag) -> StoreResult<()> {
        prepared(diesel::insert_into(tags::table).values(Row::from(tag)))
            .execute(self.conn()?)
            .await
            .map_err(on_write("tags"))?;
        Ok(())
    }

    #[tracing::instrument(name = "db.tags.update", skip_all, fields(tag.id = %tag.id))]
    async fn update(&mut self, mut tag: Tag) -> StoreResult<Tag> {
        let read = tag.revision;
        tag.revision += 1;
        let unchanged =
            tags::table.find((self.tenant(), Key::from(tag.id))).filter(tags::revision.eq(read));
        let updated =
            prepared(diesel::update(unchanged).set(Row::from(&tag))).execute(self.conn()?).await;
        if updated.map_err(on_write("tags"))? == 1 { Ok(tag) } else { Err(StoreError::Conflict) }
    }

    #[tracing::instrument(name = "db.tags.delete", skip_all, fields(tag.id = %id))]
    async fn delete(&mut self, id: TagId) -> StoreResult<bool> {
        Sql::<Bool>::new("SELECT delete_tag(?, ?, ?)")
            .bind::<SqlUuid, _>(self.tenant())
            .bind::<SqlUuid, _>(Key::from(id))
            .bind::<Text, _>(id.to_string())
            .get_result(self.conn()?)
            .await
            .map_err(on_write("tags"))
    }

    #[tracing::instrument(name = "db.favorites.add", skip_all)]
    async fn add_favorite(
        &mut self,
        user: UserId,
        assistant: AssistantId,
        now: Timestamp,
    ) -> StoreResult<bool> {
        let row = (
            favorites::organization_id.eq(self.tenant()),
            favorites::user_id.eq(Key::from(user)),
            favorites::assistant_id.eq(Key::from(assistant)),
            favorites::created_at.eq(Moment(now)),
        );
        let added = diesel::insert_into(favorites::table)
            .values(row)
            .on_conflict_do_nothing()
            .execute(self.conn()?)
            .await;
        Ok(added.map_err(on_write("favorites"))? == 1)
    }

    #[tracing::instrument(name = "db.favorites.remove", skip_all)]
    async fn remove_favorite(&mut self, user: UserId, assistant: AssistantId) -> StoreResult<bool> {
        let mark = favorites::table.find((self.tenant(), Key::from(user), Key::from(assistant)));
        let removed = diesel::delete(mark).execute(self.conn()?).await;
        Ok(removed.map_err(on_write("favorites"))? == 1)
    }
}

#[async_trait]
impl LabelQueries for PgStore {
    #[tracing::instrument(name = "db.tags.list", skip_all)]
    async fn tags(&self, tenant: OrganizationId) -> StoreResult<Vec<Tag>> {
        let all = tags::table
            .filter(tags::organization_id.eq(Key::from(tenant)))
            .order(tags::name_key)
            .select(Row::as_select());
        let rows: Vec<Row> =
            Transaction::read(&self.connections, tenant, all).await?.map_err(on_read("tags"))?;
        Ok(rows.into_iter().map(Tag::from).collect())
    }

    #[tracing::instrument(name = "db.favorites.read", skip_all)]
    async fn favorite(
        &self,
        tenant: OrganizationId,
        user: UserId,
        assistant: AssistantId,
    ) -> StoreResult<Option<Timestamp>> {
        let mark = favorites::table
            .find((Key::from(tenant), Key::from(user), Key::from(assistant)))
            .select(favorites::created_at);
        let times: Vec<Moment> = Transaction::read(&self.connections, tenant, mark)
            .await?
            .map_err(on_read("favorites"))?;
        Ok(times.into_iter().next().map(|at| at.0))
    }
}
