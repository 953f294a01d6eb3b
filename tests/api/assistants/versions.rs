//! `/api/assistants/{id}/versions`

use serde_json::{Value, json};

use super::{made, seed_with_rules};
use crate::{App, Person::Ada, Person::Bob};

/// An assistant with `count` versions; version `n` has seed `n`.
async fn with_versions(app: &App, count: u32) -> String {
    let path = made(app, json!({"name": "Support", "seed": 1})).await;
    for seed in 2..=count {
        app.put(Ada, &path).json(&json!({"seed": seed})).expect(200).await;
    }
    path
}

pub(crate) async fn versions_are_listed_newest_first_in_parts(app: &App) {
    let path = with_versions(app, 5).await;
    let list = |query: &str| app.get(Ada, &format!("{path}/versions{query}"));
    let numbers = |body: &Value| -> Vec<u64> {
        body.as_array().unwrap().iter().map(|v| v["number"].as_u64().unwrap()).collect()
    };

    assert_eq!(numbers(&list("").expect(200).await.body), [5, 4, 3, 2, 1]);
    assert_eq!(numbers(&list("?limit=2").expect(200).await.body), [5, 4]);
    assert_eq!(numbers(&list("?before=4&limit=2").expect(200).await.body), [3, 2]);
    assert_eq!(numbers(&list("?before=1").expect(200).await.body), [0; 0]);
    let faulty = list("?before=0&limit=201&page=2").refused(400, "validation_failed").await;
    let expected = [("before", "invalid"), ("limit", "invalid"), ("page", "unknown_parameter")];
    assert_eq!(faulty.faults(), expected);
}

pub(crate) async fn a_version_keeps_what_was(app: &App) {
    let path = with_versions(app, 3).await;

    let version = app.get(Ada, &format!("{path}/versions/2")).expect(200).await;

    assert_eq!(version.body["content"]["seed"], 2);
    assert_eq!(version.body["author"], Ada.id());
    assert_eq!(version.body["changes"], 1);
    assert_eq!(version.body["createdAt"], "2026-01-01T12:00:00.123456Z");
    let again = app.get(Ada, &format!("{path}/versions/2"));
    again.header("if-none-match", version.etag()).expect(304).await;
    for number in ["4", "0", "-1", "x", "99999999999"] {
        app.get(Ada, &format!("{path}/versions/{number}")).refused(404, "not_found").await;
    }
}

pub(crate) async fn versions_are_for_editors(app: &App) {
    let path = with_versions(app, 1).await;
    app.get(Bob, &format!("{path}/versions")).refused(404, "not_found").await;
    app.put(Ada, &path).json(&json!({"access_mode": "organization"})).expect(200).await;

    for tail in ["", "/1", "/1/_diff"] {
        let request = app.get(Bob, &format!("{path}/versions{tail}"));
        request.refused(403, "insufficient_level").await;
    }
}

pub(crate) async fn versions_are_compared_with_each_other_live_and_draft(app: &App) {
    let path = with_versions(app, 3).await;
    app.post(Ada, &format!("{path}/_edit")).expect(201).await;
    app.put(Ada, &format!("{path}/draft")).json(&json!({"seed": 30})).expect(200).await;
    let diff = async |query: &str| -> Value {
        let reply = app.get(Ada, &format!("{path}/versions/2/_diff{query}")).expect(200).await;
        let change = &reply.body["changes"][0];
        json!([change["pointer"], change["before"], change["after"]])
    };

    assert_eq!(diff("").await, json!(["/seed", 1, 2]));
    assert_eq!(diff("?against=3").await, json!(["/seed", 3, 2]));
    assert_eq!(diff("?against=live").await, json!(["/seed", 2, 3]));
    assert_eq!(diff("?against=draft").await, json!(["/seed", 2, 30]));
    let other = |query: &str| app.get(Ada, &format!("{path}/versions/2/_diff?against={query}"));
    other("9").refused(404, "not_found").await;
    other("yesterday").refused(400, "validation_failed").await;
}

pub(crate) async fn a_restored_version_is_a_draft_until_it_is_committed(app: &App) {
    let created =
        app.post(Ada, "/api/assistants").json(&seed_with_rules(app).await).expect(201).await;
    let path = created.header("location").to_owned();
    let everything = json!({
        "name": "Another", "instructions": "x", "temperature": 1.5, "metadata": {},
        "tool_configurations": {}, "icon_type": "default", "icon_data": null, "rule_ids": [],
    });
    app.put(Ada, &path).json(&everything).expect(200).await;

    let restore = format!("{path}/versions/1/_restore");
    let draft = app.post(Ada, &restore).expect(201).await;
    app.post(Ada, &restore).refused(409, "draft_exists").await;
    assert_eq!(draft.body["editing_id"], created.body["id"]);
    assert_eq!(app.get(Ada, &path).expect(200).await.body["name"], "Another");
    let live = app.post(Ada, &format!("{path}/draft/_commit")).expect(200).await;

    let content = async |number: u32| {
        let path = format!("{path}/versions/{number}");
        app.get(Ada, &path).expect(200).await.body["content"].clone()
    };
    assert_eq!(live.body["version"], 3);
    assert_eq!(content(3).await, content(1).await);
    let unknown = app.post(Ada, &format!("{path}/versions/9/_restore"));
    unknown.refused(404, "not_found").await;
}

pub(crate) async fn secrets_survive_a_restore(app: &App) {
    let server = json!({"serverLabel": "wiki", "serverUrl": "https://wiki.example.org/mcp", "authorization": "secret"});
    let body = json!({"name": "Support", "tool_configurations": {"mcpTools": [server]}});
    let path = made(app, body).await;
    app.put(Ada, &path).json(&json!({"tool_configurations": {}})).expect(200).await;

    app.post(Ada, &format!("{path}/versions/1/_restore")).expect(201).await;
    let live = app.post(Ada, &format!("{path}/draft/_commit")).expect(200).await;

    let tool = &live.body["tool_configurations"]["mcpTools"][0];
    assert_eq!(tool["authorization"], "********");
}
