//! Data keys and sealed values, for key rotation.

use async_trait::async_trait;
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, SelectableHelper};
use diesel_async::RunQueryDsl;
use understudy_domain::{
    DataKey, DataKeyId, OrganizationId, SealedId, SealedValue,
    ports::{KeyQueries, KeyRepository, StoreError, StoreResult},
};
use uuid::Uuid;

use crate::{
    errors::{on_read, on_write},
    records::{DataKeyRow, SealedRow},
    schema::{data_keys, sealed_values},
    store::PgStore,
    transaction::Transaction,
    unit_of_work::PgUnitOfWork,
    values::Key,
};

#[async_trait]
impl KeyQueries for PgStore {
    #[tracing::instrument(name = "db.data_keys.read", skip_all)]
    async fn data_key(
        &self,
        tenant: OrganizationId,
        id: DataKeyId,
    ) -> StoreResult<Option<DataKey>> {
        let key = data_keys::table.find((Key::from(tenant), Key::from(id)));
        let key = key.select(DataKeyRow::as_select());
        let rows: Vec<DataKeyRow> = Transaction::read(&self.connections, tenant, key)
            .await?
            .map_err(on_read("data_keys"))?;
        Ok(rows.into_iter().next().map(DataKey::from))
    }

    #[tracing::instrument(name = "db.sealed_values.read", skip_all)]
    async fn sealed(
        &self,
        tenant: OrganizationId,
        ids: &[SealedId],
    ) -> StoreResult<Vec<SealedValue>> {
        let ids: Vec<Key> = ids.iter().copied().map(Key::from).collect();
        let values = sealed_values::table
            .filter(sealed_values::organization_id.eq(Key::from(tenant)))
            .filter(sealed_values::id.eq_any(ids))
            .select(SealedRow::as_select());
        let rows: Vec<SealedRow> = Transaction::read(&self.connections, tenant, values)
            .await?
            .map_err(on_read("sealed_values"))?;
        Ok(rows.into_iter().map(SealedValue::from).collect())
    }
}

#[async_trait]
impl KeyRepository for PgUnitOfWork {
    #[tracing::instrument(name = "db.data_keys.find", skip_all)]
    async fn find(&mut self, id: DataKeyId) -> StoreResult<Option<DataKey>> {
        let row = data_keys::table
            .find((self.tenant(), Key::from(id)))
            .select(DataKeyRow::as_select())
            .first(self.conn()?)
            .await;
        Ok(row.optional().map_err(on_read("data_keys"))?.map(DataKey::from))
    }

    #[tracing::instrument(name = "db.data_keys.all", skip_all)]
    async fn all(&mut self) -> StoreResult<Vec<DataKey>> {
        // Waits for whoever shares the newest one, as `newest_data_key` does.
        let rows: Vec<DataKeyRow> = data_keys::table
            .filter(data_keys::organization_id.eq(self.tenant()))
            .order((data_keys::created_at, data_keys::id))
            .select(DataKeyRow::as_select())
            .for_update()
            .load(self.conn()?)
            .await
            .map_err(on_read("data_keys"))?;
        Ok(rows.into_iter().map(DataKey::from).collect())
    }

    #[tracing::instrument(name = "db.data_keys.rewrap", skip_all)]
    async fn rewrap(&mut self, key: &DataKey) -> StoreResult<()> {
        let stored = data_keys::table.find((self.tenant(), Key::from(key.id)));
        let updated = diesel::update(stored)
            .set(data_keys::wrapped.eq(key.wrapped.clone()))
            .execute(self.conn()?)
            .await;
        one(updated.map_err(on_write("data_keys"))?)
    }

    #[tracing::instrument(name = "db.sealed_values.after", skip_all)]
    async fn sealed_after(
        &mut self,
        after: Option<SealedId>,
        limit: u32,
    ) -> StoreResult<Vec<SealedValue>> {
        // No value has the nil UUID, so all come behind it.
        let after = after.map_or(Key(Uuid::nil()), Key::from);
        let rows: Vec<SealedRow> = sealed_values::table
            .filter(sealed_values::organization_id.eq(self.tenant()))
            .filter(sealed_values::id.gt(after))
            .order(sealed_values::id)
            .limit(limit.into())
            .select(SealedRow::as_select())
            .load(self.conn()?)
            .await
            .map_err(on_read("sealed_values"))?;
        Ok(rows.into_iter().map(SealedValue::from).collect())
    }

    #[tracing::instrument(name = "db.sealed_values.reseal", skip_all)]
    async fn reseal(&mut self, value: &SealedValue) -> StoreResult<()> {
        let stored = sealed_values::table.find((self.tenant(), Key::from(value.id)));
        let updated = diesel::update(stored)
            .set(sealed_values::ciphertext.eq(value.ciphertext.clone()))
            .execute(self.conn()?)
            .await;
        one(updated.map_err(on_write("sealed_values"))?)
    }
}

const fn one(rows: usize) -> StoreResult<()> {
    if rows == 1 { Ok(()) } else { Err(StoreError::Conflict) }
}
