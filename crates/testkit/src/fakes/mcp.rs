//! MCP servers that are not there.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use understudy_domain::ports::{McpAnswer, McpEndpoint, McpGateway, McpTool, ToolError};

use super::Gate;

/// A call of a tool, as an MCP server gets it.
#[derive(Clone, Debug)]
pub struct McpCall {
    /// The server.
    pub server: McpEndpoint,
    /// The tool's name there.
    pub tool: String,
    /// The arguments.
    pub arguments: Map<String, Value>,
}

/// MCP servers by their labels. A tool answers what it was told, and then with its own
/// name and arguments.
#[derive(Debug, Default)]
pub struct FakeMcp {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    listed: Vec<String>,
    servers: BTreeMap<String, Result<Vec<McpTool>, ToolError>>,
    answers: HashMap<(String, String), VecDeque<Result<McpAnswer, ToolError>>>,
    gate: Option<Gate>,
    looked_up: Vec<McpEndpoint>,
    calls: Vec<McpCall>,
}

impl FakeMcp {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A tool that takes any text and does not say whether it changes something.
    #[must_use]
    pub fn tool(name: &str) -> McpTool {
        let schema = json!({ "type": "object", "properties": { "text": { "type": "string" } } });
        McpTool {
            name: name.to_owned(),
            description: format!("What {name} does"),
            input_schema: schema.as_object().cloned().unwrap_or_default(),
            read_only: None,
        }
    }

    /// An answer of one text.
    #[must_use]
    pub fn text(text: &str) -> McpAnswer {
        McpAnswer { text: text.to_owned(), structured: None, is_error: false }
    }

    /// Has a server with these tools from now on.
    pub fn serve(&self, label: &str, tools: impl IntoIterator<Item = McpTool>) {
        self.state().servers.insert(label.to_owned(), Ok(tools.into_iter().collect()));
    }

    /// The server tells its tools to nobody from now on.
    pub fn break_server(&self, label: &str, error: ToolError) {
        self.state().servers.insert(label.to_owned(), Err(error));
    }

    /// The operator has listed a server of this name.
    pub fn list(&self, name: &str) {
        self.state().listed.push(name.to_owned());
    }

    /// The tool answers this to the next call that has no answer yet.
    pub fn answer_next(&self, label: &str, tool: &str, answer: Result<McpAnswer, ToolError>) {
        let key = (label.to_owned(), tool.to_owned());
        self.state().answers.entry(key).or_default().push_back(answer);
    }

    /// All calls wait at this gate from now on, after they were noted.
    pub fn wait_at(&self, gate: &Gate) {
        self.state().gate = Some(gate.clone());
    }

    /// Every call, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<McpCall> {
        self.state().calls.clone()
    }

    /// Every server that was asked for its tools, in order.
    #[must_use]
    pub fn looked_up(&self) -> Vec<McpEndpoint> {
        self.state().looked_up.clone()
    }
}

#[async_trait]
impl McpGateway for FakeMcp {
    fn listed(&self) -> Vec<String> {
        self.state().listed.clone()
    }

    async fn tools(&self, server: &McpEndpoint) -> Result<Vec<McpTool>, ToolError> {
        let mut state = self.state();
        state.looked_up.push(server.clone());
        let unknown = || Err(ToolError::Unreachable("nothing is there".to_owned()));
        state.servers.get(&server.label).cloned().unwrap_or_else(unknown)
    }

    async fn call(
        &self,
        server: &McpEndpoint,
        tool: &str,
        arguments: Map<String, Value>,
    ) -> Result<McpAnswer, ToolError> {
        let usual = format!("{tool} {}", Value::Object(arguments.clone()));
        let call = McpCall { server: server.clone(), tool: tool.to_owned(), arguments };
        let gate = {
            let mut state = self.state();
            state.calls.push(call);
            state.gate.clone()
        };
        if let Some(gate) = gate {
            gate.pass().await;
        }
        let key = (server.label.clone(), tool.to_owned());
        let answer = self.state().answers.get_mut(&key).and_then(VecDeque::pop_front);
        answer.unwrap_or_else(|| Ok(Self::text(&usual)))
    }
}
