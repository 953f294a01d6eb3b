//! What a stream on which nothing happens asks of the database.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use reqwest::Method;
use serde_json::json;
use tokio::sync::Semaphore;
use understudy_domain::{
    Email, EventFilter, Organization, OrganizationId, RecordedEvent, TokenId, TokenUse,
    assistant::AssistantRef,
    audit::ChainHead,
    ports::{
        AssistantQueries, AssistantRecord, AuditQueries, CallerQueries, CallerRecord,
        CommentQueries, ContentQueries, ConversationQueries, DirectoryQueries, Housekeeping,
        IdempotencyStore, Installation, KeyQueries, LabelQueries, LoginRecord, Proof, RuleQueries,
        RunEventLog, RunQueries, Store, StoreResult, UnitOfWork, Walk, WebhookQueries,
    },
};
use understudy_testkit::{Fault, Tap, Turn};
use understudy_tests::TestStore;

use super::{assistant, streams::Followed, upstream};
use crate::{App, Options, Person::Bob, app::settle};

/// A store that counts who is asked for, and lets somebody wait until it is looked where
/// a log ends.
struct Counting {
    store: Arc<dyn Store>,
    callers: AtomicUsize,
    looks: Semaphore,
}

#[async_trait]
impl Store for Counting {
    async fn begin(&self, tenant: OrganizationId) -> StoreResult<Box<dyn UnitOfWork>> {
        self.store.begin(tenant).await
    }

    fn callers(&self) -> &dyn CallerQueries {
        self
    }

    fn assistants(&self) -> &dyn AssistantQueries {
        self.store.assistants()
    }

    fn directory(&self) -> &dyn DirectoryQueries {
        self.store.directory()
    }

    fn audit(&self) -> &dyn AuditQueries {
        self
    }

    fn content(&self) -> &dyn ContentQueries {
        self.store.content()
    }

    fn keys(&self) -> &dyn KeyQueries {
        self.store.keys()
    }

    fn rules(&self) -> &dyn RuleQueries {
        self.store.rules()
    }

    fn comments(&self) -> &dyn CommentQueries {
        self.store.comments()
    }

    fn labels(&self) -> &dyn LabelQueries {
        self.store.labels()
    }

    fn webhooks(&self) -> &dyn WebhookQueries {
        self.store.webhooks()
    }

    fn conversations(&self) -> &dyn ConversationQueries {
        self.store.conversations()
    }

    fn runs(&self) -> &dyn RunQueries {
        self.store.runs()
    }

    fn run_events(&self) -> &dyn RunEventLog {
        self.store.run_events()
    }

    fn housekeeping(&self) -> &dyn Housekeeping {
        self.store.housekeeping()
    }

    fn idempotency(&self) -> &dyn IdempotencyStore {
        self.store.idempotency()
    }

    async fn ping(&self) -> StoreResult<()> {
        self.store.ping().await
    }
}

#[async_trait]
impl CallerQueries for Counting {
    async fn find(&self, proof: Proof) -> StoreResult<Option<CallerRecord>> {
        self.callers.fetch_add(1, Ordering::SeqCst);
        self.store.callers().find(proof).await
    }

    async fn find_with_assistant(
        &self,
        proof: Proof,
        reference: &AssistantRef,
    ) -> StoreResult<Option<(CallerRecord, Option<AssistantRecord>)>> {
        self.store.callers().find_with_assistant(proof, reference).await
    }

    async fn find_login(&self, email: &Email) -> StoreResult<Option<LoginRecord>> {
        self.store.callers().find_login(email).await
    }

    async fn record_uses(&self, uses: &[(OrganizationId, TokenId, TokenUse)]) -> StoreResult<()> {
        self.store.callers().record_uses(uses).await
    }

    async fn installation(&self) -> StoreResult<Option<Installation>> {
        self.store.callers().installation().await
    }

    async fn first_organization(&self) -> StoreResult<Option<Organization>> {
        self.store.callers().first_organization().await
    }
}

#[async_trait]
impl AuditQueries for Counting {
    async fn events(
        &self,
        tenant: OrganizationId,
        filter: &EventFilter,
        walk: Walk,
        limit: u32,
    ) -> StoreResult<Vec<RecordedEvent>> {
        self.store.audit().events(tenant, filter, walk, limit).await
    }

    async fn head(&self, tenant: OrganizationId) -> StoreResult<ChainHead> {
        self.looks.add_permits(1);
        self.store.audit().head(tenant).await
    }

    async fn wait(
        &self,
        tenant: OrganizationId,
        after: u64,
        patience: Duration,
    ) -> StoreResult<()> {
        self.store.audit().wait(tenant, after, patience).await
    }
}

pub(crate) async fn silent_streams_ask_together_where_the_log_ends(store: TestStore) {
    settle(&*store).await;
    let (sound, callers, looks) = (store.handle(), AtomicUsize::new(0), Semaphore::new(0));
    let counting = Arc::new(Counting { store: sound, callers, looks });
    let shared = Arc::<Counting>::clone(&counting);
    let app = App::around(store, shared, Options::default());
    let upstream = upstream(&app).await;
    let helper = assistant(&app, json!({})).await;
    let path = format!("{helper}/responses");
    let body = json!({"input": "x", "stream": true});
    let mut streams = Vec::new();
    for _ in 0..5 {
        upstream.answer(Turn::chunks(["x"]).with_fault(Fault::SlowDrip(Tap::shut())));
        let how = (Bob, Method::POST);
        let mut stream = Followed::open(&app.address, &app, how, &path, Some(&body)).await;
        stream.until("response.created").await;
        streams.push(stream);
    }
    let opened = counting.callers.load(Ordering::SeqCst);

    // There is at most one in a second.
    counting.looks.acquire_many(6).await.unwrap().forget();

    let asked = counting.callers.load(Ordering::SeqCst) - opened;
    assert!(asked <= streams.len(), "{asked} times it was asked who follows 5 streams");
    drop(streams);
    app.stop().await;
}
