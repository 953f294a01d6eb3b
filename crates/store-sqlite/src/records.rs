//! What only grows: versions, sealed values, data keys and the audit log.

use async_trait::async_trait;
use diesel::{
    ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable, RunQueryDsl, Selectable,
    SelectableHelper, SqliteConnection,
};
use understudy_domain::{
    AssistantId, AuditEvent, Blob, Content, DataKey, SealedId, SealedValue, Version,
    VersionSummary,
    ports::{RecordRepository, StoreError, StoreResult},
};

use crate::{
    audit,
    errors::{corrupt, on_read, on_write},
    names::Namer,
    schema::{data_keys, sealed_values, versions},
    unit_of_work::SqliteUnitOfWork,
    values::{Json, Key, Micros},
};

#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = versions, check_for_backend(diesel::sqlite::Sqlite))]
struct SummaryRow {
    id: Key,
    number: i64,
    author: Key,
    created_at: Micros,
    message: Option<String>,
    changes: i64,
}

#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = versions, check_for_backend(diesel::sqlite::Sqlite))]
struct VersionRow {
    organization_id: Key,
    assistant_id: Key,
    #[diesel(embed)]
    summary: SummaryRow,
    content: Json<Content>,
}

impl From<&Version> for VersionRow {
    fn from(version: &Version) -> Self {
        Self {
            organization_id: version.organization.into(),
            assistant_id: version.assistant.into(),
            summary: SummaryRow {
                id: version.id.into(),
                number: version.number.into(),
                author: version.author.into(),
                created_at: Micros(version.created_at),
                message: version.message.clone(),
                changes: version.changes.into(),
            },
            content: Json(version.content.clone()),
        }
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
        let summary = VersionSummary::try_from(row.summary)?;
        Ok(Self {
            id: summary.id,
            organization: row.organization_id.id(),
            assistant: row.assistant_id.id(),
            number: summary.number,
            author: summary.author,
            created_at: summary.created_at,
            message: summary.message,
            changes: summary.changes,
            content: row.content.0,
        })
    }
}

#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = sealed_values, check_for_backend(diesel::sqlite::Sqlite))]
pub(crate) struct SealedRow {
    organization_id: Key,
    id: Key,
    assistant_id: Key,
    name: String,
    ciphertext: Vec<u8>,
    created_at: Micros,
}

impl From<&SealedValue> for SealedRow {
    fn from(value: &SealedValue) -> Self {
        Self {
            organization_id: value.organization.into(),
            id: value.id.into(),
            assistant_id: value.assistant.into(),
            name: value.name.clone(),
            ciphertext: value.ciphertext.clone(),
            created_at: Micros(value.created_at),
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

#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = data_keys, check_for_backend(diesel::sqlite::Sqlite))]
pub(crate) struct DataKeyRow {
    organization_id: Key,
    id: Key,
    wrapped: Vec<u8>,
    created_at: Micros,
}

impl From<&DataKey> for DataKeyRow {
    fn from(key: &DataKey) -> Self {
        Self {
            organization_id: key.organization.into(),
            id: key.id.into(),
            wrapped: key.wrapped.clone(),
            created_at: Micros(key.created_at),
        }
    }
}

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

/// The version with this number, or `None`.
pub(crate) fn version(
    conn: &mut SqliteConnection,
    tenant: Key,
    assistant: Key,
    number: u32,
) -> StoreResult<Option<Version>> {
    let version = versions::table.find((tenant, assistant, i64::from(number)));
    let row = version.select(VersionRow::as_select()).first(conn).optional();
    row.map_err(on_read("versions"))?.map(Version::try_from).transpose()
}

/// Versions, newest first, with numbers below `before`.
pub(crate) fn versions_of(
    conn: &mut SqliteConnection,
    tenant: Key,
    assistant: Key,
    before: Option<u32>,
    limit: u32,
) -> StoreResult<Vec<VersionSummary>> {
    let before = before.map_or(i64::MAX, i64::from);
    let rows: Vec<SummaryRow> = versions::table
        .filter(versions::organization_id.eq(tenant))
        .filter(versions::assistant_id.eq(assistant))
        .filter(versions::number.lt(before))
        .order(versions::number.desc())
        .limit(limit.into())
        .select(SummaryRow::as_select())
        .load(conn)
        .map_err(on_read("versions"))?;
    rows.into_iter().map(VersionSummary::try_from).collect()
}

/// Those of the sealed values that there are.
pub(crate) fn find_sealed(
    conn: &mut SqliteConnection,
    tenant: Key,
    ids: &[SealedId],
) -> StoreResult<Vec<SealedValue>> {
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let value = sealed_values::table.find((tenant, Key::from(*id)));
        let row = value.select(SealedRow::as_select()).first(conn).optional();
        found.extend(row.map_err(on_read("sealed_values"))?.map(SealedValue::from));
    }
    Ok(found)
}

#[async_trait]
impl RecordRepository for SqliteUnitOfWork {
    async fn insert_version(&mut self, version: &Version) -> StoreResult<()> {
        self.check_tenant("versions", version.organization)?;
        let row = VersionRow::from(version);
        let names = Namer::version(self.tenant(), version.id);
        let blobs: Vec<Blob> = version.content.blobs().collect();
        self.touch("records.insert_version", move |conn| {
            let inserted = diesel::insert_into(versions::table).values(row).execute(conn);
            match inserted.map_err(on_write("versions")) {
                Ok(_) => names.name(conn, blobs.into_iter()),
                // Somebody else made the version of this number.
                Err(StoreError::AlreadyExists { .. }) => Err(StoreError::Conflict),
                Err(error) => Err(error),
            }
        })
    }

    async fn find_version(
        &mut self,
        assistant: AssistantId,
        number: u32,
    ) -> StoreResult<Option<Version>> {
        let tenant = self.tenant();
        self.touch("records.find_version", move |conn| {
            version(conn, tenant, assistant.into(), number)
        })
    }

    async fn insert_sealed(&mut self, values: &[SealedValue]) -> StoreResult<()> {
        for value in values {
            self.check_tenant("sealed_values", value.organization)?;
        }
        let rows: Vec<SealedRow> = values.iter().map(SealedRow::from).collect();
        self.touch("records.insert_sealed", move |conn| {
            for row in rows {
                diesel::insert_into(sealed_values::table)
                    .values(row)
                    .execute(conn)
                    .map_err(on_write("sealed_values"))?;
            }
            Ok(())
        })
    }

    async fn find_sealed(&mut self, ids: &[SealedId]) -> StoreResult<Vec<SealedValue>> {
        let tenant = self.tenant();
        let ids = ids.to_vec();
        self.touch("records.find_sealed", move |conn| find_sealed(conn, tenant, &ids))
    }

    async fn newest_data_key(&mut self) -> StoreResult<Option<DataKey>> {
        let tenant = self.tenant();
        self.touch("records.newest_data_key", move |conn| {
            let row = data_keys::table
                .filter(data_keys::organization_id.eq(tenant))
                .order((data_keys::created_at.desc(), data_keys::id.desc()))
                .select(DataKeyRow::as_select())
                .first(conn);
            Ok(row.optional().map_err(on_read("data_keys"))?.map(DataKey::from))
        })
    }

    async fn insert_data_key(&mut self, key: &DataKey) -> StoreResult<()> {
        self.check_tenant("data_keys", key.organization)?;
        let row = DataKeyRow::from(key);
        self.run("records.insert_data_key", move |conn| {
            diesel::insert_into(data_keys::table)
                .values(row)
                .execute(conn)
                .map_err(on_write("data_keys"))?;
            Ok(())
        })
        .await
    }

    async fn append_event(&mut self, event: &AuditEvent) -> StoreResult<()> {
        self.check_tenant("audit_events", event.organization)?;
        let event = event.clone();
        // At once: there is no other writer who could commit before.
        let seq = self.touch("records.append_event", move |conn| audit::append(conn, &event))?;
        self.note_event(seq);
        Ok(())
    }
}
