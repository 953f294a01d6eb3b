//! Assistants and drafts.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use diesel::{
    AsChangeset, ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable, Selectable,
    SelectableHelper,
    dsl::SqlTypeOf,
    pg::Pg,
    result::Error as Failure,
    sql_types::{Bool, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use serde_json::{Map, Value};
use understudy_domain::{
    Assistant, AssistantId, Content, Editing, Policy, Principal, Share, Slug, TagId,
    ports::{AssistantRepository, StoreError, StoreResult},
};

use crate::{
    audience,
    errors::{corrupt, on_read, on_write},
    names::Namer,
    schema::assistants,
    sql::{Sql, prepared},
    unit_of_work::PgUnitOfWork,
    values::{Json, JsonText, Key, Moment, comparable},
};

/// What is read of an assistant; the other columns are derived from these.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = assistants, check_for_backend(diesel::pg::Pg))]
pub(crate) struct Row {
    organization_id: Key,
    id: Key,
    editing_id: Option<Key>,
    slug: Option<String>,
    owner_user: Option<Key>,
    owner_team: Option<Key>,
    created_by: Key,
    created_at: Moment,
    updated_at: Moment,
    deleted_at: Option<Moment>,
    is_default: bool,
    version: i64,
    revision: i64,
    content: Json<Content>,
    policy: Json<Policy>,
    shares: Json<BTreeMap<Principal, Share>>,
    tags: Json<BTreeSet<TagId>>,
}

/// The SQL types of a [`Row`], for the functions that return one.
pub(crate) type RowTypes = SqlTypeOf<<Row as Selectable<Pg>>::SelectExpression>;

impl TryFrom<Row> for Assistant {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let owner = match (row.owner_user, row.owner_team) {
            (Some(user), None) => Principal::User(user.id()),
            (None, Some(team)) => Principal::Team(team.id()),
            _ => return Err(corrupt("assistants")("an assistant has not one owner")),
        };
        let slug = row.slug.map(|slug| Slug::parse(&slug)).transpose();
        Ok(Self {
            id: row.id.id(),
            organization: row.organization_id.id(),
            editing: row.editing_id.map(|live| Editing { live: live.id() }),
            slug: slug.map_err(corrupt("assistants"))?,
            owner,
            created_by: row.created_by.id(),
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            deleted_at: row.deleted_at.map(|at| at.0),
            is_default: row.is_default,
            version: u32::try_from(row.version).map_err(corrupt("assistants"))?,
            revision: row.revision,
            content: row.content.0,
            policy: row.policy.0,
            shares: row.shares.0,
            tags: row.tags.0,
        })
    }
}

/// All of an assistant's columns.
#[derive(Debug, Insertable, AsChangeset)]
#[diesel(table_name = assistants, check_for_backend(diesel::pg::Pg))]
#[diesel(primary_key(organization_id, id), treat_none_as_null = true)]
#[diesel(treat_none_as_default_value = false)]
struct WholeRow {
    organization_id: Key,
    id: Key,
    editing_id: Option<Key>,
    slug: Option<String>,
    owner_user: Option<Key>,
    owner_team: Option<Key>,
    created_by: Key,
    created_at: Moment,
    updated_at: Moment,
    deleted_at: Option<Moment>,
    is_default: bool,
    version: i64,
    revision: i64,
    content: JsonText,
    policy: JsonText,
    shares: JsonText,
    tags: Value,
    kind: &'static str,
    name_key: String,
    description_key: Option<String>,
    model_key: String,
    metadata: Value,
    access_mode: &'static str,
    is_active: bool,
    api_enabled: bool,
    chat_users: Vec<Key>,
}

impl WholeRow {
    fn of(assistant: &Assistant) -> StoreResult<Self> {
        let Assistant { content, policy, .. } = assistant;
        let (owner_user, owner_team) = match assistant.owner {
            Principal::User(user) => (Some(user.into()), None),
            Principal::Team(team) => (None, Some(team.into())),
        };
        Ok(Self {
            organization_id: assistant.organization.into(),
            id: assistant.id.into(),
            editing_id: assistant.editing.map(|editing| editing.live.into()),
            slug: assistant.slug.as_ref().map(|slug| slug.as_str().to_owned()),
            owner_user,
            owner_team,
            created_by: assistant.created_by.into(),
            created_at: Moment(assistant.created_at),
            updated_at: Moment(assistant.updated_at),
            deleted_at: assistant.deleted_at.map(Moment),
            is_default: assistant.is_default,
            version: assistant.version.into(),
            revision: assistant.revision,
            content: JsonText::of(content)?,
            policy: JsonText::of(policy)?,
            shares: JsonText::of(&assistant.shares)?,
            tags: assistant.tags.iter().map(TagId::to_string).collect(),
            kind: content.kind.as_str(),
            name_key: name_key(assistant),
            description_key: content.description.as_deref().map(|d| comparable(d.to_lowercase())),
            model_key: comparable(content.default_model_key.clone()),
            metadata: metadata(content.metadata.iter().flatten()),
            access_mode: policy.access_mode.as_str(),
            is_active: policy.is_active,
            api_enabled: policy.api_enabled,
            chat_users: policy.visible_in_chat_to_users.iter().copied().map(Key::from).collect(),
        })
    }
}

/// The name without regard to case, in Unicode.
pub(crate) fn name_key(assistant: &Assistant) -> String {
    comparable(assistant.content.name.to_lowercase())
}

/// Pairs as they are compared.
pub(crate) fn metadata<'a>(pairs: impl Iterator<Item = (&'a String, &'a String)>) -> Value {
    let pairs = pairs.map(|(k, v)| (comparable(k.clone()), Value::String(comparable(v.clone()))));
    Value::Object(pairs.collect::<Map<_, _>>())
}

fn read(row: Result<Row, Failure>) -> StoreResult<Option<Assistant>> {
    row.optional().map_err(on_read("assistants"))?.map(Assistant::try_from).transpose()
}

#[async_trait]
impl AssistantRepository for PgUnitOfWork {
    #[tracing::instrument(name = "db.assistants.find", skip_all, fields(assistant.id = %id))]
    async fn find(&mut self, id: AssistantId) -> StoreResult<Option<Assistant>> {
        // NO KEY: others may still add rows that refer to the assistant.
        let row = assistants::table
            .find((self.tenant(), Key::from(id)))
            .select(Row::as_select())
            .for_no_key_update()
            .first(self.conn()?)
            .await;
        read(row)
    }

    #[tracing::instrument(name = "db.assistants.find_draft_of", skip_all, fields(assistant.id = %live))]
    async fn find_draft_of(&mut self, live: AssistantId) -> StoreResult<Option<Assistant>> {
        let row = assistants::table
            .filter(assistants::organization_id.eq(self.tenant()))
            .filter(assistants::editing_id.eq(Key::from(live)))
            .select(Row::as_select())
            .for_no_key_update()
            .first(self.conn()?)
            .await;
        read(row)
    }

    #[tracing::instrument(name = "db.assistants.find_by_slug", skip_all)]
    async fn find_by_slug(&mut self, slug: &Slug) -> StoreResult<Option<AssistantId>> {
        let id = assistants::table
            .filter(assistants::organization_id.eq(self.tenant()))
            .filter(assistants::slug.eq(slug.as_str().to_owned()))
            .filter(assistants::editing_id.is_null())
            .select(assistants::id)
            .first::<Key>(self.conn()?)
            .await;
        Ok(id.optional().map_err(on_read("assistants"))?.map(Key::id))
    }

    #[tracing::instrument(name = "db.assistants.insert", skip_all, fields(assistant.id = %assistant.id))]
    async fn insert(&mut self, assistant: &Assistant) -> StoreResult<()> {
        let conn = self.conn()?;
        prepared(diesel::insert_into(assistants::table).values(WholeRow::of(assistant)?))
            .execute(conn)
            .await
            .map_err(on_write("assistants"))?;
        let namer = Namer::assistant(assistant.organization.into(), assistant.id);
        namer.name(conn, assistant.content.blobs()).await?;
        audience::write_first(conn, assistant).await
    }

    #[tracing::instrument(name = "db.assistants.update", skip_all, fields(assistant.id = %assistant.id))]
    async fn update(&mut self, mut assistant: Assistant) -> StoreResult<Assistant> {
        let read = assistant.revision;
        assistant.revision += 1;
        let unchanged = assistants::table
            .find((self.tenant(), Key::from(assistant.id)))
            .filter(assistants::revision.eq(read));
        let conn = self.conn()?;
        let updated =
            prepared(diesel::update(unchanged).set(WholeRow::of(&assistant)?)).execute(conn).await;
        if updated.map_err(on_write("assistants"))? != 1 {
            return Err(StoreError::Conflict);
        }
        let namer = Namer::assistant(assistant.organization.into(), assistant.id);
        let renaming = namer.renaming(assistant.content.blobs());
        audience::write(conn, &assistant, renaming).await?;
        Ok(assistant)
    }

    #[tracing::instrument(name = "db.assistants.delete_draft", skip_all, fields(assistant.id = %id))]
    async fn delete_draft(&mut self, id: AssistantId) -> StoreResult<bool> {
        Sql::<Bool>::new("SELECT delete_draft(?, ?)")
            .bind::<SqlUuid, _>(self.tenant())
            .bind::<SqlUuid, _>(Key::from(id))
            .get_result(self.conn()?)
            .await
            .map_err(on_write("assistants"))
    }

    #[tracing::instrument(name = "db.assistants.clear_default", skip_all)]
    async fn clear_default(&mut self) -> StoreResult<()> {
        let default = assistants::table
            .filter(assistants::organization_id.eq(self.tenant()))
            .filter(assistants::is_default.eq(true))
            .filter(assistants::editing_id.is_null());
        diesel::update(default)
            .set((
                assistants::is_default.eq(false),
                assistants::revision.eq(assistants::revision + 1),
            ))
            .execute(self.conn()?)
            .await
            .map_err(on_write("assistants"))?;
        Ok(())
    }
}
