//! One transaction, whose connection travels to where it may block and back.

use async_trait::async_trait;
use diesel::SqliteConnection;
use tracing::Instrument;
use understudy_domain::{
    OrganizationId,
    ports::{
        AssistantRepository, AutomationRepository, BlobLedger, CommentRepository,
        ConversationRepository, CredentialRepository, ImageRepository, ImportRepository,
        KeyRepository, LabelRepository, OrganizationRepository, ProviderRepository,
        RecordRepository, RuleRepository, RunRepository, SpendingRepository, StoreError,
        StoreResult, TeamRepository, UnitOfWork, UploadRepository, UserRepository,
        WebhookRepository,
    },
};

use crate::{
    audit::News,
    connections::{Transaction, blocking},
    errors::{corrupt, unavailable},
    values::Key,
};

/// One transaction of one organization; every repository is this.
pub(crate) struct SqliteUnitOfWork {
    tenant: Key,
    /// `None` while a statement runs, and for good if its caller was cancelled or
    /// the database failed.
    transaction: Option<Transaction>,
    news: News,
    /// The number of the last event that it adds.
    last_event: Option<u64>,
}

impl SqliteUnitOfWork {
    pub(crate) const fn new(tenant: Key, transaction: Transaction, news: News) -> Self {
        Self { tenant, transaction: Some(transaction), news, last_event: None }
    }

    /// The organization.
    pub(crate) const fn tenant(&self) -> Key {
        self.tenant
    }

    /// Notes that the commit makes an event visible.
    pub(crate) const fn note_event(&mut self, seq: u64) {
        self.last_event = Some(seq);
    }

    /// Refuses a record of another organization.
    pub(crate) fn check_tenant(
        &self,
        table: &'static str,
        organization: OrganizationId,
    ) -> StoreResult<()> {
        if self.tenant == Key::from(organization) {
            Ok(())
        } else {
            Err(corrupt(table)("the record is of another organization"))
        }
    }

    /// As [`run`](Self::run), for what touches a few rows by their keys: it is done
    /// right here (decision 0028). Nobody else holds the lock that a write could wait
    /// for, and only the commit waits for the disk.
    pub(crate) fn touch<T, F>(&mut self, operation: &'static str, statements: F) -> StoreResult<T>
    where
        F: FnOnce(&mut SqliteConnection) -> StoreResult<T>,
    {
        let Some(mut transaction) = self.transaction.take() else {
            return Err(unavailable("the transaction has ended"));
        };
        let span = tracing::debug_span!("db", operation);
        let result = span.in_scope(|| statements(transaction.conn()?));
        self.keep(transaction, &result);
        result
    }

    /// Runs statements on a thread that may block.
    pub(crate) async fn run<T, F>(
        &mut self,
        operation: &'static str,
        statements: F,
    ) -> StoreResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut SqliteConnection) -> StoreResult<T> + Send + 'static,
    {
        let Some(mut transaction) = self.transaction.take() else {
            return Err(unavailable("the transaction has ended"));
        };
        let work = blocking(move || {
            let result = statements(transaction.conn()?);
            Ok((transaction, result))
        });
        let (transaction, result) = work.instrument(tracing::debug_span!("db", operation)).await?;
        self.keep(transaction, &result);
        result
    }

    /// Goes on with the transaction, unless the database failed: SQLite may then have
    /// rolled back by itself, and what came after would commit alone.
    fn keep<T>(&mut self, transaction: Transaction, result: &StoreResult<T>) {
        if !matches!(result, Err(StoreError::Unavailable(_) | StoreError::Corrupt { .. })) {
            self.transaction = Some(transaction);
        }
    }
}

#[async_trait]
impl UnitOfWork for SqliteUnitOfWork {
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

    async fn commit(mut self: Box<Self>) -> StoreResult<()> {
        let Some(transaction) = self.transaction.take() else {
            return Err(unavailable("the transaction has ended"));
        };
        let (tenant, news, last_event) = (self.tenant, self.news, self.last_event);
        blocking(move || {
            transaction.commit()?;
            // Here, as whoever commits may be gone by now.
            if let Some(seq) = last_event {
                news.tell(tenant, seq);
            }
            Ok(())
        })
        .await
    }
}
