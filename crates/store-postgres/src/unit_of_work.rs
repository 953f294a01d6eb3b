//! One transaction, seen through every repository.

use async_trait::async_trait;
use diesel_async::AsyncPgConnection;
use understudy_domain::{
    OrganizationId,
    ports::{
        AssistantRepository, BlobLedger, CredentialRepository, ImageRepository, ImportRepository,
        OrganizationRepository, ProviderRepository, RecordRepository, StoreResult, TeamRepository,
        UnitOfWork, UploadRepository, UserRepository,
    },
};

use crate::{connections::Connections, transaction::Transaction, values::Key};

/// A unit of work; each aggregate's file implements its repository on it.
pub(crate) struct PgUnitOfWork {
    tenant: OrganizationId,
    transaction: Transaction,
}

impl PgUnitOfWork {
    /// Starts a transaction.
    pub(crate) async fn begin(
        connections: &Connections,
        tenant: OrganizationId,
    ) -> StoreResult<Self> {
        Ok(Self { tenant, transaction: Transaction::begin(connections, tenant).await? })
    }

    /// The organization that it sees.
    pub(crate) fn tenant(&self) -> Key {
        self.tenant.into()
    }

    /// The connection.
    pub(crate) fn conn(&mut self) -> StoreResult<&mut AsyncPgConnection> {
        self.transaction.conn()
    }
}

#[async_trait]
impl UnitOfWork for PgUnitOfWork {
    fn organizations(&mut self) -> &mut dyn OrganizationRepository {
        self
    }

    fn users(&mut self) -> &mut dyn UserRepository {
        self
    }

    fn teams(&mut self) -> &mut dyn TeamRepository {
        self
    }

    fn credentials(&mut self) -> &mut dyn CredentialRepository {
        self
    }

    fn assistants(&mut self) -> &mut dyn AssistantRepository {
        self
    }

    fn records(&mut self) -> &mut dyn RecordRepository {
        self
    }

    fn blobs(&mut self) -> &mut dyn BlobLedger {
        self
    }

    fn uploads(&mut self) -> &mut dyn UploadRepository {
        self
    }

    fn images(&mut self) -> &mut dyn ImageRepository {
        self
    }

    fn providers(&mut self) -> &mut dyn ProviderRepository {
        self
    }

    fn imports(&mut self) -> &mut dyn ImportRepository {
        self
    }

    #[tracing::instrument(name = "db.commit", skip_all)]
    async fn commit(self: Box<Self>) -> StoreResult<()> {
        self.transaction.commit().await
    }
}
