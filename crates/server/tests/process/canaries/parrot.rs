//! A service that repeats whatever it is told: in what it answers, in why it does
//! not, and in what it says of itself, as some do.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::{Value, json};

use super::lock;

/// A tool that answers, one that says that it failed, and one that the server does
/// not carry out.
pub(super) const TOOLS: [&str; 3] = ["repeat", "complain", "refuse"];

pub(super) struct Parrot {
    pub(super) url: String,
    heard: Arc<Mutex<String>>,
}

impl Parrot {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heard = Arc::<Mutex<String>>::default();
        let listening = Arc::clone(&heard);
        thread::spawn(move || {
            for connection in listener.incoming() {
                let Ok(connection) = connection else { return };
                let heard = Arc::clone(&listening);
                thread::spawn(move || converse(connection, &heard));
            }
        });
        Self { url, heard }
    }

    pub(super) fn heard(&self, text: &str) -> bool {
        lock(&self.heard).contains(text)
    }
}

fn converse(mut connection: TcpStream, heard: &Mutex<String>) {
    let Some((asked, body)) = read(&connection) else { return };
    lock(heard).push_str(&asked);
    let said = format!("invalid: {asked}{}", String::from_utf8_lossy(&body));
    let (status, answer) = answer(&asked, &body, &said);
    let answer = if answer.is_null() { String::new() } else { answer.to_string() };
    let begin = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n",
        answer.len()
    );
    // Whoever asked may be gone.
    let _ = connection.write_all((begin + &answer).as_bytes());
}

fn read(connection: &TcpStream) -> Option<(String, Vec<u8>)> {
    let mut reader = BufReader::new(connection);
    let mut head = String::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        head.push_str(&line);
    }
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    let mut lengths = fields.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = lengths.next().and_then(|(_, length)| length.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

fn answer(head: &str, body: &[u8], said: &str) -> (&'static str, Value) {
    let place = head.split_whitespace().nth(1).unwrap_or_default();
    match place.split('?').next().unwrap_or_default() {
        "/works" => ("200 OK", json!({"said": said})),
        "/fails" => ("500 Internal Server Error", json!({"said": said})),
        path @ ("/mcp" | "/mute") => {
            let asked: Value = serde_json::from_slice(body).unwrap_or_default();
            if !head.starts_with("POST") {
                return ("405 Method Not Allowed", Value::Null);
            }
            if asked["id"].is_null() {
                return ("202 Accepted", Value::Null);
            }
            ("200 OK", reply(path == "/mute", &asked, said))
        }
        path if path.starts_with("/search") => ("400 Bad Request", json!({"said": said})),
        _ => ("401 Unauthorized", json!({"error": {"message": said}})),
    }
}

/// What it says as a server of MCP.
fn reply(mute: bool, asked: &Value, said: &str) -> Value {
    let text = json!([{"type": "text", "text": said}]);
    let result = match (asked["method"].as_str(), asked["params"]["name"].as_str()) {
        (Some("initialize"), _) => Some(json!({
            "protocolVersion": asked["params"]["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "parrot", "version": "1"},
            "instructions": said,
        })),
        (Some("tools/list"), _) if !mute => {
            let schema = json!({"type": "object", "description": said});
            let tool = |name| json!({"name": name, "description": said, "inputSchema": schema});
            Some(json!({"tools": TOOLS.map(tool)}))
        }
        (_, Some("repeat")) => Some(json!({"content": text})),
        (_, Some("complain")) => Some(json!({"content": text, "isError": true})),
        _ => None,
    };
    let (id, error) = (&asked["id"], json!({"code": -32000, "message": said}));
    match result {
        Some(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
        None => json!({"jsonrpc": "2.0", "id": id, "error": error}),
    }
}
