//! Providers.

use async_trait::async_trait;
use diesel::{
    AsChangeset, ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable, Selectable,
    SelectableHelper,
};
use diesel_async::RunQueryDsl;
use understudy_domain::{
    Provider, ProviderId, ProviderKind,
    ports::{ProviderRepository, StoreError, StoreResult},
};

use crate::{
    errors::{corrupt, on_read, on_write},
    schema::providers,
    sql::prepared,
    unit_of_work::PgUnitOfWork,
    values::{Json, JsonText, Key, Moment},
};

/// A provider as it is stored.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = providers, check_for_backend(diesel::pg::Pg))]
pub(crate) struct Row {
    organization_id: Key,
    id: Key,
    name: String,
    kind: String,
    base_url: Option<String>,
    api_key: Option<Vec<u8>>,
    models: Json<Vec<String>>,
    priority: i32,
    enabled: bool,
    created_at: Moment,
    updated_at: Moment,
    revision: i64,
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

#[derive(Debug, Insertable, AsChangeset)]
#[diesel(table_name = providers, check_for_backend(diesel::pg::Pg))]
#[diesel(primary_key(organization_id, id), treat_none_as_null = true)]
#[diesel(treat_none_as_default_value = false)]
struct NewRow {
    organization_id: Key,
    id: Key,
    name: String,
    name_key: String,
    kind: &'static str,
    base_url: Option<String>,
    api_key: Option<Vec<u8>>,
    models: JsonText,
    priority: i32,
    enabled: bool,
    created_at: Moment,
    updated_at: Moment,
    revision: i64,
}

impl NewRow {
    fn of(provider: &Provider) -> StoreResult<Self> {
        Ok(Self {
            organization_id: provider.organization.into(),
            id: provider.id.into(),
            name: provider.name.clone(),
            name_key: provider.name.to_lowercase(),
            kind: provider.kind.as_str(),
            base_url: provider.base_url.clone(),
            api_key: provider.api_key.clone(),
            models: JsonText::of(&provider.models)?,
            priority: provider.priority,
            enabled: provider.enabled,
            created_at: Moment(provider.created_at),
            updated_at: Moment(provider.updated_at),
            revision: provider.revision,
        })
    }
}

#[async_trait]
impl ProviderRepository for PgUnitOfWork {
    #[tracing::instrument(name = "db.providers.find", skip_all, fields(provider.id = %id))]
    async fn find(&mut self, id: ProviderId) -> StoreResult<Option<Provider>> {
        let row: Option<Row> = providers::table
            .find((self.tenant(), Key::from(id)))
            .select(Row::as_select())
            .for_no_key_update()
            .first(self.conn()?)
            .await
            .optional()
            .map_err(on_read("providers"))?;
        row.map(Provider::try_from).transpose()
    }

    #[tracing::instrument(name = "db.providers.insert", skip_all, fields(provider.id = %provider.id))]
    async fn insert(&mut self, provider: &Provider) -> StoreResult<()> {
        prepared(diesel::insert_into(providers::table).values(NewRow::of(provider)?))
            .execute(self.conn()?)
            .await
            .map_err(on_write("providers"))?;
        Ok(())
    }

    #[tracing::instrument(name = "db.providers.update", skip_all, fields(provider.id = %provider.id))]
    async fn update(&mut self, mut provider: Provider) -> StoreResult<Provider> {
        let read = provider.revision;
        provider.revision += 1;
        let unchanged = providers::table
            .find((self.tenant(), Key::from(provider.id)))
            .filter(providers::revision.eq(read));
        let updated = prepared(diesel::update(unchanged).set(NewRow::of(&provider)?))
            .execute(self.conn()?)
            .await;
        if updated.map_err(on_write("providers"))? != 1 {
            return Err(StoreError::Conflict);
        }
        Ok(provider)
    }

    #[tracing::instrument(name = "db.providers.delete", skip_all, fields(provider.id = %id))]
    async fn delete(&mut self, id: ProviderId) -> StoreResult<bool> {
        let provider = providers::table.find((self.tenant(), Key::from(id)));
        let deleted = diesel::delete(provider).execute(self.conn()?).await;
        Ok(deleted.map_err(on_write("providers"))? == 1)
    }
}
