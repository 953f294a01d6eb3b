//! Data keys and what is sealed with them, for key rotation.

use async_trait::async_trait;
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl, SelectableHelper};
use understudy_domain::{
    DataKey, DataKeyId, SealedId, SealedValue,
    ports::{KeyRepository, StoreError, StoreResult},
};

use crate::{
    errors::{on_read, on_write},
    records::{DataKeyRow, SealedRow},
    schema::{data_keys, sealed_values},
    unit_of_work::SqliteUnitOfWork,
    values::Key,
};

#[async_trait]
impl KeyRepository for SqliteUnitOfWork {
    async fn find(&mut self, id: DataKeyId) -> StoreResult<Option<DataKey>> {
        let tenant = self.tenant();
        self.run("keys.find", move |conn| {
            let key = data_keys::table.find((tenant, Key::from(id)));
            let row = key.select(DataKeyRow::as_select()).first(conn).optional();
            Ok(row.map_err(on_read("data_keys"))?.map(DataKey::from))
        })
        .await
    }

    async fn all(&mut self) -> StoreResult<Vec<DataKey>> {
        let tenant = self.tenant();
        // Nobody else is sealing: transactions come one after the other.
        self.run("keys.all", move |conn| {
            let rows: Vec<DataKeyRow> = data_keys::table
                .filter(data_keys::organization_id.eq(tenant))
                .order((data_keys::created_at, data_keys::id))
                .select(DataKeyRow::as_select())
                .load(conn)
                .map_err(on_read("data_keys"))?;
            Ok(rows.into_iter().map(DataKey::from).collect())
        })
        .await
    }

    async fn rewrap(&mut self, key: &DataKey) -> StoreResult<()> {
        self.check_tenant("data_keys", key.organization)?;
        let (tenant, id, wrapped) = (self.tenant(), Key::from(key.id), key.wrapped.clone());
        self.run("keys.rewrap", move |conn| {
            let updated = diesel::update(data_keys::table.find((tenant, id)))
                .set(data_keys::wrapped.eq(wrapped))
                .execute(conn);
            match updated.map_err(on_write("data_keys"))? {
                1 => Ok(()),
                _ => Err(StoreError::Conflict),
            }
        })
        .await
    }

    async fn sealed_after(
        &mut self,
        after: Option<SealedId>,
        limit: u32,
    ) -> StoreResult<Vec<SealedValue>> {
        let tenant = self.tenant();
        self.run("keys.sealed_after", move |conn| {
            // The empty text comes before every identifier.
            let after = after.map_or_else(String::new, |id| Key::from(id).text());
            let rows: Vec<SealedRow> = sealed_values::table
                .filter(sealed_values::organization_id.eq(tenant))
                .filter(sealed_values::id.gt(after))
                .order(sealed_values::id)
                .limit(limit.into())
                .select(SealedRow::as_select())
                .load(conn)
                .map_err(on_read("sealed_values"))?;
            Ok(rows.into_iter().map(SealedValue::from).collect())
        })
        .await
    }

    async fn reseal(&mut self, value: &SealedValue) -> StoreResult<()> {
        self.check_tenant("sealed_values", value.organization)?;
        let (tenant, id) = (self.tenant(), Key::from(value.id));
        let ciphertext = value.ciphertext.clone();
        self.run("keys.reseal", move |conn| {
            let updated = diesel::update(sealed_values::table.find((tenant, id)))
                .set(sealed_values::ciphertext.eq(ciphertext))
                .execute(conn);
            match updated.map_err(on_write("sealed_values"))? {
                1 => Ok(()),
                _ => Err(StoreError::Conflict),
            }
        })
        .await
    }
}
