//! Servers that answer as they are told, however badly.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test panics")]

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::{Map, Value, json};
use understudy_domain::{
    OrganizationId, Secret,
    ports::{McpAnswer, McpEndpoint, McpGateway, McpPlace, ToolError},
};
use understudy_mcp::{Mcp, McpConfig};
use understudy_outbound::{Outbound, OutboundOptions};
use understudy_testkit::{Asked, Reply, Upstream};
use uuid::Uuid;

const TOKEN: &str = "tok-sesame";

fn mcp() -> Mcp {
    let allowed_networks = vec!["127.0.0.1/32".parse().unwrap()];
    let outbound = Outbound::new(OutboundOptions { allowed_networks }).unwrap();
    Mcp::new(Arc::new(outbound), McpConfig::default())
}

fn endpoint(url: String) -> McpEndpoint {
    let secret = |text: &str| Secret::new(text.to_owned());
    McpEndpoint {
        organization: OrganizationId::from_uuid(Uuid::from_u128(1)),
        label: "stub".to_owned(),
        place: McpPlace::Http {
            url,
            authorization: Some(secret(TOKEN)),
            headers: vec![("X-Team".to_owned(), secret("blue"))],
        },
    }
}

fn message(asked: &Asked) -> Value {
    serde_json::from_slice(&asked.body).unwrap_or_default()
}

fn is_about(asked: &Asked, method: &str) -> bool {
    message(asked)["method"] == method
}

fn json(body: &Value) -> Reply {
    Reply::new(200, body.to_string()).with("content-type", "application/json; charset=utf-8")
}

fn result(asked: &Asked, result: &Value) -> Reply {
    json(&json!({"jsonrpc": "2.0", "id": message(asked)["id"], "result": result}))
}

fn events(messages: &[Value]) -> Reply {
    let lines: String = messages
        .iter()
        .map(|it| format!("event: message\ndata: {it}\n\n"))
        .collect::<Vec<_>>()
        .concat();
    Reply::new(200, lines).with("content-type", "text/event-stream")
}

fn tool(name: &str) -> Value {
    json!({"name": name, "inputSchema": {"type": "object"}})
}

fn said(text: &str) -> Value {
    json!({"content": [{"type": "text", "text": text}]})
}

/// A server that behaves, unless `otherwise` has another answer.
async fn server(otherwise: impl Fn(&Asked) -> Option<Reply> + Send + Sync + 'static) -> Upstream {
    let answer = move |asked: &Asked| {
        if let Some(reply) = otherwise(asked) {
            return reply;
        }
        if asked.method != "POST" {
            return Reply::new(405, "");
        }
        match message(asked)["method"].as_str().unwrap_or_default() {
            "initialize" => result(
                asked,
                &json!({
                    "protocolVersion": "2025-06-18",
                    "capabilities": {"tools": {"listChanged": true}},
                    "serverInfo": {"name": "stub", "version": "1"},
                }),
            )
            .with("mcp-session-id", "session-1"),
            "ping" => result(asked, &json!({})),
            "tools/list" => result(asked, &json!({"tools": [tool("echo")]})),
            "tools/call" => result(asked, &said("done")),
            _ => Reply::new(202, ""),
        }
    };
    Upstream::answering("127.0.0.1", answer).await.unwrap()
}

fn count(server: &Upstream, method: &str) -> usize {
    server.asked().iter().filter(|asked| is_about(asked, method)).count()
}

async fn call(mcp: &Mcp, server: &Upstream) -> Result<McpAnswer, ToolError> {
    mcp.call(&endpoint(server.url("/mcp")), "echo", Map::new()).await
}

fn done() -> McpAnswer {
    McpAnswer { text: "done".to_owned(), structured: None, is_error: false }
}

#[tokio::test]
async fn a_session_carries_its_credentials_its_version_and_its_number() {
    let server = server(|_| None).await;
    let mcp = mcp();

    let tools = mcp.tools(&endpoint(server.url("/mcp"))).await.unwrap();

    assert_eq!(tools[0].name, "echo");
    assert_eq!(call(&mcp, &server).await, Ok(done()));
    let asked = server.asked();
    let posts: Vec<_> = asked.iter().filter(|asked| asked.method == "POST").collect();
    for asked in &posts {
        assert_eq!(asked.header("authorization"), Some("Bearer tok-sesame"));
        assert_eq!(asked.header("x-team"), Some("blue"));
    }
    assert_eq!(message(posts[0])["params"]["clientInfo"]["name"], "understudy");
    assert_eq!(message(posts[0])["params"]["capabilities"], json!({}));
    for asked in posts.iter().skip(1) {
        assert_eq!(asked.header("mcp-session-id"), Some("session-1"));
        assert_eq!(asked.header("mcp-protocol-version"), Some("2025-06-18"));
    }
}

#[tokio::test]
async fn a_list_is_remembered_for_its_organization_and_credentials() {
    let server = server(|_| None).await;
    let (mcp, endpoint) = (mcp(), endpoint(server.url("/mcp")));
    mcp.tools(&endpoint).await.unwrap();

    let relabelled = McpEndpoint { label: "other".to_owned(), ..endpoint.clone() };
    mcp.tools(&relabelled).await.unwrap();
    assert_eq!(count(&server, "tools/list"), 1);

    let organization = OrganizationId::from_uuid(Uuid::from_u128(2));
    mcp.tools(&McpEndpoint { organization, ..endpoint }).await.unwrap();
    assert_eq!((count(&server, "initialize"), count(&server, "tools/list")), (2, 2));
}

#[tokio::test]
async fn a_server_that_forgot_the_session_is_greeted_anew_before_the_call_goes_out() {
    for status in [404, 400] {
        let greeted = AtomicUsize::new(0);
        let server = server(move |asked| {
            greeted.fetch_add(usize::from(is_about(asked, "initialize")), Ordering::SeqCst);
            let is_forgotten = is_about(asked, "ping") && greeted.load(Ordering::SeqCst) == 1;
            is_forgotten.then(|| Reply::new(status, ""))
        });
        let server = server.await;
        let mcp = mcp();
        mcp.tools(&endpoint(server.url("/mcp"))).await.unwrap();

        assert_eq!(call(&mcp, &server).await, Ok(done()));
        assert_eq!((count(&server, "initialize"), count(&server, "tools/call")), (2, 1));

        mcp.tools(&endpoint(server.url("/mcp"))).await.unwrap();
        assert_eq!(count(&server, "tools/list"), 2);
    }
}

#[tokio::test]
async fn a_call_that_was_sent_is_never_sent_again() {
    let cut = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{";
    let ended = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n: hello\n\n";
    for (reply, is_known) in [
        (Reply::new(404, ""), true),
        (Reply::new(400, ""), true),
        (Reply::new(500, "oops"), false),
        (Reply::new(200, "<html>").with("content-type", "text/html"), false),
        (Reply::new(200, "{}").with("content-type", "application/json"), false),
        (Reply::Raw(cut.to_vec()), false),
        (Reply::Raw(ended.to_vec()), false),
        (Reply::Raw(Vec::new()), false),
    ] {
        let told = format!("{reply:?}");
        let server =
            server(move |asked| is_about(asked, "tools/call").then(|| reply.clone())).await;

        let error = call(&mcp(), &server).await.unwrap_err();

        let knows = !matches!(error, ToolError::Garbled(_));
        assert_eq!(knows, is_known, "{told}: {error:?}");
        assert_eq!(count(&server, "tools/call"), 1, "{told}");
    }
}

#[tokio::test]
async fn an_error_of_the_protocol_and_one_of_a_tool_are_told_apart() {
    let refusing = server(|asked| {
        let error = json!({"code": -32602, "message": "no such\u{202e}\ntool"});
        let reply = json!({"jsonrpc": "2.0", "id": message(asked)["id"], "error": error});
        is_about(asked, "tools/call").then(|| json(&reply))
    });
    let refused = call(&mcp(), &refusing.await).await;
    assert_eq!(refused, Err(ToolError::Refused("no such tool".to_owned())));

    let failing = server(|asked| {
        let answer = json!({"content": [{"type": "text", "text": "no"}], "isError": true});
        is_about(asked, "tools/call").then(|| result(asked, &answer))
    });
    assert!(call(&mcp(), &failing.await).await.unwrap().is_error);
}

#[tokio::test]
async fn an_answer_may_come_as_events_and_tell_that_the_tools_changed() {
    let server = server(|asked| {
        let id = &message(asked)["id"];
        let token = &message(asked)["params"]["_meta"]["progressToken"];
        let progress = json!({"progressToken": token, "progress": 1});
        let told = [
            json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": progress}),
            json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}),
            json!({"jsonrpc": "2.0", "id": id, "result": said("done")}),
        ];
        is_about(asked, "tools/call").then(|| events(&told))
    });
    let server = server.await;
    let (mcp, endpoint) = (mcp(), endpoint(server.url("/mcp")));
    mcp.tools(&endpoint).await.unwrap();

    assert_eq!(call(&mcp, &server).await, Ok(done()));

    // What a server tells by itself is heard beside its answers.
    while count(&server, "tools/list") < 2 {
        mcp.tools(&endpoint).await.unwrap();
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_list_without_end_has_one() {
    let page = AtomicUsize::new(0);
    let server = server(move |asked| {
        let page = page.fetch_add(usize::from(is_about(asked, "tools/list")), Ordering::SeqCst);
        let next = json!({"tools": [tool(&format!("t{page}"))], "nextCursor": page.to_string()});
        is_about(asked, "tools/list").then(|| result(asked, &next))
    });
    let server = server.await;

    let tools = mcp().tools(&endpoint(server.url("/mcp"))).await.unwrap();

    assert_eq!((tools.len(), count(&server, "tools/list")), (20, 20));
}

#[tokio::test]
async fn an_answer_without_end_has_one() {
    let huge = server(|asked| {
        let text = "x".repeat(9 * 1024 * 1024);
        is_about(asked, "tools/call").then(|| result(asked, &said(&text)))
    });
    let error = call(&mcp(), &huge.await).await.unwrap_err();
    assert_eq!(error, ToolError::TooLarge { limit: 8 * 1024 * 1024 });

    let endless = server(|asked| {
        let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: ".to_vec();
        is_about(asked, "tools/call").then(|| Reply::Endless(head, vec![b'x'; 65_536]))
    });
    let error = call(&mcp(), &endless.await).await.unwrap_err();
    assert!(matches!(error, ToolError::Garbled(_)), "{error:?}");
}

#[tokio::test]
async fn what_must_not_or_cannot_be_reached_is_told_apart() {
    let mcp = mcp();
    let tools = async |place| mcp.tools(&McpEndpoint { place, ..endpoint(String::new()) }).await;
    let at = |url: &str, name: &str| McpPlace::Http {
        url: url.to_owned(),
        authorization: None,
        headers: vec![(name.to_owned(), Secret::new("x".to_owned()))],
    };
    let inside = Upstream::answering("127.0.0.2", |_| Reply::new(200, "")).await.unwrap();
    let server = server(|_| None).await;
    for place in [
        at(&inside.url("/mcp"), "x-a"),
        at("no address", "x-a"),
        at(&server.url("/mcp"), "Mcp-Session-Id"),
        at(&server.url("/mcp"), "Host"),
        McpPlace::Stdio { name: "sh".to_owned() },
    ] {
        let refused = tools(place.clone()).await.unwrap_err();
        assert!(matches!(refused, ToolError::NotAllowed(_)), "{place:?}: {refused:?}");
    }
    assert_eq!(inside.asked(), []);

    let url = inside.url("/mcp").replace("127.0.0.2", "127.0.0.1");
    let unreached = tools(at(&url, "x-a")).await.unwrap_err();
    assert!(matches!(unreached, ToolError::Unreachable(_)), "{unreached:?}");
}

#[tokio::test]
async fn a_server_that_refuses_the_credentials_is_told_without_them() {
    for status in [401, 403] {
        let body = json!({"jsonrpc": "2.0", "id": null, "error": {"code": 1, "message": "bad"}});
        let server = server(move |_| {
            Some(Reply::new(status, body.to_string()).with("www-authenticate", "Bearer"))
        });
        let error = call(&mcp(), &server.await).await.unwrap_err();

        let ToolError::Refused(message) = error else { panic!("{error:?}") };
        assert!(message.contains("credentials") && message.ends_with(": bad"), "{message}");
        assert!(!message.contains(TOKEN));
    }
}

#[tokio::test]
async fn a_server_without_tools_has_none() {
    let server = server(|asked| {
        let info = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "serverInfo": {"name": "stub", "version": "1"},
        });
        is_about(asked, "initialize").then(|| result(asked, &info))
    });
    let server = server.await;

    assert_eq!(mcp().tools(&endpoint(server.url("/mcp"))).await, Ok(Vec::new()));
    assert_eq!(count(&server, "tools/list"), 0);
}
