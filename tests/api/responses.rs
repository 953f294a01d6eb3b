//! Asking assistants over HTTP: whole answers, streams, and what may be done with a
//! response afterwards.

pub(crate) mod approvals;
pub(crate) mod asking;
pub(crate) mod rights;
pub(crate) mod streams;

use serde_json::{Value, json};
use understudy_testkit::{Fault, ModelUpstream, Turn};

use crate::{
    App,
    Person::{self, Ada, Admin, Bob, Owner, Seatless, Stranger, Viewer},
    assistants::made,
    request::Reply,
};

/// A provider that says what a test tells it, for every model of its kind.
pub(crate) async fn upstream(app: &App) -> ModelUpstream {
    let upstream = ModelUpstream::start().await.unwrap();
    upstream.offer_models(["gpt-4o"]);
    let provider = json!({
        "name": "Recording",
        "kind": "openai-compatible",
        "baseUrl": upstream.openai_url(),
        "apiKey": "sk-test",
        "models": ["gpt-4o"],
    });
    app.post(Admin, "/api/providers").json(&provider).expect(201).await;
    upstream
}

/// An assistant of Ada's that everybody of the organization sees, and where it is
/// asked.
pub(crate) async fn assistant(app: &App, more: Value) -> String {
    let mut body = json!({
        "name": "Helper",
        "instructions": "You help.",
        "access_mode": "organization",
        "streaming": false,
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    made(app, body).await
}

pub(crate) async fn ask(app: &App, person: Person, assistant: &str, body: Value) -> Reply {
    app.post(person, &format!("{assistant}/responses")).json(&body).expect(200).await
}

pub(crate) async fn an_answer_comes_whole_with_all_that_belongs_to_it(app: &App) {
    let upstream = upstream(app).await;
    upstream.answer(Turn::text("Good morning."));
    let helper = assistant(app, json!({})).await;

    let answer = ask(app, Bob, &helper, json!({"input": "Hello"})).await;

    let body = &answer.body;
    assert_eq!((&body["object"], &body["status"]), (&json!("response"), &json!("completed")));
    assert_eq!(body["output_text"], "Good morning.");
    assert_eq!(body["response"], json!([{"type": "text", "text": "Good morning."}]));
    assert_eq!((&body["stop_reason"], &body["error"]), (&json!("end_turn"), &Value::Null));
    assert_eq!((&body["model"], &body["is_extractive"]), (&json!("gpt-4o"), &json!(false)));
    assert!(body["thread_id"].as_str().unwrap().starts_with("thread_"));
    let usage = &body["usage"];
    let tokens = usage["input_tokens"].as_u64().unwrap();
    assert!(tokens > 0);
    assert_eq!(usage["neurons"], tokens.div_ceil(10));
    let place = format!("/api/responses/{}", answer.id());
    assert_eq!(answer.header("content-location"), place);
    let read = app.get(Bob, &place).expect(200).await;
    assert_eq!(read.body, answer.body);
    let asked = upstream.last().unwrap();
    let sent = serde_json::to_string(&asked.body).unwrap();
    assert!(sent.contains("You help.") && sent.contains("Hello"), "{sent}");
}

pub(crate) async fn a_fresh_machine_answers_from_what_the_assistant_says(app: &App) {
    let instructions = "Opening hours are Monday to Friday from nine to five.\n\nReturns are free.";
    let helper = assistant(app, json!({"instructions": instructions})).await;

    let answer = ask(app, Ada, &helper, json!({"input": "When are your opening hours?"})).await;

    assert_eq!(answer.body["provider"], "builtin", "{}", answer.body);
    assert_eq!(answer.body["is_extractive"], true);
    let text = answer.body["output_text"].as_str().unwrap();
    assert!(text.contains("nine to five"), "{text}");
}

pub(crate) async fn settings_of_a_request_hold_for_it_alone(app: &App) {
    let upstream = upstream(app).await;
    let helper = assistant(app, json!({"temperature": 0.9})).await;
    let body = json!({
        "input": [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}],
        "instructions": "Be brief.", "temperature": 0.1, "maxCompletionTokens": 55,
        "stop": "END", "metadata": {"a": "b"},
    });

    let answer = ask(app, Ada, &helper, body).await;
    let asked = upstream.last().unwrap();
    ask(app, Ada, &helper, json!({"input": "Hello"})).await;
    let plain = upstream.last().unwrap();

    assert_eq!(answer.body["metadata"], json!({"a": "b"}));
    assert_eq!(asked.body["temperature"], 0.1);
    assert_eq!(asked.body["stop"], json!(["END"]));
    assert!(asked.body.to_string().contains("Be brief."));
    assert_eq!(plain.body["temperature"], 0.9);
    assert!(!plain.body.to_string().contains("Be brief."));
}

pub(crate) async fn what_cannot_be_asked_is_refused_before_anybody_is_asked(app: &App) {
    let upstream = upstream(app).await;
    let helper = assistant(app, json!({})).await;
    let path = format!("{helper}/responses");
    let wrong = json!({"api_base": "https://example.com", "temperature": "hot", "tools": 7});
    let refused = app.post(Ada, &path).json(&wrong).refused(400, "validation_failed").await;
    let expected = [
        ("/api_base", "unknown_field"),
        ("/input", "required"),
        ("/temperature", "type"),
        ("/tools", "type"),
    ];
    assert_eq!(refused.faults(), expected);

    for (body, pointer) in [
        (json!({"input": []}), "/input"),
        (json!({"input": "x", "temperature": 9}), "/temperature"),
        (json!({"input": "x", "include": ["everything"]}), "/include/0"),
        (json!({"input": "x", "metadata": {"k": "v".repeat(513)}}), "/metadata"),
        (json!({"input": "x", "model": "no-such-model"}), "/model"),
        (json!({"input": vec!["x"; 201]}), "/input"),
    ] {
        let refused = app.post(Ada, &path).json(&body).refused(400, "validation_failed").await;
        assert_eq!(refused.faults()[0].0, pointer, "{body}");
    }
    let nowhere = json!({"input": "x", "thread_id": "thread_00000000000000000000000000000007"});
    app.post(Ada, &path).json(&nowhere).refused(404, "not_found").await;
    assert_eq!(upstream.requests().len(), 0);
}

pub(crate) async fn a_response_is_its_users_alone(app: &App) {
    let _upstream = upstream(app).await;
    let helper = assistant(app, json!({})).await;
    let path = format!("{helper}/responses");
    let hello = json!({"input": "Hello"});
    let answer = ask(app, Bob, &helper, hello.clone()).await;
    let place = format!("/api/responses/{}", answer.id());

    for other in [Ada, Owner, Admin, Stranger] {
        app.get(other, &place).refused(404, "not_found").await;
        app.get(other, &format!("{place}/events")).refused(404, "not_found").await;
        app.get(other, &format!("{place}/approvals")).refused(404, "not_found").await;
        app.post(other, &format!("{place}/_cancel"))
            .json(&json!({}))
            .refused(404, "not_found")
            .await;
        app.delete(other, &place).refused(404, "not_found").await;
    }
    app.post(Seatless, &path).json(&hello).refused(403, "ai_seat_required").await;
    app.post(Stranger, &path).json(&hello).refused(404, "not_found").await;
    ask(app, Viewer, &helper, hello).await;

    app.delete(Bob, &place).expect(204).await;
    app.delete(Bob, &place).refused(404, "not_found").await;
}

pub(crate) async fn a_conversation_goes_on_in_its_thread(app: &App) {
    let upstream = upstream(app).await;
    let helper = assistant(app, json!({})).await;
    upstream.answer(Turn::text("Hello, Bob."));
    let first = ask(app, Bob, &helper, json!({"input": "I am Bob."})).await;
    let thread = first.body["thread_id"].clone();

    let more = json!({"input": "Who am I?", "threadId": thread});
    let second = ask(app, Bob, &helper, more.clone()).await;

    assert_eq!(second.body["thread_id"], thread);
    let sent = upstream.last().unwrap().body.to_string();
    assert!(sent.contains("I am Bob.") && sent.contains("Hello, Bob."), "{sent}");
    let messages = format!("/api/threads/{}/messages", thread.as_str().unwrap());
    let said = app.get(Bob, &messages).expect(200).await;
    let roles: Vec<_> = said.body["data"].as_array().unwrap().iter().map(|m| &m["role"]).collect();
    assert_eq!(roles, ["user", "assistant", "user", "assistant"]);
    let other = assistant(app, json!({"name": "Other"})).await;
    let elsewhere = app.post(Bob, &format!("{other}/responses")).json(&more);
    elsewhere.refused(409, "thread_of_another_assistant").await;
    app.post(Ada, &format!("{helper}/responses")).json(&more).refused(404, "not_found").await;
}

pub(crate) async fn what_is_not_stored_is_not_read_again(app: &App) {
    let _upstream = upstream(app).await;
    let helper = assistant(app, json!({})).await;

    let answer = ask(app, Bob, &helper, json!({"input": "Hello", "store": false})).await;

    let thread = answer.body["thread_id"].as_str().unwrap().to_owned();
    app.get(Bob, &format!("/api/responses/{}", answer.id())).refused(404, "not_found").await;
    app.get(Bob, &format!("/api/threads/{thread}")).refused(404, "not_found").await;
    app.get(Bob, &format!("/api/threads/{thread}/messages")).refused(404, "not_found").await;
    let listed = app.get(Bob, "/api/threads").expect(200).await;
    assert_eq!(listed.body["data"], json!([]));
    ask(app, Bob, &helper, json!({"input": "And?", "thread_id": thread})).await;
}

pub(crate) async fn a_provider_that_fails_is_a_problem_with_the_responses_id(app: &App) {
    let upstream = upstream(app).await;
    let helper = assistant(app, json!({})).await;
    upstream.answer_usually(Turn::failing(Fault::status(400)));

    let hello = json!({"input": "Hello"});
    let refused = app.post(Bob, &format!("{helper}/responses")).json(&hello);
    let refused = refused.refused(502, "provider_failed").await;

    let id = refused.body["responseId"].as_str().unwrap();
    let read = app.get(Bob, &format!("/api/responses/{id}")).expect(200).await;
    assert_eq!(
        (&read.body["status"], &read.body["stop_reason"]),
        (&json!("failed"), &json!("error"))
    );
    assert_eq!(read.body["error"]["code"], "provider_failed");
}

pub(crate) async fn the_same_key_asks_once(app: &App) {
    let upstream = upstream(app).await;
    let helper = assistant(app, json!({})).await;
    upstream.answer(Turn::text("Once."));
    let path = format!("{helper}/responses");
    let asked = |body: Value| app.post(Bob, &path).header("idempotency-key", "k").json(&body);

    let first = asked(json!({"input": "Hello"})).expect(200).await;
    let again = asked(json!({"input": "Hello"})).expect(200).await;

    assert_eq!(first.body, again.body);
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(upstream.requests().len(), 1);
    asked(json!({"input": "Other"})).refused(422, "idempotency_key_reused").await;
}

pub(crate) async fn who_does_not_want_to_wait_is_told_where_to_look(app: &App) {
    let upstream = upstream(app).await;
    let helper = assistant(app, json!({"streaming": true})).await;
    upstream.answer(Turn::text("Later."));
    let asked = app.post(Bob, &format!("{helper}/responses")).header("prefer", "respond-async");

    let begun = asked.json(&json!({"input": "Hello"})).expect(202).await;

    assert_eq!(begun.header("preference-applied"), "respond-async");
    let place = begun.header("location").to_owned();
    let events = app.get(Bob, &format!("{place}/events")).expect(200).await;
    assert!(String::from_utf8(events.bytes).unwrap().ends_with("data: [DONE]\n\n"));
    assert_eq!(app.get(Bob, &place).expect(200).await.body["output_text"], "Later.");
}

pub(crate) async fn a_tool_of_the_caller_is_called_by_the_caller(app: &App) {
    let upstream = upstream(app).await;
    let helper = assistant(app, json!({})).await;
    upstream.answer(Turn::tool_call("weather", json!({"city": "Lisbon"})).with_call_id("call_1"));
    let tools = json!([{"type": "function", "name": "weather", "parameters": {"type": "object"}}]);
    let first = json!({"input": "Weather in Lisbon?", "tools": tools});
    let first = ask(app, Bob, &helper, first).await;
    assert_eq!(first.body["stop_reason"], "tool_use");
    let call = first.body["response"].as_array().unwrap().last().unwrap();
    assert_eq!((&call["type"], &call["name"]), (&json!("tool_use"), &json!("weather")));
    assert_eq!(call["input"], json!({"city": "Lisbon"}));

    upstream.answer(Turn::text("Sunny."));
    let output = json!({
        "input": [{"type": "function_call_output", "call_id": call["id"], "output": "sun"}],
        "thread_id": first.body["thread_id"], "tools": tools,
    });
    let second = ask(app, Bob, &helper, output).await;

    assert_eq!(second.body["output_text"], "Sunny.");
    let sent = upstream.last().unwrap().body.to_string();
    assert!(sent.contains("Lisbon") && sent.contains("sun"), "{sent}");
}

pub(crate) async fn what_would_be_sent_is_explained_to_editors(app: &App) {
    let upstream = upstream(app).await;
    let helper = assistant(app, json!({})).await;
    let path = format!("{helper}/_explain");

    let by_get = app.get(Ada, &format!("{path}?input=Hello")).expect(200).await;
    let body = json!({"input": "Hello", "instructions": "Be brief."});
    let by_post = app.post(Ada, &path).json(&body).expect(200).await;

    assert_eq!(by_get.body["model"], "gpt-4o");
    let layers: Vec<_> = by_post.body["layers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| l["layer"].as_str().unwrap())
        .collect();
    assert!(layers.contains(&"instructions") && layers.contains(&"input"), "{layers:?}");
    assert!(!by_post.body.to_string().contains("sk-test"));
    assert_eq!(upstream.requests().len(), 0);
    app.get(Bob, &format!("{path}?input=Hello")).refused(403, "insufficient_level").await;
    app.get(Ada, &path).refused(400, "validation_failed").await;
}
