//! `/api/tokens`

pub(crate) mod of_assistant;

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    App, Options,
    Person::{Ada, Admin, Bob},
    request::{Reply, Request},
};

async fn made(app: &App, body: Value) -> Reply {
    app.post(Ada, "/api/tokens").json(&body).expect(201).await
}

fn value(created: &Reply) -> String {
    created.body["token"].as_str().unwrap().to_owned()
}

fn with(app: &App, token: &str, method: Method, path: &str) -> Request {
    app.anonymous(method, path).header("authorization", &format!("Bearer {token}"))
}

pub(crate) async fn the_value_of_a_token_is_shown_once(app: &App) {
    let created = made(app, json!({"notes": "Export"})).await;
    let token = value(&created);
    let path = created.header("location");

    assert!(token.starts_with("ust_"));
    with(app, &token, Method::GET, "/api/session").expect(200).await;
    let read = app.get(Ada, path).expect(200).await;
    assert!(read.body.get("token").is_none());
    assert_eq!((&read.body["notes"], &read.body["type"]), (&json!("Export"), &json!("personal")));
    assert_eq!(read.body["scopes"], json!(["read", "write", "run", "admin"]));
    let list = app.get(Ada, "/api/tokens").expect(200).await;
    assert_eq!(list.body[0], read.body);
    assert!(!String::from_utf8_lossy(&list.bytes).contains(&token));
}

pub(crate) async fn a_token_is_changed_and_revoked(app: &App) {
    let created = made(app, json!({"expires_at": "2026-06-01T00:00:00+02:00"})).await;
    let (token, path) = (value(&created), created.header("location"));
    assert_eq!(created.body["expiresAt"], "2026-05-31T22:00:00Z");

    let change =
        json!({"notes": "New", "expiresAt": null, "readOnly": true, "cidr": "127.0.0.0/8"});
    app.clock.advance(time::Duration::SECOND);
    let changed = app.put(Ada, path).json(&change).expect(200).await;
    assert_eq!(changed.body["restrict"], "cidr");
    assert_eq!(changed.body["expiresAt"], Value::Null);
    app.put(Ada, path).json(&changed.body).expect(200).await;
    let stale = app.put(Ada, path).header("if-match", created.etag()).json(&json!({"notes": "x"}));
    stale.refused(412, "precondition_failed").await;
    let opened = app.put(Ada, path).json(&json!({"restrict": null})).expect(200).await;
    assert_eq!(opened.body["cidr"], Value::Null);
    app.get(Bob, path).refused(404, "not_found").await;
    app.delete(Admin, path).refused(404, "not_found").await;
    app.delete(Ada, path).expect(204).await;
    with(app, &token, Method::GET, "/api/session").refused(401, "unauthenticated").await;
    app.delete(Ada, path).refused(404, "not_found").await;
}

pub(crate) async fn a_token_does_no_more_than_it_says(app: &App) {
    let create =
        |token: &str| with(app, token, Method::POST, "/api/assistants").json(&json!({"name": "x"}));

    let read_only = value(&made(app, json!({"readOnly": true})).await);
    with(app, &read_only, Method::GET, "/api/assistants").expect(200).await;
    create(&read_only).refused(403, "token_read_only").await;
    let run = value(&made(app, json!({"scopes": ["run"]})).await);
    with(app, &run, Method::GET, "/api/assistants").refused(403, "insufficient_scope").await;
    let read = value(&made(app, json!({"scopes": ["read", "run"]})).await);
    create(&read).refused(403, "insufficient_scope").await;
    let mint = with(app, &read, Method::POST, "/api/tokens").json(&json!({}));
    mint.refused(403, "insufficient_scope").await;
}

pub(crate) async fn a_token_never_makes_a_stronger_one(app: &App) {
    let narrow = made(app, json!({"scopes": ["read", "admin"], "expiresAt": "2026-03-01T00:00:00Z", "cidr": "127.0.0.0/8"})).await;
    let narrow = value(&narrow);
    let mint = |body: Value| with(app, &narrow, Method::POST, "/api/tokens").json(&body);

    let minted = mint(json!({"scopes": ["read", "write"]})).send().await;

    if minted.status == 201 {
        assert_eq!(minted.body["scopes"], json!(["read"]));
        assert_eq!(minted.body["cidr"], "127.0.0.0/8");
        assert_eq!(minted.body["expiresAt"], "2026-03-01T00:00:00Z");
    } else {
        assert_eq!(minted.status, 403, "{}", minted.body);
    }
}

pub(crate) async fn a_token_of_one_assistant_reaches_it_and_its_draft_only(app: &App) {
    let mine = crate::assistants::made(app, json!({"name": "Mine"})).await;
    let other = crate::assistants::made(app, json!({"name": "Other"})).await;
    let token = made(app, json!({"type": "assistant", "assistantId": "mine"})).await;
    assert_eq!(token.body["assistantId"], mine.rsplit('/').next().unwrap());
    let token = value(&token);
    let ask = |method: Method, path: &str| with(app, &token, method, path);

    ask(Method::GET, &mine).expect(200).await;
    let draft = ask(Method::POST, &format!("{mine}/_edit")).expect(201).await;
    ask(Method::GET, &format!("/api/assistants/{}", draft.id())).expect(200).await;
    ask(Method::GET, &other).refused(404, "not_found").await;
    let list = ask(Method::GET, "/api/assistants").expect(200).await;
    assert_eq!(list.body["data"].as_array().unwrap().len(), 1);
    let create = ask(Method::POST, "/api/assistants").json(&json!({"name": "x"}));
    create.refused(403, "token_limited").await;
    ask(Method::GET, "/api/teams").refused(403, "token_limited").await;
}

pub(crate) async fn a_token_ends_when_it_says(app: &App) {
    let token = value(&made(app, json!({"expiresAt": "2026-01-01T13:00:00Z"})).await);

    with(app, &token, Method::GET, "/api/session").expect(200).await;
    app.clock.advance(time::Duration::HOUR);
    with(app, &token, Method::GET, "/api/session").refused(401, "unauthenticated").await;
}

pub(crate) async fn a_token_is_taken_from_its_addresses_only(app: &App) {
    let here = value(&made(app, json!({"cidr": "127.0.0.0/8"})).await);
    let elsewhere = value(&made(app, json!({"cidr": "192.0.2.0/24"})).await);

    with(app, &here, Method::GET, "/api/session").expect(200).await;
    for name in ["x-forwarded-for", "forwarded", "x-real-ip"] {
        let spoofed = with(app, &elsewhere, Method::GET, "/api/session");
        spoofed.header(name, "192.0.2.7").refused(401, "unauthenticated").await;
    }
}

pub(crate) async fn behind_a_trusted_proxy_the_forwarded_address_counts(
    store: understudy_tests::TestStore,
) {
    let trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let app = App::with(store, Options { trusted_proxies, ..Options::default() }).await;
    let token = value(&made(&app, json!({"cidr": "192.0.2.0/24"})).await);
    let ask = |hops: &str| {
        with(&app, &token, Method::GET, "/api/session").header("x-forwarded-for", hops)
    };

    ask("198.51.100.1, 192.0.2.7").expect(200).await;
    ask("192.0.2.7, 198.51.100.1").refused(401, "unauthenticated").await;
    app.stop().await;
}

pub(crate) async fn faults_of_a_token_are_named_at_once(app: &App) {
    let body = json!({"type": "x", "notes": 1, "readOnly": 1, "cidr": "300.0.0.0/8", "restrict": "host", "scopes": ["read", "fly"], "expiresAt": "tomorrow", "colour": 1});
    let reply = app.post(Ada, "/api/tokens").json(&body).refused(400, "validation_failed").await;
    let told: Vec<&str> = reply.faults().iter().map(|(pointer, _)| *pointer).collect();
    let expected = [
        "/cidr",
        "/colour",
        "/expiresAt",
        "/notes",
        "/readOnly",
        "/restrict",
        "/scopes/1",
        "/type",
    ];
    assert_eq!(told, expected);

    for (body, pointer) in [
        (json!({"type": "assistant"}), "/assistantId"),
        (json!({"assistantId": "x"}), "/assistantId"),
        (json!({"expiresAt": "2025-01-01T00:00:00Z"}), "/expiresAt"),
        (json!({"scopes": []}), "/scopes"),
        (json!({"notes": "x".repeat(1001)}), "/notes"),
    ] {
        let reply =
            app.post(Ada, "/api/tokens").json(&body).refused(400, "validation_failed").await;
        assert_eq!(reply.faults()[0].0, pointer, "{body}");
    }
    let unknown = json!({"type": "assistant", "assistantId": "nothing"});
    app.post(Ada, "/api/tokens").json(&unknown).refused(404, "not_found").await;
}

pub(crate) async fn the_last_use_of_a_token_is_collected(app: &App) {
    app.get(Ada, "/api/session").expect(200).await;
    app.get(Ada, "/api/session").expect(200).await;

    let uses = app.uses.drain();
    assert_eq!(uses.len(), 1);
    app.store.callers().record_uses(&uses).await.unwrap();
    assert!(app.uses.drain().is_empty());

    let list = app.get(Ada, "/api/tokens").expect(200).await;
    assert_eq!(list.body[0]["lastUsedAt"], "2026-01-01T12:00:00.123456Z");
    assert_eq!(list.body[0]["lastUsedFrom"], "127.0.0.1");
}
