//! Conversations, which are threads.

use reqwest::Method;
use serde_json::{Value, json};
use understudy_testkit::Turn;

use super::refused;
use crate::{
    App,
    Person::{Ada, Bob, Seatless, Stranger},
    responses::{assistant, upstream},
};

const CONVERSATIONS: &str = "/openai/v1/conversations";
const RESPONSES: &str = "/openai/v1/responses";

fn said(text: &str) -> Value {
    json!({"type": "message", "role": "user", "content": text})
}

/// A conversation of Bob's in which these were said, and where it is.
async fn begun(app: &App, texts: &[&str]) -> (String, String) {
    let items: Vec<Value> = texts.iter().map(|text| said(text)).collect();
    let made = app.post(Bob, CONVERSATIONS).json(&json!({"items": items})).expect(200).await;
    (made.id().to_owned(), format!("{CONVERSATIONS}/{}", made.id()))
}

fn texts(list: &Value) -> Vec<String> {
    let items = list["data"].as_array().unwrap().iter();
    items.map(|item| item["content"][0]["text"].as_str().unwrap().to_owned()).collect()
}

pub(crate) async fn a_conversation_is_a_thread_under_another_name(app: &App) {
    let items = json!([said("Hello"), {"role": "developer", "content": "Be kind."}]);
    let body = json!({"items": items, "metadata": {"a": "1", "b": "2"}});
    let made = app.post(Bob, CONVERSATIONS).json(&body).expect(200).await;
    let one = format!("{CONVERSATIONS}/{}", made.id());
    let digits = made.id().strip_prefix("conv_").unwrap();

    assert_eq!(made.body["object"], "conversation");
    assert_eq!(made.body["metadata"], json!({"a": "1", "b": "2"}));
    assert!(made.body["created_at"].as_u64().is_some());
    let native = app.get(Bob, &format!("/api/threads/thread_{digits}")).expect(200).await;
    assert_eq!((&native.body["messageCount"], &native.body["title"]), (&json!(2), &json!("Hello")));
    assert_eq!(
        (&native.body["assistantId"], &native.body["metadata"]["b"]),
        (&Value::Null, &json!("2"))
    );
    for name in [one.clone(), format!("{CONVERSATIONS}/thread_{digits}")] {
        assert_eq!(app.get(Bob, &name).expect(200).await.body, made.body);
    }
    let fewer = json!({"metadata": {"b": "3"}});
    let changed = app.post(Bob, &one).json(&fewer).expect(200).await;
    assert_eq!(changed.body["metadata"], json!({"b": "3"}));
    let none = app.post(Bob, &one).json(&json!({"metadata": null})).expect(200).await;
    assert_eq!(none.body["metadata"], json!({}));
    let gone = app.delete(Bob, &one).expect(200).await;
    let expected = json!({"id": made.id(), "object": "conversation.deleted", "deleted": true});
    assert_eq!(gone.body, expected);
    refused(app.get(Bob, &one), 404, "not_found_error", "not_found").await;
    // What the native dialect made is one as well.
    let thread = app.post(Bob, "/api/threads").json(&json!({})).expect(201).await;
    let digits = thread.id().strip_prefix("thread_").unwrap();
    let found = app.get(Bob, &format!("{CONVERSATIONS}/conv_{digits}")).expect(200).await;
    assert_eq!(found.id(), format!("conv_{digits}"));
}

pub(crate) async fn items_are_listed_page_by_page(app: &App) {
    let (_, one) = begun(app, &["one", "two"]).await;
    let items = format!("{one}/items");
    let call = json!({"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"});
    let result = json!({"type": "function_call_output", "call_id": "c1", "output": "7"});
    let thought = json!({"type": "reasoning", "id": "rs_1", "summary": []});
    let more = json!({"items": [call, result, thought]});
    let added = app.post(Bob, &items).json(&more).expect(200).await;

    assert_eq!(added.body["data"].as_array().unwrap().len(), 2);
    assert_eq!((&added.body["object"], &added.body["has_more"]), (&json!("list"), &json!(false)));
    let newest = app.get(Bob, &items).expect(200).await;
    let kinds: Vec<&Value> =
        newest.body["data"].as_array().unwrap().iter().map(|item| &item["type"]).collect();
    assert_eq!(kinds, ["function_call_output", "function_call", "message", "message"]);
    assert_eq!(newest.body["data"][0]["output"], "7");
    assert_eq!(newest.body["data"][1]["arguments"], "{}");
    assert_eq!(newest.body["first_id"], added.body["last_id"]);

    let page = format!("{items}?order=asc&limit=1&include[]=reasoning.encrypted_content");
    let first = app.get(Bob, &page).expect(200).await;
    assert_eq!(
        (texts(&first.body), &first.body["has_more"]),
        (vec!["one".to_owned()], &json!(true))
    );
    let last = first.body["last_id"].as_str().unwrap();
    let rest = format!("{items}?order=asc&limit=100&after={last}");
    let rest = app.get(Bob, &rest).expect(200).await;
    assert_eq!(rest.body["data"].as_array().unwrap().len(), 3);
    assert_eq!(
        (&rest.body["data"][0]["content"][0]["text"], &rest.body["has_more"]),
        (&json!("two"), &json!(false))
    );
    let behind = format!("{items}?after={}", first.body["first_id"].as_str().unwrap());
    let behind = app.get(Bob, &behind).expect(200).await;
    assert_eq!((&behind.body["data"], &behind.body["first_id"]), (&json!([]), &Value::Null));
    for wrong in ["limit=0", "limit=101", "order=up", "after=x", "include=all", "includes=a"] {
        let reply = app.get(Bob, &format!("{items}?{wrong}")).expect(400).await;
        assert_eq!(reply.body["error"]["type"], "invalid_request_error", "{wrong}");
    }
}

pub(crate) async fn an_item_is_read_and_taken_out_by_its_id(app: &App) {
    let (id, one) = begun(app, &["one", "two"]).await;
    let (_, other) = begun(app, &[]).await;
    let listed = app.get(Bob, &format!("{one}/items?order=asc")).expect(200).await;
    let first = listed.body["data"][0].clone();
    let name = first["id"].as_str().unwrap();
    let item = format!("{one}/items/{name}");

    assert_eq!(app.get(Bob, &item).expect(200).await.body, first);
    let elsewhere = app.get(Bob, &format!("{other}/items/{name}"));
    refused(elsewhere, 404, "not_found_error", "not_found").await;
    let left = app.delete(Bob, &item).expect(200).await;
    assert_eq!((left.id(), &left.body["object"]), (id.as_str(), &json!("conversation")));
    for request in [app.get(Bob, &item), app.delete(Bob, &item)] {
        refused(request, 404, "not_found_error", "not_found").await;
    }
    let listed = app.get(Bob, &format!("{one}/items")).expect(200).await;
    assert_eq!(texts(&listed.body), ["two"]);
}

pub(crate) async fn a_response_extends_its_conversation(app: &App) {
    let upstream = upstream(app).await;
    upstream.answer_usually(Turn::text("Grace."));
    assistant(app, json!({})).await;
    assistant(app, json!({"name": "Other"})).await;
    let (id, one) = begun(app, &["My name is Grace."]).await;

    let asked = json!({"model": "helper", "input": "Who am I?", "conversation": {"id": id}});
    let answer = app.post(Bob, RESPONSES).json(&asked).expect(200).await;

    assert_eq!(answer.body["conversation"], json!({"id": id}));
    assert!(upstream.last().unwrap().body.to_string().contains("My name is Grace."));
    let items = app.get(Bob, &format!("{one}/items?order=asc")).expect(200).await;
    assert_eq!(texts(&items.body), ["My name is Grace.", "Who am I?", "Grace."]);
    assert_eq!(items.body["data"][2]["content"][0]["type"], "output_text");
    let other = json!({"model": "other", "input": "And?", "conversation": id});
    let other = app.post(Bob, RESPONSES).json(&other);
    refused(other, 409, "invalid_request_error", "thread_of_another_assistant").await;
    let both = json!({"model": "helper", "input": "And?", "conversation": id,
        "previous_response_id": answer.id()});
    let both = app.post(Bob, RESPONSES).json(&both).expect(400).await;
    assert_eq!(both.body["error"]["param"], "conversation");
}

pub(crate) async fn items_are_called_alike_wherever_they_are_told(app: &App) {
    let upstream = upstream(app).await;
    let call = || Turn::tool_call("weather", json!({"city": "Bern"}));
    upstream.answer(call().and_tool_call("weather", json!({"city": "Zug"})));
    upstream.answer(Turn::chunks(["Sunny", "."]));
    assistant(app, json!({})).await;
    let (id, one) = begun(app, &[]).await;
    let tools = json!([{"type": "function", "name": "weather", "parameters": {"type": "object"}}]);
    let ask = |input: Value| {
        json!({"model": "helper", "input": input, "conversation": id, "tools": tools,
            "stream": true})
    };

    let first = streamed(app, ask(json!("How is the weather?"))).await;
    let output = first.last().unwrap()["response"]["output"].clone();
    let result = |at: usize| {
        let call = &output[at]["call_id"];
        json!({"type": "function_call_output", "call_id": call, "output": "Sunny."})
    };
    let second = streamed(app, ask(json!([result(0), result(1), said("So?")]))).await;

    for events in [&first, &second] {
        let response = &events.last().unwrap()["response"];
        let ids = |kind: &str| -> Vec<Value> {
            let events = events.iter().filter(|event| event["type"] == kind);
            events.map(|event| event["item"]["id"].clone()).collect()
        };
        let output = response["output"].as_array().unwrap();
        let told: Vec<Value> = output.iter().map(|item| item["id"].clone()).collect();
        assert_eq!(ids("response.output_item.added"), told);
        assert_eq!(ids("response.output_item.done"), told);
        let kept = format!("{RESPONSES}/{}", response["id"].as_str().unwrap());
        let kept = app.get(Bob, &kept).expect(200).await;
        assert_eq!(kept.body["output"], response["output"]);
    }
    let asked = |events: &[Value]| {
        let id = events.last().unwrap()["response"]["id"].as_str().unwrap().to_owned();
        format!("{RESPONSES}/{id}/input_items?order=asc")
    };
    let mut told = Vec::new();
    for events in [&first, &second] {
        let input = app.get(Bob, &asked(events)).expect(200).await;
        told.extend(input.body["data"].as_array().unwrap().clone());
        let output = events.last().unwrap()["response"]["output"].as_array().unwrap();
        told.extend(output.clone());
    }
    let items = app.get(Bob, &format!("{one}/items?order=asc")).expect(200).await;
    let items = items.body["data"].as_array().unwrap();
    let named = |items: &[Value]| -> Vec<(Value, Value)> {
        items.iter().map(|item| (item["type"].clone(), item["id"].clone())).collect()
    };
    assert_eq!(named(items), named(&told));
    assert_eq!(items.len(), 7);
    // And by these they are found and taken out.
    let call = format!("{one}/items/{}", items[1]["id"].as_str().unwrap());
    assert_eq!(app.get(Bob, &call).expect(200).await.body, items[1]);
    assert!(items[1]["id"].as_str().unwrap().starts_with("fc_"));
    let behind = format!("{one}/items?order=asc&after={}", items[4]["id"].as_str().unwrap());
    let behind = app.get(Bob, &behind).expect(200).await;
    assert_eq!(behind.body["data"].as_array().unwrap().len(), 2);
    app.delete(Bob, &call).expect(200).await;
    app.get(Bob, &call).expect(404).await;
}

/// The events of a response that is streamed.
async fn streamed(app: &App, body: Value) -> Vec<Value> {
    let reply = app.post(Bob, RESPONSES).json(&body).expect(200).await;
    let text = String::from_utf8(reply.bytes.clone()).unwrap();
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).unwrap()).collect()
}

pub(crate) async fn a_conversation_is_its_users_alone(app: &App) {
    let (_, one) = begun(app, &["one"]).await;
    let listed = app.get(Bob, &format!("{one}/items")).expect(200).await;
    let items = format!("{one}/items");
    let item = format!("{items}/{}", listed.body["first_id"].as_str().unwrap());
    let hello = json!({"items": [said("Hello")]});
    let pairs = json!({"metadata": {}});

    for person in [Ada, Stranger] {
        for request in [
            app.get(person, &one),
            app.post(person, &one).json(&pairs),
            app.delete(person, &one),
            app.get(person, &items),
            app.post(person, &items).json(&hello),
            app.get(person, &item),
            app.delete(person, &item),
        ] {
            refused(request, 404, "not_found_error", "not_found").await;
        }
    }
    let seatless = app.post(Seatless, CONVERSATIONS).json(&json!({}));
    refused(seatless, 403, "permission_error", "ai_seat_required").await;
    let nobody = app.anonymous(Method::POST, CONVERSATIONS).json(&json!({}));
    refused(nobody, 401, "authentication_error", "unauthenticated").await;
    assert_eq!(app.get(Bob, &items).expect(200).await.body, listed.body);
}

pub(crate) async fn what_a_conversation_cannot_hold_is_refused(app: &App) {
    let (_, one) = begun(app, &[]).await;
    let decision = json!({"type": "mcp_approval_response", "approval_request_id": "apr_1",
        "approve": true});
    let file = json!([{"type": "input_file", "file_id": format!("file_{}", "0".repeat(32))}]);
    let cases = [
        (json!({}), "items", "missing_required_parameter"),
        (json!({"items": []}), "items", "missing_required_parameter"),
        (json!({"items": vec![said("x"); 21]}), "items", "too_many"),
        (json!({"items": [decision]}), "items[0].type", "invalid_value"),
        (json!({"items": [{"role": "user", "content": file}]}), "items[0]", "unknown"),
        (json!({"items": [said("x")], "model": "a"}), "model", "unknown_parameter"),
    ];
    for (body, param, code) in cases {
        let reply = app.post(Bob, &format!("{one}/items")).json(&body).expect(400).await;
        let error = &reply.body["error"];
        assert_eq!((&error["param"], &error["code"]), (&json!(param), &json!(code)), "{error}");
    }
    let many: Value =
        (0..17).map(|n| (n.to_string(), json!("x"))).collect::<serde_json::Map<_, _>>().into();
    let reply = app.post(Bob, &one).json(&json!({"metadata": many})).expect(400).await;
    assert_eq!(reply.body["error"]["param"], "metadata");
    let reply = app.post(Bob, &one).json(&json!({})).expect(400).await;
    assert_eq!(reply.body["error"]["code"], "missing_required_parameter");
    assert_eq!(app.get(Bob, &format!("{one}/items")).expect(200).await.body["data"], json!([]));
}
