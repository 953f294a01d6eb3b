//! The service as a process that can be killed and started again, and one person who
//! asks it.

#![expect(clippy::disallowed_types, reason = "a test is a client of the server")]

use std::{fs, path::Path};

use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tempfile::TempDir;
use understudy_testkit::ModelUpstream;
use understudy_tests::{Database, http_client};

use crate::support::{Server, directory, understudy};

const TOKEN: &str = "ust_of-the-person-who-asks-0123456789abcdef";

/// What streams end with.
const TERMINAL: [&str; 3] = ["response.completed", "response.failed", "response.cancelled"];

/// Where a service keeps what it stores.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kept {
    Sqlite,
    Postgres,
}

/// A service, which ends with this value.
pub(crate) struct Service {
    directory: TempDir,
    database: Option<Database>,
    server: Server,
    client: Client,
}

impl Service {
    /// Starts one on an empty database, with this `understudy.toml`, which may name its
    /// folder. Whoever it calls is on this machine.
    pub(crate) async fn configured(kept: Kept, file: impl FnOnce(&Path) -> String) -> Self {
        let directory = directory();
        let folder = directory.path();
        fs::write(folder.join("understudy.toml"), file(folder)).unwrap();
        let database = match kept {
            Kept::Sqlite => None,
            Kept::Postgres => Some(Database::create().await),
        };
        let server = serve(folder, database.as_ref());
        Self { directory, database, server, client: http_client().build().unwrap() }
    }

    /// Kills the process as it stands.
    pub(crate) fn kill(&mut self) {
        self.server.signal("KILL");
        self.server.wait();
    }

    /// Starts it again on what it stored.
    pub(crate) fn restart(&mut self) {
        self.server = serve(self.directory.path(), self.database.as_ref());
    }

    /// A file in its folder.
    pub(crate) fn file(&self, name: &str) -> String {
        fs::read_to_string(self.directory.path().join(name)).unwrap_or_default()
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.server.url);
        self.client.request(method, url).bearer_auth(TOKEN)
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        json_of(self.request(Method::GET, path).send().await.unwrap(), 200).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value, status: u16) -> Value {
        json_of(self.request(Method::POST, path).json(body).send().await.unwrap(), status).await
    }

    /// Lets it reach a provider of this model.
    pub(crate) async fn provide(&self, base_url: &str, model: &str) {
        let provider = json!({
            "name": "On this machine", "kind": "openai-compatible", "baseUrl": base_url,
            "apiKey": "sk-test", "models": [model],
        });
        self.post("/api/providers", &provider, 201).await;
    }

    /// Lets it reach a provider that records.
    pub(crate) async fn recorded(&self) -> ModelUpstream {
        let upstream = ModelUpstream::start().await.unwrap();
        upstream.offer_models(["gpt-4o"]);
        self.provide(&upstream.openai_url(), "gpt-4o").await;
        upstream
    }

    /// An assistant with these settings; where it is.
    pub(crate) async fn assistant(&self, settings: Value) -> String {
        let mut body = json!({"name": "Helper"});
        body.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        let made = self.post("/api/assistants", &body, 201).await;
        format!("/api/assistants/{}", made["id"].as_str().unwrap())
    }

    /// Asks an assistant, and listens.
    pub(crate) async fn ask(&self, assistant: &str, text: &str) -> Stream {
        let body = json!({"input": text, "stream": true});
        self.stream(&format!("{assistant}/responses"), &body).await
    }

    /// Asks for something that is answered by a stream.
    pub(crate) async fn stream(&self, path: &str, body: &Value) -> Stream {
        Stream::of(self.request(Method::POST, path).json(body)).await
    }

    /// Listens to a response behind an event that was heard.
    pub(crate) async fn follow(&self, response: &str, heard: u64) -> Stream {
        let path = format!("/api/responses/{response}/events");
        let request = self.request(Method::GET, &path);
        Stream::of(request.header("last-event-id", heard.to_string())).await
    }

    /// The approvals of a response that waits for them: where each is.
    pub(crate) async fn pending(&self, response: &str) -> Vec<(String, Value)> {
        let path = format!("/api/responses/{response}/approvals");
        let Value::Array(all) = self.get(&path).await else { panic!("no list of approvals") };
        let pending = all.into_iter().filter(|approval| approval["status"] == "pending");
        let place = |approval: &Value| format!("{path}/{}", approval["id"].as_str().unwrap());
        pending.map(|approval| (place(&approval), approval)).collect()
    }
}

fn serve(folder: &Path, database: Option<&Database>) -> Server {
    let mut command = understudy(folder, &["--listen", "127.0.0.1:0", "--log", "warn"]);
    command.env("UNDERSTUDY_BOOTSTRAP_TOKEN", TOKEN);
    command.env("UNDERSTUDY_ALLOW_PRIVATE_NETWORK", "127.0.0.0/8");
    if let Some(database) = database {
        command.env("UNDERSTUDY_DATABASE_URL", database.url());
    }
    Server::spawn(command)
}

async fn json_of(response: Response, status: u16) -> Value {
    let found = response.status().as_u16();
    let place = response.url().path().to_owned();
    let text = response.text().await.unwrap();
    assert_eq!(found, status, "{place}: {text}");
    serde_json::from_str(&text).unwrap_or_default()
}

/// A stream of events that somebody listens to.
pub(crate) struct Stream {
    response: Response,
    text: String,
    /// What was heard so far.
    pub(crate) heard: Vec<Value>,
}

impl Stream {
    async fn of(request: RequestBuilder) -> Self {
        let response = request.header("accept", "text/event-stream").send().await.unwrap();
        assert_eq!(response.status(), 200, "no stream");
        Self { response, text: String::new(), heard: Vec::new() }
    }

    /// The next part of it, up to an empty line; `None` at its end.
    async fn part(&mut self) -> Option<String> {
        loop {
            if let Some((part, rest)) = self.text.split_once("\n\n") {
                let (part, rest) = (part.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(part);
            }
            let chunk = self.response.chunk().await.unwrap()?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The next event; `None` behind `[DONE]`, which is the end.
    async fn next(&mut self) -> Option<Value> {
        loop {
            let part = self.part().await.unwrap();
            if part == "data: [DONE]" {
                assert_eq!(self.part().await, None, "something follows the end");
                return None;
            }
            if let Some(data) = part.lines().find_map(|line| line.strip_prefix("data: ")) {
                let event: Value = serde_json::from_str(data).unwrap();
                self.heard.push(event.clone());
                return Some(event);
            }
        }
    }

    /// Listens up to an event of this name, and gives it.
    pub(crate) async fn until(&mut self, name: &str) -> Value {
        while let Some(event) = self.next().await {
            if event["event"] == name {
                return event;
            }
        }
        panic!("{name} never came: {:#?}", self.heard)
    }

    /// Listens to the end. There is one event that tells of it, it is the last, and
    /// numbers only grow.
    pub(crate) async fn end(mut self) -> Heard {
        while self.next().await.is_some() {}
        let heard = Heard(self.heard);
        let ends =
            heard.0.iter().filter(|event| TERMINAL.iter().any(|name| event["event"] == *name));
        assert_eq!(ends.count(), 1, "{heard:#?}");
        let last = heard.last()["event"].as_str().unwrap();
        assert!(TERMINAL.contains(&last), "{heard:#?}");
        let numbers: Vec<_> = heard.0.iter().map(|event| event["sequence"].as_u64()).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
        heard
    }

    /// The number of the last event that was heard.
    pub(crate) fn reached(&self) -> u64 {
        self.heard.last().and_then(|event| event["sequence"].as_u64()).unwrap_or(0)
    }
}

/// A stream that was heard to its end.
#[derive(Debug)]
pub(crate) struct Heard(pub(crate) Vec<Value>);

impl Heard {
    pub(crate) fn last(&self) -> &Value {
        self.0.last().unwrap()
    }

    /// The id of the response.
    pub(crate) fn response(&self) -> &str {
        self.last()["id"].as_str().unwrap()
    }

    /// The events of this name.
    pub(crate) fn all(&self, name: &str) -> Vec<&Value> {
        self.0.iter().filter(|event| event["event"] == name).collect()
    }

    /// The text as it came, piece by piece.
    pub(crate) fn text(&self) -> String {
        let pieces = self.all("response.content_delta");
        pieces.into_iter().map(|event| event["delta"].as_str().unwrap()).collect()
    }

    pub(crate) fn reached(&self) -> u64 {
        self.last()["sequence"].as_u64().unwrap()
    }
}
