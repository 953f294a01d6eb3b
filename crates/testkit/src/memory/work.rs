//! The unit of work: a copy of everything, and the right to replace it.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::OwnedMutexGuard;
use understudy_domain::{
    OrganizationId,
    ports::{
        AssistantRepository, BlobLedger, CredentialRepository, ImageRepository, ImportRepository,
        OrganizationRepository, ProviderRepository, RecordRepository, StoreResult, TeamRepository,
        UnitOfWork, UploadRepository, UserRepository,
    },
};

use super::{Shared, state::State};

/// One transaction. Dropping it drops its copy and lets the next one begin.
pub(super) struct MemoryUnitOfWork {
    pub(super) tenant: OrganizationId,
    pub(super) state: State,
    pub(super) shared: Arc<Shared>,
    pub(super) writer: OwnedMutexGuard<()>,
}

#[async_trait]
impl UnitOfWork for MemoryUnitOfWork {
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

    async fn commit(self: Box<Self>) -> StoreResult<()> {
        let Self { state, shared, writer, .. } = *self;
        shared.publish(&writer, state)
    }
}
