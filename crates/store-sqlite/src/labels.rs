//! Tags, and what users marked as favourites.

use async_trait::async_trait;
use diesel::{
    AsChangeset, ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable,
    RunQueryDsl, Selectable, SelectableHelper, SqliteConnection,
};
use understudy_domain::{
    AssistantId, OrganizationId, Tag, TagId, Timestamp, UserId,
    ports::{LabelQueries, LabelRepository, StoreError, StoreResult},
};

use crate::{
    errors::{on_read, on_write},
    schema::{favorites, tags},
    sql::Sql,
    store::SqliteStore,
    unit_of_work::SqliteUnitOfWork,
    values::{Key, Micros},
};

#[derive(Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = tags, check_for_backend(diesel::sqlite::Sqlite))]
#[diesel(primary_key(organization_id, id))]
struct Row {
    organization_id: Key,
    id: Key,
    name: String,
    name_key: String,
    color: String,
    created_at: Micros,
    updated_at: Micros,
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
            created_at: Micros(tag.created_at),
            updated_at: Micros(tag.updated_at),
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

/// Takes the tag off whatever has it.
fn take_off(conn: &mut SqliteConnection, tenant: Key, tag: TagId) -> StoreResult<()> {
    let mut sql = Sql::<()>::new(
        "UPDATE assistants SET revision = revision + 1, tags = \
         (SELECT json_group_array(t.value) FROM json_each(tags) t WHERE t.value <> ",
    );
    sql.word(tag.to_string()).text(") WHERE organization_id = ").word(tenant.text());
    sql.text(" AND EXISTS (SELECT 1 FROM json_each(tags) t WHERE t.value = ");
    sql.word(tag.to_string()).text(")");
    sql.execute(conn).map_err(on_write("assistants"))?;
    Ok(())
}

#[async_trait]
impl LabelRepository for SqliteUnitOfWork {
    async fn find(&mut self, id: TagId) -> StoreResult<Option<Tag>> {
        let tenant = self.tenant();
        self.run("labels.find", move |conn| {
            let tag = tags::table.find((tenant, Key::from(id)));
            let row = tag.select(Row::as_select()).first(conn).optional();
            Ok(row.map_err(on_read("tags"))?.map(Tag::from))
        })
        .await
    }

    async fn insert(&mut self, tag: &Tag) -> StoreResult<()> {
        self.check_tenant("tags", tag.organization)?;
        let row = Row::from(tag);
        self.run("labels.insert", move |conn| {
            diesel::insert_into(tags::table).values(row).execute(conn).map_err(on_write("tags"))?;
            Ok(())
        })
        .await
    }

    async fn update(&mut self, mut tag: Tag) -> StoreResult<Tag> {
        self.check_tenant("tags", tag.organization)?;
        let tenant = self.tenant();
        self.run("labels.update", move |conn| {
            let read = tag.revision;
            tag.revision += 1;
            let unchanged =
                tags::table.find((tenant, Key::from(tag.id))).filter(tags::revision.eq(read));
            let updated = diesel::update(unchanged).set(Row::from(&tag)).execute(conn);
            match updated.map_err(on_write("tags"))? {
                1 => Ok(tag),
                _ => Err(StoreError::Conflict),
            }
        })
        .await
    }

    async fn delete(&mut self, id: TagId) -> StoreResult<bool> {
        let tenant = self.tenant();
        self.run("labels.delete", move |conn| {
            let deleted = diesel::delete(tags::table.find((tenant, Key::from(id)))).execute(conn);
            if deleted.map_err(on_write("tags"))? != 1 {
                return Ok(false);
            }
            take_off(conn, tenant, id)?;
            Ok(true)
        })
        .await
    }

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
            favorites::created_at.eq(Micros(now)),
        );
        self.run("labels.add_favorite", move |conn| {
            let added = diesel::insert_into(favorites::table)
                .values(row)
                .on_conflict_do_nothing()
                .execute(conn);
            Ok(added.map_err(on_write("favorites"))? == 1)
        })
        .await
    }

    async fn remove_favorite(&mut self, user: UserId, assistant: AssistantId) -> StoreResult<bool> {
        let key = (self.tenant(), Key::from(user), Key::from(assistant));
        self.run("labels.remove_favorite", move |conn| {
            let removed = diesel::delete(favorites::table.find(key)).execute(conn);
            Ok(removed.map_err(on_write("favorites"))? == 1)
        })
        .await
    }
}

#[async_trait]
impl LabelQueries for SqliteStore {
    async fn tags(&self, tenant: OrganizationId) -> StoreResult<Vec<Tag>> {
        self.readers
            .run("labels.tags", move |conn| {
                let rows: Vec<Row> = tags::table
                    .filter(tags::organization_id.eq(Key::from(tenant)))
                    .order(tags::name_key)
                    .select(Row::as_select())
                    .load(conn)
                    .map_err(on_read("tags"))?;
                Ok(rows.into_iter().map(Tag::from).collect())
            })
            .await
    }

    async fn favorite(
        &self,
        tenant: OrganizationId,
        user: UserId,
        assistant: AssistantId,
    ) -> StoreResult<Option<Timestamp>> {
        let key = (Key::from(tenant), Key::from(user), Key::from(assistant));
        self.readers
            .run("labels.favorite", move |conn| {
                let since = favorites::table.find(key).select(favorites::created_at);
                let since = since.first::<Micros>(conn).optional();
                Ok(since.map_err(on_read("favorites"))?.map(|since| since.0))
            })
            .await
    }
}
