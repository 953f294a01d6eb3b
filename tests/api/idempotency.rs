//! `Idempotency-Key`

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::{
    App,
    Person::{Ada, Bob},
    request::Request,
};

fn create(app: &App, key: &str, body: &Value) -> Request {
    app.post(Ada, "/api/assistants").header("idempotency-key", key).json(body)
}

async fn count(app: &App) -> Value {
    app.get(Ada, "/api/assistants?total=true").expect(200).await.body["total"].clone()
}

pub(crate) async fn the_same_request_has_its_effect_once(app: &App) {
    let body = json!({"name": "Support"});
    let first = create(app, "key-1", &body).expect(201).await;
    let again = create(app, "key-1", &body).expect(201).await;

    assert_eq!(again.bytes, first.bytes);
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!(again.etag(), first.etag());
    assert_eq!(first.header("idempotent-replayed"), "");
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(count(app).await, 1);
}

pub(crate) async fn a_key_belongs_to_its_body_its_caller_and_its_route(app: &App) {
    create(app, "key", &json!({"name": "First"})).expect(201).await;

    let other = create(app, "key", &json!({"name": "Other"}));
    other.refused(422, "idempotency_key_reused").await;
    let bobs = app.post(Bob, "/api/assistants").header("idempotency-key", "key");
    bobs.json(&json!({"name": "Bobs"})).expect(201).await;
    let copy = app.post(Ada, "/api/assistants/first/_copy").header("idempotency-key", "key");
    copy.expect(201).await;
}

pub(crate) async fn a_key_is_forgotten_after_a_day(app: &App) {
    create(app, "key", &json!({"name": "First"})).expect(201).await;
    app.clock.advance(time::Duration::hours(25));

    let later = create(app, "key", &json!({"name": "Second"})).expect(201).await;

    assert_eq!(later.header("idempotent-replayed"), "");
}

pub(crate) async fn of_the_same_requests_at_once_one_has_effect(app: &App) {
    let body = json!({"name": "Support"});

    let replies = join_all((0..20).map(|_| create(app, "key", &body).send())).await;

    for reply in &replies {
        let under_way = reply.body["code"] == "idempotency_under_way";
        assert!(reply.status == 201 || under_way, "{}", reply.body);
    }
    assert!(replies.iter().any(|reply| reply.status == 201));
    assert_eq!(count(app).await, 1);
}

pub(crate) async fn a_refusal_is_remembered_too(app: &App) {
    create(app, "a", &json!({"name": "Support"})).expect(201).await;
    let first = create(app, "b", &json!({"name": "Support"})).refused(409, "name_taken").await;
    app.delete(Ada, "/api/assistants/support").expect(204).await;

    let again = create(app, "b", &json!({"name": "Support"})).expect(409).await;

    assert_eq!(again.bytes, first.bytes);
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.header("content-type"), "application/problem+json");
}

pub(crate) async fn what_was_not_allowed_may_be_tried_again(app: &App) {
    let viewer = crate::Person::Viewer;
    let create = || {
        let request = app.post(viewer, "/api/assistants").header("idempotency-key", "key");
        request.json(&json!({"name": "Support"}))
    };
    create().refused(403, "insufficient_role").await;

    let promote = app.patch(crate::Person::Admin, &format!("/api/users/{}", viewer.id()));
    promote.json(&json!({"role": "member"})).expect(200).await;

    create().expect(201).await;
}

pub(crate) async fn the_value_of_a_token_is_not_remembered(app: &App) {
    let create = || {
        app.post(Ada, "/api/tokens").header("idempotency-key", "key").json(&json!({"notes": "x"}))
    };
    let first = create().expect(201).await;

    let again = create().expect(409).await;

    assert_eq!(again.body["code"], "shown_once");
    assert_eq!(again.header("location"), first.header("location"));
    assert!(!String::from_utf8_lossy(&again.bytes).contains("ust_"));
    let list = app.get(Ada, "/api/tokens").expect(200).await;
    assert_eq!(list.body.as_array().unwrap().len(), 2, "the first one, and the test's own");
}

pub(crate) async fn a_key_is_visible_text_of_bounded_length(app: &App) {
    for key in ["", "two words", &"x".repeat(256)] {
        let reply = create(app, key, &json!({"name": "Support"}));
        let reply = reply.refused(400, "validation_failed").await;
        assert_eq!(reply.faults(), [("idempotency-key", "invalid")]);
    }
    create(app, &"x".repeat(255), &json!({"name": "Support"})).expect(201).await;
}

pub(crate) async fn an_act_goes_on_when_its_caller_hangs_up(app: &App) {
    let body = json!({"name": "Support"});
    let text = body.to_string();
    let mut socket =
        TcpStream::connect(app.address.strip_prefix("http://").unwrap()).await.unwrap();
    let request = format!(
        "POST /api/assistants HTTP/1.1\r\nhost: x\r\nx-api-key: {}\r\nidempotency-key: key\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{text}",
        Ada.token(),
        text.len(),
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    drop(socket);

    let answered = loop {
        let reply = create(app, "key", &body).send().await;
        if reply.body["code"] != "idempotency_under_way" {
            break reply;
        }
    };

    assert_eq!(answered.status, 201);
    assert_eq!(count(app).await, 1);
}
