//! `/openai/v1`

pub(crate) mod approvals;
pub(crate) mod conversations;
pub(crate) mod embeddings;
pub(crate) mod files;
pub(crate) mod forms;
pub(crate) mod images;
pub(crate) mod sdk;

use reqwest::Method;
use serde_json::{Value, json};
use understudy_testkit::{Fault, Turn};

use crate::{
    App,
    Person::{self, Ada, Bob, Seatless, Stranger},
    request::{Reply, Request},
    responses::{assistant, upstream},
};

const CHAT: &str = "/openai/v1/chat/completions";
const RESPONSES: &str = "/openai/v1/responses";
const MODELS: &str = "/openai/v1/models";

/// A question to the assistant of the tests.
fn hello(more: Value) -> Value {
    let messages = json!([{"role": "user", "content": "Hello"}]);
    let mut body = json!({"model": "helper", "messages": messages});
    if let Value::Object(more) = more {
        body.as_object_mut().unwrap().extend(more);
    }
    body
}

async fn chat(app: &App, person: Person, body: Value) -> Reply {
    app.post(person, CHAT).json(&body).expect(200).await
}

/// Sends it and expects an error of this dialect.
pub(crate) async fn refused(request: Request, status: u16, kind: &str, code: &str) -> Reply {
    let reply = request.expect(status).await;
    let error = &reply.body["error"];
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!((&error["type"], &error["code"]), (&json!(kind), &json!(code)), "{error}");
    assert!(!error["message"].as_str().unwrap().is_empty());
    reply
}

/// The values behind `data: ` of a stream, without the last.
fn chunks(reply: &Reply) -> Vec<Value> {
    let text = String::from_utf8(reply.bytes.clone()).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    let silent = |line: &&&str| !line.starts_with(':');
    let data: Vec<&str> =
        lines.iter().filter(silent).map(|line| line.strip_prefix("data: ").unwrap()).collect();
    let (last, rest) = data.split_last().unwrap();
    assert_eq!(*last, "[DONE]");
    rest.iter().map(|data| serde_json::from_str(data).unwrap()).collect()
}

pub(crate) async fn a_completion_answers_as_openai_does(app: &App) {
    let upstream = upstream(app).await;
    upstream.answer(Turn::text("Good morning."));
    assistant(app, json!({})).await;

    let body = json!({"temperature": 0.1, "max_tokens": 9, "stop": "END", "user": "u"});
    let answer = chat(app, Bob, hello(body)).await;

    let body = &answer.body;
    assert!(body["id"].as_str().unwrap().starts_with("chatcmpl-"));
    assert_eq!((&body["object"], &body["model"]), (&json!("chat.completion"), &json!("helper")));
    let choice = &body["choices"][0];
    assert_eq!(choice["message"]["content"], "Good morning.");
    assert_eq!(choice["message"]["refusal"], Value::Null);
    assert_eq!((&choice["finish_reason"], &choice["logprobs"]), (&json!("stop"), &Value::Null));
    let total = body["usage"]["total_tokens"].as_u64().unwrap();
    let parts = ["prompt_tokens", "completion_tokens"];
    assert_eq!(parts.iter().map(|part| body["usage"][part].as_u64().unwrap()).sum::<u64>(), total);
    let asked = upstream.last().unwrap().body;
    assert_eq!((&asked["temperature"], &asked["stop"]), (&json!(0.1), &json!(["END"])));
    // Nothing of it is kept for reading.
    let kept = format!("/api/responses/{}", body["understudy"]["response_id"].as_str().unwrap());
    app.get(Bob, &kept).refused(404, "not_found").await;
    let threads = app.get(Bob, "/api/threads").expect(200).await;
    assert_eq!(threads.body["data"], json!([]));
}

pub(crate) async fn a_completion_comes_in_chunks(app: &App) {
    let upstream = upstream(app).await;
    upstream.answer(Turn::chunks(["Good", " morning", "."]));
    assistant(app, json!({})).await;

    let body = hello(json!({"stream": true, "stream_options": {"include_usage": true}}));
    let chunks = chunks(&chat(app, Bob, body).await);

    assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
    let text: String = chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str())
        .collect();
    assert_eq!(text, "Good morning.");
    let [.., finish, usage] = chunks.as_slice() else { panic!("{chunks:?}") };
    assert_eq!(finish["choices"][0]["finish_reason"], "stop");
    assert_eq!((&usage["choices"], &finish["usage"]), (&json!([]), &Value::Null));
    assert!(usage["usage"]["total_tokens"].as_u64().unwrap() > 0);
    assert!(chunks.iter().all(|chunk| chunk["id"] == usage["id"]));
}

pub(crate) async fn a_call_of_the_callers_tools_is_told_as_it_is_written(app: &App) {
    let upstream = upstream(app).await;
    let call = || Turn::tool_call("weather", json!({"city": "Bern"})).with_call_id("c1");
    upstream.answer(call());
    upstream.answer(call());
    assistant(app, json!({})).await;
    let tools = json!([{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]);

    let whole = chat(app, Bob, hello(json!({"tools": tools}))).await.body;
    let streamed = chunks(&chat(app, Bob, hello(json!({"tools": tools, "stream": true}))).await);

    let message = &whole["choices"][0]["message"];
    assert_eq!(whole["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(message["content"], Value::Null);
    let arguments = message["tool_calls"][0]["function"]["arguments"].as_str().unwrap();
    let deltas: Vec<&Value> = streamed
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["tool_calls"].get(0))
        .collect();
    assert_eq!(deltas[0]["function"]["name"], "weather");
    assert_eq!(deltas[0]["id"], "c1");
    assert!(deltas.len() > 2 && deltas.iter().all(|delta| delta["index"] == 0), "{deltas:?}");
    let pieces = deltas.iter().map(|delta| delta["function"]["arguments"].as_str().unwrap());
    assert_eq!(pieces.collect::<String>(), arguments);
    let last = streamed.last().unwrap();
    assert_eq!(last["choices"][0]["finish_reason"], "tool_calls");
}

pub(crate) async fn a_draft_is_asked_by_its_name(app: &App) {
    let upstream = upstream(app).await;
    let path = assistant(app, json!({})).await;
    let draft = hello(json!({"model": "helper@draft"}));
    refused(app.post(Ada, CHAT).json(&draft), 404, "not_found_error", "not_found").await;
    app.post(Ada, &format!("{path}/_edit")).expect(201).await;
    let change = json!({"instructions": "You rehearse."});
    app.put(Ada, &format!("{path}/draft")).json(&change).expect(200).await;

    chat(app, Ada, draft.clone()).await;
    assert!(upstream.last().unwrap().body.to_string().contains("You rehearse."));
    chat(app, Ada, hello(json!({}))).await;
    assert!(!upstream.last().unwrap().body.to_string().contains("You rehearse."));
    // The first version is what it was before the draft is committed.
    app.post(Ada, &format!("{path}/draft/_commit")).json(&json!({})).expect(200).await;
    let first = hello(json!({"model": "helper@v1"}));
    let told = chat(app, Ada, first.clone()).await;
    assert_eq!(told.body["understudy"]["assistant_version"], 1);
    assert!(upstream.last().unwrap().body.to_string().contains("You help."));
    let unknown = hello(json!({"model": "helper@v9"}));
    refused(app.post(Ada, CHAT).json(&unknown), 404, "not_found_error", "not_found").await;
    let nothing = app.post(Ada, CHAT).json(&hello(json!({"model": "helper@best"})));
    refused(nothing, 400, "invalid_request_error", "invalid_value").await;
    let viewer = app.post(Bob, CHAT).json(&first);
    refused(viewer, 403, "permission_error", "insufficient_level").await;
    // Who may only look does not see it.
    refused(app.post(Bob, CHAT).json(&draft), 404, "not_found_error", "not_found").await;
}

pub(crate) async fn what_is_wrong_is_told_as_openai_tells_it(app: &App) {
    let upstream = upstream(app).await;
    assistant(app, json!({})).await;
    let invalid = "invalid_request_error";
    for (more, param, code) in [
        (json!({"api_base": "https://example.com"}), "api_base", "unknown_parameter"),
        (json!({"n": 2}), "n", "unsupported"),
        (json!({"temperature": 9}), "temperature", "maximum"),
        (json!({"messages": [{"role": "boss"}]}), "messages[0].role", "invalid_value"),
        (json!({"messages": []}), "messages", "missing_required_parameter"),
    ] {
        let reply = app.post(Ada, CHAT).json(&hello(more.clone())).expect(400).await;
        let error = &reply.body["error"];
        assert_eq!((&error["type"], &error["param"]), (&json!(invalid), &json!(param)), "{error}");
        assert_eq!(error["code"], code, "{error}");
    }
    let nobody = hello(json!({"model": "nobody"}));
    refused(app.post(Ada, CHAT).json(&nobody), 404, "not_found_error", "not_found").await;
    let cut = app.post(Ada, CHAT).body("application/json", b"{".as_slice());
    refused(cut, 400, invalid, "malformed_json").await;
    let nowhere = app.get(Ada, "/openai/v1/nothing");
    refused(nowhere, 404, "not_found_error", "no_such_route").await;
    let method = app.request(Ada, Method::DELETE, CHAT);
    refused(method, 405, invalid, "method_not_allowed").await;
    assert_eq!(upstream.requests().len(), 0);
    // The same refusal comes again, in the same form.
    for _ in 0..2 {
        let again = app.post(Ada, CHAT).header("idempotency-key", "k1").json(&nobody);
        refused(again, 404, "not_found_error", "not_found").await;
    }
}

pub(crate) async fn who_asks_comes_before_what_is_asked(app: &App) {
    assistant(app, json!({"access_mode": "private"})).await;
    let wrong = json!({"colour": 1});
    let unknown = app.anonymous(Method::POST, CHAT).json(&wrong);
    refused(unknown, 401, "authentication_error", "unauthenticated").await;
    let seatless = app.post(Seatless, CHAT).json(&hello(json!({})));
    refused(seatless, 403, "permission_error", "ai_seat_required").await;
    for person in [Bob, Stranger] {
        let other = app.post(person, CHAT).json(&hello(json!({})));
        refused(other, 404, "not_found_error", "not_found").await;
    }
}

pub(crate) async fn models_are_the_assistants_that_one_may_ask(app: &App) {
    assistant(app, json!({})).await;
    assistant(app, json!({"name": "Hidden", "access_mode": "private"})).await;
    assistant(app, json!({"name": "Asleep", "is_active": false})).await;

    let ids = |reply: Reply| -> Vec<String> {
        let data = reply.body["data"].as_array().unwrap().clone();
        data.iter().map(|model| model["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(app.get(Ada, MODELS).expect(200).await), ["helper", "hidden"]);
    assert_eq!(ids(app.get(Bob, MODELS).expect(200).await), ["helper"]);
    let one = app.get(Bob, &format!("{MODELS}/helper")).expect(200).await;
    assert_eq!((&one.body["object"], &one.body["id"]), (&json!("model"), &json!("helper")));
    for gone in ["hidden", "asleep", "gpt-4o"] {
        let reply = app.get(Bob, &format!("{MODELS}/{gone}"));
        refused(reply, 404, "not_found_error", "not_found").await;
    }
}

pub(crate) async fn a_response_is_its_users_alone_in_this_dialect(app: &App) {
    let upstream = upstream(app).await;
    upstream.answer_usually(Turn::text("Good morning."));
    assistant(app, json!({})).await;
    let asked = json!({"model": "helper", "input": "Hello"});
    let made = app.post(Ada, RESPONSES).json(&asked).expect(200).await;
    let (id, conversation) = (made.id(), made.body["conversation"]["id"].as_str().unwrap());
    let one = format!("{RESPONSES}/{id}");

    for person in [Bob, Stranger] {
        let input = format!("{one}/input_items");
        for request in [
            app.get(person, &one),
            app.get(person, &input),
            app.delete(person, &one),
            app.post(person, &format!("{one}/cancel")),
        ] {
            refused(request, 404, "not_found_error", "not_found").await;
        }
    }
    let thief = json!({"model": "helper", "input": "And?", "previous_response_id": id});
    let reply = app.post(Bob, RESPONSES).json(&thief).expect(400).await;
    assert_eq!(reply.body["error"]["param"], "previous_response_id");
    let thief = json!({"model": "helper", "input": "And?", "conversation": conversation});
    refused(app.post(Bob, RESPONSES).json(&thief), 404, "not_found_error", "not_found").await;
    app.get(Ada, &one).expect(200).await;
    refused(app.post(Ada, &format!("{one}/cancel")), 409, "invalid_request_error", "not_running")
        .await;
}

pub(crate) async fn what_is_not_stored_cannot_be_read_in_this_dialect(app: &App) {
    let upstream = upstream(app).await;
    upstream.answer_usually(Turn::text("Good morning."));
    assistant(app, json!({})).await;
    let asked = json!({"model": "helper", "input": "Hello", "store": false});

    let made = app.post(Ada, RESPONSES).json(&asked).expect(200).await;

    assert_eq!((&made.body["store"], &made.body["conversation"]), (&json!(false), &Value::Null));
    let gone = app.get(Ada, &format!("{RESPONSES}/{}", made.id()));
    refused(gone, 404, "not_found_error", "not_found").await;
    let both = json!({"model": "helper", "input": "x", "store": false, "background": true});
    let reply = app.post(Ada, RESPONSES).json(&both).expect(400).await;
    assert_eq!(reply.body["error"]["param"], "background");
}

pub(crate) async fn a_provider_that_fails_is_told_as_openai_tells_it(app: &App) {
    let upstream = upstream(app).await;
    upstream.answer_usually(Turn::failing(Fault::status(400)));
    assistant(app, json!({})).await;

    let whole = app.post(Ada, CHAT).json(&hello(json!({})));
    refused(whole, 502, "server_error", "provider_failed").await;
    let streamed = chunks(&chat(app, Ada, hello(json!({"stream": true}))).await);
    assert_eq!(streamed.last().unwrap()["error"]["code"], "provider_failed");
    let asked = json!({"model": "helper", "input": "Hello", "stream": true});
    let reply = app.post(Ada, RESPONSES).json(&asked).expect(200).await;
    let text = String::from_utf8(reply.bytes).unwrap();
    let last = text.trim().lines().last().unwrap().strip_prefix("data: ").unwrap();
    let last: Value = serde_json::from_str(last).unwrap();
    assert_eq!(
        (&last["type"], &last["response"]["status"]),
        (&json!("response.failed"), &json!("failed"))
    );
}
