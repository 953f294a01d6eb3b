//! Single assistants and their versions.

use async_trait::async_trait;
use diesel::{
    ExpressionMethods, QueryDsl, SelectableHelper,
    sql_types::{Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use understudy_domain::{
    Assistant, AssistantId, AssistantRef, OrganizationId, Version, VersionSummary,
    ports::{AssistantListQuery, AssistantQueries, AssistantRecord, DraftMark, Page, StoreResult},
};

use crate::{
    assistants::{Row, RowTypes},
    errors::on_read,
    records::{SummaryRow, VersionRow},
    schema::versions,
    sql::Sql,
    store::PgStore,
    transaction::Transaction,
    values::Key,
};

/// An assistant with the id of its draft, as `assistant_record` has it.
pub(crate) type RecordRow = (Row, Option<Key>);

/// The SQL types of a [`RecordRow`].
pub(crate) type RecordTypes = (RowTypes, Nullable<SqlUuid>);

/// The record in the rows of one assistant: itself and, when it is a draft, the
/// live one, in any order.
pub(crate) fn record(
    rows: impl Iterator<Item = RecordRow>,
) -> StoreResult<Option<AssistantRecord>> {
    let (mut live, mut draft) = (None, None);
    for (row, draft_id) in rows {
        let assistant = Assistant::try_from(row)?;
        if assistant.is_draft() {
            draft = Some(assistant);
        } else {
            live = Some((assistant, draft_id));
        }
    }
    Ok(match (draft, live) {
        (Some(assistant), live) => {
            let live = live.map(|(live, _)| Box::new(live));
            Some(AssistantRecord { assistant, live, draft: None })
        }
        (None, Some((assistant, draft_id))) => {
            let draft = draft_id.map(|id| DraftMark { id: id.id() });
            Some(AssistantRecord { assistant, live: None, draft })
        }
        (None, None) => None,
    })
}

/// The id or the slug that a reference names.
pub(crate) fn reference_columns(reference: &AssistantRef) -> (Option<Key>, Option<String>) {
    match reference {
        AssistantRef::Id(id) => (Some((*id).into()), None),
        AssistantRef::Slug(slug) => (None, Some(slug.as_str().to_owned())),
    }
}

#[async_trait]
impl AssistantQueries for PgStore {
    #[tracing::instrument(name = "db.assistants.read", skip_all)]
    async fn find(
        &self,
        tenant: OrganizationId,
        reference: &AssistantRef,
    ) -> StoreResult<Option<AssistantRecord>> {
        let (id, slug) = reference_columns(reference);
        let mut conn = self.connections.get().await?;
        let rows = Sql::<RecordTypes>::new("SELECT * FROM find_assistant(?, ?, ?)")
            .bind::<SqlUuid, _>(Key::from(tenant))
            .bind::<Nullable<SqlUuid>, _>(id)
            .bind::<Nullable<Text>, _>(slug)
            .load::<RecordRow>(&mut conn)
            .await
            .map_err(on_read("assistants"))?;
        record(rows.into_iter())
    }

    #[tracing::instrument(name = "db.assistants.list", skip_all)]
    async fn list(&self, query: &AssistantListQuery) -> StoreResult<Page<AssistantRecord>> {
        self.list_assistants(query).await
    }

    #[tracing::instrument(name = "db.versions.list", skip_all)]
    async fn versions(
        &self,
        tenant: OrganizationId,
        assistant: AssistantId,
        before: Option<u32>,
        limit: u32,
    ) -> StoreResult<Vec<VersionSummary>> {
        let page = versions::table
            .filter(versions::organization_id.eq(Key::from(tenant)))
            .filter(versions::assistant_id.eq(Key::from(assistant)))
            .filter(versions::number.lt(before.map_or(i64::MAX, i64::from)))
            .order(versions::number.desc())
            .limit(limit.into())
            .select(SummaryRow::as_select());
        let rows: Vec<SummaryRow> = Transaction::read(&self.connections, tenant, page)
            .await?
            .map_err(on_read("versions"))?;
        rows.into_iter().map(VersionSummary::try_from).collect()
    }

    #[tracing::instrument(name = "db.versions.read", skip_all)]
    async fn version(
        &self,
        tenant: OrganizationId,
        assistant: AssistantId,
        number: u32,
    ) -> StoreResult<Option<Version>> {
        let version = versions::table
            .filter(versions::organization_id.eq(Key::from(tenant)))
            .filter(versions::assistant_id.eq(Key::from(assistant)))
            .filter(versions::number.eq(i64::from(number)))
            .select(VersionRow::as_select());
        let rows: Vec<VersionRow> = Transaction::read(&self.connections, tenant, version)
            .await?
            .map_err(on_read("versions"))?;
        rows.into_iter().next().map(Version::try_from).transpose()
    }

    #[tracing::instrument(name = "db.assistants.default", skip_all)]
    async fn default_of(&self, tenant: OrganizationId) -> StoreResult<Option<AssistantRecord>> {
        let mut conn = self.connections.get().await?;
        let rows = Sql::<RecordTypes>::new("SELECT * FROM find_default_assistant(?)")
            .bind::<SqlUuid, _>(Key::from(tenant))
            .load::<RecordRow>(&mut conn)
            .await
            .map_err(on_read("assistants"))?;
        record(rows.into_iter())
    }
}
