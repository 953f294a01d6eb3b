//! MCP servers that others wrote: `server-everything`, which is on a port, and
//! `mcp-server-time`, a program that the operator lists.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::Path,
    process::Command,
    thread,
};

use serde_json::{Value, json};
use understudy_testkit::Turn;
use understudy_tests::tools::{self, node_tool, python_tool};

use crate::service::Service;

/// A server of all that the protocol has. It can end, and begin again where it was.
pub(crate) struct Everything {
    port: u16,
    server: Option<tools::Server>,
}

impl Everything {
    pub(crate) fn start() -> Self {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let mut everything = Self { port, server: None };
        everything.begin();
        everything
    }

    pub(crate) fn begin(&mut self) {
        let mut command = Command::new("node");
        command.arg(node_tool("mcp-server-everything")).arg("streamableHttp");
        command.env("PORT", self.port.to_string());
        let ready = |line: &str| line.contains("listening on port").then_some(());
        self.server = Some(tools::Server::start(&command, ready).unwrap().0);
    }

    /// Ends it, and waits until nobody is there any more.
    pub(crate) fn end(&mut self) {
        self.server = None;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok() {
            thread::yield_now();
        }
    }

    /// As assistants name it, with more settings.
    pub(crate) fn setting(&self, more: Value) -> Value {
        let url = format!("http://127.0.0.1:{}/mcp", self.port);
        with(json!({"serverLabel": "every", "serverUrl": url}), more)
    }
}

/// A call that is answered by `Echo: hi`.
pub(crate) fn echo() -> Turn {
    Turn::tool_call("every__echo", json!({"message": "hi"}))
}

/// The file that lists the server of times. It writes down all that the server is
/// told, and the number of its process.
pub(crate) fn clock_in(folder: &Path) -> String {
    let script = format!(
        "tee -a {0}/told | sh -c 'echo $$ > {0}/pid; exec {1} --local-timezone UTC'",
        folder.display(),
        python_tool("mcp-server-time").display(),
    );
    format!("[mcp.clock]\ncommand = \"sh\"\nargs = [\"-c\", {}]\n", json!(script))
}

/// The server of times as assistants name it, with more settings.
pub(crate) fn clock(more: Value) -> Value {
    with(json!({"serverLabel": "clock", "connectorId": "connector_clock"}), more)
}

/// What it takes to know what noon is in Tokyo, which is 21:00.
pub(crate) fn noon() -> Value {
    json!({"source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Tokyo"})
}

/// The calls that the server of times was told to answer.
pub(crate) fn clock_calls(service: &Service) -> Vec<(String, Value)> {
    let told = service.file("told");
    let told = told.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let calls = told.filter(|message| message["method"] == "tools/call");
    let call = |message: Value| {
        let name = message["params"]["name"].as_str().unwrap().to_owned();
        (name, message["params"]["arguments"].clone())
    };
    calls.map(call).collect()
}

/// Kills the server of times as it stands.
pub(crate) fn kill_clock(service: &Service) {
    let pid = service.file("pid").trim().to_owned();
    assert!(Command::new("kill").args(["-s", "KILL", &pid]).status().unwrap().success());
    // Whoever started it may not have noticed yet: then it is a zombie.
    let runs = || {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
        state.is_some_and(|state| state != 'Z')
    };
    while runs() {
        thread::yield_now();
    }
}

/// Settings of an assistant that has these servers.
pub(crate) fn having(servers: impl Into<Vec<Value>>) -> Value {
    json!({"tool_configurations": {"mcpTools": servers.into()}})
}

/// No call needs approval.
pub(crate) fn freely() -> Value {
    json!({"requireApproval": "never"})
}

fn with(mut setting: Value, more: Value) -> Value {
    let Value::Object(more) = more else { panic!("settings are objects") };
    setting.as_object_mut().unwrap().extend(more);
    setting
}
