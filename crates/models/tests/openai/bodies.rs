//! What is sent, field by field.

use serde_json::{Map, Value, json};
use understudy_domain::{
    assistant::content::MessageRole::{Assistant, System, User},
    chat::{
        ChatRequest,
        Protocol::{self, CompatibleChat, OpenaiChat, OpenaiResponses},
        SentSettings, ToolChoice, ToolSpec,
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
    match value {
        Value::Object(object) => object,
        other => panic!("no object: {other}"),
    }
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

/// What a setting adds to the request without settings.
fn expect_added(protocol: Protocol, settings: &Value, added: &Value) {
    let mut expected = object(body(&request(protocol)));
    expected.extend(object(added.clone()));
    let sent = with_settings(protocol, serde_json::from_value(settings.clone()).unwrap());
    assert_eq!(sent, Value::Object(expected), "{protocol:?} {settings}");
}

#[test]
fn settings_that_all_know_have_the_same_name_everywhere() {
    for setting in
        [json!({ "temperature": 0.7 }), json!({ "top_p": 0.5 }), json!({ "service_tier": "flex" })]
    {
        for protocol in ALL {
            expect_added(protocol, &setting, &setting);
        }
    }
    // Without tools there is nothing that could be called at once.
    for protocol in ALL {
        expect_added(protocol, &json!({ "parallel_tool_calls": true }), &json!({}));
    }
}

#[test]
fn settings_that_only_chat_completions_know_are_sent_in_them() {
    for setting in [
        json!({ "frequency_penalty": 0.5 }),
        json!({ "presence_penalty": -0.5 }),
        json!({ "logit_bias": { "50256": -100.0 } }),
        json!({ "seed": 7 }),
        json!({ "stop": ["END"] }),
    ] {
        expect_added(OpenaiChat, &setting, &setting);
        expect_added(CompatibleChat, &setting, &setting);
        expect_added(OpenaiResponses, &setting, &json!({}));
    }
}

#[test]
fn settings_that_are_said_in_two_ways_are_said_in_each_protocols_way() {
    let schema = json!({
        "type": "json_schema", "name": "fox", "schema": { "type": "object" }, "strict": true,
    });
    let nested = json!({ "type": "json_schema", "json_schema": {
        "name": "fox", "schema": { "type": "object" }, "strict": true,
    } });
    let form = json!({ "type": "json_object" });
    for (setting, responses, chat) in [
        (
            json!({ "top_logprobs": 3 }),
            json!({ "top_logprobs": 3, "include": ["message.output_text.logprobs"] }),
            json!({ "logprobs": true, "top_logprobs": 3 }),
        ),
        (
            json!({ "verbosity": "low" }),
            json!({ "text": { "verbosity": "low" } }),
            json!({ "verbosity": "low" }),
        ),
        (
            json!({ "format": form }),
            json!({ "text": { "format": form } }),
            json!({ "response_format": form }),
        ),
        (
            json!({ "format": schema }),
            json!({ "text": { "format": schema } }),
            json!({ "response_format": nested }),
        ),
    ] {
        expect_added(OpenaiResponses, &setting, &responses);
        expect_added(OpenaiChat, &setting, &chat);
        expect_added(CompatibleChat, &setting, &chat);
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

/// A conversation with all that can happen in one.
fn eventful() -> Vec<Item> {
    let thought = |protocol: &str| {
        Item::Reasoning(ReasoningBlock {
            protocol: protocol.to_owned(),
            summary: String::new(),
            raw: json!({ "type": "reasoning", "id": protocol }),
        })
    };
    vec![
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
    ]
}

#[test]
fn what_was_said_and_done_is_a_flat_list_in_responses() {
    let said = |kind: &str, role: &str, text: &str| json!({ "type": "message", "role": role, "content": [{ "type": kind, "text": text }] });
    let called = |id: &str, arguments: &str| json!({ "type": "function_call", "call_id": id, "name": "look", "arguments": arguments });
    let answered =
        |id: &str| json!({ "type": "function_call_output", "call_id": id, "output": "seen" });
    assert_eq!(
        with_items(OpenaiResponses, eventful())["input"],
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
}

#[test]
fn calls_belong_to_what_the_assistant_said_in_chat_completions() {
    let called = |id: &str, arguments: &str| {
        let function = json!({ "name": "look", "arguments": arguments });
        json!({ "id": id, "type": "function", "function": function })
    };
    let answered = |id: &str| json!({ "role": "tool", "tool_call_id": id, "content": "seen" });
    for protocol in [OpenaiChat, CompatibleChat] {
        assert_eq!(
            with_items(protocol, eventful())["messages"],
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
