//! The real server on a free port, with a store, a clock and people of its own.

#![expect(clippy::disallowed_types, reason = "a test is a client of the server")]

use std::{net::TcpListener, sync::Arc, time::Duration};

use actix_web::dev::ServerHandle;
use reqwest::{Client, Method, redirect::Policy};
use understudy_domain::{
    ApiToken, DirectoryMapping, Organization, OrganizationSettings, PasswordHash, Role, Secret,
    TokenText, User,
    directory::SeatRule,
    ports::{Embedder, PasswordHasher, Store},
    run::file_knowledge::FileKnowledge,
    usecases::Deps,
};
use understudy_http_api::{Options, Services, SingleSignOn, TokenUses, serve};
use understudy_models::{Models, TokenCounter};
use understudy_outbound::{Outbound, OutboundOptions};
use understudy_runner::{RunPorts, Tasks};
use understudy_testkit::{
    FakeDocuments, FakeIdentityProvider, FakeImageModel, FakeLogins, FakeMcp, FakePasswords,
    FakePictures, FakeSigner, FakeVault, FixedClock, MemoryBlobs, SequentialIds,
    sample::{self, Members, Row},
};
use understudy_tests::TestStore;

use crate::request::Request;

/// The password of everybody.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// Somebody with an API token, a password and a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Person {
    Owner,
    Admin,
    Ada,
    Bob,
    Manager,
    Viewer,
    /// A member without an AI seat.
    Seatless,
    /// The owner of another organization.
    Stranger,
}

use Person::{Ada, Admin, Bob, Manager, Owner, Seatless, Stranger, Viewer};

const EVERYBODY: [Person; 8] = [Owner, Admin, Ada, Bob, Manager, Viewer, Seatless, Stranger];

impl Person {
    const fn number(self) -> u8 {
        match self {
            Owner => 1,
            Admin => 2,
            Ada => 3,
            Bob => 4,
            Manager => 5,
            Viewer => 6,
            Seatless => 7,
            Stranger => 8,
        }
    }

    const fn role(self) -> Role {
        match self {
            Owner | Stranger => Role::Owner,
            Admin => Role::Admin,
            Manager => Role::Manager,
            Viewer => Role::Viewer,
            Ada | Bob | Seatless => Role::Member,
        }
    }

    /// The text of their API token.
    pub(crate) fn token(self) -> String {
        TokenText::from_random([self.number(); 32]).expose().clone()
    }

    pub(crate) fn user(self) -> User {
        let organization = if self == Stranger { 2 } else { 1 };
        let user = sample::user(self.number().into()).of(organization);
        User { role: self.role(), ai_seat: self != Seatless, ..user }
    }

    pub(crate) fn id(self) -> String {
        self.user().id.to_string()
    }

    pub(crate) fn email(self) -> String {
        self.user().email.to_string()
    }
}

/// A running server. End it with [`stop`](Self::stop).
pub(crate) struct App {
    pub(crate) address: String,
    pub(crate) client: Client,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) uses: Arc<TokenUses>,
    pub(crate) store: TestStore,
    pub(crate) blobs: Arc<MemoryBlobs>,
    pub(crate) models: Arc<FakeImageModel>,
    pub(crate) identity: Arc<FakeIdentityProvider>,
    pub(crate) mcp: Arc<FakeMcp>,
    ports: RunPorts,
    services: Services,
    handle: ServerHandle,
}

/// Another server on the same store. End it with [`stop`](Self::stop).
pub(crate) struct Replica {
    pub(crate) address: String,
    handle: ServerHandle,
}

impl Replica {
    pub(crate) async fn stop(self) {
        self.handle.stop(false).await;
    }
}

impl App {
    pub(crate) async fn on(store: TestStore) -> Self {
        let identity = Arc::<FakeIdentityProvider>::default();
        let single_sign_on = Some(single_sign_on(&identity));
        let options = Options { single_sign_on, ..Options::default() };
        Self { identity, ..Self::with(store, options).await }
    }

    pub(crate) async fn with(store: TestStore, options: Options) -> Self {
        settle(&*store).await;
        let inner = store.handle();
        Self::around(store, inner, options)
    }

    /// A server on `inner`, which lives as long as `store` does.
    pub(crate) fn around(store: TestStore, inner: Arc<dyn Store>, options: Options) -> Self {
        let clock = Arc::new(FixedClock::default());
        let uses = Arc::<TokenUses>::clone(&options.token_uses);
        let blobs = Arc::<MemoryBlobs>::default();
        let models = Arc::<FakeImageModel>::default();
        let mcp = Arc::<FakeMcp>::default();
        // Whoever is asked is on this machine.
        let allowed_networks = vec!["127.0.0.1/32".parse().unwrap()];
        let outbound = Arc::new(Outbound::new(OutboundOptions { allowed_networks }).unwrap());
        let conversing = Arc::new(Models::new(Arc::clone(&outbound)));
        let embedder: Arc<dyn Embedder> = Arc::<Models>::clone(&conversing);
        let ports = RunPorts {
            store: inner,
            clock: Arc::<FixedClock>::clone(&clock),
            ids: Arc::new(SequentialIds::default()),
            blobs: Arc::<MemoryBlobs>::clone(&blobs),
            pictures: Arc::new(FakePictures),
            vault: Arc::new(FakeVault::default()),
            chat_model: Arc::<Models>::clone(&conversing),
            image_model: Arc::<FakeImageModel>::clone(&models),
            tokenizer: Arc::new(TokenCounter),
            moderator: conversing,
            mcp: Arc::<FakeMcp>::clone(&mcp),
            actions: outbound,
            web_search: None,
            code: None,
            knowledge: Arc::new(FileKnowledge::new(Arc::<MemoryBlobs>::clone(&blobs))),
            datasets: None,
            public_url: options.public_url.clone(),
        };
        let services = services(&ports, embedder);
        let (address, handle) = start(services.clone(), options);
        // Redirects are answers to look at.
        let client = understudy_tests::http_client().redirect(Policy::none()).build().unwrap();
        let identity = Arc::default();
        Self {
            address,
            client,
            clock,
            uses,
            store,
            blobs,
            models,
            identity,
            mcp,
            ports,
            services,
            handle,
        }
    }

    /// What the use cases of the server take.
    pub(crate) fn deps(&self) -> Deps<'_> {
        let Services { store, clock, ids, blobs, pictures, .. } = &self.services;
        Deps {
            store: &**store,
            clock: &**clock,
            ids: &**ids,
            blobs: &**blobs,
            pictures: &**pictures,
        }
    }

    /// What the server works with.
    pub(crate) const fn services(&self) -> &Services {
        &self.services
    }

    /// A second server beside this one, with nothing in common but the stores.
    pub(crate) fn replica(&self) -> Replica {
        let embedder = Arc::clone(&self.services.embedder);
        let (address, handle) = start(services(&self.ports, embedder), Options::default());
        Replica { address, handle }
    }

    pub(crate) async fn stop(self) {
        self.handle.stop(false).await;
    }

    /// A request with somebody's API token.
    pub(crate) fn request(&self, person: Person, method: Method, path: &str) -> Request {
        self.anonymous(method, path).header("authorization", &format!("Bearer {}", person.token()))
    }

    /// A request without any credential.
    pub(crate) fn anonymous(&self, method: Method, path: &str) -> Request {
        Request::new(&self.client, &self.address, method, path)
    }

    pub(crate) fn get(&self, person: Person, path: &str) -> Request {
        self.request(person, Method::GET, path)
    }

    pub(crate) fn post(&self, person: Person, path: &str) -> Request {
        self.request(person, Method::POST, path)
    }

    pub(crate) fn put(&self, person: Person, path: &str) -> Request {
        self.request(person, Method::PUT, path)
    }

    pub(crate) fn patch(&self, person: Person, path: &str) -> Request {
        self.request(person, Method::PATCH, path)
    }

    pub(crate) fn delete(&self, person: Person, path: &str) -> Request {
        self.request(person, Method::DELETE, path)
    }
}

/// Logging in by a provider who tells the rank as `groups`.
fn single_sign_on(provider: &Arc<FakeIdentityProvider>) -> SingleSignOn {
    let mapping = DirectoryMapping {
        role_claim: Some("groups".to_owned()),
        roles: [("staff".to_owned(), Role::Member)].into(),
        default_role: Some(Role::Viewer),
        seat: SeatRule::New(true),
        ..DirectoryMapping::default()
    };
    SingleSignOn {
        provider: Arc::<FakeIdentityProvider>::clone(provider),
        sealer: Arc::new(FakeLogins),
        mapping: Arc::new(mapping),
    }
}

/// What a server works with, runs of its own included.
fn services(ports: &RunPorts, embedder: Arc<dyn Embedder>) -> Services {
    let ports = ports.clone();
    Services {
        store: Arc::clone(&ports.store),
        clock: Arc::clone(&ports.clock),
        ids: Arc::clone(&ports.ids),
        passwords: Arc::new(FakePasswords::default()),
        signer: Arc::new(FakeSigner::default()),
        vault: Arc::clone(&ports.vault),
        blobs: Arc::clone(&ports.blobs),
        pictures: Arc::clone(&ports.pictures),
        documents: Arc::new(FakeDocuments),
        image_model: Arc::clone(&ports.image_model),
        embedder,
        chat_model: Arc::clone(&ports.chat_model),
        tokenizer: Arc::clone(&ports.tokenizer),
        moderator: Arc::clone(&ports.moderator),
        mcp: Arc::clone(&ports.mcp),
        actions: Arc::clone(&ports.actions),
        web_search: ports.web_search.clone(),
        code: ports.code.clone(),
        knowledge: Arc::clone(&ports.knowledge),
        datasets: ports.datasets.clone(),
        runner: Arc::new(Tasks::new(ports)),
    }
}

fn start(services: Services, options: Options) -> (String, ServerHandle) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let options = Options { shutdown_grace: Duration::from_secs(1), ..options };
    let server = serve(listener, services, options).unwrap();
    let handle = server.handle();
    tokio::spawn(server);
    (address, handle)
}

/// Two organizations with everybody in them.
pub(crate) async fn settle(store: &dyn Store) {
    let mut rows: Vec<Row> = Vec::new();
    for number in [1, 2] {
        let settings = OrganizationSettings::default();
        rows.push(Organization { settings, ..sample::organization(number) }.into());
        for person in EVERYBODY {
            let user = person.user();
            if user.organization == sample::id(number) {
                let token = sample::token(person.number().into(), &user);
                let hash = understudy_domain::TokenHash::of(&person.token());
                rows.push(User { password: Some(hashed().await), ..user }.into());
                rows.push(ApiToken { hash, ..token }.into());
            }
        }
    }
    sample::save(store, rows).await.unwrap();
}

async fn hashed() -> PasswordHash {
    FakePasswords::default().hash(Secret::new(PASSWORD.to_owned())).await.unwrap()
}
