//! Beginning to speak with a server.

use std::{
    ffi::OsStr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rmcp::{
    ClientHandler, ServiceExt,
    model::{ClientCapabilities, ClientConfig, Implementation, ProtocolVersion},
    service::{NotificationContext, RoleClient, RunningService},
    transport::{
        StreamableHttpClientTransport, async_rw::AsyncRwTransport,
        common::client_side_sse::ExponentialBackoff,
        streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use tokio::time::timeout;
use understudy_domain::ports::ToolError;

use crate::{
    connection::Connection,
    fault::connect_fault,
    process::{Process, StdioServer},
    wire::{MOST_BYTES, Wire},
};

/// How long a server has to begin.
const CONNECT: Duration = Duration::from_secs(10);
/// How often a broken stream of events is asked for again, and how long at most
/// between two attempts.
const MOST_STREAM_RETRIES: usize = 3;
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// Hears what a server says by itself. It is promised nothing: no sampling, no roots,
/// no questions to people.
#[derive(Debug, Default)]
pub(crate) struct Listener {
    changed: Arc<AtomicBool>,
}

impl Listener {
    /// Set when the server says that its tools changed.
    pub(crate) fn changed(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.changed)
    }
}

impl ClientHandler for Listener {
    fn get_info(&self) -> ClientConfig {
        let name = Implementation::new("understudy", env!("CARGO_PKG_VERSION"));
        ClientConfig::new(ClientCapabilities::default(), name)
            .with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE)
    }

    async fn on_tool_list_changed(&self, _: NotificationContext<RoleClient>) {
        self.changed.store(true, Ordering::Release);
    }
}

/// Begins a session over streamable HTTP.
pub(crate) async fn over_http(wire: Wire, url: &str) -> Result<Arc<Connection>, ToolError> {
    let mut retries = ExponentialBackoff::default();
    retries.max_times = Some(MOST_STREAM_RETRIES);
    retries.max_delay = Some(LONGEST_PAUSE);
    let mut config = StreamableHttpClientTransportConfig::with_uri(url)
        // It would send again what the server had refused.
        .reinit_on_expired_session(false)
        .max_sse_event_size(MOST_BYTES);
    config.retry_config = Arc::new(retries);
    let transport = StreamableHttpClientTransport::with_client(wire, config);
    let service = begun(timeout(CONNECT, Listener::default().serve(transport)).await)?;
    Ok(Arc::new(Connection::new(service, None)))
}

/// Starts a program and begins a session with it.
pub(crate) async fn over_stdio(
    name: &str,
    server: &StdioServer,
    path: Option<&OsStr>,
) -> Result<Arc<Connection>, ToolError> {
    let (process, output, input) = Process::start(name, server, path)?;
    let transport = AsyncRwTransport::new(output, input).with_max_line_length(MOST_BYTES);
    let service = begun(timeout(CONNECT, Listener::default().serve(transport)).await)?;
    Ok(Arc::new(Connection::new(service, Some(process))))
}

type Begun = RunningService<RoleClient, Listener>;

fn begun(
    result: Result<
        Result<Begun, rmcp::service::ClientInitializeError>,
        tokio::time::error::Elapsed,
    >,
) -> Result<Begun, ToolError> {
    match result {
        Ok(Ok(service)) => Ok(service),
        Ok(Err(error)) => Err(connect_fault(&error)),
        Err(_) => Err(ToolError::Unreachable(format!(
            "it did not begin to speak within {} seconds",
            CONNECT.as_secs()
        ))),
    }
}
