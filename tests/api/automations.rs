//! `/api/automations`, and what is called.

use serde_json::{Value, json};
use understudy_testkit::{Reply, Upstream};

use crate::{
    App,
    Person::{Ada, Admin, Bob, Manager, Stranger, Viewer},
    assistants::made,
    request::Reply as Answer,
};

const ALL: &str = "/api/automations";
const MASK: &str = "********";

async fn automation(app: &App, url: &str) -> Answer {
    let new = json!({
        "name": "Open a ticket",
        "url": url,
        "parameters": {
            "type": "object",
            "properties": {"title": {"type": "string"}},
            "required": ["title"],
        },
    });
    app.post(Admin, ALL).json(&new).expect(201).await
}

pub(crate) async fn an_automation_is_made_read_changed_and_removed(app: &App) {
    let made = automation(app, "https://example.com/a").await;
    let path = made.header("location").to_owned();
    assert!(made.body["secret"].as_str().unwrap().starts_with("whsec_"));
    assert_eq!((&made.body["timeoutSeconds"], &made.body["isActive"]), (&json!(30), &json!(true)));

    let read = app.get(Admin, &path).expect(200).await;
    assert_eq!((read.etag(), &read.body["secret"]), (made.etag(), &json!(MASK)));
    let back = app.patch(Admin, &path).json(&read.body).expect(200).await;
    assert_eq!(back.body, read.body);
    let change = json!({"url": "https://example.com/b", "timeoutSeconds": 5, "isActive": false});
    let changed = app.patch(Admin, &path).header("if-match", read.etag()).json(&change);
    let changed = changed.expect(200).await;
    assert_eq!(changed.body["url"], "https://example.com/b");
    let late = app.delete(Admin, &path).header("if-match", read.etag());
    late.refused(412, "precondition_failed").await;
    assert_eq!(app.get(Admin, ALL).expect(200).await.body, json!([changed.body]));
    let twin = json!({"name": "OPEN A TICKET", "url": "https://example.com/"});
    app.post(Admin, ALL).json(&twin).refused(409, "name_taken").await;
    let rotated = app.post(Admin, &format!("{path}/_rotate-secret")).json(&json!({}));
    let rotated = rotated.expect(200).await;
    assert_ne!(rotated.body["secret"], made.body["secret"]);

    app.delete(Admin, &path).header("if-match", rotated.etag()).expect(204).await;
    app.delete(Admin, &path).refused(404, "not_found").await;
    let log = app.get(Admin, "/api/events").expect(200).await.body.to_string();
    assert!(log.contains("automation.deleted") && !log.contains("whsec_"));
}

pub(crate) async fn where_automations_are_is_for_administrators(app: &App) {
    let made = automation(app, "https://example.com/secret-place").await;
    let path = made.header("location");

    let seen = app.get(Ada, path).expect(200).await;
    assert_eq!((seen.body.get("url"), seen.body.get("secret")), (None, None));
    assert_eq!(app.get(Ada, ALL).expect(200).await.body[0]["name"], "Open a ticket");
    app.get(Viewer, ALL).refused(403, "insufficient_role").await;
    app.get(Stranger, path).refused(404, "not_found").await;
    for refused in [
        app.post(Manager, ALL).json(&json!({"name": "x", "url": "https://example.com/"})),
        app.patch(Manager, path).json(&json!({"isActive": false})),
        app.delete(Manager, path),
        app.get(Manager, &format!("{path}/executions")),
    ] {
        refused.refused(403, "insufficient_role").await;
    }
}

pub(crate) async fn faults_of_an_automation_are_named_at_once(app: &App) {
    let wrong = json!({
        "name": " ", "url": "ftp://example.com", "parameters": {"type": "string"},
        "timeoutSeconds": 121,
    });
    let refused = app.post(Admin, ALL).json(&wrong).refused(400, "validation_failed").await;
    let expected = [
        ("/name", "required"),
        ("/parameters/type", "invalid"),
        ("/timeoutSeconds", "range"),
        ("/url", "invalid"),
    ];
    assert_eq!(refused.faults(), expected);
}

pub(crate) async fn an_execution_is_signed_answered_and_recorded(app: &App) {
    let answer = Reply::new(200, r#"{"ticket": 7}"#).with("content-type", "application/json");
    let upstream = Upstream::always(answer).await.unwrap();
    let made = automation(app, &upstream.url("/tickets")).await;
    let path = made.header("location");
    let execute = format!("{path}/_execute");
    let body = json!({"parameters": {"title": "Broken"}});
    let refused = app.post(Ada, &execute).json(&json!({})).refused(400, "validation_failed").await;
    assert_eq!(refused.faults(), [("/parameters", "invalid")]);

    let done = app.post(Ada, &execute).json(&body).expect(200).await;

    assert_eq!((&done.body["status"], &done.body["trigger"]), (&json!("succeeded"), &json!("api")));
    assert_eq!(done.body["result"], json!({"ticket": 7}));
    let asked = upstream.asked().remove(0);
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/tickets"));
    assert_eq!(asked.header("webhook-id"), done.body["id"].as_str());
    assert!(asked.header("webhook-signature").unwrap().starts_with("v1,"));
    let sent: Value = serde_json::from_slice(&asked.body).unwrap();
    assert_eq!(sent, json!({"executionId": done.body["id"], "parameters": {"title": "Broken"}}));
    let listed = app.get(Admin, &format!("{path}/executions")).expect(200).await;
    assert_eq!(listed.body, json!({"data": [done.body], "nextCursor": null}));
    app.patch(Admin, path).json(&json!({"isActive": false})).expect(200).await;
    app.post(Ada, &execute).json(&body).refused(404, "not_found").await;
}

pub(crate) async fn what_an_automation_does_wrong_is_told_in_its_execution(app: &App) {
    let upstream = Upstream::always(Reply::new(500, "no")).await.unwrap();
    let made = automation(app, &upstream.url("/")).await;
    let path = made.header("location");
    let body = json!({"parameters": {"title": "Broken"}});

    let done = app.post(Bob, &format!("{path}/_execute")).json(&body).expect(200).await;

    assert_eq!(done.body["status"], "failed");
    assert_eq!(done.body["error"], "it answered 500");
    let listed = app.get(Admin, &format!("{path}/executions?limit=1")).expect(200).await;
    assert_eq!(listed.body["data"][0], done.body);
}

pub(crate) async fn assistants_name_automations_that_are_there(app: &App) {
    let made_one = automation(app, "https://example.com/").await;
    let id = made_one.id().to_owned();
    let path = made(app, json!({"name": "Helper"})).await;
    let naming = |ids: Value| json!({"tool_configurations": {"streamlineTools": ids}});

    let wrong = naming(json!([id, "auto_00000000000000000000000000000009", "flow-1"]));
    let refused = app.patch(Ada, &path).json(&wrong).refused(400, "validation_failed").await;
    let expected = [
        ("/tool_configurations/streamlineTools/1", "unknown"),
        ("/tool_configurations/streamlineTools/2", "unknown"),
    ];
    assert_eq!(refused.faults(), expected);
    app.patch(Ada, &path).json(&naming(json!([id]))).expect(200).await;

    // What it named before may stay, whatever became of it.
    app.delete(Admin, made_one.header("location")).expect(204).await;
    let read = app.get(Ada, &path).expect(200).await;
    app.patch(Ada, &path).json(&json!({"name": "Other"})).expect(200).await;
    app.put(Ada, &path)
        .json(&json!({"tool_configurations": read.body["tool_configurations"]}))
        .expect(200)
        .await;
}
