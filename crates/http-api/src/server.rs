//! The server: what it needs, and how it is set up.

use std::{io, net::TcpListener, sync::Arc, time::Duration};

use actix_web::{App, HttpServer, dev::Server, middleware::Compress, web};
use ipnet::IpNet;
use understudy_domain::{
    DirectoryMapping,
    ports::{
        ActionCaller, BlobStore, ChatModel, Clock, CodeRunner, DatasetEngine, Documents, Embedder,
        IdSource, IdentityProvider, ImageModel, KnowledgeIndex, LoginSealer, McpGateway, Moderator,
        PasswordHasher, Pictures, Runner, SessionSigner, Store, Tokenizer, Vault, WebSearch,
    },
    usecases::{Deps, runs::RunDeps},
};

use crate::{
    edge, endpoint, limits::Limits, operations, pictures::Rendered, stream::Streams,
    token_uses::TokenUses, trace_context::TraceContext,
};

/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may stay open without a request.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long a client may take to close its side.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Most bytes of a file, unless another limit is set.
const MAX_FILE_BYTES: u64 = 5 * 1024 * 1024 * 1024;

/// The adapters that requests are carried out with.
#[derive(Clone)]
#[expect(missing_docs, reason = "each is the port that its type names")]
pub struct Services {
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn IdSource>,
    pub passwords: Arc<dyn PasswordHasher>,
    pub signer: Arc<dyn SessionSigner>,
    pub vault: Arc<dyn Vault>,
    pub blobs: Arc<dyn BlobStore>,
    pub pictures: Arc<dyn Pictures>,
    pub documents: Arc<dyn Documents>,
    pub image_model: Arc<dyn ImageModel>,
    pub embedder: Arc<dyn Embedder>,
    pub chat_model: Arc<dyn ChatModel>,
    pub tokenizer: Arc<dyn Tokenizer>,
    pub moderator: Arc<dyn Moderator>,
    pub mcp: Arc<dyn McpGateway>,
    pub actions: Arc<dyn ActionCaller>,
    pub web_search: Option<Arc<dyn WebSearch>>,
    pub code: Option<Arc<dyn CodeRunner>>,
    pub knowledge: Arc<dyn KnowledgeIndex>,
    pub datasets: Option<Arc<dyn DatasetEngine>>,
    pub runner: Arc<dyn Runner>,
}

/// Writes the metrics of the process in the text format of Prometheus.
pub type Metrics = Arc<dyn Fn() -> String + Send + Sync>;

/// Tells whether the process, beside its database, can serve; the text says what
/// is missing.
pub type Ready = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;

/// Makes a request's span the child of the caller's.
pub type ContinueTrace = Arc<dyn Fn(&tracing::Span, &TraceContext) + Send + Sync>;

/// How the service is offered.
#[derive(Clone)]
pub struct Options {
    /// Where callers reach the service, without a slash at the end.
    pub public_url: String,
    /// Networks of reverse proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// How many threads answer requests.
    pub workers: usize,
    /// How long requests may take to finish after the order to stop.
    pub shutdown_grace: Duration,
    /// What `/metrics` answers; `None` turns it off.
    pub metrics: Option<Metrics>,
    /// What `/readyz` asks beside the database.
    pub ready: Option<Ready>,
    /// Whether session cookies are for TLS only; they are, too, when
    /// `public_url` is `https`.
    pub secure_cookies: bool,
    /// Ties the spans of requests to the traces of callers.
    pub continue_trace: Option<ContinueTrace>,
    /// Collects when tokens were last used.
    pub token_uses: Arc<TokenUses>,
    /// Most bytes of a file.
    pub max_file_bytes: u64,
    /// The event streams of this server; whoever stops it ends them first.
    pub streams: Streams,
    /// How people log in beside passwords, if they do.
    pub single_sign_on: Option<SingleSignOn>,
}

/// Logging in by an identity provider.
#[derive(Clone)]
pub struct SingleSignOn {
    /// The provider.
    pub provider: Arc<dyn IdentityProvider>,
    /// Keeps what is remembered of a log-in.
    pub sealer: Arc<dyn LoginSealer>,
    /// What the provider's claims mean.
    pub mapping: Arc<DirectoryMapping>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            public_url: "http://127.0.0.1:8080".to_owned(),
            trusted_proxies: Vec::new(),
            workers: 2,
            shutdown_grace: Duration::from_secs(30),
            metrics: None,
            ready: None,
            secure_cookies: false,
            continue_trace: None,
            token_uses: Arc::default(),
            max_file_bytes: MAX_FILE_BYTES,
            streams: Streams::default(),
            single_sign_on: None,
        }
    }
}

/// What every handler can reach.
pub(crate) struct State {
    pub(crate) services: Services,
    pub(crate) options: Options,
    pub(crate) limits: Limits,
    pub(crate) rendered: Rendered,
}

impl State {
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

    /// What use cases of runs need.
    pub(crate) fn run_deps(&self) -> RunDeps<'_> {
        let services = &self.services;
        RunDeps {
            deps: self.deps(),
            vault: &*services.vault,
            models: &*services.chat_model,
            images: &*services.image_model,
            tokenizer: &*services.tokenizer,
            moderator: &*services.moderator,
            mcp: &*services.mcp,
            actions: &*services.actions,
            web: services.web_search.as_deref(),
            code: services.code.as_deref(),
            knowledge: &*services.knowledge,
            datasets: services.datasets.as_deref(),
            runner: &*services.runner,
            public_url: &self.options.public_url,
        }
    }

    pub(crate) fn secure_cookies(&self) -> bool {
        self.options.secure_cookies || self.options.public_url.starts_with("https:")
    }
}

/// Serves the API on `listener` until the returned server is stopped; it does
/// nothing until it is awaited, and it leaves signals to its caller.
///
/// # Errors
///
/// When the listener cannot be used.
pub fn serve(listener: TcpListener, services: Services, options: Options) -> io::Result<Server> {
    let workers = options.workers.max(1);
    let grace = options.shutdown_grace.as_secs();
    let state = web::Data::new(State {
        services,
        options,
        limits: Limits::new(),
        rendered: Rendered::new(),
    });
    let server = HttpServer::new(move || {
        App::new()
            .app_data(state.clone())
            .wrap(Compress::default())
            .wrap(actix_web::middleware::from_fn(edge::edge))
            .configure(endpoint::register)
            .default_service(web::to(operations::no_such_route))
    });
    let server = server
        .workers(workers)
        .keep_alive(KEEP_ALIVE)
        .client_request_timeout(HEAD_TIMEOUT)
        .client_disconnect_timeout(DISCONNECT_TIMEOUT)
        // Else a client that is gone would only be noticed by writing to it.
        .h1_allow_half_closed(false)
        .tcp_nodelay(true)
        .shutdown_timeout(grace)
        .disable_signals()
        .listen(listener)?;
    Ok(server.run())
}
