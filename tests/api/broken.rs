//! What callers see of a database that is away, or that holds what nobody can read.

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::Method;
use serde_json::json;
use understudy_domain::{
    Email, OrganizationId, TokenId, TokenUse,
    assistant::AssistantRef,
    ports::{
        AssistantQueries, AssistantRecord, AuditQueries, CallerQueries, CallerRecord,
        CommentQueries, ContentQueries, ConversationQueries, DirectoryQueries, Housekeeping,
        IdempotencyStore, Installation, KeyQueries, LabelQueries, LoginRecord, Proof, RuleQueries,
        RunEventLog, RunQueries, Store, StoreError, StoreResult, UnitOfWork, WebhookQueries,
    },
};
use understudy_tests::TestStore;

use crate::{App, Options, Person::Ada};

/// Text that no caller may see.
const CANARY: &str = "canary: table users, host db.internal";

#[derive(Clone, Copy)]
enum Fault {
    Away,
    Unreadable,
}

/// A store that finds no caller any more.
struct Broken {
    store: Arc<dyn Store>,
    fault: Fault,
}

impl Broken {
    fn error<T>(&self) -> StoreResult<T> {
        let cause = std::io::Error::other(CANARY).into();
        Err(match self.fault {
            Fault::Away => StoreError::Unavailable(cause),
            Fault::Unreadable => StoreError::Corrupt { table: "users", source: cause },
        })
    }
}

#[async_trait]
impl Store for Broken {
    async fn begin(&self, _: OrganizationId) -> StoreResult<Box<dyn UnitOfWork>> {
        self.error()
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
        self.store.audit()
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
        self.error()
    }
}

#[async_trait]
impl CallerQueries for Broken {
    async fn find(&self, _: Proof) -> StoreResult<Option<CallerRecord>> {
        self.error()
    }

    async fn find_with_assistant(
        &self,
        _: Proof,
        _: &AssistantRef,
    ) -> StoreResult<Option<(CallerRecord, Option<AssistantRecord>)>> {
        self.error()
    }

    async fn find_login(&self, _: &Email) -> StoreResult<Option<LoginRecord>> {
        self.error()
    }

    async fn record_uses(&self, _: &[(OrganizationId, TokenId, TokenUse)]) -> StoreResult<()> {
        self.error()
    }

    async fn installation(&self) -> StoreResult<Option<Installation>> {
        self.error()
    }

    async fn first_organization(&self) -> StoreResult<Option<understudy_domain::Organization>> {
        self.error()
    }
}

async fn every_route_answers(store: TestStore, fault: Fault, status: u16, code: &str) {
    let sound = store.handle();
    let app = App::around(store, Arc::new(Broken { store: sound, fault }), Options::default());
    let log_in = json!({"email": Ada.email(), "password": crate::PASSWORD});
    let create = app.post(Ada, "/api/assistants").header("idempotency-key", "key");
    for request in [
        app.get(Ada, "/api/assistants/x"),
        app.get(Ada, "/api/users"),
        create.json(&json!({"name": "x"})),
        app.anonymous(Method::POST, "/api/session").json(&log_in),
    ] {
        let reply = request.refused(status, code).await;
        assert!(!String::from_utf8_lossy(&reply.bytes).contains("canary"));
        assert_eq!(reply.header("retry-after").is_empty(), status != 503);
    }
    app.anonymous(Method::GET, "/readyz").refused(503, "unavailable").await;
    app.anonymous(Method::GET, "/healthz").expect(200).await;
    app.stop().await;
}

pub(crate) async fn a_database_that_is_away_is_worth_another_try(store: TestStore) {
    every_route_answers(store, Fault::Away, 503, "unavailable").await;
}

pub(crate) async fn of_a_fault_of_the_service_only_the_request_id_is_told(store: TestStore) {
    every_route_answers(store, Fault::Unreadable, 500, "internal").await;
}
