//! MCP servers that others wrote: one of all the protocol's parts, over streamable
//! HTTP, and one that is a program.

use std::{
    collections::BTreeMap,
    fs,
    net::{Ipv4Addr, TcpListener},
    path::Path,
    process::Command,
    sync::Arc,
};

use serde_json::{Map, Value, json};
use tempfile::TempDir;
use understudy_domain::{
    OrganizationId, Secret,
    ports::{McpAnswer, McpEndpoint, McpGateway, McpPlace, ToolError},
};
use understudy_mcp::{Mcp, McpConfig, StdioServer};
use understudy_outbound::{Outbound, OutboundOptions};
use understudy_tests::tools::{Server, node_tool, python_tool};
use uuid::Uuid;

fn mcp(config: McpConfig) -> Mcp {
    let allowed_networks = vec!["127.0.0.1/32".parse().unwrap()];
    Mcp::new(Arc::new(Outbound::new(OutboundOptions { allowed_networks }).unwrap()), config)
}

fn endpoint(place: McpPlace) -> McpEndpoint {
    let organization = OrganizationId::from_uuid(Uuid::from_u128(1));
    McpEndpoint { organization, label: "wiki".to_owned(), place }
}

async fn call(
    mcp: &Mcp,
    server: &McpEndpoint,
    tool: &str,
    arguments: Value,
) -> Result<McpAnswer, ToolError> {
    let arguments: Map<String, Value> = serde_json::from_value(arguments).unwrap();
    mcp.call(server, tool, arguments).await
}

/// A port that nobody listens on at the moment.
fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

fn everything(port: u16) -> Server {
    let mut command = Command::new("node");
    command.arg(node_tool("mcp-server-everything")).arg("streamableHttp");
    command.env("PORT", port.to_string());
    let ready = |line: &str| line.contains("listening on port").then_some(());
    Server::start(&command, ready).unwrap().0
}

fn at(port: u16) -> McpEndpoint {
    let url = format!("http://127.0.0.1:{port}/mcp");
    endpoint(McpPlace::Http { url, authorization: None, headers: Vec::new() })
}

#[tokio::test]
async fn a_server_of_all_parts_lists_its_tools_and_answers() {
    let port = free_port();
    let _server = everything(port);
    let (mcp, server) = (mcp(McpConfig::default()), at(port));

    let tools = mcp.tools(&server).await.unwrap();

    let tool = |name: &str| tools.iter().find(|tool| tool.name == name).unwrap();
    assert_eq!(tool("echo").read_only, Some(true));
    assert_eq!(tool("echo").input_schema["properties"]["message"]["type"], "string");
    assert!(!tool("echo").description.is_empty());
    assert!(tools.iter().any(|tool| tool.read_only != Some(true)), "{tools:?}");
    // It offers these only to those who promise to answer questions.
    assert!(!tools.iter().any(|tool| tool.name.contains("elicitation")), "{tools:?}");

    let echoed = call(&mcp, &server, "echo", json!({"message": "hi"})).await.unwrap();
    assert_eq!(
        echoed,
        McpAnswer { text: "Echo: hi".to_owned(), structured: None, is_error: false }
    );

    let weather = json!({"location": "Chicago"});
    let weather = call(&mcp, &server, "get-structured-content", weather).await.unwrap();
    assert!(weather.structured.unwrap()["temperature"].is_number());

    let image = call(&mcp, &server, "get-tiny-image", json!({})).await.unwrap();
    assert!(image.text.contains("[A picture of the type image/png with "), "{}", image.text);

    let links = call(&mcp, &server, "get-resource-links", json!({"count": 2})).await.unwrap();
    assert!(links.text.contains("it was not opened]"), "{}", links.text);

    let long = json!({"message": "x".repeat(1_048_576)});
    let long = call(&mcp, &server, "echo", long).await.unwrap().text;
    assert!(long.ends_with("it is too long.]") && long.len() < 300_000, "{}", long.len());

    let wrong = call(&mcp, &server, "echo", json!({"message": 1})).await;
    assert!(wrong.map_or_else(|error| matches!(error, ToolError::Refused(_)), |it| it.is_error));
}

#[tokio::test]
async fn a_tool_that_takes_its_time_is_waited_for() {
    let port = free_port();
    let _server = everything(port);
    let (mcp, server) = (mcp(McpConfig::default()), at(port));

    let arguments = json!({"duration": 1, "steps": 5});
    let slow = call(&mcp, &server, "trigger-long-running-operation", arguments).await.unwrap();

    assert!(slow.text.contains("completed"), "{}", slow.text);
}

#[tokio::test]
async fn a_server_may_restart_between_the_list_and_the_call() {
    let port = free_port();
    let first = everything(port);
    let (mcp, server) = (mcp(McpConfig::default()), at(port));
    mcp.tools(&server).await.unwrap();

    drop(first);
    let gone = call(&mcp, &server, "echo", json!({"message": "hi"})).await;
    assert!(matches!(gone, Err(ToolError::Unreachable(_))), "{gone:?}");

    let _second = everything(port);
    let echoed = call(&mcp, &server, "echo", json!({"message": "hi"})).await.unwrap();
    assert_eq!(echoed.text, "Echo: hi");
    assert!(!mcp.tools(&server).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_server_that_dies_during_a_call_leaves_it_unknown_what_was_done() {
    let port = free_port();
    let first = everything(port);
    let (mcp, server) = (mcp(McpConfig::default()), at(port));
    mcp.tools(&server).await.unwrap();

    let arguments = json!({"duration": 30, "steps": 300});
    let slow = call(&mcp, &server, "trigger-long-running-operation", arguments);
    let ending = async {
        // The call has gone out when the server tells of its progress: it answers
        // what comes after.
        call(&mcp, &server, "echo", json!({"message": "hi"})).await.unwrap();
        call(&mcp, &server, "echo", json!({"message": "hi"})).await.unwrap();
        drop(first);
    };
    let (slow, ()) = tokio::join!(slow, ending);
    assert!(matches!(slow, Err(ToolError::Garbled(_))), "{slow:?}");

    let _second = everything(port);
    let echoed = call(&mcp, &server, "echo", json!({"message": "hi"})).await.unwrap();
    assert_eq!(echoed.text, "Echo: hi");
}

/// The server of times, which writes its number and its environment into a folder
/// before it begins.
fn times(folder: &Path) -> McpConfig {
    let script = format!(
        "echo $$ > {0}/pid; env > {0}/env; echo complaint >&2; exec {1} --local-timezone UTC",
        folder.display(),
        python_tool("mcp-server-time").display()
    );
    let server = StdioServer {
        command: "sh".to_owned(),
        args: vec!["-c".to_owned(), script],
        env: BTreeMap::from([("TIMES_KEY".to_owned(), Secret::new("sesame".to_owned()))]),
    };
    McpConfig { servers: BTreeMap::from([("times".to_owned(), server)]), path: None }
}

fn listed() -> McpEndpoint {
    endpoint(McpPlace::Stdio { name: "times".to_owned() })
}

fn pid(folder: &TempDir) -> String {
    fs::read_to_string(folder.path().join("pid")).unwrap().trim().to_owned()
}

/// Whether the process does anything any more.
fn runs(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").map(|(_, rest)| rest.chars().next());
    state.is_some_and(|state| state != Some('Z'))
}

async fn ends(pid: &str) {
    while runs(pid) {
        tokio::task::yield_now().await;
    }
}

async fn tokyo(mcp: &Mcp) -> Result<McpAnswer, ToolError> {
    let noon = json!({
        "source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Tokyo",
    });
    call(mcp, &listed(), "convert_time", noon).await
}

#[tokio::test]
async fn a_program_that_the_operator_lists_is_started_with_nothing_but_what_is_listed() {
    let folder = tempfile::tempdir().unwrap();
    let mcp = mcp(times(folder.path()));

    assert_eq!(mcp.listed(), ["times"]);
    let tools = mcp.tools(&listed()).await.unwrap();
    assert!(tools.iter().any(|tool| tool.name == "get_current_time"), "{tools:?}");
    let answer = tokyo(&mcp).await.unwrap();
    assert!(answer.text.contains("21:00"), "{}", answer.text);

    let env = fs::read_to_string(folder.path().join("env")).unwrap();
    let mut names: Vec<_> = env.lines().filter_map(|line| line.split_once('=')).collect();
    // The shell adds these by itself.
    names.retain(|(name, _)| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name));
    names.sort_unstable();
    let names: Vec<_> = names.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["PATH", "TIMES_KEY"]);
}

#[tokio::test]
async fn a_program_that_dies_is_started_again_and_ends_with_its_user() {
    let folder = tempfile::tempdir().unwrap();
    let mcp = mcp(times(folder.path()));
    tokyo(&mcp).await.unwrap();
    let first = pid(&folder);

    assert!(Command::new("kill").args(["-9", &first]).status().unwrap().success());
    ends(&first).await;
    assert!(tokyo(&mcp).await.unwrap().text.contains("21:00"));
    let second = pid(&folder);
    assert_ne!(first, second);

    assert!(runs(&second));
    drop(mcp);
    ends(&second).await;
}
