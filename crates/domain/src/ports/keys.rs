//! The store of data keys and of what is sealed with them: for key rotation, and for
//! opening.

use async_trait::async_trait;

use super::StoreResult;
use crate::{DataKey, DataKeyId, OrganizationId, SealedId, SealedValue};

/// Data keys and sealed values of the transaction's organization.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait KeyRepository: Send {
    /// The data key, or `None`.
    async fn find(&mut self, id: DataKeyId) -> StoreResult<Option<DataKey>>;

    /// All data keys, oldest first, locked until the end of the transaction: MUST
    /// wait for every transaction that has read one by
    /// [`newest_data_key`](super::RecordRepository::newest_data_key), so that
    /// afterwards nothing new is sealed with an older one.
    async fn all(&mut self) -> StoreResult<Vec<DataKey>>;

    /// Replaces the wrapped form of a key.
    ///
    /// # Errors
    ///
    /// MUST be [`StoreError::Conflict`](super::StoreError::Conflict) when there is
    /// no such key.
    async fn rewrap(&mut self, key: &DataKey) -> StoreResult<()>;

    /// At most `limit` sealed values behind `after`, in the order of ids.
    async fn sealed_after(
        &mut self,
        after: Option<SealedId>,
        limit: u32,
    ) -> StoreResult<Vec<SealedValue>>;

    /// Replaces the ciphertext of a value.
    ///
    /// # Errors
    ///
    /// MUST be [`StoreError::Conflict`](super::StoreError::Conflict) when there is
    /// no such value.
    async fn reseal(&mut self, value: &SealedValue) -> StoreResult<()>;
}

/// Reads data keys and sealed values, for those who open them and write nothing.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait KeyQueries: Send + Sync {
    /// The data key, or `None`.
    async fn data_key(&self, tenant: OrganizationId, id: DataKeyId)
    -> StoreResult<Option<DataKey>>;

    /// Those of the sealed values that there are, in any order.
    async fn sealed(
        &self,
        tenant: OrganizationId,
        ids: &[SealedId],
    ) -> StoreResult<Vec<SealedValue>>;
}
