//! Assistants and drafts.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use diesel::{
    AsChangeset, ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable,
    RunQueryDsl, Selectable, SelectableHelper, SqliteConnection, result::Error as Failure,
};
use understudy_domain::{
    Assistant, AssistantId, Content, Editing, Policy, Principal, Share, Slug, TagId,
    ports::{AssistantRepository, StoreError, StoreResult},
};

use crate::{
    audience,
    errors::{corrupt, on_read, on_write},
    names::Namer,
    schema::assistants,
    unit_of_work::SqliteUnitOfWork,
    values::{Json, Key, Micros},
};

type Shares = BTreeMap<Principal, Share>;

/// What is read of an assistant; the other columns are derived from these.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = assistants, check_for_backend(diesel::sqlite::Sqlite))]
pub(crate) struct Row {
    organization_id: Key,
    id: Key,
    editing_id: Option<Key>,
    slug: Option<String>,
    owner_user: Option<Key>,
    owner_team: Option<Key>,
    created_by: Key,
    created_at: Micros,
    updated_at: Micros,
    deleted_at: Option<Micros>,
    is_default: bool,
    version: i64,
    revision: i64,
    policy: Json<Policy>,
    tags: Json<BTreeSet<TagId>>,
    shares: Json<Shares>,
    content: Json<Content>,
}

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
#[diesel(table_name = assistants, check_for_backend(diesel::sqlite::Sqlite))]
#[diesel(primary_key(organization_id, id), treat_none_as_null = true)]
struct WholeRow {
    organization_id: Key,
    id: Key,
    editing_id: Option<Key>,
    slug: Option<String>,
    name_key: String,
    kind: &'static str,
    owner_user: Option<Key>,
    owner_team: Option<Key>,
    created_by: Key,
    created_at: Micros,
    updated_at: Micros,
    deleted_at: Option<Micros>,
    is_default: bool,
    version: i64,
    revision: i64,
    model_key: String,
    access_mode: &'static str,
    is_active: bool,
    api_enabled: bool,
    description_key: Option<String>,
    policy: Json<Policy>,
    tags: Json<BTreeSet<TagId>>,
    shares: Json<Shares>,
    content: Json<Content>,
}

impl From<&Assistant> for WholeRow {
    fn from(assistant: &Assistant) -> Self {
        let Assistant { content, policy, .. } = assistant;
        let (owner_user, owner_team) = match assistant.owner {
            Principal::User(user) => (Some(user.into()), None),
            Principal::Team(team) => (None, Some(team.into())),
        };
        Self {
            organization_id: assistant.organization.into(),
            id: assistant.id.into(),
            editing_id: assistant.editing.map(|editing| editing.live.into()),
            slug: assistant.slug.as_ref().map(|slug| slug.as_str().to_owned()),
            name_key: name_key(assistant),
            kind: content.kind.as_str(),
            owner_user,
            owner_team,
            created_by: assistant.created_by.into(),
            created_at: Micros(assistant.created_at),
            updated_at: Micros(assistant.updated_at),
            deleted_at: assistant.deleted_at.map(Micros),
            is_default: assistant.is_default,
            version: assistant.version.into(),
            revision: assistant.revision,
            model_key: content.default_model_key.clone(),
            access_mode: policy.access_mode.as_str(),
            is_active: policy.is_active,
            api_enabled: policy.api_enabled,
            description_key: content.description.as_deref().map(str::to_lowercase),
            policy: Json(policy.clone()),
            tags: Json(assistant.tags.clone()),
            shares: Json(assistant.shares.clone()),
            content: Json(content.clone()),
        }
    }
}

/// The name without regard to case, in Unicode.
pub(crate) fn name_key(assistant: &Assistant) -> String {
    assistant.content.name.to_lowercase()
}

fn read(row: Result<Row, Failure>) -> StoreResult<Option<Assistant>> {
    row.optional().map_err(on_read("assistants"))?.map(Assistant::try_from).transpose()
}

fn insert(conn: &mut SqliteConnection, assistant: &Assistant) -> StoreResult<()> {
    diesel::insert_into(assistants::table)
        .values(WholeRow::from(assistant))
        .execute(conn)
        .map_err(on_write("assistants"))?;
    names_of(assistant).name(conn, assistant.content.blobs())?;
    audience::write(conn, assistant)
}

fn names_of(assistant: &Assistant) -> Namer {
    Namer::assistant(assistant.organization.into(), assistant.id)
}

fn update(conn: &mut SqliteConnection, mut assistant: Assistant) -> StoreResult<Assistant> {
    let read = assistant.revision;
    assistant.revision += 1;
    let unchanged = assistants::table
        .find((Key::from(assistant.organization), Key::from(assistant.id)))
        .filter(assistants::revision.eq(read));
    let updated = diesel::update(unchanged).set(WholeRow::from(&assistant)).execute(conn);
    if updated.map_err(on_write("assistants"))? != 1 {
        return Err(StoreError::Conflict);
    }
    names_of(&assistant).rename(conn, assistant.content.blobs())?;
    audience::write(conn, &assistant)?;
    Ok(assistant)
}

#[async_trait]
impl AssistantRepository for SqliteUnitOfWork {
    async fn find(&mut self, id: AssistantId) -> StoreResult<Option<Assistant>> {
        let tenant = self.tenant();
        self.touch("assistants.find", move |conn| {
            let assistant = assistants::table.find((tenant, Key::from(id)));
            read(assistant.select(Row::as_select()).first(conn))
        })
    }

    async fn find_draft_of(&mut self, live: AssistantId) -> StoreResult<Option<Assistant>> {
        let tenant = self.tenant();
        self.touch("assistants.find_draft_of", move |conn| {
            let draft = assistants::table
                .filter(assistants::organization_id.eq(tenant))
                .filter(assistants::editing_id.eq(Key::from(live)));
            read(draft.select(Row::as_select()).first(conn))
        })
    }

    async fn find_by_slug(&mut self, slug: &Slug) -> StoreResult<Option<AssistantId>> {
        let tenant = self.tenant();
        let slug = slug.as_str().to_owned();
        self.touch("assistants.find_by_slug", move |conn| {
            let id = assistants::table
                .filter(assistants::organization_id.eq(tenant))
                .filter(assistants::slug.eq(slug))
                .select(assistants::id)
                .first::<Key>(conn);
            Ok(id.optional().map_err(on_read("assistants"))?.map(Key::id))
        })
    }

    async fn insert(&mut self, assistant: &Assistant) -> StoreResult<()> {
        self.check_tenant("assistants", assistant.organization)?;
        let assistant = assistant.clone();
        self.touch("assistants.insert", move |conn| insert(conn, &assistant))
    }

    async fn update(&mut self, assistant: Assistant) -> StoreResult<Assistant> {
        self.check_tenant("assistants", assistant.organization)?;
        self.touch("assistants.update", move |conn| update(conn, assistant))
    }

    async fn delete_draft(&mut self, id: AssistantId) -> StoreResult<bool> {
        let tenant = self.tenant();
        self.run("assistants.delete_draft", move |conn| {
            let draft = assistants::table
                .find((tenant, Key::from(id)))
                .filter(assistants::editing_id.is_not_null());
            let deleted = diesel::delete(draft).execute(conn).map_err(on_write("assistants"))?;
            if deleted == 1 {
                Namer::assistant(tenant, id).unname(conn)?;
            }
            Ok(deleted == 1)
        })
        .await
    }

    async fn clear_default(&mut self) -> StoreResult<()> {
        let tenant = self.tenant();
        self.run("assistants.clear_default", move |conn| {
            let default = assistants::table
                .filter(assistants::organization_id.eq(tenant))
                .filter(assistants::is_default.eq(true));
            diesel::update(default)
                .set((
                    assistants::is_default.eq(false),
                    assistants::revision.eq(assistants::revision + 1),
                ))
                .execute(conn)
                .map_err(on_write("assistants"))?;
            Ok(())
        })
        .await
    }
}
