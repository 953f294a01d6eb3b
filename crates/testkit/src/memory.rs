//! Every store port in memory: for tests, and for trying the service out.

mod assistants;
mod audit;
mod automations;
mod blobs;
mod callers;
mod comments;
mod content;
mod conversations;
mod credentials;
mod directory;
mod housekeeping;
mod idempotency;
mod images;
mod imports;
mod keys;
mod labels;
mod ledger;
mod listing;
mod organizations;
mod providers;
mod queries;
mod records;
mod rules;
mod run_events;
mod runs;
mod spending;
mod state;
mod teams;
mod uploads;
mod users;
mod webhooks;
mod work;

use std::sync::{
    Arc, PoisonError, RwLock,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use async_trait::async_trait;
use tokio::sync::{Mutex, OwnedMutexGuard, watch};
use understudy_domain::{
    OrganizationId,
    ports::{
        AssistantQueries, AuditQueries, CallerQueries, CommentQueries, ContentQueries,
        ConversationQueries, DirectoryQueries, Housekeeping, IdempotencyStore, KeyQueries,
        LabelQueries, RuleQueries, RunEventLog, RunQueries, Store, StoreError, StoreResult,
        UnitOfWork, WebhookQueries,
    },
};

pub use self::blobs::{BlobFault, MemoryBlobs};
use self::{idempotency::Keys, run_events::RunEvents, state::State, work::MemoryUnitOfWork};
use crate::Gate;

/// A database in memory. A clone is another handle to the same one.
///
/// One unit of work is open at a time; it works on a copy that takes the place
/// of the original when it commits. Queries see what was committed last.
#[derive(Clone, Default)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Held by whoever changes `state`.
    writer: Arc<Mutex<()>>,
    state: RwLock<Arc<State>>,
    keys: std::sync::Mutex<Keys>,
    run_events: std::sync::Mutex<RunEvents>,
    /// Where whoever writes events of runs waits.
    run_events_gate: std::sync::Mutex<Option<Gate>>,
    unreachable: AtomicBool,
    /// How many of the next commits are carried out and then said to have failed.
    answers_to_lose: AtomicU32,
    /// Tells whoever waits that something was committed.
    committed: watch::Sender<()>,
    /// Tells whoever waits that events of runs were written.
    told: watch::Sender<()>,
}

impl MemoryStore {
    /// Makes every further call fail as if the database were away, or ends that.
    pub fn set_unreachable(&self, unreachable: bool) {
        self.shared.unreachable.store(unreachable, Ordering::Relaxed);
    }

    /// Lets the answers to the next `count` commits be lost, as by a connection that
    /// is cut: they are carried out, and whoever asked is told that the store is
    /// unavailable.
    pub fn lose_answers(&self, count: u32) {
        self.shared.answers_to_lose.store(count, Ordering::Relaxed);
    }

    /// Whoever writes events of runs from now on waits at `gate`.
    pub fn hold_run_events_at(&self, gate: &Gate) {
        let mut held = self.shared.run_events_gate.lock().unwrap_or_else(PoisonError::into_inner);
        *held = Some(gate.clone());
    }

    /// How many answers are still to be lost.
    #[must_use]
    pub fn answers_to_lose(&self) -> u32 {
        self.shared.answers_to_lose.load(Ordering::Relaxed)
    }
}

impl Shared {
    fn reach(&self) -> StoreResult<()> {
        if self.unreachable.load(Ordering::Relaxed) {
            return Err(StoreError::Unavailable("the store was told to be unreachable".into()));
        }
        Ok(())
    }

    /// What was committed last.
    fn read(&self) -> StoreResult<Arc<State>> {
        self.reach()?;
        Ok(Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner)))
    }

    async fn lock(&self) -> StoreResult<OwnedMutexGuard<()>> {
        self.reach()?;
        Ok(Arc::clone(&self.writer).lock_owned().await)
    }

    /// Replaces the state; the guard proves that nobody else does.
    fn publish(&self, _writer: &OwnedMutexGuard<()>, state: State) -> StoreResult<()> {
        self.reach()?;
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(state);
        self.committed.send_replace(());
        let lost =
            self.answers_to_lose
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        match lost {
            Ok(_) => Err(StoreError::Unavailable("the answer was told to be lost".into())),
            Err(_) => Ok(()),
        }
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn begin(&self, tenant: OrganizationId) -> StoreResult<Box<dyn UnitOfWork>> {
        let writer = self.shared.lock().await?;
        let state = State::clone(&*self.shared.read()?);
        let shared = Arc::clone(&self.shared);
        Ok(Box::new(MemoryUnitOfWork {
            tenant,
            state,
            events: Vec::new(),
            forgotten_runs: Vec::new(),
            shared,
            writer,
        }))
    }

    fn callers(&self) -> &dyn CallerQueries {
        self
    }

    fn assistants(&self) -> &dyn AssistantQueries {
        self
    }

    fn directory(&self) -> &dyn DirectoryQueries {
        self
    }

    fn audit(&self) -> &dyn AuditQueries {
        self
    }

    fn content(&self) -> &dyn ContentQueries {
        self
    }

    fn keys(&self) -> &dyn KeyQueries {
        self
    }

    fn rules(&self) -> &dyn RuleQueries {
        self
    }

    fn comments(&self) -> &dyn CommentQueries {
        self
    }

    fn labels(&self) -> &dyn LabelQueries {
        self
    }

    fn webhooks(&self) -> &dyn WebhookQueries {
        self
    }

    fn conversations(&self) -> &dyn ConversationQueries {
        self
    }

    fn runs(&self) -> &dyn RunQueries {
        self
    }

    fn run_events(&self) -> &dyn RunEventLog {
        self
    }

    fn housekeeping(&self) -> &dyn Housekeeping {
        self
    }

    fn idempotency(&self) -> &dyn IdempotencyStore {
        self
    }

    async fn ping(&self) -> StoreResult<()> {
        self.shared.reach()
    }
}
