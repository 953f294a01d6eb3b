//! What only grows: versions, sealed values, data keys, audit events.

use async_trait::async_trait;
use diesel::{
    ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable, Selectable,
    SelectableHelper, dsl::SqlTypeOf, pg::Pg, sql_types::Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use understudy_domain::{
    AssistantId, AuditEvent, Content, DataKey, SealedId, SealedValue, Version, VersionSummary,
    ports::{RecordRepository, StoreError, StoreResult},
};

use crate::{
    errors::{corrupt, on_read, on_write},
    names::Namer,
    schema::{data_keys, sealed_values, versions},
    sql::{Sql, prepared},
    unit_of_work::PgUnitOfWork,
    values::{Json, JsonText, Key, Moment},
};

/// A version without its content, as it is stored.
#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = versions, check_for_backend(diesel::pg::Pg))]
#[diesel(treat_none_as_default_value = false)]
pub(crate) struct SummaryRow {
    organization_id: Key,
    id: Key,
    assistant_id: Key,
    number: i64,
    author: Key,
    created_at: Moment,
    message: Option<String>,
    changes: i64,
}

/// A version as it is stored.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = versions, check_for_backend(diesel::pg::Pg))]
pub(crate) struct VersionRow {
    #[diesel(embed)]
    summary: SummaryRow,
    content: Json<Content>,
}

#[derive(Debug, Insertable)]
#[diesel(table_name = versions, check_for_backend(diesel::pg::Pg))]
struct NewVersionRow {
    #[diesel(embed)]
    summary: SummaryRow,
    content: JsonText,
}

impl NewVersionRow {
    fn of(version: &Version) -> StoreResult<Self> {
        let summary = SummaryRow {
            organization_id: version.organization.into(),
            id: version.id.into(),
            assistant_id: version.assistant.into(),
            number: version.number.into(),
            author: version.author.into(),
            created_at: Moment(version.created_at),
            message: version.message.clone(),
            changes: version.changes.into(),
        };
        Ok(Self { summary, content: JsonText::of(&version.content)? })
    }
}

impl TryFrom<SummaryRow> for VersionSummary {
    type Error = StoreError;

    fn try_from(row: SummaryRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id.id(),
            number: u32::try_from(row.number).map_err(corrupt("versions"))?,
            author: row.author.id(),
            created_at: row.created_at.0,
            message: row.message,
            changes: u32::try_from(row.changes).map_err(corrupt("versions"))?,
        })
    }
}

impl TryFrom<VersionRow> for Version {
    type Error = StoreError;

    fn try_from(row: VersionRow) -> Result<Self, StoreError> {
        let (organization, assistant) =
            (row.summary.organization_id.id(), row.summary.assistant_id.id());
        let summary = VersionSummary::try_from(row.summary)?;
        Ok(Self {
            id: summary.id,
            organization,
            assistant,
            number: summary.number,
            author: summary.author,
            created_at: summary.created_at,
            message: summary.message,
            changes: summary.changes,
            content: row.content.0,
        })
    }
}

/// A sealed value as it is stored.
#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = sealed_values, check_for_backend(diesel::pg::Pg))]
pub(crate) struct SealedRow {
    organization_id: Key,
    id: Key,
    assistant_id: Key,
    name: String,
    ciphertext: Vec<u8>,
    created_at: Moment,
}

impl From<&SealedValue> for SealedRow {
    fn from(value: &SealedValue) -> Self {
        Self {
            organization_id: value.organization.into(),
            id: value.id.into(),
            assistant_id: value.assistant.into(),
            name: value.name.clone(),
            ciphertext: value.ciphertext.clone(),
            created_at: Moment(value.created_at),
        }
    }
}

impl From<SealedRow> for SealedValue {
    fn from(row: SealedRow) -> Self {
        Self {
            id: row.id.id(),
            organization: row.organization_id.id(),
            assistant: row.assistant_id.id(),
            name: row.name,
            ciphertext: row.ciphertext,
            created_at: row.created_at.0,
        }
    }
}

/// A data key as it is stored.
#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = data_keys, check_for_backend(diesel::pg::Pg))]
pub(crate) struct DataKeyRow {
    organization_id: Key,
    id: Key,
    wrapped: Vec<u8>,
    created_at: Moment,
}

type DataKeyTypes = SqlTypeOf<<DataKeyRow as Selectable<Pg>>::SelectExpression>;

impl From<DataKeyRow> for DataKey {
    fn from(row: DataKeyRow) -> Self {
        Self {
            id: row.id.id(),
            organization: row.organization_id.id(),
            wrapped: row.wrapped,
            created_at: row.created_at.0,
        }
    }
}

#[async_trait]
impl RecordRepository for PgUnitOfWork {
    #[tracing::instrument(name = "db.versions.insert", skip_all)]
    async fn insert_version(&mut self, version: &Version) -> StoreResult<()> {
        let conn = self.conn()?;
        prepared(diesel::insert_into(versions::table).values(NewVersionRow::of(version)?))
            .execute(conn)
            .await
            .map_err(on_write("versions"))?;
        let namer = Namer::version(version.organization.into(), version.id);
        namer.name(conn, version.content.blobs()).await
    }

    #[tracing::instrument(name = "db.versions.find", skip_all)]
    async fn find_version(
        &mut self,
        assistant: AssistantId,
        number: u32,
    ) -> StoreResult<Option<Version>> {
        let row: Option<VersionRow> = versions::table
            .filter(versions::organization_id.eq(self.tenant()))
            .filter(versions::assistant_id.eq(Key::from(assistant)))
            .filter(versions::number.eq(i64::from(number)))
            .select(VersionRow::as_select())
            .first(self.conn()?)
            .await
            .optional()
            .map_err(on_read("versions"))?;
        row.map(Version::try_from).transpose()
    }

    #[tracing::instrument(name = "db.sealed_values.insert", skip_all)]
    async fn insert_sealed(&mut self, values: &[SealedValue]) -> StoreResult<()> {
        for value in values {
            prepared(diesel::insert_into(sealed_values::table).values(SealedRow::from(value)))
                .execute(self.conn()?)
                .await
                .map_err(on_write("sealed_values"))?;
        }
        Ok(())
    }

    #[tracing::instrument(name = "db.sealed_values.find", skip_all)]
    async fn find_sealed(&mut self, ids: &[SealedId]) -> StoreResult<Vec<SealedValue>> {
        let ids: Vec<Key> = ids.iter().copied().map(Key::from).collect();
        let rows: Vec<SealedRow> = sealed_values::table
            .filter(sealed_values::organization_id.eq(self.tenant()))
            .filter(sealed_values::id.eq_any(ids))
            .select(SealedRow::as_select())
            .load(self.conn()?)
            .await
            .map_err(on_read("sealed_values"))?;
        Ok(rows.into_iter().map(SealedValue::from).collect())
    }

    #[tracing::instrument(name = "db.data_keys.newest", skip_all)]
    async fn newest_data_key(&mut self) -> StoreResult<Option<DataKey>> {
        let row = Sql::<DataKeyTypes>::new(
            "SELECT organization_id, id, wrapped, created_at FROM newest_data_key(?)",
        )
        .bind::<SqlUuid, _>(self.tenant())
        .get_result::<DataKeyRow>(self.conn()?)
        .await;
        Ok(row.optional().map_err(on_read("data_keys"))?.map(DataKey::from))
    }

    #[tracing::instrument(name = "db.data_keys.insert", skip_all)]
    async fn insert_data_key(&mut self, key: &DataKey) -> StoreResult<()> {
        let row = DataKeyRow {
            organization_id: key.organization.into(),
            id: key.id.into(),
            wrapped: key.wrapped.clone(),
            created_at: Moment(key.created_at),
        };
        prepared(diesel::insert_into(data_keys::table).values(row))
            .execute(self.conn()?)
            .await
            .map_err(on_write("data_keys"))?;
        Ok(())
    }

    /// Sends nothing: the events go with the commit.
    async fn append_event(&mut self, event: &AuditEvent) -> StoreResult<()> {
        self.events().push(event)
    }
}
