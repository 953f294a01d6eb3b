//! Calls that wait for a person, as OpenAI's clients decide about them: with the next
//! response.

use serde_json::{Value, json};
use understudy_testkit::{ModelUpstream, Turn};

use super::refused;
use crate::{
    App,
    Person::{Ada, Bob},
    request::Reply,
    responses::{
        approvals::{calls, tickets},
        assistant, upstream,
    },
};

const RESPONSES: &str = "/openai/v1/responses";

/// A response that waits for the approval of a call, and that call's id.
async fn waiting(app: &App, upstream: &ModelUpstream) -> (Reply, String) {
    assistant(app, tickets(app)).await;
    upstream.answer(Turn::tool_call("tickets__close", json!({"number": 7})));
    let asked = json!({"model": "helper", "input": "Close ticket 7"});
    let waiting = app.post(Bob, RESPONSES).json(&asked).expect(200).await;
    let [request] = waiting.body["output"].as_array().unwrap().as_slice() else {
        panic!("{}", waiting.body)
    };
    assert_eq!(request["type"], "mcp_approval_request");
    assert_eq!((&request["server_label"], &request["name"]), (&json!("tickets"), &json!("close")));
    let id = request["id"].as_str().unwrap().to_owned();
    (waiting, id)
}

fn decision(id: &str, approve: bool) -> Value {
    json!({"type": "mcp_approval_response", "approval_request_id": id, "approve": approve,
        "reason": (!approve).then_some("Not this one.")})
}

/// The events of a stream.
fn events(reply: &Reply) -> Vec<Value> {
    let text = String::from_utf8(reply.bytes.clone()).unwrap();
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).unwrap()).collect()
}

pub(crate) async fn a_waiting_call_is_approved_by_the_next_response(app: &App) {
    let upstream = upstream(app).await;
    let (waiting, id) = waiting(app, &upstream).await;
    assert_eq!(calls(app), <[Value; 0]>::default());
    upstream.answer(Turn::text("Closed."));

    // What was told may be sent back beside the decision.
    let input = json!([waiting.body["output"][0], decision(&id, true)]);
    let body = json!({"model": "helper", "input": input, "previous_response_id": waiting.id()});
    let answer = app.post(Bob, RESPONSES).json(&body).expect(200).await;

    assert_eq!(answer.body["output"][0]["content"][0]["text"], "Closed.");
    assert_eq!(calls(app), [json!({"number": 7})]);
    assert_ne!(answer.id(), waiting.id());
    assert_eq!(answer.body["previous_response_id"], waiting.id());
    assert_eq!(answer.body["conversation"], waiting.body["conversation"]);
    let one = format!("{RESPONSES}/{}", waiting.id());
    let before = app.get(Bob, &one).expect(200).await;
    assert_eq!(before.body["output"], waiting.body["output"]);
    let asked = format!("{RESPONSES}/{}/input_items", answer.id());
    let asked = app.get(Bob, &asked).expect(200).await;
    assert_eq!(asked.body["data"][0]["approval_request_id"], id);
    assert_eq!(asked.body["data"].as_array().unwrap().len(), 1);
    // The native dialect tells the same of it.
    let native = format!("/api/responses/{}/approvals", waiting.id());
    let native = app.get(Bob, &native).expect(200).await;
    assert_eq!(native.body[0]["status"], "approved");
    // The conversation goes on with all of it.
    upstream.answer(Turn::text("Seven."));
    let more = json!({"model": "helper", "input": "Which?", "previous_response_id": answer.id()});
    app.post(Bob, RESPONSES).json(&more).expect(200).await;
    let told = upstream.last().unwrap().body.to_string();
    assert!(told.contains("Close ticket 7") && told.contains("Closed."), "{told}");
    app.post(Bob, RESPONSES).json(&body).expect(409).await;
    assert_eq!(calls(app).len(), 1);
}

pub(crate) async fn what_is_said_beside_a_decision_is_said_behind_the_call(app: &App) {
    let upstream = upstream(app).await;
    let (waiting, id) = waiting(app, &upstream).await;
    upstream.answer(Turn::text("It was about a fox."));

    // Wherever it stands in the input.
    let said = json!({"role": "user", "content": "And what was it about?"});
    let body = json!({"model": "helper", "input": [said, decision(&id, true)],
        "previous_response_id": waiting.id()});
    let answer = app.post(Bob, RESPONSES).json(&body).expect(200).await;

    assert_eq!(answer.body["output"][0]["content"][0]["text"], "It was about a fox.");
    assert_eq!(calls(app), [json!({"number": 7})]);
    let told = upstream.last().unwrap().body;
    let roles: Vec<&str> = told["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["role"].as_str().unwrap())
        .collect();
    assert_eq!(roles, ["system", "user", "assistant", "tool", "user"]);
    assert_eq!(told["messages"][4]["content"], "And what was it about?");
    // It is kept in that order, and called alike wherever it is told.
    let conversation = answer.body["conversation"]["id"].as_str().unwrap();
    let items = format!("/openai/v1/conversations/{conversation}/items?order=asc");
    let items = app.get(Bob, &items).expect(200).await.body["data"].as_array().unwrap().clone();
    let kinds: Vec<&Value> = items.iter().map(|item| &item["type"]).collect();
    let expected = ["message", "function_call", "function_call_output", "message", "message"];
    assert_eq!(kinds, expected);
    assert_eq!(items[3]["content"][0]["text"], "And what was it about?");
    assert_eq!(items[4]["id"], answer.body["output"][0]["id"]);
    let asked = format!("{RESPONSES}/{}/input_items?order=asc", answer.id());
    let asked = app.get(Bob, &asked).expect(200).await;
    assert_eq!(asked.body["data"][0]["approval_request_id"], id);
    assert_eq!(asked.body["data"][1], items[3]);
}

pub(crate) async fn a_waiting_call_is_denied_in_its_conversation_and_the_answer_streamed(
    app: &App,
) {
    let upstream = upstream(app).await;
    let (waiting, id) = waiting(app, &upstream).await;
    upstream.answer(Turn::chunks(["Left", " open."]));

    let conversation = &waiting.body["conversation"]["id"];
    let body = json!({"model": "helper", "input": [decision(&id, false)],
        "conversation": conversation, "stream": true});
    let reply = app.post(Bob, RESPONSES).json(&body).expect(200).await;

    let events = events(&reply);
    let kinds: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds[..2], ["response.created", "response.in_progress"]);
    let deltas = events.iter().filter(|event| event["type"] == "response.output_text.delta");
    let text: String = deltas.map(|event| event["delta"].as_str().unwrap()).collect();
    assert_eq!(text, "Left open.");
    let last = &events.last().unwrap()["response"];
    assert_eq!((&last["status"], &last["conversation"]["id"]), (&json!("completed"), conversation));
    assert_eq!(last["previous_response_id"], Value::Null);
    assert_eq!(calls(app), <[Value; 0]>::default());
    assert!(upstream.last().unwrap().body.to_string().contains("Not this one."));
}

pub(crate) async fn decisions_that_decide_nothing_are_refused(app: &App) {
    let upstream = upstream(app).await;
    let (waiting, id) = waiting(app, &upstream).await;
    let ask = |input: Value, more: Value| {
        let mut body = json!({"model": "helper", "input": input});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let behind = || json!({"previous_response_id": waiting.id()});
    let said = json!({"role": "assistant", "content": "Wait"});
    let unknown = format!("apr_{}", "0".repeat(32));
    let cases = [
        // Nothing says where it waits.
        (ask(json!([decision(&id, true)]), json!({})), "missing_required_parameter"),
        // Nobody says anything with what the assistant said.
        (ask(json!([decision(&id, true), said]), behind()), "missing_required_parameter"),
        (ask(json!([decision(&unknown, true)]), behind()), "unknown"),
        (ask(json!([decision("mcpr_1", true)]), behind()), "invalid_value"),
        (ask(json!([decision(&id, true), decision(&unknown, true)]), behind()), "unknown"),
    ];
    for (body, code) in cases {
        let request = app.post(Bob, RESPONSES).json(&body);
        refused(request, 400, "invalid_request_error", code).await;
    }
    // Nobody else goes on from it.
    let theirs = app.post(Ada, RESPONSES).json(&ask(json!([decision(&id, true)]), behind()));
    let theirs = theirs.expect(400).await;
    assert_eq!(theirs.body["error"]["param"], "previous_response_id");
    assert_eq!(calls(app), <[Value; 0]>::default());
    assert_eq!(upstream.requests().len(), 1);
    let native = format!("/api/responses/{}/approvals", waiting.id());
    assert_eq!(app.get(Bob, &native).expect(200).await.body[0]["status"], "pending");
}
