//! The audit log of a running server: proved, followed, and told to webhooks.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
};

use diesel::{Connection, SqliteConnection, connection::SimpleConnection};
use serde_json::{Value, json};

use crate::support::{Server, directory, request, run, understudy};

const NEW: &str = r#"{"name":"Guide"}"#;

#[test]
fn the_audit_log_is_proved_and_what_was_tampered_with_is_named() {
    let directory = directory();
    let verify = |more: &[&str]| run(directory.path(), &[&["audit", "verify"], more].concat());
    let mut server = Server::start(directory.path());
    let token = server.first_token();
    server.ask("POST", "/api/assistants", &token, NEW);

    let said = verify(&[]);
    assert_eq!(said.code, 0, "{said:?}");
    let (about, head) = said.stdout.trim().rsplit_once("head ").unwrap();
    assert!(about.starts_with("intact   org_"), "{about}");
    server.ask("DELETE", "/api/assistants/guide", &token, "");
    assert_eq!(verify(&["--expect", head]).code, 0);
    drop(server);

    let path = directory.path().join("understudy-data/understudy.db");
    let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    let tamper = "DROP TRIGGER audit_events_are_not_changed; \
        UPDATE audit_events SET target = 'asst_other' WHERE seq = 2;";
    connection.batch_execute(tamper).unwrap();

    let said = verify(&[]);
    assert_eq!((said.code, said.stderr.as_str()), (1, ""));
    assert!(said.stdout.starts_with("broken   org_"), "{said:?}");
    assert!(said.stdout.contains("event 2 (evt_"), "{said:?}");
}

#[test]
fn a_webhook_is_told_by_the_running_server() {
    let receiver = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = receiver.local_addr().unwrap();
    let directory = directory();
    let mut command = understudy(directory.path(), &["--listen", "127.0.0.1:0", "--log", "warn"]);
    command.env("UNDERSTUDY_ALLOW_PRIVATE_NETWORK", "127.0.0.1/32");
    let mut server = Server::spawn(command);
    let token = server.first_token();
    let hook = json!({"url": format!("http://{address}/"), "events": ["assistant.*"]});
    let (status, made) = server.ask("POST", "/api/webhooks", &token, &hook.to_string());
    assert_eq!(status, 201, "{made}");

    server.ask("POST", "/api/assistants", &token, NEW);

    let (mut connection, _) = receiver.accept().unwrap();
    let mut lines = BufReader::new(connection.try_clone().unwrap());
    let (mut line, mut length) = (String::new(), 0);
    while line != "\r\n" {
        line.clear();
        lines.read_line(&mut line).unwrap();
        if let Some(bytes) = line.to_lowercase().strip_prefix("content-length: ") {
            length = bytes.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    lines.read_exact(&mut body).unwrap();
    connection.write_all(b"HTTP/1.1 204 Fine\r\n\r\n").unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["type"], "assistant.created");
}

#[test]
fn an_event_stream_ends_with_its_server() {
    let directory = directory();
    let mut server = Server::start(directory.path());
    let token = server.first_token();
    let mut connection = server.connect();
    let follow = request("GET", "/api/events?follow=true&after=0", &token, "");
    connection.write_all(follow.as_bytes()).unwrap();
    let mut stream = BufReader::new(connection);
    let mut line = String::new();
    while !line.starts_with("event: installation.set_up") {
        line.clear();
        assert_ne!(stream.read_line(&mut line).unwrap(), 0, "the stream ended");
    }

    server.signal("TERM");

    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("event: end\n"), "{rest}");
    assert!(server.wait().success());
}
