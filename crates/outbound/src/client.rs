//! The client itself.

#![expect(clippy::disallowed_types, reason = "this is the one place")]

use std::{error::Error as StdError, fmt, iter, sync::Arc, time::Duration};

use ipnet::IpNet;
use reqwest::{
    Client, ClientBuilder, Response,
    header::{self, HeaderValue},
    redirect, retry,
};
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::{
    destination::{self, Encryption},
    error::{OutboundError, Why},
    names::{CheckedNames, Names, NoAddress, SystemNames},
    request::{Hop, OutboundRequest},
    response::{Bounds, OpenResponse, OutboundResponse},
};

/// How long a connection may take, the name of its host included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection waits for more to do.
const IDLE: Duration = Duration::from_secs(30);
const MOST_REDIRECTS: usize = 5;
const MOST_HEADERS: usize = 100;
const USER_AGENT: &str = concat!("understudy/", env!("CARGO_PKG_VERSION"));

/// What the operator decides about going out.
#[derive(Clone, Debug, Default)]
pub struct OutboundOptions {
    /// Networks that are not public, or that plain http may be spoken with, and
    /// that are reached all the same.
    pub allowed_networks: Vec<IpNet>,
}

/// The client cannot be made: there is no usable TLS.
#[derive(Debug, thiserror::Error)]
#[error("no TLS for outgoing requests; are the system's CA certificates installed?")]
pub struct NoTls(#[source] reqwest::Error);

/// The way out.
pub struct Outbound {
    excepted: Arc<[IpNet]>,
    encrypted: Client,
    plain: Client,
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound").field("allowed_networks", &self.excepted).finish_non_exhaustive()
    }
}

/// Makes ring the cryptography of the process, unless it has some already. Clients
/// of `reqwest` panic without, those that other crates make for themselves too.
pub fn install_tls() {
    // Fails when somebody was first, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

impl Outbound {
    /// A client that asks the system for the addresses of hosts.
    ///
    /// # Errors
    ///
    /// When TLS cannot be used, as without CA certificates.
    pub fn new(options: OutboundOptions) -> Result<Self, NoTls> {
        Self::with_names(options, Arc::new(SystemNames))
    }

    /// A client that asks `names` for the addresses of hosts.
    ///
    /// # Errors
    ///
    /// When TLS cannot be used, as without CA certificates.
    pub fn with_names(options: OutboundOptions, names: Arc<dyn Names>) -> Result<Self, NoTls> {
        install_tls();
        let excepted: Arc<[IpNet]> = options.allowed_networks.into();
        // Which addresses may be reached depends on the scheme, and a resolver sees
        // nothing but the name.
        let encrypted =
            CheckedNames { names, encryption: Encryption::Tls, excepted: Arc::clone(&excepted) };
        let plain = CheckedNames { encryption: Encryption::None, ..encrypted.clone() };
        // What is not encrypted needs no certificates, which take long to read.
        let plain = builder(plain).tls_certs_only([]).build().map_err(NoTls)?;
        Ok(Self { excepted, encrypted: client(encrypted)?, plain })
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    ///
    /// Says what kept it from being sent, or its answer from coming. An answer of
    /// any status is no error.
    pub async fn send(&self, request: &OutboundRequest) -> Result<OutboundResponse, OutboundError> {
        self.open(request).await?.whole().await
    }

    /// Sends a request and waits for the head of its answer. The deadline of the
    /// request goes on for the body, whose pieces may have times of their own.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    #[tracing::instrument(
        name = "outbound.request",
        skip_all,
        fields(host = request.url().host_str().unwrap_or_default())
    )]
    pub async fn open(&self, request: &OutboundRequest) -> Result<OpenResponse, OutboundError> {
        let start = Instant::now();
        let until = start + request.deadline();
        let pace = request.pace();
        let head = pace.map_or(until, |pace| until.min(start + pace.head));
        let piece = pace.map(|pace| pace.piece);
        let bounds = Bounds { until, piece, limit: request.max_bytes() };
        let mut hop = request.hop()?;
        let mut hops = 0;
        loop {
            let host = host(&hop.url);
            let response = self.exchange(&hop, head, &host).await?;
            if request.takes_any_answer() {
                return OpenResponse::new(response, host, bounds);
            }
            let Some(next) = location(&response, &hop.url) else {
                return open(response, host, bounds);
            };
            hops += 1;
            if hops > MOST_REDIRECTS {
                return Err(Why::Redirects { host }.into());
            }
            hop = follow(hop, response.status().as_u16(), next, host)?;
        }
    }

    async fn exchange(
        &self,
        hop: &Hop<'_>,
        until: Instant,
        host: &str,
    ) -> Result<Response, OutboundError> {
        let encryption = destination::check(&hop.url, &self.excepted)?;
        let client = match encryption {
            Encryption::Tls => &self.encrypted,
            Encryption::None => &self.plain,
        };
        let mut sending = client.request(hop.method.clone(), hop.url.clone());
        sending = sending.headers(hop.headers.clone());
        if let Some(bytes) = hop.bytes() {
            sending = sending.body(bytes);
        }
        if let Some(form) = hop.form() {
            sending = sending.multipart(form);
        }
        match timeout_at(until, sending.send()).await {
            Ok(sent) => self.judge_peer(sent.map_err(|error| fault(error, host))?, encryption),
            Err(_) => Err(OutboundError::TimedOut { host: host.to_owned() }),
        }
    }

    /// A second wall: the connector was given checked addresses only.
    fn judge_peer(
        &self,
        response: Response,
        encryption: Encryption,
    ) -> Result<Response, OutboundError> {
        match response.remote_addr() {
            Some(peer) if !encryption.may_reach(peer.ip(), &self.excepted) => {
                Err(Why::Private { host: host(response.url()) }.into())
            }
            _ => Ok(response),
        }
    }
}

/// Without certificates of authorities there is no client that trusts somebody, but
/// there is one that trusts nobody: what needs no https still works.
fn client(names: CheckedNames) -> Result<Client, NoTls> {
    builder(names.clone()).build().or_else(|error| {
        tracing::warn!(%error, "no CA certificates are usable: no https address will be trusted");
        builder(names).tls_certs_only([]).build().map_err(NoTls)
    })
}

fn builder(names: CheckedNames) -> ClientBuilder {
    ClientBuilder::new()
        .user_agent(USER_AGENT)
        .dns_resolver(Arc::new(names))
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .no_proxy()
        .referer(false)
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .http1_only()
        .http1_max_headers(MOST_HEADERS)
        .connect_timeout(CONNECT_TIMEOUT)
        // Without it a small piece of a request waits for the last to be acknowledged.
        .tcp_nodelay(true)
        .pool_idle_timeout(IDLE)
        .default_headers(
            iter::once((header::ACCEPT_ENCODING, HeaderValue::from_static("identity"))).collect(),
        )
}

fn host(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

fn open(response: Response, host: String, bounds: Bounds) -> Result<OpenResponse, OutboundError> {
    let coding = response.headers().get(header::CONTENT_ENCODING);
    if coding.is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        let what = "the answer is compressed, which nobody asked for";
        return Err(OutboundError::Protocol { host, what, source: None });
    }
    OpenResponse::new(response, host, bounds)
}

/// Where the answer sends the asker, if it does.
fn location(response: &Response, from: &Url) -> Option<Result<Url, url::ParseError>> {
    if ![301, 302, 303, 307, 308].contains(&response.status().as_u16()) {
        return None;
    }
    let location = response.headers().get(header::LOCATION)?;
    Some(match location.to_str() {
        Ok(location) => from.join(location),
        Err(_) => Err(url::ParseError::InvalidDomainCharacter),
    })
}

fn follow(
    hop: Hop<'_>,
    status: u16,
    next: Result<Url, url::ParseError>,
    host: String,
) -> Result<Hop<'_>, OutboundError> {
    let next = next.map_err(|error| OutboundError::Protocol {
        host: host.clone(),
        what: "it redirects to what is no address",
        source: Some(error.into()),
    })?;
    if hop.url.scheme() == "https" && next.scheme() == "http" {
        return Err(Why::Downgrade { host }.into());
    }
    let same = hop.url.origin() == next.origin();
    let hop = hop.redirected(status, next);
    Ok(if same { hop } else { hop.for_a_stranger() })
}

fn fault(error: reqwest::Error, host: &str) -> OutboundError {
    let host = host.to_owned();
    let error = error.without_url();
    if let Some(why) = cause::<Why>(&error) {
        return OutboundError::NotAllowed { why: why.clone() };
    }
    if cause::<NoAddress>(&error).is_some() {
        return OutboundError::Resolve { host, source: error.into() };
    }
    if error.is_connect() {
        return OutboundError::Connect { host, source: error.into() };
    }
    let what = "the exchange broke off";
    OutboundError::Protocol { host, what, source: Some(error.into()) }
}

/// What of type `T` is underneath an error.
fn cause<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}
