//! Assistants that answer with the help of everything that takes a secret, from
//! services that repeat it.

use reqwest::Method;
use serde_json::{Value, json};
use understudy_testkit::{Fault, ModelUpstream, RecordedRequest, Turn};

use super::{BOOTSTRAP, MARKER, Stage, lock, parrot::TOOLS, planted};

const MODEL: &str = "llama-3.3-70b-instruct";
/// What makes the model call all that it is offered.
const CALL: &str = "Call everything that there is";
/// What is sent along somewhere.
const SENT: [&str; 5] = [
    "mcp authorization of a run",
    "mcp header of a run",
    "secret of a skill",
    "secret in an address",
    "web search key",
];

impl Stage {
    /// Everything that can be done with what runs use, and be read of it.
    pub(super) async fn running(&self) {
        let upstream = self.provider().await;
        let (assistant, automation) = self.helper().await;
        let viewer = self.viewer(&assistant).await;
        let mut responses = vec![
            self.respond(BOOTSTRAP, &assistant, CALL).await,
            self.respond(&viewer, &assistant, CALL).await,
        ];
        let key = planted("key of a provider that answers");
        let asked: Vec<_> = upstream.requests().into_iter().filter(|r| r.api.is_some()).collect();
        let results: Vec<String> = asked.iter().flat_map(RecordedRequest::tool_results).collect();
        for request in asked {
            let header = request.header("authorization").unwrap_or_default();
            assert!(header.contains(key), "the key was not used");
            self.keep("what a model is asked".to_owned(), request.bytes);
        }
        for said in ["tools/call", "/works", "/fails", "/search"] {
            assert!(results.iter().any(|r| r.contains(said)), "no word of {said}: {results:#?}");
        }
        for name in SENT {
            assert!(self.parrot.heard(planted(name)), "{name} was not used");
        }
        // What callers show is for this server only.
        assert!(!self.parrot.heard(BOOTSTRAP) && !self.parrot.heard(&viewer));
        responses.push(self.refused(&upstream, &assistant).await);
        self.told_of(&assistant, &automation, &responses).await;
    }

    /// A provider that records what it is asked, and is asked for nothing but
    /// what it is told to say.
    async fn provider(&self) -> ModelUpstream {
        let upstream = ModelUpstream::start().await.unwrap();
        upstream.offer_models([MODEL]);
        upstream.respond_with(|request| {
            let is_done = !request.tool_results().is_empty() || request.tools().is_empty();
            if is_done || !request.mentions(CALL) {
                return Turn::text("Done.");
            }
            let call = |turn: Turn, tool| turn.and_tool_call(tool, json!({"query": "canaries"}));
            request.tools().into_iter().fold(Turn::default(), call)
        });
        let provider = json!({
            "name": "Recorded", "kind": "openai-compatible", "baseUrl": upstream.openai_url(),
            "apiKey": planted("key of a provider that answers"), "models": [MODEL],
        });
        self.ask(Method::POST, "/api/providers", provider, 201).await;
        upstream
    }

    /// An assistant with everything that takes a secret, and the automation that it runs.
    async fn helper(&self) -> (String, String) {
        let at = |path: &str| format!("{}{path}", self.parrot.url);
        let automation = json!({"name": "Automation", "url": at("/works")});
        let automation = self.make("/api/automations", automation, "secret").await;
        let automation = automation["id"].as_str().unwrap().to_owned();
        let server = |label: &str, path: &str| {
            json!({
                "serverLabel": label, "serverUrl": at(path),
                "authorization": planted("mcp authorization of a run"),
                "headers": {"x-key": planted("mcp header of a run")},
                "requireApproval": {"never": {"toolNames": [TOOLS[0], TOOLS[1]]}},
                "shareCredentials": true,
            })
        };
        let body = json!({
            "name": format!("{MARKER} that answers"),
            "default_model_key": MODEL,
            "memory_enabled": true,
            "tool_configurations": {
                "mcpTools": [server("open", "/mcp"), server("mute", "/mute"), server("shut", "/shut")],
                "streamlineTools": [automation],
            },
        });
        let made = self.ask(Method::POST, "/api/assistants", body, 201).await;
        let place = format!("/api/assistants/{}", made["id"].as_str().unwrap());
        for (name, value) in [("KEY", "secret of a skill"), ("CODE", "secret in an address")] {
            let secret = json!({
                "name": name, "value": planted(value), "origins": [self.parrot.url], "shared": true,
            });
            self.ask(Method::POST, &format!("{place}/secrets"), secret, 201).await;
        }
        for (name, path) in [("Works", "/works"), ("Fails", "/fails")] {
            let skill = json!({"type": "custom", "name": name, "data": {
                "method": "GET", "url": at(path),
                "headers": {"authorization": "Bearer {{secrets.KEY}}", "x-code": "{{secrets.CODE}}"},
                "inputSchema": {"type": "object", "properties": {}},
            }});
            self.ask(Method::POST, &format!("{place}/skills"), skill, 201).await;
        }
        (place, automation)
    }

    /// Somebody with whom the assistant is shared: their session.
    async fn viewer(&self, assistant: &str) -> String {
        let password = planted("password of one who asks");
        let user = json!({
            "email": "bob@example.com", "password": password, "role": "member", "aiSeat": true,
        });
        let user = self.ask(Method::POST, "/api/users", user, 201).await;
        let share = format!("{assistant}/shares/{}", user["id"].as_str().unwrap());
        self.ask(Method::PUT, &share, json!({"accessLevel": 1}), 201).await;
        self.log_in("bob@example.com", password).await
    }

    /// Asks, approves of what waits for it, and keeps all that is told meanwhile; the
    /// response.
    async fn respond(&self, token: &str, assistant: &str, text: &str) -> String {
        let body = json!({"input": format!("{text}: {MARKER}"), "stream": true});
        let path = format!("{assistant}/responses");
        let (status, head, bytes) = self.send(token, &Method::POST, &path, &body).await;
        let stream = String::from_utf8(bytes.clone()).unwrap();
        assert_eq!(status, 200, "{stream}");
        self.keep("answer of a stream".to_owned(), head.into_bytes());
        self.keep("answer of a stream".to_owned(), bytes);
        let mut data = stream.lines().filter_map(|line| line.strip_prefix("data: {"));
        let last: Value =
            serde_json::from_str(&format!("{{{}", data.next_back().unwrap())).unwrap();
        let id = last["id"].as_str().unwrap().to_owned();
        let approvals = format!("/api/responses/{id}/approvals");
        let all = self.read(token, &approvals).await;
        for approval in all.as_array().unwrap() {
            let place = format!("{approvals}/{}", approval["id"].as_str().unwrap());
            let yes = json!({"approve": true});
            let (status, _, bytes) = self.send(token, &Method::POST, &place, &yes).await;
            assert_eq!(status, 200, "{}", String::from_utf8_lossy(&bytes));
            self.keep("answer to an approval".to_owned(), bytes);
        }
        for path in ["", "/events", "/approvals"] {
            self.read(token, &format!("/api/responses/{id}{path}")).await;
        }
        self.read(token, "/api/threads").await;
        let thread = last["thread_id"].as_str().unwrap();
        self.read(token, &format!("/api/threads/{thread}/messages")).await;
        id
    }

    async fn read(&self, token: &str, path: &str) -> Value {
        let (status, head, bytes) = self.send(token, &Method::GET, path, &Value::Null).await;
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&bytes));
        let answer = serde_json::from_slice(&bytes).unwrap_or_default();
        self.keep(format!("answer of GET {path}"), head.into_bytes());
        self.keep(format!("answer of GET {path}"), bytes);
        answer
    }

    /// A response that its provider refuses in words that hold the key.
    async fn refused(&self, upstream: &ModelUpstream, assistant: &str) -> String {
        let key = planted("key of a provider that answers");
        let said = json!({"error": {"message": format!("invalid key {key}")}}).to_string();
        for status in [400, 401] {
            let fault = Fault::Status { status, retry_after: None, body: said.clone() };
            upstream.fail_at("/v1/chat/completions", fault);
        }
        let path = format!("{assistant}/responses");
        let body = json!({"input": MARKER, "stream": false});
        let (_, _, bytes) = self.send(BOOTSTRAP, &Method::POST, &path, &body).await;
        let told = String::from_utf8_lossy(&bytes).into_owned();
        assert!(told.contains("invalid key"), "the provider's words are gone: {told}");
        self.keep("answer of a provider that refuses".to_owned(), bytes);
        self.respond(BOOTSTRAP, assistant, "Again").await
    }

    /// What can be read of all that, afterwards.
    async fn told_of(&self, assistant: &str, automation: &str, responses: &[String]) {
        for response in responses {
            let path = format!("/openai/v1/responses/{response}");
            let (_, _, bytes) = self.send(BOOTSTRAP, &Method::GET, &path, &Value::Null).await;
            self.keep("answer in another dialect".to_owned(), bytes);
        }
        let automation = format!("/api/automations/{automation}");
        for path in [
            format!("{assistant}/_explain?input=Hello"),
            format!("{assistant}/memories"),
            format!("{assistant}/_export"),
            format!("{assistant}/events"),
            format!("{automation}/executions"),
            automation.clone(),
            "/api/automations".to_owned(),
            "/api/providers".to_owned(),
            "/api/usage".to_owned(),
        ] {
            self.get(&path).await;
        }
        let explained = json!({"input": CALL});
        self.ask(Method::POST, &format!("{assistant}/_explain"), explained, 200).await;
        let id = assistant.rsplit('/').next().unwrap();
        let body = json!({"model": id, "input": MARKER});
        self.ask(Method::POST, "/openai/v1/responses", body, 200).await;
        let path = format!("{automation}/_rotate-secret");
        let (status, _, bytes) = self.send(BOOTSTRAP, &Method::POST, &path, &json!({})).await;
        assert_eq!(status, 200);
        let rotated: Value = serde_json::from_slice(&bytes).unwrap();
        let secret = rotated["secret"].as_str().unwrap().to_owned();
        lock(&self.made).push(("rotated secret of an automation".to_owned(), secret));
        self.ask(Method::POST, &format!("{automation}/_execute"), json!({"parameters": {}}), 200)
            .await;
    }
}
