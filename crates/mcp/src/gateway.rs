//! The port, carried out.

use std::{collections::BTreeMap, ffi::OsString, fmt, sync::Arc};

use async_trait::async_trait;
use serde_json::{Map, Value};
use understudy_domain::ports::{McpAnswer, McpEndpoint, McpGateway, McpPlace, McpTool, ToolError};
use understudy_outbound::Outbound;

use crate::{
    connection::Connection,
    pool::{Key, Pool},
    process::StdioServer,
    session, wire,
};

/// What the operator decides about MCP servers.
#[derive(Clone, Debug, Default)]
pub struct McpConfig {
    /// Programs that may be started, by the name that assistants call them.
    pub servers: BTreeMap<String, StdioServer>,
    /// Where programs are looked for, and look for others; a few usual folders when
    /// `None`.
    pub path: Option<OsString>,
}

/// Speaks to MCP servers.
pub struct Mcp {
    outbound: Arc<Outbound>,
    config: McpConfig,
    pool: Arc<Pool>,
}

impl fmt::Debug for Mcp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mcp").field("listed", &self.listed()).finish_non_exhaustive()
    }
}

impl Mcp {
    /// A client that goes out by `outbound` and knows the programs in `config`.
    #[must_use]
    pub fn new(outbound: Arc<Outbound>, config: McpConfig) -> Self {
        Self { outbound, config, pool: Arc::default() }
    }

    async fn connect(&self, server: &McpEndpoint) -> Result<Arc<Connection>, ToolError> {
        match &server.place {
            McpPlace::Http { url, authorization, headers } => {
                let outbound = Arc::clone(&self.outbound);
                let wire = wire::Wire::new(outbound, url, authorization.clone(), headers.clone())?;
                session::over_http(wire, url).await
            }
            McpPlace::Stdio { name } => {
                let Some(program) = self.config.servers.get(name) else {
                    let message = format!("the operator lists no MCP server `{name}`");
                    return Err(ToolError::NotAllowed(message));
                };
                session::over_stdio(name, program, self.config.path.as_deref()).await
            }
        }
    }

    /// A connection to the server: the one that is kept, if it is still alive, or a
    /// new one, which is kept from now on.
    async fn connection(&self, server: &McpEndpoint) -> Result<Arc<Connection>, ToolError> {
        let slot = self.pool.slot(Key::of(server));
        // Whoever else wants this server waits for the same connection.
        let mut kept = slot.connection.lock().await;
        if let Some(connection) = &*kept
            && connection.is_alive().await
        {
            return Ok(Arc::clone(connection));
        }
        *kept = None;
        let connection = self.connect(server).await?;
        *kept = Some(Arc::clone(&connection));
        Ok(connection)
    }

    /// The kept connection, if its list of tools still holds, without asking anybody.
    async fn remembered(&self, server: &McpEndpoint) -> Option<Arc<Vec<McpTool>>> {
        let slot = self.pool.slot(Key::of(server));
        let connection = slot.connection.lock().await.clone()?;
        connection.remembered()
    }
}

#[async_trait]
impl McpGateway for Mcp {
    fn listed(&self) -> Vec<String> {
        self.config.servers.keys().cloned().collect()
    }

    #[tracing::instrument(name = "mcp.tools", skip_all, fields(label = server.label))]
    async fn tools(&self, server: &McpEndpoint) -> Result<Vec<McpTool>, ToolError> {
        if let Some(tools) = self.remembered(server).await {
            return Ok(tools.to_vec());
        }
        Ok(self.connection(server).await?.tools().await?.to_vec())
    }

    #[tracing::instrument(name = "mcp.call", skip_all, fields(label = server.label, tool))]
    async fn call(
        &self,
        server: &McpEndpoint,
        tool: &str,
        arguments: Map<String, Value>,
    ) -> Result<McpAnswer, ToolError> {
        self.connection(server).await?.call(tool, arguments).await
    }
}
