//! What is wrong with a request before any rule looks at it.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{App, Person::Ada, Person::Admin};

pub(crate) async fn a_path_that_nobody_serves_is_a_problem(app: &App) {
    for path in ["/", "/api", "/api/", "/api/nothing", "/api/assistants/", "/api/assistants/x/y/z"]
    {
        app.get(Ada, path).refused(404, "no_such_route").await;
        app.anonymous(Method::POST, path).refused(404, "no_such_route").await;
    }
}

pub(crate) async fn a_method_that_is_not_for_the_path_is_told_which_are(app: &App) {
    for (method, path, allow) in [
        ("DELETE", "/api/assistants", "GET, HEAD, POST"),
        ("POST", "/api/assistants/x", "GET, HEAD, PUT, PATCH, DELETE"),
        ("GET", "/api/assistants/x/_edit", "POST"),
        ("OPTIONS", "/api/users", "GET, HEAD, POST"),
        ("BREW", "/healthz", "GET, HEAD"),
    ] {
        let reply = app.request(Ada, method.parse().unwrap(), path);
        let reply = reply.refused(405, "method_not_allowed").await;
        assert_eq!(reply.header("allow"), allow);
    }
}

pub(crate) async fn a_body_that_is_no_json_is_told_where(app: &App) {
    let post = |body: &[u8]| app.post(Ada, "/api/assistants").body("application/json", body);
    for (body, place) in [
        ("{", "line 1 column 1"),
        ("{\"name\": \"x\",}", "line 1 column 14"),
        ("{\n\"name\" \"x\"}", "line 2 column 8"),
        ("{\"name\": 1e999}", "line 1"),
        ("{\"name\": \"\\ud800\"}", "line 1"),
        ("{\"name\": \"x\", \"name\": \"y\"}", "`name` is there twice"),
        ("[1] 2", "line 1 column 5"),
        ("NaN", "line 1 column 1"),
    ] {
        let reply = post(body.as_bytes()).refused(400, "malformed_json").await;
        let detail = reply.body["detail"].as_str().unwrap();
        assert!(detail.contains(place), "{body}: {detail}");
    }
    post(b"{\"name\": \"\xff\xfe\"}").refused(400, "invalid_utf8").await;
    for body in ["[]", "7", "null", "\"text\""] {
        let reply = post(body.as_bytes()).refused(400, "validation_failed").await;
        assert_eq!(reply.faults(), [("", "type")]);
    }
    let empty = app.post(Ada, "/api/assistants").refused(400, "validation_failed").await;
    assert_eq!(empty.faults(), [("", "required")]);
}

pub(crate) async fn a_body_that_is_nested_too_deeply_is_refused(app: &App) {
    let nested = |depth: usize| {
        let body = format!("{{\"a\": {}{}}}", "[".repeat(depth), "]".repeat(depth));
        app.post(Ada, "/api/assistants").body("application/json", body)
    };

    nested(63).refused(400, "validation_failed").await;
    nested(64).refused(400, "too_deep").await;
    nested(100_000).refused(400, "too_deep").await;
}

pub(crate) async fn a_body_that_is_too_large_is_told_the_limit(app: &App) {
    let large = |length: usize| format!("{{\"name\": \"{}\"}}", "x".repeat(length));

    let reply = app.post(Admin, "/api/teams").body("application/json", large(65_536));
    let reply = reply.refused(413, "body_too_large").await;
    assert!(reply.body["detail"].as_str().unwrap().contains("65536 bytes"));
    let reply = app.post(Ada, "/api/assistants").body("application/json", large(8 << 20));
    let reply = reply.refused(413, "body_too_large").await;
    assert!(reply.body["detail"].as_str().unwrap().contains("8388608 bytes"));
    let within = app.post(Ada, "/api/assistants").body("application/json", large(8_000_000));
    within.refused(400, "validation_failed").await;
}

pub(crate) async fn a_body_of_unknown_length_has_the_same_limit(app: &App) {
    let address = app.address.strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /api/teams HTTP/1.1\r\nhost: x\r\nx-api-key: {}\r\n\
         content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
        Admin.token(),
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..65 {
        let chunk = format!("400\r\n{}\r\n", " ".repeat(1024));
        socket.write_all(chunk.as_bytes()).await.unwrap();
    }

    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        assert_ne!(socket.read_buf(&mut answer).await.unwrap(), 0, "the answer is cut");
    }

    let answer = String::from_utf8(answer).unwrap().to_lowercase();
    assert!(answer.starts_with("http/1.1 413 ") && answer.contains("65536 bytes"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
}

pub(crate) async fn a_body_of_another_media_type_is_refused(app: &App) {
    let body = r#"{"name": "x"}"#;
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/xml",
        "application/json; charset=utf-16",
        "application/merge-patch+json",
        "junk",
    ] {
        let post = app.post(Ada, "/api/assistants").body(kind, body);
        let reply = post.refused(415, "unsupported_media_type").await;
        assert_eq!(reply.header("accept"), "application/json");
    }
    let patch = app.patch(Ada, "/api/assistants/x").body("application/json-patch+json", "[]");
    let patch = patch.refused(415, "unsupported_media_type").await;
    assert_eq!(patch.header("accept"), "application/merge-patch+json, application/json");
    let packed = app.post(Ada, "/api/assistants").header("content-encoding", "gzip");
    packed.body("application/json", body).refused(415, "unsupported_media_type").await;
    let taken = app.post(Ada, "/api/assistants").body("Application/JSON; charset=\"UTF-8\"", body);
    taken.expect(201).await;
}

pub(crate) async fn an_answer_is_to_be_had_as_json_only(app: &App) {
    let list = |accept: &str| app.get(Ada, "/api/assistants").header("accept", accept);

    for accept in ["text/html", "application/json;q=0", "image/*"] {
        list(accept).refused(406, "not_acceptable").await;
    }
    for accept in ["*/*", "application/*", "text/html, application/json;q=0.1"] {
        list(accept).expect(200).await;
    }
    let create = app.post(Ada, "/api/assistants").header("accept", "text/html");
    create.json(&json!({"name": "x"})).refused(406, "not_acceptable").await;
    let all = app.get(Ada, "/api/assistants").expect(200).await;
    assert_eq!(all.body["data"], json!([]), "what is refused has no effect");
    let packed = list("*/*").header("accept-encoding", "identity;q=0, compress");
    packed.refused(406, "not_acceptable").await;
}

pub(crate) async fn parameters_where_there_are_none_are_unknown(app: &App) {
    let path = crate::assistants::made(app, json!({"name": "Support"})).await;

    for path in [
        format!("{path}?colour=red"),
        "/api/session?colour=red".to_owned(),
        "/api/teams?colour=red".to_owned(),
    ] {
        let reply = app.get(Ada, &path).refused(400, "validation_failed").await;
        assert_eq!(reply.faults(), [("colour", "unknown_parameter")]);
    }
}

pub(crate) async fn strange_paths_are_no_faults_of_the_server(app: &App) {
    for id in [
        "%00",
        "%ff%fe",
        "..%2f..%2fetc",
        "%F0%9F%92%AC",
        "a%20b",
        &"x".repeat(5_000),
        "'--",
        "%25",
    ] {
        for path in [
            format!("/api/assistants/{id}"),
            format!("/api/users/{id}"),
            format!("/api/assistants/{id}/versions/{id}"),
        ] {
            let reply = app.get(Admin, &path).send().await;
            assert!(reply.status.is_client_error(), "{path}: {}", reply.status);
            assert_eq!(reply.header("content-type"), "application/problem+json", "{path}");
        }
    }
}

pub(crate) async fn strange_texts_are_kept_as_they_are(app: &App) {
    let texts = [
        "\u{202e}abc",
        "💬🏽",
        "a\u{301}",
        "'; DROP TABLE assistants; --",
        "%s%n",
        "\\",
        "\u{fffd}",
        "\u{e000}",
    ];
    for text in texts {
        let body = json!({"name": "Support", "instructions": text, "metadata": {"key": text}});
        let created = app.post(Ada, "/api/assistants").json(&body).expect(201).await;
        let read = app.get(Ada, created.header("location")).expect(200).await;
        assert_eq!(
            (&read.body["instructions"], &read.body["metadata"]["key"]),
            (&json!(text), &json!(text))
        );
        app.delete(Ada, created.header("location")).expect(204).await;
    }
    let nul = json!({"name": "Support", "instructions": "a\u{0}b", "metadata": {"k\u{0}": "v"}});
    let reply = app.post(Ada, "/api/assistants").json(&nul).refused(400, "validation_failed").await;
    assert!(reply.faults().iter().all(|(_, code)| *code == "control_character"));
    assert_eq!(
        app.get(Ada, "/api/assistants").expect(200).await.body["data"],
        Value::Array(vec![])
    );
}
