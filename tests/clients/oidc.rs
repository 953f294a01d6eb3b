//! Log-ins by a provider that we did not write: the certified `oidc-provider`.

#![expect(
    clippy::disallowed_types,
    clippy::indexing_slicing,
    reason = "a test is a browser, and panics when it fails"
)]

use std::{net::TcpListener, process::Command, sync::Arc};

use actix_web::dev::ServerHandle;
use reqwest::{Client, Response, header};
use serde_json::{Value, json};
use understudy_crypto::{MasterKey, SystemClock, SystemIds, XChaChaLogins};
use understudy_domain::{
    DirectoryMapping, Organization, OrganizationSettings, Role, Secret, User,
    directory::SeatRule,
    ports::{ExternalIdentity, IdentityError, IdentityProvider, PendingLogin},
    usecases::{
        Deps,
        bootstrap::operator,
        users::{UpdateUser, update_user},
    },
};
use understudy_http_api::{Options, Services, SingleSignOn, serve};
use understudy_oidc::{Oidc, OidcOptions};
use understudy_outbound::{Outbound, OutboundOptions};
use understudy_testkit::{
    FakeActions, FakeChatModel, FakeDocuments, FakeEmbedder, FakeImageModel, FakeKnowledge,
    FakeMcp, FakeModerator, FakePasswords, FakePictures, FakeRunner, FakeSigner, FakeTokenizer,
    FakeVault, MemoryBlobs, sample,
};
use understudy_tests::{
    TestStore,
    tools::{Server, tools},
};

use browser::{Browser, redirect_of};

mod browser;

const CALLBACK: &str = "/api/session/oidc/callback";
/// Where nobody is: browsers are stopped on their way there.
const BACK: &str = "http://127.0.0.1:1/back";

/// The provider, and the accounts that it has.
struct Provider {
    url: String,
    client: Client,
    _server: Server,
}

impl Provider {
    fn start(redirect_url: &str) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/oidc/provider.mjs");
        let mut command = Command::new("node");
        command.args([script.as_ref(), tools().as_os_str(), redirect_url.as_ref()]);
        let ready = |line: &str| line.strip_prefix("listening on ").map(str::to_owned);
        let (server, url) = Server::start(&command, ready).unwrap();
        let client = understudy_tests::http_client().build().unwrap();
        Self { url, client, _server: server }
    }

    async fn has(&self, name: &str, claims: Value) {
        let request = self.client.put(format!("{}/_accounts/{name}", self.url)).json(&claims);
        request.send().await.unwrap().error_for_status().unwrap();
    }

    async fn told(&self, what: &str) {
        let request = self.client.post(format!("{}/{what}", self.url));
        request.send().await.unwrap().error_for_status().unwrap();
    }

    fn as_client(&self, id: &str, secret: Option<String>) -> Oidc {
        let options = OidcOptions {
            issuer: self.url.clone(),
            client_id: id.to_owned(),
            client_secret: secret.map(Secret::new),
            scopes: ["openid", "profile", "email"].map(str::to_owned).to_vec(),
            claims: mapping().claims(),
        };
        let allowed_networks = vec!["127.0.0.1/32".parse().unwrap()];
        let outbound = Outbound::new(OutboundOptions { allowed_networks }).unwrap();
        Oidc::new(options, Arc::new(outbound), Arc::new(SystemClock))
    }

    fn client(&self, id: &str) -> Oidc {
        self.as_client(id, Some(format!("{id}-sesame-sesame-sesame-sesame-sesame")))
    }
}

fn mapping() -> DirectoryMapping {
    DirectoryMapping {
        role_claim: Some("groups".to_owned()),
        roles: [("admins", Role::Admin), ("staff", Role::Member)]
            .map(|(name, role)| (name.to_owned(), role))
            .into(),
        default_role: Some(Role::Viewer),
        department_claim: Some("units".to_owned()),
        seat: SeatRule::New(true),
    }
}

fn grace(groups: &[&str]) -> Value {
    json!({
        "email": "grace@example.org", "email_verified": true, "name": "Grace",
        "groups": groups, "units": ["Navy"],
    })
}

/// The service with its provider.
struct Site {
    url: String,
    store: TestStore,
    provider: Provider,
    server: ServerHandle,
}

impl Site {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let provider = Provider::start(&format!("{url}{CALLBACK}"));
        let store = understudy_tests::memory().await;
        let settings = OrganizationSettings::default();
        let rows = vec![
            Organization { settings, ..sample::organization(1) }.into(),
            User { role: Role::Owner, disabled: false, ..sample::user(1) }.into(),
        ];
        sample::save(&*store, rows).await.unwrap();
        let single_sign_on = SingleSignOn {
            provider: Arc::new(provider.client("understudy")),
            sealer: Arc::new(XChaChaLogins::new(&MasterKey::from_bytes([1; 32]))),
            mapping: Arc::new(mapping()),
        };
        let options = Options {
            public_url: url.clone(),
            single_sign_on: Some(single_sign_on),
            ..Options::default()
        };
        let server = serve(listener, services(&store), options).unwrap();
        let handle = server.handle();
        tokio::spawn(server);
        Self { url, store, provider, server: handle }
    }

    /// Has somebody go all the way to the provider, as far as where it sends them back.
    async fn to_callback(&self, browser: &Browser, name: &str) -> String {
        let begun = browser.get(&format!("{}/api/session/oidc?returnTo=/there", self.url)).await;
        assert_eq!(begun.status(), 303);
        let at_provider = redirect_of(&begun).unwrap();
        assert!(at_provider.as_str().starts_with(&self.provider.url), "{at_provider}");
        browser.log_in(at_provider.as_str(), name, &format!("{}{CALLBACK}", self.url)).await
    }

    async fn log_in(&self, browser: &Browser, name: &str) -> Response {
        let callback = self.to_callback(browser, name).await;
        browser.get(&callback).await
    }

    async fn who(&self, browser: &Browser) -> Value {
        let answer = browser.get(&format!("{}/api/session", self.url)).await;
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    }

    async fn change(&self, user: &User, change: UpdateUser) {
        let blobs = MemoryBlobs::default();
        let deps = Deps {
            store: &*self.store,
            clock: &SystemClock,
            ids: &SystemIds,
            blobs: &blobs,
            pictures: &FakePictures,
        };
        let owner = operator(&User { role: Role::Owner, ..sample::user(1) });
        let passwords = FakePasswords::default();
        update_user(deps, &passwords, &owner, user.id, change).await.unwrap();
    }

    async fn close(self) {
        self.server.stop(false).await;
    }
}

fn services(store: &TestStore) -> Services {
    Services {
        store: store.handle(),
        clock: Arc::new(SystemClock),
        ids: Arc::new(SystemIds),
        passwords: Arc::new(FakePasswords::default()),
        signer: Arc::new(FakeSigner::default()),
        vault: Arc::new(FakeVault::default()),
        blobs: Arc::new(MemoryBlobs::default()),
        pictures: Arc::new(FakePictures),
        documents: Arc::new(FakeDocuments),
        image_model: Arc::new(FakeImageModel::default()),
        embedder: Arc::new(FakeEmbedder::default()),
        chat_model: Arc::new(FakeChatModel::default()),
        tokenizer: Arc::new(FakeTokenizer),
        moderator: Arc::new(FakeModerator::default()),
        mcp: Arc::new(FakeMcp::default()),
        actions: Arc::new(FakeActions::default()),
        web_search: None,
        code: None,
        knowledge: Arc::new(FakeKnowledge::default()),
        datasets: None,
        runner: Arc::new(FakeRunner::new(store.handle())),
    }
}

async fn problem(answer: Response) -> (u16, String) {
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    assert!(answer.headers().get(header::LOCATION).is_none());
    let body: Value = answer.json().await.unwrap();
    let cookies: Vec<_> = headers.get_all(header::SET_COOKIE).iter().collect();
    assert!(cookies.iter().all(|c| !c.to_str().unwrap().starts_with("understudy_session")));
    (status, body["code"].as_str().unwrap().to_owned())
}

fn refused() -> (u16, String) {
    (403, "login_refused".to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_makes_a_user_and_a_later_one_follows_the_claims() {
    let site = Site::open().await;
    site.provider.has("grace", grace(&["staff"])).await;
    let browser = Browser::new();

    let landed = site.log_in(&browser, "grace").await;
    assert_eq!(landed.status(), 303);
    assert_eq!(landed.headers()[header::LOCATION], "/there");
    let first = site.who(&browser).await;
    assert_eq!(first["user"]["email"], "grace@example.org");
    assert_eq!(first["user"]["externalId"], "grace");
    assert_eq!((&first["role"], &first["aiSeat"]), (&json!("member"), &json!(true)));
    assert_eq!(first["user"]["departments"], json!(["Navy"]));
    assert_eq!(first["csrfToken"].as_str().map(str::len), Some(64));

    let other = Browser::new();
    let renamed = json!({"name": "Rear Admiral", "groups": ["admins", "staff"]});
    site.provider.has("grace", renamed).await;
    assert_eq!(site.log_in(&other, "grace").await.status(), 303);
    let second = site.who(&other).await;
    assert_eq!(second["user"]["id"], first["user"]["id"]);
    assert_eq!(
        (&second["role"], &second["user"]["name"]),
        (&json!("admin"), &json!("Rear Admiral"))
    );
    assert_eq!(second["user"]["departments"], json!([]));
    let before = browser.get(&format!("{}/api/session", site.url)).await;
    assert_eq!(before.status(), 401, "another rank ends the sessions before");
    site.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_counts_once_and_in_the_browser_that_began() {
    let site = Site::open().await;
    site.provider.has("grace", grace(&["staff"])).await;
    let (browser, stranger) = (Browser::new(), Browser::new());
    let callback = site.to_callback(&browser, "grace").await;

    assert_eq!(problem(stranger.get(&callback).await).await, refused());
    let theirs = site.to_callback(&stranger, "grace").await;
    assert_eq!(problem(browser.get(&theirs).await).await, refused());

    let callback = site.to_callback(&browser, "grace").await;
    let altered = callback.replace("state=", "state=x");
    assert_eq!(problem(browser.get(&altered).await).await, refused());
    assert_eq!(problem(browser.get(&callback).await).await, refused(), "the cookie is gone");

    let callback = site.to_callback(&browser, "grace").await;
    assert_eq!(browser.get(&callback).await.status(), 303);
    assert_eq!(problem(browser.get(&callback).await).await, refused());
    site.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unverified_taken_and_shut_out_accounts_stay_out() {
    let site = Site::open().await;
    let with = |changes: Value| {
        let mut claims = grace(&["staff"]);
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        claims
    };
    let provider = &site.provider;
    provider.has("unverified", with(json!({"email_verified": false}))).await;
    provider.has("silent", json!({"name": "Nobody"})).await;
    let theirs = sample::user(1).email.to_string();
    provider.has("taker", with(json!({"email": theirs}))).await;
    provider.has("grace", grace(&["staff"])).await;
    let log_in = async |name| site.log_in(&Browser::new(), name).await;

    assert_eq!(problem(log_in("unverified").await).await, refused());
    assert_eq!(problem(log_in("silent").await).await, refused());
    let taken = problem(log_in("taker").await).await;
    assert_eq!(taken, (409, "account_not_linked".to_owned()));

    let browser = Browser::new();
    assert_eq!(site.log_in(&browser, "grace").await.status(), 303);
    let id = site.who(&browser).await["user"]["id"].as_str().unwrap().parse().unwrap();
    let user = User { id, ..sample::user(1) };
    site.change(&user, UpdateUser { disabled: Some(true), ..UpdateUser::default() }).await;
    let shut = browser.get(&format!("{}/api/session", site.url)).await;
    assert_eq!(shut.status(), 401);
    assert_eq!(problem(log_in("grace").await).await, refused());
    site.close().await;
}

/// The adapter alone, all the way: what it is told of the account.
async fn identify(
    provider: &Oidc,
    name: &str,
    tamper: impl FnOnce(&mut PendingLogin, &mut String),
) -> Result<ExternalIdentity, IdentityError> {
    let start = provider.begin(BACK).await?;
    let callback = Browser::new().log_in(&start.url, name, BACK).await;
    assert_eq!(told(&callback, "state"), *start.pending.state.expose());
    let (mut pending, mut code) = (start.pending, told(&callback, "code"));
    tamper(&mut pending, &mut code);
    provider.finish(&pending, Secret::new(code), BACK).await
}

/// What the provider says where it sends the browser back.
fn told(callback: &str, wanted: &str) -> String {
    let callback = reqwest::Url::parse(callback).unwrap();
    let (_, value) = callback.query_pairs().find(|(name, _)| name == wanted).unwrap();
    value.into_owned()
}

fn nothing(_: &mut PendingLogin, _: &mut String) {}

#[tokio::test(flavor = "multi_thread")]
async fn another_nonce_verifier_or_code_is_refused() {
    let provider = Provider::start(BACK);
    provider.has("grace", grace(&[])).await;
    let client = provider.client("understudy");
    let other = || Secret::new("x".repeat(43));

    let nonce = identify(&client, "grace", |pending, _| pending.nonce = other()).await;
    assert!(matches!(nonce, Err(IdentityError::Invalid(_))), "{nonce:?}");
    let verifier = identify(&client, "grace", |pending, _| pending.verifier = other()).await;
    assert!(matches!(verifier, Err(IdentityError::Refused(_))), "{verifier:?}");
    let code = identify(&client, "grace", |_, code| code.push('x')).await;
    assert!(matches!(code, Err(IdentityError::Refused(_))), "{code:?}");
    let start = client.begin(BACK).await.unwrap();
    let code = told(&Browser::new().log_in(&start.url, "grace", BACK).await, "code");
    let finish = async || client.finish(&start.pending, Secret::new(code.clone()), BACK).await;
    finish().await.unwrap();
    let replayed = finish().await;
    assert!(matches!(replayed, Err(IdentityError::Refused(_))), "{replayed:?}");
    let secret = provider.as_client("understudy", Some("wrong".to_owned()));
    let secret = identify(&secret, "grace", nothing).await;
    assert!(matches!(secret, Err(IdentityError::Refused(_))), "{secret:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_count_by_asymmetric_keys_whichever_and_shared_secrets_sign_nothing() {
    let provider = Provider::start(BACK);
    provider.has("grace", grace(&["staff"])).await;

    for id in ["understudy", "elliptic", "edwards", "posting"] {
        let found = identify(&provider.client(id), "grace", nothing).await.unwrap();
        assert_eq!(found.subject, "grace", "{id}");
        assert_eq!(found.email.as_deref(), Some("grace@example.org"), "{id}");
        assert!(found.email_verified, "{id}");
        assert_eq!(found.claims["groups"], json!(["staff"]), "{id}");
    }
    let public = identify(&provider.as_client("public", None), "grace", nothing).await;
    assert_eq!(public.unwrap().name.as_deref(), Some("Grace"));
    let shared = identify(&provider.client("shared"), "grace", nothing).await;
    assert!(matches!(shared, Err(IdentityError::Invalid(_))), "{shared:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn new_keys_and_claims_in_the_token_are_understood() {
    let provider = Provider::start(BACK);
    provider.has("grace", grace(&["staff"])).await;
    let client = provider.client("understudy");
    let asked = identify(&client, "grace", nothing).await.unwrap();

    provider.told("_rotate").await;
    let rotated = identify(&client, "grace", nothing).await.unwrap();
    provider.told("_tell-in-token").await;
    let in_token = identify(&client, "grace", nothing).await.unwrap();

    for found in [rotated, in_token] {
        assert_eq!((&found.subject, &found.email), (&asked.subject, &asked.email));
        assert_eq!(found.claims["units"], json!(["Navy"]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_is_asked_whether_it_is_there() {
    let provider = Provider::start(BACK);
    provider.client("understudy").test().await.unwrap();

    let away = Provider { url: "http://127.0.0.1:1".to_owned(), ..provider };
    let refused = away.client("understudy").test().await;
    assert!(matches!(refused, Err(IdentityError::Unavailable(_))), "{refused:?}");
}
