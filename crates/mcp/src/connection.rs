//! A connection to a server, and what it said.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rmcp::{
    model::{
        CallToolRequestParams, CallToolResponse, ClientRequest, PaginatedRequestParams,
        PingRequest, Tool,
    },
    service::{RoleClient, RunningService},
};
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout};
use understudy_domain::ports::{McpAnswer, McpTool, ToolError};

use crate::{
    answer,
    fault::{call_fault, list_fault},
    listing::{self, MOST_TOOLS},
    process::Process,
    session::Listener,
};

/// How long a server has to say that it is there.
const PING: Duration = Duration::from_secs(5);
/// How long the whole list of tools may take.
const LISTING: Duration = Duration::from_secs(30);
/// Most pages of a list.
const MOST_PAGES: usize = 20;
/// How long a call may take.
const CALL: Duration = Duration::from_mins(1);
/// How long a list of tools holds.
const LIST_HOLDS: Duration = Duration::from_mins(5);

/// One session with a server.
pub(crate) struct Connection {
    service: RunningService<RoleClient, Listener>,
    /// Whether the server said that its tools are others now.
    changed: Arc<AtomicBool>,
    remembered: Mutex<Option<(Instant, Arc<Vec<McpTool>>)>>,
    /// The program, where the server is one; it ends with the connection.
    _process: Option<Process>,
}

impl Connection {
    pub(crate) fn new(
        service: RunningService<RoleClient, Listener>,
        process: Option<Process>,
    ) -> Self {
        let changed = service.service().changed();
        Self { service, changed, remembered: Mutex::default(), _process: process }
    }

    /// Asks the server whether it is there and knows the session. Any answer will do.
    pub(crate) async fn is_alive(&self) -> bool {
        if self.service.is_closed() {
            return false;
        }
        let ping = ClientRequest::PingRequest(PingRequest::default());
        match timeout(PING, self.service.send_request(ping)).await {
            Ok(Ok(_)) => true,
            Ok(Err(error)) => crate::fault::is_answer(&error),
            Err(_) => false,
        }
    }

    /// The tools, if they were asked for lately and the server did not say that they
    /// changed.
    pub(crate) fn remembered(&self) -> Option<Arc<Vec<McpTool>>> {
        if self.service.is_closed() || self.changed.load(Ordering::Acquire) {
            return None;
        }
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, tools) = remembered.as_ref()?;
        (at.elapsed() < LIST_HOLDS).then(|| Arc::clone(tools))
    }

    /// Asks for the tools.
    pub(crate) async fn tools(&self) -> Result<Arc<Vec<McpTool>>, ToolError> {
        if let Some(tools) = self.remembered() {
            return Ok(tools);
        }
        // Before asking: what changes meanwhile is asked for again.
        self.changed.store(false, Ordering::Release);
        let listed = match timeout(LISTING, self.list()).await {
            Ok(listed) => listed?,
            Err(_) => return Err(ToolError::TimedOut),
        };
        let tools = Arc::new(listing::tools(listed));
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        *remembered = Some((Instant::now(), Arc::clone(&tools)));
        Ok(tools)
    }

    async fn list(&self) -> Result<Vec<Tool>, ToolError> {
        let mut tools = Vec::new();
        let info = self.service.peer_info();
        if info.is_some_and(|info| info.capabilities.tools.is_none()) {
            return Ok(tools);
        }
        let mut cursor = None;
        for _ in 0..MOST_PAGES {
            let wish = PaginatedRequestParams::default().with_cursor(cursor.clone());
            let page =
                self.service.list_tools(Some(wish)).await.map_err(|error| list_fault(&error))?;
            tools.extend(page.tools);
            // One more than is kept tells that some are left out.
            if page.next_cursor.is_none() || page.next_cursor == cursor || tools.len() > MOST_TOOLS
            {
                return Ok(tools);
            }
            cursor = page.next_cursor;
        }
        tracing::warn!("an MCP server has more pages of tools than are asked for");
        Ok(tools)
    }

    /// Calls a tool, once.
    pub(crate) async fn call(
        &self,
        tool: &str,
        arguments: Map<String, Value>,
    ) -> Result<McpAnswer, ToolError> {
        let wish = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        // Given up, the request is taken back at the server too.
        let Ok(answered) = timeout(CALL, self.service.call_tool_once(wish)).await else {
            return Err(ToolError::TimedOut);
        };
        match answered.map_err(|error| call_fault(&error))? {
            CallToolResponse::Complete(result) => Ok(answer::answer(result)),
            CallToolResponse::InputRequired(_) => {
                let message = "it asks for more than can be given here";
                Err(ToolError::Refused(message.to_owned()))
            }
            // The enum may grow.
            _ => Err(ToolError::Garbled("it answered in a way that is not known here".to_owned())),
        }
    }
}
