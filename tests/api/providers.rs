//! `/api/providers`

use serde_json::{Value, json};
use understudy_domain::ports::ProviderError;

use crate::{
    App,
    Person::{Ada, Admin, Manager, Owner, Stranger},
};

const ALL: &str = "/api/providers";
const KEY: &str = "sk-sesame-open";

fn hosted() -> Value {
    json!({
        "name": "Hosted",
        "kind": "openai-compatible",
        "baseUrl": "https://models.example/v1",
        "apiKey": KEY,
        "models": ["flux"],
        "priority": 5,
    })
}

async fn made(app: &App) -> String {
    let created = app.post(Admin, ALL).json(&hosted()).expect(201).await;
    created.header("location").to_owned()
}

/// The key that the provider was last called with.
fn last_key(app: &App) -> Option<String> {
    let last = app.models.tested().pop().unwrap();
    last.api_key.map(|key| key.expose().clone())
}

pub(crate) async fn a_provider_is_made_read_changed_and_removed(app: &App) {
    let created = app.post(Admin, ALL).json(&hosted()).expect(201).await;
    assert!(created.id().starts_with("prov_"));
    assert_eq!(created.body["baseUrl"], "https://models.example/v1");
    assert_eq!(
        (&created.body["models"], &created.body["priority"], &created.body["enabled"]),
        (&json!(["flux"]), &json!(5), &json!(true)),
    );
    let path = created.header("location").to_owned();
    let read = app.get(Admin, &path).expect(200).await;
    assert_eq!(read.body, created.body);
    assert_eq!(read.etag(), created.etag());
    app.get(Admin, &path).header("if-none-match", read.etag()).expect(304).await;

    let changed = json!({"name": "Ours", "enabled": false, "models": null, "priority": -1});
    let changed = app.patch(Admin, &path).json(&changed).expect(200).await;
    assert_eq!(changed.body["name"], "Ours");
    assert_eq!(
        (&changed.body["models"], &changed.body["priority"], &changed.body["enabled"]),
        (&json!([]), &json!(-1), &json!(false)),
    );
    let stale = app.patch(Admin, &path).header("if-match", read.etag()).json(&json!({"name": "x"}));
    stale.refused(412, "precondition_failed").await;
    app.delete(Admin, &path).header("if-match", changed.etag()).expect(204).await;
    app.delete(Admin, &path).refused(404, "not_found").await;
    app.get(Admin, &path).refused(404, "not_found").await;
}

pub(crate) async fn a_key_is_never_shown_and_the_mask_keeps_it(app: &App) {
    let path = made(app).await;
    let read = app.get(Admin, &path).expect(200).await;
    assert_eq!(read.body["apiKey"], "********");
    let test = format!("{path}/_test");

    // What was read can be sent back.
    app.patch(Admin, &path).json(&read.body).expect(200).await;
    app.post(Admin, &test).expect(200).await;
    assert_eq!(last_key(app).as_deref(), Some(KEY));
    app.patch(Admin, &path).json(&json!({"apiKey": "sk-2"})).expect(200).await;
    app.post(Admin, &test).expect(200).await;
    assert_eq!(last_key(app).as_deref(), Some("sk-2"));

    let mut moved = read.body.clone();
    moved["baseUrl"] = json!("https://elsewhere.example");
    let refused = app.patch(Admin, &path).json(&moved).refused(400, "validation_failed").await;
    assert_eq!(refused.faults(), [("/apiKey", "nothing_to_keep")]);
    let cleared = app.patch(Admin, &path).json(&json!({"apiKey": null})).expect(200).await;
    assert_eq!(cleared.body["apiKey"], Value::Null);
    app.post(Admin, &test).expect(200).await;
    assert_eq!(last_key(app), None);
}

pub(crate) async fn faults_of_a_provider_are_named_at_once(app: &App) {
    let wrong = json!({
        "kind": "telepathy", "apiKey": 7, "models": [1], "priority": 1.5, "enabled": "yes",
        "colour": 1,
    });
    let refused = app.post(Admin, ALL).json(&wrong).refused(400, "validation_failed").await;
    assert_eq!(
        refused.faults(),
        [
            ("/apiKey", "type"),
            ("/colour", "unknown_field"),
            ("/enabled", "type"),
            ("/kind", "enum"),
            ("/models", "type"),
            ("/name", "required"),
            ("/priority", "type"),
        ]
    );
    let missing = app.post(Admin, ALL).json(&json!({})).refused(400, "validation_failed").await;
    assert_eq!(missing.faults(), [("/kind", "required"), ("/name", "required")]);
    let inner = json!({"name": "", "kind": "ollama", "models": ["a", "a"], "apiKey": "ä"});
    let inner = app.post(Admin, ALL).json(&inner).refused(400, "validation_failed").await;
    assert_eq!(
        inner.faults(),
        [
            ("/apiKey", "invalid"),
            ("/baseUrl", "required"),
            ("/models/1", "duplicate"),
            ("/name", "invalid"),
        ]
    );
    let path = made(app).await;
    let other = app.patch(Admin, &path).json(&json!({"kind": "ollama"}));
    assert_eq!(other.refused(400, "validation_failed").await.faults(), [("/kind", "immutable")]);
}

pub(crate) async fn providers_are_administered_by_administrators(app: &App) {
    let path = made(app).await;
    let test = format!("{path}/_test");
    for person in [Ada, Manager] {
        app.get(person, ALL).refused(403, "insufficient_role").await;
        app.get(person, &path).refused(403, "insufficient_role").await;
        app.post(person, ALL).json(&hosted()).refused(403, "insufficient_role").await;
        app.patch(person, &path).json(&json!({})).refused(403, "insufficient_role").await;
        app.post(person, &test).refused(403, "insufficient_role").await;
        app.delete(person, &path).refused(403, "insufficient_role").await;
    }
    app.get(Stranger, &path).refused(404, "not_found").await;
    app.post(Stranger, &test).refused(404, "not_found").await;
    app.delete(Stranger, &path).refused(404, "not_found").await;
    assert_eq!(app.get(Stranger, ALL).expect(200).await.body, json!([]));
    assert_eq!(app.models.tested().len(), 0);
}

pub(crate) async fn providers_are_listed_by_priority_and_names_are_unique(app: &App) {
    for (name, priority) in [("b", 1), ("a", 1), ("c", 0)] {
        let provider = json!({"name": name, "kind": "openai", "priority": priority});
        app.post(Owner, ALL).json(&provider).expect(201).await;
    }

    let listed = app.get(Admin, ALL).expect(200).await;

    let names: Vec<_> = listed.body.as_array().unwrap().iter().map(|p| &p["name"]).collect();
    assert_eq!(names, ["c", "a", "b"]);
    let twice = app.post(Admin, ALL).json(&json!({"name": "A", "kind": "anthropic"}));
    twice.refused(409, "name_taken").await;
}

pub(crate) async fn a_test_tells_whether_a_provider_can_be_used(app: &App) {
    let test = format!("{}/_test", made(app).await);

    assert_eq!(app.post(Admin, &test).expect(200).await.body, json!({"ok": true}));
    app.models.fail_next(ProviderError::Refused { status: 401, message: "no such key".to_owned() });
    let failed = app.post(Admin, &test).expect(200).await;

    assert_eq!(failed.body["ok"], false);
    assert!(failed.body["detail"].as_str().unwrap().contains("no such key"));
}
