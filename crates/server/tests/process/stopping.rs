//! How a server ends, and what survives it.

use std::io::{Read, Write};

use crate::support::{Server, answer, directory, request};

const NEW: &str = r#"{"name":"Guide","instructions":"Answer."}"#;

#[test]
fn sigterm_and_sigint_end_it_with_success() {
    for name in ["TERM", "INT"] {
        let directory = directory();
        let mut server = Server::start(directory.path());

        server.signal(name);

        assert!(server.wait().success(), "{name}");
    }
}

#[test]
fn a_request_that_is_under_way_at_sigterm_is_answered() {
    let directory = directory();
    let mut server = Server::start(directory.path());
    let token = server.first_token();
    let whole = request("POST", "/api/assistants", &token, NEW);
    let whole = whole.replacen("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n", 1);
    let (head, body) = whole.split_at(whole.len() - NEW.len());

    let mut connection = server.connect();
    connection.write_all(head.as_bytes()).unwrap();
    let mut go_on = [0; 25];
    connection.read_exact(&mut go_on).unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    server.signal("TERM");
    connection.write_all(body.as_bytes()).unwrap();
    let (status, created) = answer(connection);

    assert_eq!(status, 201);
    assert_eq!(created["name"], "Guide");
    assert!(server.wait().success());
}

#[test]
fn what_was_acknowledged_survives_sigkill() {
    let directory = directory();
    let mut server = Server::start(directory.path());
    let token = server.first_token();

    let (status, created) = server.ask("POST", "/api/assistants", &token, NEW);
    server.signal("KILL");
    server.wait();
    let server = Server::start(directory.path());
    let (found, read) = server.ask("GET", "/api/assistants/guide", &token, "");

    assert_eq!((status, found), (201, 200));
    assert_eq!(read["id"], created["id"]);
}

#[test]
fn it_is_ready_when_it_says_that_it_listens() {
    let directory = directory();
    let server = Server::start(directory.path());

    assert_eq!(server.ask("GET", "/readyz", "", "").0, 200);
    assert_eq!(server.ask("GET", "/healthz", "", "").0, 200);
}
