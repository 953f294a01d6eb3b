//! The unit of work: a copy of everything, and the right to replace it.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::OwnedMutexGuard;
use understudy_domain::{
    AuditEvent, OrganizationId, RunId,
    ports::{
        AssistantRepository, AutomationRepository, BlobLedger, CommentRepository,
        ConversationRepository, CredentialRepository, ImageRepository, ImportRepository,
        KeyRepository, LabelRepository, OrganizationRepository, ProviderRepository,
        RecordRepository, RuleRepository, RunRepository, SpendingRepository, StoreResult,
        TeamRepository, UnitOfWork, UploadRepository, UserRepository, WebhookRepository,
    },
};

use super::{Shared, state::State};

/// One transaction. Dropping it drops its copy and lets the next one begin.
pub(super) struct MemoryUnitOfWork {
    pub(super) tenant: OrganizationId,
    pub(super) state: State,
    /// What goes into the audit log at the end.
    pub(super) events: Vec<AuditEvent>,
    /// Runs whose events go at the end.
    pub(super) forgotten_runs: Vec<RunId>,
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

    fn rules(&mut self) -> &mut dyn RuleRepository {
        self
    }

    fn comments(&mut self) -> &mut dyn CommentRepository {
        self
    }

    fn labels(&mut self) -> &mut dyn LabelRepository {
        self
    }

    fn webhooks(&mut self) -> &mut dyn WebhookRepository {
        self
    }

    fn conversations(&mut self) -> &mut dyn ConversationRepository {
        self
    }

    fn runs(&mut self) -> &mut dyn RunRepository {
        self
    }

    fn spending(&mut self) -> &mut dyn SpendingRepository {
        self
    }

    fn automations(&mut self) -> &mut dyn AutomationRepository {
        self
    }

    fn keys(&mut self) -> &mut dyn KeyRepository {
        self
    }

    async fn commit(self: Box<Self>) -> StoreResult<()> {
        let Self { mut state, events, forgotten_runs, shared, writer, .. } = *self;
        state.chain(events);
        let mut run_events = shared.run_events();
        shared.publish(&writer, state)?;
        if !forgotten_runs.is_empty() {
            run_events.retain(|(run, _), _| !forgotten_runs.contains(run));
        }
        Ok(())
    }
}
