//! Calls that wait for a person.

use reqwest::Method;
use serde_json::{Value, json};
use understudy_testkit::{FakeMcp, ModelUpstream, Turn};

use super::{ask, assistant, streams::Followed, upstream};
use crate::{
    App,
    Person::{Ada, Admin, Bob},
    request::Reply,
};

/// The settings of an assistant with a server whose calls must be approved.
pub(crate) fn tickets(app: &App) -> Value {
    app.mcp.serve("tickets", [FakeMcp::tool("close")]);
    let server = json!({
        "type": "mcp", "serverLabel": "tickets", "serverUrl": "https://example.com/mcp",
        "requireApproval": "always",
    });
    json!({"tool_configurations": {"mcpTools": [server]}})
}

/// An assistant with a server whose calls must be approved.
async fn careful(app: &App) -> String {
    assistant(app, tickets(app)).await
}

/// A response that waits for the approval of a call.
async fn waiting(app: &App, upstream: &ModelUpstream) -> (Reply, String) {
    let helper = careful(app).await;
    upstream.answer(Turn::tool_call("tickets__close", json!({"number": 7})));
    let response = ask(app, Bob, &helper, json!({"input": "Close ticket 7"})).await;
    assert_eq!(response.body["status"], "requires_approval", "{}", response.body);
    assert_eq!(response.body["stop_reason"], "approval_required");
    let path = format!("/api/responses/{}/approvals", response.id());
    (response, path)
}

/// With which arguments tools of MCP servers were called.
pub(crate) fn calls(app: &App) -> Vec<Value> {
    app.mcp.calls().into_iter().map(|call| Value::Object(call.arguments)).collect()
}

pub(crate) async fn an_approved_call_is_run_once_as_it_was_shown(app: &App) {
    let upstream = upstream(app).await;
    let (response, path) = waiting(app, &upstream).await;
    let listed = app.get(Bob, &path).expect(200).await;
    let approval = &listed.body[0];
    assert_eq!(response.body["approvals"], json!([approval["id"]]));
    assert_eq!((&approval["status"], &approval["name"]), (&json!("pending"), &json!("close")));
    assert_eq!(approval["arguments"], json!({"number": 7}));
    let one = format!("{path}/{}", approval["id"].as_str().unwrap());
    let yes = json!({"approve": true});
    for other in [Ada, Admin] {
        app.post(other, &one).json(&yes).refused(404, "not_found").await;
    }
    app.post(Bob, &one).json(&json!({})).refused(400, "validation_failed").await;
    assert_eq!(calls(app), <[Value; 0]>::default());

    upstream.answer(Turn::text("Closed."));
    let stream = format!("{one}?stream=true");
    let stream = Followed::open(&app.address, app, (Bob, Method::POST), &stream, Some(&yes)).await;
    let events = stream.rest().await;

    assert_eq!(events.last().unwrap()["output_text"], "Closed.");
    assert_eq!(calls(app), [json!({"number": 7})]);
    app.post(Bob, &one).json(&yes).refused(409, "already_decided").await;
    let read = app.get(Bob, &format!("/api/responses/{}", response.id())).expect(200).await;
    assert_eq!((&read.body["status"], &read.body["approvals"]), (&json!("completed"), &json!([])));
}

pub(crate) async fn a_denied_call_is_not_run_and_the_model_is_told_why(app: &App) {
    let upstream = upstream(app).await;
    let (response, path) = waiting(app, &upstream).await;
    let approval = response.body["approvals"][0].as_str().unwrap();
    upstream.answer(Turn::text("Then not."));
    let no = json!({"approve": false, "reason": "Not this one."});

    let decided = app.post(Bob, &format!("{path}/{approval}")).json(&no).expect(200).await;
    assert_eq!(decided.body["id"], response.body["id"]);
    let events = format!("/api/responses/{}/events", response.id());
    let events = Followed::open(&app.address, app, (Bob, Method::GET), &events, None).await;
    let events = events.rest().await;

    assert_eq!(events.last().unwrap()["output_text"], "Then not.");
    assert_eq!(calls(app), <[Value; 0]>::default());
    assert!(upstream.last().unwrap().body.to_string().contains("Not this one."));
    let listed = app.get(Bob, &path).expect(200).await;
    assert_eq!(listed.body[0]["status"], "denied");
    assert_eq!(listed.body[0]["reason"], "Not this one.");
}
