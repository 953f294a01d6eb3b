//! Secrets are planted wherever the service takes them, everything is done with
//! them, and then they are searched for: in answers, logs, the database, the blobs,
//! and in what models are asked. They may be nowhere but where they are used.

#![expect(clippy::disallowed_types, reason = "a test is a client of the server")]

mod parrot;
mod running;

use std::{
    collections::{BTreeSet, HashMap},
    fs::{self, File},
    path::Path,
    sync::{Mutex, PoisonError},
};

use base64::{Engine, prelude::*};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;
use understudy_tests::{Database, http_client};

use self::parrot::Parrot;
use crate::support::{Server, directory, understudy};

const BOOTSTRAP: &str = "ust_canary-of-the-first-administrator-Jq3";
const MASTER_KEY: &str = "Y2FuYXJ5LW1hc3Rlci1rZXktMDEyMzQ1Njc4OWFiY2Q=";

/// No secret: it may be everywhere.
const MARKER: &str = "marker-that-everybody-may-see-Wd8";

/// What is planted, by where it belongs.
const PLANTED: [(&str, &str); 19] = [
    ("bootstrap token", BOOTSTRAP),
    ("master key", MASTER_KEY),
    ("key from the environment", "canary-sk-from-environment-8Fh2"),
    ("mcp authorization", "canary-mcp-authorization-b7Qx"),
    ("mcp header", "canary-mcp-header-k2Lp"),
    ("refused mcp header", "canary-mcp-refused-header-V9d"),
    ("secret", "canary-secret-value-Tz0w"),
    ("changed secret", "canary-changed-secret-value-Yc5"),
    ("refused secret", "canary-refused-secret-value-Rn1"),
    ("provider key", "canary-provider-key-Mm4e"),
    ("password", "canary-password-of-a-user-Hs6"),
    ("webhook secret", "whsec_Y2FuYXJ5LXdlYmhvb2stc2VjcmV0LTEyMzQ1Ng=="),
    ("web search key", "canary-web-search-key-Gf7Pw"),
    ("key of a provider that answers", "canary-answering-key-Bv2Zq"),
    ("mcp authorization of a run", "canary-run-authorization-Lr8Nd"),
    ("mcp header of a run", "canary-run-header-value-Xs5Ke"),
    ("secret of a skill", "canary-skill-secret-value-Ow1Ju"),
    ("secret in an address", "canary/skill code+with=signs-Uc9Ty"),
    ("password of one who asks", "canary-asking-password-Ih3Mv"),
];

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_anywhere_but_where_it_is_used_on_sqlite() {
    let stage = Stage::start(None);
    stage.work().await;
    stage.search(String::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_anywhere_but_where_it_is_used_on_postgres() {
    let database = Database::create().await;
    let stage = Stage::start(Some(&database));
    stage.work().await;
    let dump = database.dump().await;
    assert!(dump.contains("assistant.created"), "the dump has no rows");
    stage.search(dump);
}

/// A service that logs all that it can, and everything that it answered.
struct Stage {
    directory: TempDir,
    server: Server,
    client: Client,
    seen: Mutex<Vec<(String, Vec<u8>)>>,
    /// Values that the service made and showed once.
    made: Mutex<Vec<(String, String)>>,
    parrot: Parrot,
}

impl Stage {
    fn start(database: Option<&Database>) -> Self {
        let directory = directory();
        let parrot = Parrot::start();
        let mut command =
            understudy(directory.path(), &["--listen", "127.0.0.1:0", "--log", "trace"]);
        command
            .env("UNDERSTUDY_BOOTSTRAP_TOKEN", BOOTSTRAP)
            .env("UNDERSTUDY_MASTER_KEY", MASTER_KEY)
            .env("OPENAI_API_KEY", planted("key from the environment"))
            .env("UNDERSTUDY_WEB_SEARCH", format!("brave:{}/search", parrot.url))
            .env("UNDERSTUDY_WEB_SEARCH_KEY", planted("web search key"))
            .env("UNDERSTUDY_ALLOW_PRIVATE_NETWORK", "127.0.0.0/8")
            .stderr(File::create(directory.path().join("log")).unwrap());
        if let Some(database) = database {
            command.env("UNDERSTUDY_DATABASE_URL", database.url());
        }
        let server = Server::spawn(command);
        let client = http_client().build().unwrap();
        Self { directory, server, client, seen: Mutex::default(), made: Mutex::default(), parrot }
    }

    /// Asks, remembers the answer, and expects a status.
    async fn ask(&self, method: Method, path: &str, body: Value, status: u16) -> Value {
        let (found, head, bytes) = self.send(BOOTSTRAP, &method, path, &body).await;
        let answer: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        assert_eq!(found, status, "{method} {path}: {answer}");
        self.keep(format!("answer of {method} {path}"), head.into_bytes());
        self.keep(format!("answer of {method} {path}"), bytes);
        answer
    }

    /// Asks for something that shows a value once: `pick` is where.
    async fn make(&self, path: &str, body: Value, pick: &str) -> Value {
        let (status, _, bytes) = self.send(BOOTSTRAP, &Method::POST, path, &body).await;
        let answer: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(status, 201, "{path}: {answer}");
        let value = answer[pick].as_str().unwrap().to_owned();
        lock(&self.made).push((format!("{pick} of {path}"), value));
        answer
    }

    async fn send(
        &self,
        token: &str,
        method: &Method,
        path: &str,
        body: &Value,
    ) -> (u16, String, Vec<u8>) {
        let url = format!("{}{path}", self.server.url);
        let mut request = self.client.request(method.clone(), url).bearer_auth(token);
        if !body.is_null() {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap();
        let (status, head) = (answer.status().as_u16(), format!("{:?}", answer.headers()));
        (status, head, answer.bytes().await.unwrap().to_vec())
    }

    fn keep(&self, place: String, bytes: Vec<u8>) {
        lock(&self.seen).push((place, bytes));
    }

    async fn get(&self, path: &str) -> Value {
        self.ask(Method::GET, path, Value::Null, 200).await
    }

    /// Everything that can be done with what was planted.
    async fn work(&self) {
        let assistant = self.assistant().await;
        self.secrets(&assistant).await;
        self.history(&assistant).await;
        self.running().await;
        self.administration().await;
        for path in ["/api/events?limit=200", "/api/session", "/api/assistants?fields=full"] {
            self.get(path).await;
        }
        self.get(&format!("/api/assistants/{assistant}/events?limit=200")).await;
    }

    async fn assistant(&self) -> String {
        let server = |header: &str| {
            json!({"tool_configurations": {"mcpTools": [{
                "serverLabel": "tools", "serverUrl": "https://mcp.example.com/",
                "authorization": planted("mcp authorization"), "headers": {"x-key": header},
            }]}})
        };
        let body = json!({"name": MARKER});
        let made = self.ask(Method::POST, "/api/assistants", body, 201).await;
        let id = made["id"].as_str().unwrap().to_owned();
        let place = format!("/api/assistants/{id}");
        self.ask(Method::PUT, &place, server(planted("mcp header")), 200).await;
        let mut wrong = server(planted("refused mcp header"));
        wrong["temperature"] = json!("hot");
        wrong["tool_configurations"]["mcpTools"][0]["requireApproval"] = json!(7);
        self.ask(Method::PUT, &place, wrong, 400).await;
        id
    }

    async fn secrets(&self, id: &str) {
        let place = format!("/api/assistants/{id}/secrets");
        let origins = json!(["https://api.example.com"]);
        let secret = json!({"name": "KEY", "value": planted("secret"), "origins": origins});
        let made = self.ask(Method::POST, &place, secret, 201).await;
        let one = format!("{place}/{}", made["id"].as_str().unwrap());
        let wrong = json!({
            "name": "not a name", "value": planted("refused secret"), "origins": [planted("refused secret")],
        });
        self.ask(Method::POST, &place, wrong, 400).await;
        let twice = json!({"name": "KEY", "value": planted("refused secret")});
        let (status, _, bytes) = self.send(BOOTSTRAP, &Method::POST, &place, &twice).await;
        assert!((400..500).contains(&status));
        self.keep("answer to a taken name".to_owned(), bytes);
        self.ask(Method::PUT, &one, json!({"value": planted("changed secret")}), 200).await;
        self.ask(Method::PUT, &one, json!({"name": "API_KEY"}), 200).await;
        self.get(&place).await;
        self.get(&one).await;
        let skill = json!({"type": "custom", "name": "Call", "data": {
            "method": "GET", "url": "https://api.example.com/things",
            "headers": {"authorization": "Bearer {{secrets.API_KEY}}"},
            "inputSchema": {"type": "object", "properties": {}},
        }});
        let skills = format!("/api/assistants/{id}/skills");
        let made = self.ask(Method::POST, &skills, skill, 201).await;
        self.get(&format!("{skills}/{}/driver", made["id"].as_str().unwrap())).await;
    }

    async fn history(&self, id: &str) {
        let place = format!("/api/assistants/{id}");
        self.ask(Method::POST, &format!("{place}/_edit"), json!({}), 201).await;
        self.ask(Method::PATCH, &format!("{place}/draft"), json!({"instructions": "New."}), 200)
            .await;
        self.get(&format!("{place}/draft/_diff")).await;
        self.ask(Method::POST, &format!("{place}/draft/_commit"), json!({}), 200).await;
        let versions = self.get(&format!("{place}/versions")).await;
        for version in versions.as_array().unwrap() {
            let number = &version["number"];
            self.get(&format!("{place}/versions/{number}")).await;
            self.get(&format!("{place}/versions/{number}/_diff?against=live")).await;
        }
        self.ask(Method::POST, &format!("{place}/versions/2/_restore"), json!({}), 201).await;
        self.get(&format!("{place}/draft")).await;
        self.ask(Method::DELETE, &format!("{place}/draft"), Value::Null, 204).await;
        self.ask(Method::POST, &format!("{place}/_copy"), json!({}), 201).await;
        self.ask(Method::GET, &format!("{place}/_export"), Value::Null, 200).await;
        self.get(&place).await;
    }

    async fn administration(&self) {
        let provider = json!({
            "name": "Mine", "kind": "openai-compatible", "baseUrl": format!("{}/v1", self.parrot.url),
            "apiKey": planted("provider key"),
        });
        let made = self.ask(Method::POST, "/api/providers", provider, 201).await;
        let place = format!("/api/providers/{}", made["id"].as_str().unwrap());
        // What it is asked with comes back in its complaint.
        self.ask(Method::POST, &format!("{place}/_test"), json!({}), 200).await;
        assert!(self.parrot.heard(planted("provider key")), "the key was not used");
        self.get("/api/providers").await;
        let user = json!({"email": "ada@example.com", "password": planted("password")});
        self.ask(Method::POST, "/api/users", user, 201).await;
        self.get("/api/users").await;
        let jwt = self.log_in("ada@example.com", planted("password")).await;
        self.send(&jwt, &Method::GET, "/api/session", &Value::Null).await;
        let token = self.make("/api/tokens", json!({"type": "personal"}), "token").await;
        let text = token["token"].as_str().unwrap();
        let (status, _, bytes) = self.send(text, &Method::GET, "/api/tokens", &Value::Null).await;
        assert_eq!(status, 200);
        self.keep("answer of GET /api/tokens".to_owned(), bytes);
        let hook = json!({"url": "https://hook.example.com/", "secret": planted("webhook secret")});
        let (status, _, bytes) = self.send(BOOTSTRAP, &Method::POST, "/api/webhooks", &hook).await;
        let made: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(status, 201, "{made}");
        let place = format!("/api/webhooks/{}", made["id"].as_str().unwrap());
        self.get("/api/webhooks").await;
        self.get(&place).await;
        self.ask(Method::PATCH, &place, json!({"description": "new"}), 200).await;
        self.get(&format!("{place}/deliveries")).await;
    }

    /// Begins a session; its JWT.
    async fn log_in(&self, email: &str, password: &str) -> String {
        let login = json!({"email": email, "password": password});
        let (status, head, bytes) = self.send("", &Method::POST, "/api/session", &login).await;
        assert_eq!(status, 200);
        let body: Value = serde_json::from_slice(&bytes).unwrap();
        let cookie = head.split("understudy_session=").nth(1).unwrap().split(';').next().unwrap();
        lock(&self.made).push(("session cookie".to_owned(), cookie.to_owned()));
        let jwt = body["token"].as_str().unwrap().to_owned();
        let signature = jwt.rsplit('.').next().unwrap().to_owned();
        lock(&self.made).push(("JWT".to_owned(), signature));
        jwt
    }

    /// Looks for everything everywhere.
    fn search(mut self, dump: String) {
        self.server.signal("TERM");
        assert!(self.server.wait().success());
        let is_embedded = dump.is_empty();
        let mut places = lock(&self.seen).clone();
        places.push(("database".to_owned(), dump.into_bytes()));
        read_all(self.directory.path(), &mut places);
        let log = places.iter().find(|(place, _)| place == "log").unwrap();
        assert!(log.1.len() > 10_000, "the log says little: {} bytes", log.1.len());
        // What is no secret is found wherever a secret would be.
        let mut marker = Needles::default();
        marker.add("marker".to_owned(), MARKER.as_bytes().to_vec());
        let holds_it = |kept: &str| {
            let mut places = places.iter().filter(|(place, _)| place.starts_with(kept));
            places.any(|(_, bytes)| !marker.find(bytes).is_empty())
        };
        let database = if is_embedded { "understudy.db" } else { "database" };
        for place in ["answer", database, "what a model is asked"] {
            assert!(holds_it(place), "the marker was not found in {place}");
        }
        let made = lock(&self.made).clone();
        let planted = PLANTED.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        let mut needles = Needles::default();
        for (name, text) in planted.chain(made) {
            for (form, needle) in forms(&text) {
                needles.add(format!("{name} ({form})"), needle);
            }
        }
        let found: BTreeSet<String> = places
            .iter()
            .flat_map(|(place, bytes)| {
                needles.find(bytes).into_iter().map(move |name| format!("{name} in {place}"))
            })
            .collect();
        assert!(found.is_empty(), "{found:#?}");
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn planted(name: &str) -> &'static str {
    PLANTED.iter().find(|(known, _)| *known == name).unwrap().1
}

/// The ways in which a secret may hide.
fn forms(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let hex = understudy_domain::token::hex(text.as_bytes());
    let url: String = text
        .bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") }
        })
        .collect();
    // Base64 depends on what stands before; three encodings have the middle in common.
    let base64 = |skip: usize| {
        let padded = [vec![0; skip], text.as_bytes().to_vec()].concat();
        let encoded = BASE64_STANDARD_NO_PAD.encode(padded);
        encoded.as_bytes()[4..encoded.len() - 3].to_vec()
    };
    vec![
        ("plain", text.as_bytes().to_vec()),
        ("its beginning", text.as_bytes()[..text.len().min(20)].to_vec()),
        ("hex", hex.clone().into_bytes()),
        ("upper-case hex", hex.to_uppercase().into_bytes()),
        ("URL-encoded", url.into_bytes()),
        ("reversed", text.bytes().rev().collect()),
        ("base64", base64(0)),
        ("base64 behind one byte", base64(1)),
        ("base64 behind two bytes", base64(2)),
    ]
}

/// Many texts, looked for in one pass: there are megabytes of log.
#[derive(Default)]
struct Needles(HashMap<[u8; Needles::HEAD], Vec<(String, Vec<u8>)>>);

impl Needles {
    const HEAD: usize = 8;

    fn add(&mut self, name: String, needle: Vec<u8>) {
        let head = needle[..Self::HEAD].try_into().unwrap();
        self.0.entry(head).or_default().push((name, needle));
    }

    fn find(&self, bytes: &[u8]) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        for (at, head) in bytes.windows(Self::HEAD).enumerate() {
            for (name, needle) in
                self.0.get(<&[u8; Self::HEAD]>::try_from(head).unwrap()).into_iter().flatten()
            {
                if bytes[at..].starts_with(needle) {
                    found.insert(name.as_str());
                }
            }
        }
        found
    }
}

fn read_all(folder: &Path, places: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_all(&path, places);
        } else {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            places.push((name, fs::read(&path).unwrap()));
        }
    }
}

#[test]
fn what_hides_in_any_form_is_found() {
    for (_, text) in PLANTED {
        for (form, needle) in forms(text) {
            let mut needles = Needles::default();
            needles.add(form.to_owned(), needle.clone());
            let bytes = [b"before ".as_slice(), &needle, b" behind"].concat();

            assert_eq!(needles.find(&bytes), BTreeSet::from([form]));
            assert!(needles.find(b"nothing that was planted").is_empty());
        }
    }
    let (text, encoded) = (MARKER, BASE64_STANDARD.encode(format!("x{MARKER}")));
    assert!(
        forms(text)
            .iter()
            .any(|(_, needle)| encoded.as_bytes().windows(needle.len()).any(|w| w == needle))
    );
}
