//! What is sent, field by field.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use understudy_domain::{
    assistant::content::MessageRole::{Assistant, System, User},
    chat::{
        ChatRequest,
        Protocol::{self, CompatibleChat, OpenaiChat, OpenaiResponses},
        SentFormat, SentSettings, ToolChoice, ToolSpec,
    },
    conversation::{Item, MediaSource, Part, ReasoningBlock, ToolCall, ToolResult},
    ports::ChatModel,
};

use crate::support::{models, request};

const ALL: [Protocol; 3] = [OpenaiResponses, OpenaiChat, CompatibleChat];

fn body(request: &ChatRequest) -> Value {
    models().render(request)
}

fn with_settings(protocol: Protocol, settings: SentSettings) -> Value {
    body(&ChatRequest { settings, ..request(protocol) })
}

fn with_items(protocol: Protocol, items: Vec<Item>) -> Value {
    body(&ChatRequest { items, ..request(protocol) })
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn call(id: &str, arguments: &str) -> Item {
    let (id, name) = (id.to_owned(), "look".to_owned());
    Item::ToolCall(ToolCall { id, name, arguments: arguments.to_owned() })
}

fn result(call_id: &str) -> Item {
    let (call_id, content) = (call_id.to_owned(), "seen".to_owned());
    Item::ToolResult(ToolResult { call_id, content, is_error: false })
}

fn data(content_type: &str) -> MediaSource {
    MediaSource::Data { content_type: content_type.to_owned(), base64: "QUJD".to_owned() }
}

#[test]
fn a_bare_request_has_nothing_that_was_not_asked() {
    assert_eq!(
        body(&request(OpenaiResponses)),
        json!({
            "model": "gpt-4o", "instructions": "Be brief.", "stream": true, "store": false,
            "truncation": "disabled", "safety_identifier": "abc",
            "input": [{
                "type": "message", "role": "user",
                "content": [{ "type": "input_text", "text": "Hi" }],
            }],
        })
    );
    let messages = json!([
        { "role": "system", "content": "Be brief." },
        { "role": "user", "content": "Hi" },
    ]);
    assert_eq!(
        body(&request(OpenaiChat)),
        json!({
            "model": "gpt-4o", "messages": messages, "stream": true, "store": false,
            "stream_options": { "include_usage": true }, "safety_identifier": "abc",
        })
    );
    assert_eq!(
        body(&request(CompatibleChat)),
        json!({
            "model": "gpt-4o", "messages": messages, "stream": true,
            "stream_options": { "include_usage": true },
        })
    );
}

#[test]
fn every_setting_goes_under_the_protocols_name() {
    let some = SentSettings::default;
    let form = SentFormat::JsonSchema {
        name: "fox".to_owned(),
        description: None,
        schema: object(json!({ "type": "object" })),
        strict: true,
    };
    let bias = BTreeMap::from([("50256".to_owned(), -100.0)]);
    let flat = json!({
        "type": "json_schema", "name": "fox", "schema": { "type": "object" }, "strict": true,
    });
    let nested = json!({ "type": "json_schema", "json_schema": {
        "name": "fox", "schema": { "type": "object" }, "strict": true,
    } });
    // The setting; what it is in Responses; what it is in Chat Completions.
    let table = [
        (SentSettings { temperature: Some(0.7), ..some() }, json!({ "temperature": 0.7 }), None),
        (SentSettings { top_p: Some(0.5), ..some() }, json!({ "top_p": 0.5 }), None),
        (
            SentSettings { service_tier: Some("flex".to_owned()), ..some() },
            json!({ "service_tier": "flex" }),
            None,
        ),
        (
            SentSettings { frequency_penalty: Some(0.5), ..some() },
            json!({}),
            Some(json!({ "frequency_penalty": 0.5 })),
        ),
        (
            SentSettings { presence_penalty: Some(-0.5), ..some() },
            json!({}),
            Some(json!({ "presence_penalty": -0.5 })),
        ),
        (
            SentSettings { logit_bias: Some(bias), ..some() },
            json!({}),
            Some(json!({ "logit_bias": { "50256": -100.0 } })),
        ),
        (SentSettings { seed: Some(7), ..some() }, json!({}), Some(json!({ "seed": 7 }))),
        (
            SentSettings { stop: vec!["END".to_owned()], ..some() },
            json!({}),
            Some(json!({ "stop": ["END"] })),
        ),
        (
            SentSettings { top_logprobs: Some(3), ..some() },
            json!({ "top_logprobs": 3, "include": ["message.output_text.logprobs"] }),
            Some(json!({ "logprobs": true, "top_logprobs": 3 })),
        ),
        (
            SentSettings { verbosity: Some("low".to_owned()), ..some() },
            json!({ "text": { "verbosity": "low" } }),
            Some(json!({ "verbosity": "low" })),
        ),
        (
            SentSettings { format: Some(SentFormat::JsonObject), ..some() },
            json!({ "text": { "format": { "type": "json_object" } } }),
            Some(json!({ "response_format": { "type": "json_object" } })),
        ),
        (
            SentSettings { format: Some(form), ..some() },
            json!({ "text": { "format": flat } }),
            Some(json!({ "response_format": nested })),
        ),
        // Without tools there is nothing that could be called at once.
        (SentSettings { parallel_tool_calls: Some(true), ..some() }, json!({}), None),
    ];
    for (settings, responses, chat) in table {
        let chat = chat.unwrap_or_else(|| responses.clone());
        for (protocol, more) in
            [(OpenaiResponses, responses), (OpenaiChat, chat.clone()), (CompatibleChat, chat)]
        {
            let mut expected = object(body(&request(protocol)));
            expected.extend(object(more));
            let sent = with_settings(protocol, settings.clone());
            assert_eq!(sent, Value::Object(expected), "{protocol:?} {settings:?}");
        }
    }
}

#[test]
fn the_longest_answer_has_three_names() {
    let settings = SentSettings { max_output_tokens: Some(99), ..SentSettings::default() };
    let names = ["max_output_tokens", "max_completion_tokens", "max_tokens"];
    for (protocol, name) in ALL.into_iter().zip(names) {
        let sent = with_settings(protocol, settings.clone());
        let present: Vec<&str> = names.into_iter().filter(|n| sent.get(n).is_some()).collect();
        assert_eq!((present, &sent[name]), (vec![name], &json!(99)), "{protocol:?}");
    }
}

#[test]
fn models_that_think_are_told_how_hard_and_give_their_thoughts_back() {
    let settings = SentSettings {
        reasoning_effort: Some("low".to_owned()),
        reasoning_summary: Some("auto".to_owned()),
        ..SentSettings::default()
    };
    let sent = with_settings(OpenaiResponses, settings.clone());
    assert_eq!(sent["reasoning"], json!({ "effort": "low", "summary": "auto" }));
    assert_eq!(sent["include"], json!(["reasoning.encrypted_content"]));
    let sent = with_settings(OpenaiChat, settings.clone());
    assert_eq!(sent["reasoning_effort"], "low");
    assert_eq!(sent["messages"][0]["role"], "developer");
    let sent = with_settings(CompatibleChat, settings);
    assert_eq!(sent["messages"][0]["role"], "system");

    for (model, thinks) in [
        ("o3", true),
        ("o4-mini", true),
        ("gpt-5.4", true),
        ("gpt-6-sol", true),
        ("gpt-5-chat-latest", false),
        ("gpt-4.1", false),
        ("gpt-oss-20b", false),
    ] {
        let request = ChatRequest { model: model.to_owned(), ..request(OpenaiResponses) };
        assert_eq!(body(&request).get("include").is_some(), thinks, "{model}");
    }
}

#[test]
fn tools_are_offered_with_the_choice_among_them() {
    let look = ToolSpec {
        name: "look".to_owned(),
        description: "Looks.".to_owned(),
        parameters: object(json!({ "type": "object", "properties": {} })),
        strict: None,
    };
    let settings = SentSettings { parallel_tool_calls: Some(false), ..SentSettings::default() };
    for protocol in ALL {
        let is_flat = protocol == OpenaiResponses;
        for (choice, expected) in [
            (ToolChoice::Auto, json!("auto")),
            (ToolChoice::None, json!("none")),
            (ToolChoice::Required, json!("required")),
            (
                ToolChoice::Named("look".to_owned()),
                if is_flat {
                    json!({ "type": "function", "name": "look" })
                } else {
                    json!({ "type": "function", "function": { "name": "look" } })
                },
            ),
        ] {
            let sent = body(&ChatRequest {
                tools: vec![look.clone()],
                tool_choice: choice,
                settings: settings.clone(),
                ..request(protocol)
            });
            assert_eq!(sent["tool_choice"], expected, "{protocol:?}");
            assert_eq!(sent["parallel_tool_calls"], false);
            let tool = &sent["tools"][0];
            let function = if is_flat { tool } else { &tool["function"] };
            assert_eq!((&tool["type"], &function["name"]), (&json!("function"), &json!("look")));
            assert_eq!(function["parameters"]["type"], "object");
            let strict = if is_flat { Some(&Value::Bool(false)) } else { None };
            assert_eq!(function.get("strict"), strict);
        }
    }
}

#[test]
fn what_was_said_and_done_is_told_in_order() {
    let thought = |protocol: &str| {
        Item::Reasoning(ReasoningBlock {
            protocol: protocol.to_owned(),
            summary: String::new(),
            raw: json!({ "type": "reasoning", "id": protocol }),
        })
    };
    let items = vec![
        Item::text(User, "Look."),
        thought("openai_responses"),
        thought("anthropic_messages"),
        Item::text(Assistant, "I look."),
        call("a", "{\"x\":1}"),
        call("b", ""),
        result("a"),
        result("b"),
        call("c", "{}"),
        result("c"),
        Item::text(System, "Be kind."),
    ];
    let said = |kind: &str, role: &str, text: &str| json!({ "type": "message", "role": role, "content": [{ "type": kind, "text": text }] });
    let called = |id: &str, arguments: &str| json!({ "type": "function_call", "call_id": id, "name": "look", "arguments": arguments });
    let answered =
        |id: &str| json!({ "type": "function_call_output", "call_id": id, "output": "seen" });
    assert_eq!(
        with_items(OpenaiResponses, items.clone())["input"],
        json!([
            said("input_text", "user", "Look."),
            { "type": "reasoning", "id": "openai_responses" },
            said("output_text", "assistant", "I look."),
            called("a", "{\"x\":1}"),
            called("b", "{}"),
            answered("a"),
            answered("b"),
            called("c", "{}"),
            answered("c"),
            said("input_text", "developer", "Be kind."),
        ])
    );
    let called = |id: &str, arguments: &str| {
        let function = json!({ "name": "look", "arguments": arguments });
        json!({ "id": id, "type": "function", "function": function })
    };
    let answered = |id: &str| json!({ "role": "tool", "tool_call_id": id, "content": "seen" });
    for protocol in [OpenaiChat, CompatibleChat] {
        assert_eq!(
            with_items(protocol, items.clone())["messages"],
            json!([
                { "role": "system", "content": "Be brief." },
                { "role": "user", "content": "Look." },
                {
                    "role": "assistant", "content": "I look.",
                    "tool_calls": [called("a", "{\"x\":1}"), called("b", "{}")],
                },
                answered("a"),
                answered("b"),
                { "role": "assistant", "content": null, "tool_calls": [called("c", "{}")] },
                answered("c"),
                { "role": "system", "content": "Be kind." },
            ])
        );
    }
}

#[test]
fn people_send_pictures_documents_and_recordings() {
    let there = MediaSource::Url("https://example.com/x".to_owned());
    let parts = vec![
        Part::Text { text: "See:".to_owned() },
        Part::Image { source: there.clone() },
        Part::Image { source: data("image/png") },
        Part::File { source: data("application/pdf"), name: Some("a.pdf".to_owned()) },
        Part::File { source: there, name: Some("b.pdf".to_owned()) },
        Part::Audio { source: data("audio/mpeg") },
    ];
    let items = vec![Item::Message { role: User, parts }];
    let audio =
        json!({ "type": "input_audio", "input_audio": { "data": "QUJD", "format": "mp3" } });
    assert_eq!(
        with_items(OpenaiResponses, items.clone())["input"][0]["content"],
        json!([
            { "type": "input_text", "text": "See:" },
            { "type": "input_image", "image_url": "https://example.com/x" },
            { "type": "input_image", "image_url": "data:image/png;base64,QUJD" },
            {
                "type": "input_file", "filename": "a.pdf",
                "file_data": "data:application/pdf;base64,QUJD",
            },
            { "type": "input_file", "file_url": "https://example.com/x" },
            audio.clone(),
        ])
    );
    let file = json!({ "filename": "a.pdf", "file_data": "data:application/pdf;base64,QUJD" });
    for protocol in [OpenaiChat, CompatibleChat] {
        assert_eq!(
            with_items(protocol, items.clone())["messages"][1]["content"],
            json!([
                { "type": "text", "text": "See:" },
                { "type": "image_url", "image_url": { "url": "https://example.com/x" } },
                { "type": "image_url", "image_url": { "url": "data:image/png;base64,QUJD" } },
                { "type": "file", "file": file },
                { "type": "text", "text": "b.pdf: https://example.com/x" },
                audio.clone(),
            ])
        );
    }
}

#[test]
fn a_refusal_is_told_as_one_where_there_is_a_word_for_it() {
    let parts = vec![Part::Refusal { text: "No.".to_owned() }];
    let items = vec![Item::Message { role: Assistant, parts }];
    let refusal = json!([{ "type": "refusal", "refusal": "No." }]);
    assert_eq!(with_items(OpenaiResponses, items.clone())["input"][0]["content"], refusal);
    assert_eq!(with_items(OpenaiChat, items.clone())["messages"][1]["content"], refusal);
    assert_eq!(with_items(CompatibleChat, items)["messages"][1]["content"], "No.");
}
