//! One transaction, seen through every repository.

use async_trait::async_trait;
use diesel_async::AsyncPgConnection;
use understudy_domain::{
    OrganizationId,
    ports::{
        AssistantRepository, AutomationRepository, BlobLedger, CommentRepository,
        ConversationRepository, CredentialRepository, ImageRepository, ImportRepository,
        KeyRepository, LabelRepository, OrganizationRepository, ProviderRepository,
        RecordRepository, RuleRepository, RunRepository, SpendingRepository, StoreResult,
        TeamRepository, UnitOfWork, UploadRepository, UserRepository, WebhookRepository,
    },
};

use crate::{
    audit::Log, chain::Chain, connections::Connections, transaction::Transaction, values::Key,
};

/// A unit of work; each aggregate's file implements its repository on it.
pub(crate) struct PgUnitOfWork {
    tenant: OrganizationId,
    transaction: Transaction,
    events: Chain,
    log: Log,
}

impl PgUnitOfWork {
    /// Starts a transaction.
    pub(crate) async fn begin(
        connections: &Connections,
        log: Log,
        tenant: OrganizationId,
    ) -> StoreResult<Self> {
        let transaction = Transaction::begin(connections, tenant).await?;
        Ok(Self { tenant, transaction, events: Chain::new(tenant), log })
    }

    /// The organization that it sees.
    pub(crate) fn tenant(&self) -> Key {
        self.tenant.into()
    }

    /// The connection.
    pub(crate) fn conn(&mut self) -> StoreResult<&mut AsyncPgConnection> {
        self.transaction.conn()
    }

    /// What is added to the log when it is committed.
    pub(crate) const fn events(&mut self) -> &mut Chain {
        &mut self.events
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

    #[tracing::instrument(name = "db.commit", skip_all)]
    async fn commit(self: Box<Self>) -> StoreResult<()> {
        let Self { tenant, transaction, events, log } = *self;
        transaction.commit_with(&events).await?;
        if !events.is_empty() {
            log.has_grown(tenant);
        }
        Ok(())
    }
}
