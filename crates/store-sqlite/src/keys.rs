//! Data keys and what is sealed with them, for key rotation.

use async_trait::async_trait;
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl, SelectableHelper, SqliteConnection,
};
use understudy_domain::{
    DataKey, DataKeyId, OrganizationId, SealedId, SealedValue,
    ports::{KeyQueries, KeyRepository, StoreError, StoreResult},
};

use crate::{
    errors::{on_read, on_write},
    records::{DataKeyRow, SealedRow, find_sealed},
    schema::{data_keys, sealed_values},
    store::SqliteStore,
    unit_of_work::SqliteUnitOfWork,
    values::Key,
};

fn find(conn: &mut SqliteConnection, tenant: Key, id: DataKeyId) -> StoreResult<Option<DataKey>> {
    let key = data_keys::table.find((tenant, Key::from(id)));
    let row = key.select(DataKeyRow::as_select()).first(conn).optional();
    Ok(row.map_err(on_read("data_keys"))?.map(DataKey::from))
}

#[async_trait]
impl KeyQueries for SqliteStore {
    async fn data_key(
        &self,
        tenant: OrganizationId,
        id: DataKeyId,
    ) -> StoreResult<Option<DataKey>> {
        self.readers.glance("keys.data_key", move |conn| find(conn, tenant.into(), id)).await
    }

    async fn sealed(
        &self,
        tenant: OrganizationId,
        ids: &[SealedId],
    ) -> StoreResult<Vec<SealedValue>> {
        let ids = ids.to_vec();
        self.readers.glance("keys.sealed", move |conn| find_sealed(conn, tenant.into(), &ids)).await
    }
}

#[async_trait]
impl KeyRepository for SqliteUnitOfWork {
    async fn find(&mut self, id: DataKeyId) -> StoreResult<Option<DataKey>> {
        let tenant = self.tenant();
        self.run("keys.find", move |conn| find(conn, tenant, id)).await
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
