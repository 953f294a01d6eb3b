//! Providers, and where imported assistants come from.

use async_trait::async_trait;
use diesel::{
    AsChangeset, ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable,
    RunQueryDsl, Selectable, SelectableHelper, SqliteConnection,
};
use understudy_domain::{
    AssistantId, Provider, ProviderId, ProviderKind,
    ports::{ImportRepository, ProviderRepository, StoreError, StoreResult},
};

use crate::{
    errors::{corrupt, on_read, on_write},
    schema::{imports, providers},
    unit_of_work::SqliteUnitOfWork,
    values::{Json, Key, Micros},
};

#[derive(Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = providers, check_for_backend(diesel::sqlite::Sqlite))]
#[diesel(primary_key(organization_id, id), treat_none_as_null = true)]
struct Row {
    organization_id: Key,
    id: Key,
    name: String,
    name_key: String,
    kind: String,
    base_url: Option<String>,
    api_key: Option<Vec<u8>>,
    models: Json<Vec<String>>,
    priority: i32,
    enabled: bool,
    created_at: Micros,
    updated_at: Micros,
    revision: i64,
}

impl From<&Provider> for Row {
    fn from(provider: &Provider) -> Self {
        Self {
            organization_id: provider.organization.into(),
            id: provider.id.into(),
            name: provider.name.clone(),
            name_key: provider.name.to_lowercase(),
            kind: provider.kind.as_str().to_owned(),
            base_url: provider.base_url.clone(),
            api_key: provider.api_key.clone(),
            models: Json(provider.models.clone()),
            priority: provider.priority,
            enabled: provider.enabled,
            created_at: Micros(provider.created_at),
            updated_at: Micros(provider.updated_at),
            revision: provider.revision,
        }
    }
}

impl TryFrom<Row> for Provider {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let kind = ProviderKind::from_word(&row.kind);
        Ok(Self {
            id: row.id.id(),
            organization: row.organization_id.id(),
            name: row.name,
            kind: kind.ok_or_else(|| corrupt("providers")("no provider is of this kind"))?,
            base_url: row.base_url,
            api_key: row.api_key,
            models: row.models.0,
            priority: row.priority,
            enabled: row.enabled,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            revision: row.revision,
        })
    }
}

/// All providers by priority and name.
pub(crate) fn all(conn: &mut SqliteConnection, tenant: Key) -> StoreResult<Vec<Provider>> {
    let rows: Vec<Row> = providers::table
        .filter(providers::organization_id.eq(tenant))
        .order((providers::priority, providers::name_key))
        .select(Row::as_select())
        .load(conn)
        .map_err(on_read("providers"))?;
    rows.into_iter().map(Provider::try_from).collect()
}

#[async_trait]
impl ProviderRepository for SqliteUnitOfWork {
    async fn find(&mut self, id: ProviderId) -> StoreResult<Option<Provider>> {
        let tenant = self.tenant();
        self.run("providers.find", move |conn| {
            let provider = providers::table.find((tenant, Key::from(id)));
            let row = provider.select(Row::as_select()).first(conn).optional();
            row.map_err(on_read("providers"))?.map(Provider::try_from).transpose()
        })
        .await
    }

    async fn insert(&mut self, provider: &Provider) -> StoreResult<()> {
        self.check_tenant("providers", provider.organization)?;
        let row = Row::from(provider);
        self.run("providers.insert", move |conn| {
            diesel::insert_into(providers::table)
                .values(row)
                .execute(conn)
                .map_err(on_write("providers"))?;
            Ok(())
        })
        .await
    }

    async fn update(&mut self, mut provider: Provider) -> StoreResult<Provider> {
        self.check_tenant("providers", provider.organization)?;
        let tenant = self.tenant();
        self.run("providers.update", move |conn| {
            let read = provider.revision;
            provider.revision += 1;
            let unchanged = providers::table
                .find((tenant, Key::from(provider.id)))
                .filter(providers::revision.eq(read));
            let updated = diesel::update(unchanged).set(Row::from(&provider)).execute(conn);
            match updated.map_err(on_write("providers"))? {
                1 => Ok(provider),
                _ => Err(StoreError::Conflict),
            }
        })
        .await
    }

    async fn delete(&mut self, id: ProviderId) -> StoreResult<bool> {
        let tenant = self.tenant();
        self.run("providers.delete", move |conn| {
            let provider = providers::table.find((tenant, Key::from(id)));
            let deleted = diesel::delete(provider).execute(conn);
            Ok(deleted.map_err(on_write("providers"))? == 1)
        })
        .await
    }
}

#[async_trait]
impl ImportRepository for SqliteUnitOfWork {
    async fn find(&mut self, external: &str) -> StoreResult<Option<AssistantId>> {
        let (tenant, external) = (self.tenant(), external.to_owned());
        self.run("imports.find", move |conn| {
            let import = imports::table.find((tenant, external));
            let assistant = import.select(imports::assistant_id).first::<Key>(conn).optional();
            Ok(assistant.map_err(on_read("imports"))?.map(Key::id))
        })
        .await
    }

    async fn save(&mut self, external: &str, assistant: AssistantId) -> StoreResult<()> {
        let row = (
            imports::organization_id.eq(self.tenant()),
            imports::external.eq(external.to_owned()),
            imports::assistant_id.eq(Key::from(assistant)),
        );
        self.run("imports.save", move |conn| {
            diesel::replace_into(imports::table)
                .values(row)
                .execute(conn)
                .map_err(on_write("imports"))?;
            Ok(())
        })
        .await
    }
}
