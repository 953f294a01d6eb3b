//! A server in this process: started whole, stopped whole.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use actix_web::dev::ServerHandle;
use tokio::task::JoinHandle;
use understudy_domain::{
    ProviderKind, Secret, TokenText,
    usecases::{
        Error,
        bootstrap::{Bootstrap, BootstrapError, bootstrap},
        providers::{InstalledProvider, install_providers},
    },
};
use understudy_http_api::{Metrics, Options, Services, Streams, TokenUses, serve};
use understudy_runner::Tasks;

use crate::{
    config::Config,
    installation::{Installation, InstallationError, Purpose},
    sign_on::{SignOnError, single_sign_on},
    telemetry,
    workers::Workers,
};

/// A server that is listening.
///
/// Dropping it leaves the server running; [`stop`](Self::stop) ends it.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// The first administrator's token, if this start set the database up.
    pub bootstrap_token: Option<TokenText>,
    server: ServerHandle,
    serving: JoinHandle<io::Result<()>>,
    streams: Streams,
    tasks: Tasks,
    grace: Duration,
    workers: Workers,
}

/// The server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database or the master key is not usable.
    #[error(transparent)]
    Installation(#[from] InstallationError),
    /// The address is taken or not ours.
    #[error("{address} cannot be listened on")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The empty database cannot be set up.
    #[error(transparent)]
    Bootstrap(#[from] BootstrapError),
    /// The providers that the environment names cannot be added.
    #[error("the providers cannot be added")]
    Providers(#[source] Error),
    /// The identity provider cannot be asked.
    #[error(transparent)]
    SignOn(#[from] SignOnError),
    /// The HTTP server cannot start.
    #[error("the HTTP server cannot start")]
    Http(#[source] io::Error),
}

/// Starts a server with everything that belongs to it. When this returns, it
/// answers.
///
/// # Errors
///
/// [`StartError`]; a database that is refused was not changed.
pub async fn start(config: Config) -> Result<Running, StartError> {
    let installation = Installation::open(&config, Purpose::Serve).await?;
    let single_sign_on = single_sign_on(&config, &installation)?;
    // Before anything is set up: a token that was made must also be shown.
    let listener = TcpListener::bind(config.listen)
        .map_err(|source| StartError::Listen { address: config.listen, source })?;
    let address = listener.local_addr().map_err(StartError::Http)?;
    let command = Bootstrap {
        organization_name: config.organization.clone(),
        email: config.admin_email.clone(),
        token: config.bootstrap_token.clone().and_then(TokenText::chosen),
    };
    let bootstrap_token = bootstrap(installation.deps(), &*installation.vault, command).await?;
    if bootstrap_token.is_some() {
        add_providers(&installation, &config).await?;
    }
    let token_uses = Arc::new(TokenUses::default());
    let options = Options { single_sign_on, ..options(&config, address, Arc::clone(&token_uses)) };
    let tasks = Tasks::new(installation.run_ports(options.public_url.clone()));
    let workers = Workers::start(&installation, &tasks, token_uses);
    let streams = options.streams.clone();
    let grace = options.shutdown_grace;
    let services = services(&installation, &tasks);
    let server = serve(listener, services, options).map_err(StartError::Http)?;
    let handle = server.handle();
    let serving = tokio::spawn(server);
    tracing::info!(%address, "listening");
    Ok(Running {
        address,
        bootstrap_token,
        server: handle,
        serving,
        streams,
        tasks,
        grace,
        workers,
    })
}

impl Running {
    /// Ends when the server ends by itself, which it does only when it fails.
    pub async fn ended(&mut self) {
        // The result is the same as what follows: there is no server any more.
        let _ = (&mut self.serving).await;
    }

    /// Stops accepting, lets requests and responses finish within the configured
    /// grace, tells the followers of those that do not, ends the event streams, writes
    /// what is still to be written, and ends.
    pub async fn stop(self) {
        let Self { streams, server, tasks, workers, grace, .. } = self;
        let finish = async {
            tasks.shut_down(grace / 2).await;
            streams.end();
        };
        tokio::join!(server.stop(true), finish);
        workers.stop().await;
        tracing::info!("stopped");
    }
}

/// Where a caller on this machine reaches a server that listens on `address`.
#[must_use]
pub fn local_url(address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

/// The providers that are ready on the first start, by the keys in the environment.
async fn add_providers(installation: &Installation, config: &Config) -> Result<(), StartError> {
    let store = &installation.store;
    let organization = store.callers().first_organization().await;
    let organization = organization.map_err(|error| StartError::Providers(error.into()))?;
    let Some(organization) = organization else { return Ok(()) };
    let provider = |(kind, value): (ProviderKind, &Secret<String>)| {
        let is_address = kind == ProviderKind::Ollama;
        InstalledProvider {
            name: kind.as_str().to_owned(),
            kind,
            base_url: is_address.then(|| with_scheme(value.expose())),
            api_key: (!is_address).then(|| value.clone()),
        }
    };
    let providers = config.foreign.providers().map(provider).collect();
    let (deps, vault) = (installation.deps(), &*installation.vault);
    let added = install_providers(deps, vault, organization.id, providers).await;
    added.map(drop).map_err(StartError::Providers)
}

/// `OLLAMA_HOST` is often a host and a port.
fn with_scheme(address: &str) -> String {
    if address.contains("://") { address.to_owned() } else { format!("http://{address}") }
}

fn services(installation: &Installation, tasks: &Tasks) -> Services {
    Services {
        store: Arc::clone(&installation.store),
        clock: Arc::clone(&installation.clock),
        ids: Arc::clone(&installation.ids),
        passwords: Arc::clone(&installation.passwords),
        signer: Arc::clone(&installation.signer),
        vault: Arc::clone(&installation.vault),
        blobs: Arc::clone(&installation.blobs),
        pictures: Arc::clone(&installation.pictures),
        documents: Arc::clone(&installation.documents),
        image_model: Arc::clone(&installation.image_model),
        embedder: Arc::clone(&installation.embedder),
        chat_model: Arc::clone(&installation.chat_model),
        tokenizer: Arc::clone(&installation.tokenizer),
        moderator: Arc::clone(&installation.moderator),
        mcp: Arc::clone(&installation.mcp),
        actions: Arc::clone(&installation.actions),
        web_search: installation.web_search.clone(),
        code: None,
        knowledge: Arc::clone(&installation.knowledge),
        datasets: None,
        runner: Arc::new(tasks.clone()),
    }
}

fn options(config: &Config, address: SocketAddr, token_uses: Arc<TokenUses>) -> Options {
    let public_url = match &config.public_url {
        Some(url) => url.as_str().trim_end_matches('/').to_owned(),
        None => local_url(address),
    };
    Options {
        public_url,
        trusted_proxies: config.trusted_proxies.clone(),
        workers: std::thread::available_parallelism().map_or(2, std::num::NonZero::get).max(2),
        shutdown_grace: config.shutdown_grace,
        metrics: telemetry::metrics().map(|metrics| -> Metrics { Arc::new(|| metrics.render()) }),
        continue_trace: telemetry::continue_trace(config),
        token_uses,
        max_file_bytes: config.max_file_bytes,
        ..Options::default()
    }
}
