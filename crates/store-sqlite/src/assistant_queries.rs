//! Reading single assistants and their versions.

use async_trait::async_trait;
use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods,
    OptionalExtension, QueryDsl, QueryResult, RunQueryDsl, SelectableHelper, SqliteConnection,
    dsl::auto_type, sql_types::Text,
};
use understudy_domain::{
    Assistant, AssistantId, AssistantRef, OrganizationId, Version, VersionSummary,
    ports::{AssistantListQuery, AssistantQueries, AssistantRecord, DraftMark, Page, StoreResult},
};

use crate::{
    assistant_list, assistants::Row, errors::on_read, records, schema::assistants, sql::Sql,
    store::SqliteStore, values::Key,
};

diesel::alias!(assistants as drafts: Drafts);

/// Assistants, each beside its draft.
#[auto_type]
pub(crate) fn with_draft() -> _ {
    assistants::table.left_join(
        drafts.on(drafts
            .field(assistants::organization_id)
            .eq(assistants::organization_id)
            .and(drafts.field(assistants::editing_id).eq(assistants::id.nullable()))),
    )
}

/// The assistant as [`AssistantQueries::find`] gives it.
pub(crate) fn find(
    conn: &mut SqliteConnection,
    tenant: Key,
    reference: &AssistantRef,
) -> StoreResult<Option<AssistantRecord>> {
    match reference {
        AssistantRef::Id(id) => {
            let id = Key::from(*id);
            match by_id(conn, tenant, id)? {
                None => find_elsewhere(conn, id),
                found => Ok(found),
            }
        }
        AssistantRef::Slug(slug) => {
            let row = with_draft()
                .filter(assistants::organization_id.eq(tenant))
                .filter(assistants::slug.eq(slug.as_str()))
                .select((Row::as_select(), drafts.field(assistants::id).nullable()))
                .first(conn);
            record(conn, row)
        }
    }
}

/// The organization's own assistant with this id, or `None`.
pub(crate) fn by_id(
    conn: &mut SqliteConnection,
    tenant: Key,
    id: Key,
) -> StoreResult<Option<AssistantRecord>> {
    let row = with_draft()
        .filter(assistants::organization_id.eq(tenant))
        .filter(assistants::id.eq(id))
        .select((Row::as_select(), drafts.field(assistants::id).nullable()))
        .first(conn);
    record(conn, row)
}

/// A live assistant of whichever organization that is open to all, or `None`. Its
/// draft is its organization's own affair.
fn find_elsewhere(conn: &mut SqliteConnection, id: Key) -> StoreResult<Option<AssistantRecord>> {
    let mut home = Sql::<Text>::new(
        "SELECT organization_id FROM assistants INDEXED BY assistants_everywhere \
         WHERE editing_id IS NULL AND deleted_at IS NULL \
         AND access_mode IN ('global', 'public') AND id = ",
    );
    home.word(id.text());
    match home.get_result::<Key>(conn).optional().map_err(on_read("assistants"))? {
        Some(home) => elsewhere(conn, home, id),
        None => Ok(None),
    }
}

/// The assistant of another organization, without its draft.
pub(crate) fn elsewhere(
    conn: &mut SqliteConnection,
    home: Key,
    id: Key,
) -> StoreResult<Option<AssistantRecord>> {
    let assistant = one(conn, home, id)?;
    Ok(assistant.map(|assistant| AssistantRecord { assistant, live: None, draft: None }))
}

fn one(conn: &mut SqliteConnection, tenant: Key, id: Key) -> StoreResult<Option<Assistant>> {
    let row = assistants::table.find((tenant, id)).select(Row::as_select()).first(conn);
    row.optional().map_err(on_read("assistants"))?.map(Assistant::try_from).transpose()
}

/// Completes what was found: a draft by its live assistant. That is a second
/// statement and may see a later moment, at which the live one is still there and
/// decides as it then does.
fn record(
    conn: &mut SqliteConnection,
    row: QueryResult<(Row, Option<Key>)>,
) -> StoreResult<Option<AssistantRecord>> {
    let Some((row, draft)) = row.optional().map_err(on_read("assistants"))? else {
        return Ok(None);
    };
    let assistant = Assistant::try_from(row)?;
    let live = match assistant.editing {
        Some(editing) => one(conn, assistant.organization.into(), editing.live.into())?,
        None => None,
    };
    let draft = draft.map(|id| DraftMark { id: id.id() });
    Ok(Some(AssistantRecord { assistant, live: live.map(Box::new), draft }))
}

fn default_of(conn: &mut SqliteConnection, tenant: Key) -> StoreResult<Option<AssistantRecord>> {
    // A literal, as a partial index is not used for a parameter.
    let mut id = Sql::<Text>::new(
        "SELECT id FROM assistants WHERE is_default = 1 AND editing_id IS NULL \
         AND deleted_at IS NULL AND organization_id = ",
    );
    id.word(tenant.text());
    match id.get_result::<Key>(conn).optional().map_err(on_read("assistants"))? {
        Some(id) => by_id(conn, tenant, id),
        None => Ok(None),
    }
}

#[async_trait]
impl AssistantQueries for SqliteStore {
    async fn find(
        &self,
        tenant: OrganizationId,
        reference: &AssistantRef,
    ) -> StoreResult<Option<AssistantRecord>> {
        let reference = reference.clone();
        self.readers
            .glance("assistants.find", move |conn| find(conn, tenant.into(), &reference))
            .await
    }

    async fn list(&self, query: &AssistantListQuery) -> StoreResult<Page<AssistantRecord>> {
        let query = query.clone();
        self.readers
            .run_consistently("assistants.list", move |conn| assistant_list::list(conn, &query))
            .await
    }

    async fn versions(
        &self,
        tenant: OrganizationId,
        assistant: AssistantId,
        before: Option<u32>,
        limit: u32,
    ) -> StoreResult<Vec<VersionSummary>> {
        self.readers
            .run("assistants.versions", move |conn| {
                records::versions_of(conn, tenant.into(), assistant.into(), before, limit)
            })
            .await
    }

    async fn version(
        &self,
        tenant: OrganizationId,
        assistant: AssistantId,
        number: u32,
    ) -> StoreResult<Option<Version>> {
        self.readers
            .glance("assistants.version", move |conn| {
                records::version(conn, tenant.into(), assistant.into(), number)
            })
            .await
    }

    async fn default_of(&self, tenant: OrganizationId) -> StoreResult<Option<AssistantRecord>> {
        self.readers
            .glance("assistants.default_of", move |conn| default_of(conn, tenant.into()))
            .await
    }
}
