//! What is sent to Anthropic, field by field.

use proptest::prelude::*;
use serde_json::{Value, json};
use understudy_domain::{
    assistant::content::MessageRole::{Assistant, System, User},
    chat::{ChatRequest, Protocol::AnthropicMessages, SentFormat, SentSettings, ToolChoice},
    conversation::{Item, MediaSource, Part, ReasoningBlock, ToolResult},
    ports::{ChatModel, ListedByProvider},
};
use understudy_testkit::{ModelUpstream, Reply, Turn, Upstream};

use crate::support::{KEY, access, ask, block, body, call, models, object, request, result, tool};

fn with_settings(settings: SentSettings) -> Value {
    body(&ChatRequest { settings, ..request(AnthropicMessages) })
}

fn messages(items: Vec<Item>) -> Value {
    body(&ChatRequest { items, ..request(AnthropicMessages) })["messages"].clone()
}

fn said(role: &str, text: &str) -> Value {
    json!({ "role": role, "content": [{ "type": "text", "text": text }] })
}

fn reasoning(protocol: &str, raw: Value) -> Item {
    let (protocol, summary) = (protocol.to_owned(), "Hm.".to_owned());
    Item::Reasoning(ReasoningBlock { protocol, summary, raw })
}

#[test]
fn a_bare_request_has_nothing_that_was_not_asked() {
    let stable = json!({ "type": "ephemeral" });
    assert_eq!(
        body(&request(AnthropicMessages)),
        json!({
            "model": "m", "max_tokens": 4096, "stream": true,
            "system": [{ "type": "text", "text": "Be brief.", "cache_control": stable }],
            "messages": [said("user", "Hi")],
            "metadata": { "user_id": "abc" },
        })
    );
}

#[test]
fn every_setting_goes_under_the_protocols_name() {
    let some = SentSettings::default;
    let word = |text: &str| Some(text.to_owned());
    let form = SentFormat::JsonSchema {
        name: "fox".to_owned(),
        description: None,
        schema: object(json!({ "type": "object" })),
        strict: true,
    };
    for (settings, expected) in [
        (SentSettings { temperature: Some(0.7), ..some() }, json!({ "temperature": 0.7 })),
        (SentSettings { top_p: Some(0.5), ..some() }, json!({ "top_p": 0.5 })),
        (
            SentSettings { stop: vec!["END".to_owned()], ..some() },
            json!({ "stop_sequences": ["END"] }),
        ),
        (SentSettings { max_output_tokens: Some(9), ..some() }, json!({ "max_tokens": 9 })),
        (
            SentSettings { service_tier: word("standard_only"), ..some() },
            json!({ "service_tier": "standard_only" }),
        ),
        (
            SentSettings { reasoning_effort: word("none"), ..some() },
            json!({ "thinking": { "type": "disabled" } }),
        ),
        (
            SentSettings {
                reasoning_effort: word("high"),
                reasoning_summary: word("summarized"),
                ..some()
            },
            json!({
                "thinking": { "type": "adaptive", "display": "summarized" },
                "output_config": { "effort": "high" },
            }),
        ),
        (
            SentSettings { reasoning_budget: Some(8000), ..some() },
            json!({
                "thinking": { "type": "enabled", "budget_tokens": 8000 },
                "max_tokens": 12096,
            }),
        ),
        (
            SentSettings { format: Some(form), ..some() },
            json!({ "output_config": { "format": {
                "type": "json_schema", "schema": { "type": "object" },
            } } }),
        ),
    ] {
        let mut expected = object(expected);
        for (name, value) in object(body(&request(AnthropicMessages))) {
            expected.entry(name).or_insert(value);
        }
        assert_eq!(with_settings(settings.clone()), Value::Object(expected), "{settings:?}");
    }
}

#[test]
fn what_the_protocol_has_no_word_for_is_not_sent() {
    let some = SentSettings::default;
    for settings in [
        SentSettings { format: Some(SentFormat::JsonObject), ..some() },
        SentSettings { seed: Some(1), ..some() },
        SentSettings { frequency_penalty: Some(1.0), ..some() },
        SentSettings { presence_penalty: Some(1.0), ..some() },
        SentSettings { top_logprobs: Some(2), ..some() },
        SentSettings { verbosity: Some("low".to_owned()), ..some() },
        SentSettings { parallel_tool_calls: Some(false), ..some() },
    ] {
        let sent = with_settings(settings.clone());
        assert_eq!(sent, body(&request(AnthropicMessages)), "{settings:?}");
    }
}

#[test]
fn the_last_block_that_stays_is_kept_at_hand() {
    let system = vec![
        block("safety", "One.", true),
        block("rules", " ", true),
        block("instructions", "Two.", true),
        block("memory", "Three.", false),
        block("format", "Four.", true),
    ];
    let body = body(&ChatRequest { system, ..request(AnthropicMessages) });
    assert_eq!(
        body["system"],
        json!([
            { "type": "text", "text": "One." },
            { "type": "text", "text": "Two.", "cache_control": { "type": "ephemeral" } },
            { "type": "text", "text": "Three." },
            { "type": "text", "text": "Four." },
        ])
    );
}

#[test]
fn a_loop_of_tools_is_folded_into_turns_with_thoughts_given_back_as_they_were() {
    let raw = json!({ "type": "thinking", "thinking": "Hm.", "signature": "EqQB" });
    let failed = ToolResult { call_id: "b".to_owned(), content: "no".to_owned(), is_error: true };
    let items = vec![
        Item::text(User, "Look"),
        Item::text(User, "twice"),
        reasoning("anthropic_messages", raw.clone()),
        reasoning("openai_responses", json!({ "id": "rs_1" })),
        Item::text(Assistant, "I look."),
        call("a", r#"{"at":1}"#),
        call("b", ""),
        result("a", "seen"),
        Item::ToolResult(failed),
        Item::text(Assistant, "Seen."),
        Item::text(System, "Be kind."),
        Item::text(User, "Thanks"),
    ];
    let request = ChatRequest { items, tools: vec![tool("look")], ..request(AnthropicMessages) };
    let body = body(&request);
    assert_eq!(
        body["messages"],
        json!([
            { "role": "user", "content": [
                { "type": "text", "text": "Look" }, { "type": "text", "text": "twice" },
            ] },
            { "role": "assistant", "content": [
                raw,
                { "type": "text", "text": "I look." },
                { "type": "tool_use", "id": "a", "name": "look", "input": { "at": 1 } },
                { "type": "tool_use", "id": "b", "name": "look", "input": {} },
            ] },
            { "role": "user", "content": [
                { "type": "tool_result", "tool_use_id": "a", "content": "seen", "is_error": false },
                { "type": "tool_result", "tool_use_id": "b", "content": "no", "is_error": true },
            ] },
            said("assistant", "Seen."),
            said("user", "Thanks"),
        ])
    );
    assert_eq!(body["system"][1]["text"], "Be kind.");
}

#[test]
fn media_go_as_blocks_and_what_cannot_be_read_is_named() {
    let data = |content_type: &str, base64: &str| MediaSource::Data {
        content_type: content_type.to_owned(),
        base64: base64.to_owned(),
    };
    let url = || MediaSource::Url("https://x.example/a".to_owned());
    let named = |source, name: &str| Part::File { source, name: Some(name.to_owned()) };
    let parts = vec![
        Part::Image { source: url() },
        Part::Image { source: data("image/png", "QUJD") },
        named(data("application/pdf", "QUJD"), "a.pdf"),
        named(data("text/markdown; charset=utf-8", "QUJD"), "a.md"),
        Part::File { source: url(), name: None },
        named(data("application/msword", "QUJD"), "a.doc"),
        Part::Audio { source: url() },
        Part::Audio { source: data("audio/wav", "QUJD") },
        Part::Text { text: String::new() },
    ];
    let messages = messages(vec![Item::Message { role: User, parts }]);
    let source = json!({ "type": "url", "url": "https://x.example/a" });
    assert_eq!(
        messages[0]["content"],
        json!([
            { "type": "image", "source": source },
            { "type": "image", "source": {
                "type": "base64", "media_type": "image/png", "data": "QUJD",
            } },
            { "type": "document", "title": "a.pdf", "source": {
                "type": "base64", "media_type": "application/pdf", "data": "QUJD",
            } },
            { "type": "document", "title": "a.md", "source": {
                "type": "text", "media_type": "text/plain", "data": "ABC",
            } },
            { "type": "document", "source": source },
            { "type": "text", "text":
                "[a.doc is attached, but files of the type application/msword cannot be read here.]" },
            { "type": "text", "text": "https://x.example/a" },
        ])
    );
}

#[test]
fn a_conversation_that_begins_or_ends_in_the_middle_is_made_whole() {
    let earlier = "(Earlier messages are left out.)";
    assert_eq!(messages(Vec::new()), json!([said("user", earlier)]));
    let items = vec![Item::text(Assistant, "So it is. \n")];
    assert_eq!(messages(items), json!([said("user", earlier), said("assistant", "So it is.")]));

    // A call that nobody ran, and a result of a call that is gone.
    let items = vec![call("a", "{"), Item::text(User, "Stop"), result("x:1", "late")];
    let used = json!({ "type": "tool_use", "id": "a", "name": "look", "input": {} });
    let missing = json!({
        "type": "tool_result", "tool_use_id": "a", "content": "This call was not run.",
        "is_error": true,
    });
    assert_eq!(
        messages(items),
        json!([
            said("user", earlier),
            { "role": "assistant", "content": [used] },
            { "role": "user", "content": [
                missing, { "type": "text", "text": "late" }, { "type": "text", "text": "Stop" },
            ] },
        ])
    );
}

#[test]
fn tools_are_offered_with_the_choice_among_them() {
    let mut offered = ChatRequest { tools: vec![tool("look")], ..request(AnthropicMessages) };
    let empty = json!({ "type": "object" });
    assert_eq!(
        body(&offered)["tools"],
        json!([{ "name": "look", "description": "It does look.", "input_schema": empty }])
    );
    let serial = Some(true);
    for (choice, parallel, expected) in [
        (ToolChoice::Auto, None, Value::Null),
        (
            ToolChoice::Auto,
            Some(false),
            json!({ "type": "auto", "disable_parallel_tool_use": true }),
        ),
        (
            ToolChoice::Required,
            serial,
            json!({ "type": "any", "disable_parallel_tool_use": false }),
        ),
        (ToolChoice::Required, None, json!({ "type": "any" })),
        (ToolChoice::Named("look".to_owned()), None, json!({ "type": "tool", "name": "look" })),
        (ToolChoice::None, Some(false), json!({ "type": "none" })),
    ] {
        offered.tool_choice = choice;
        offered.settings.parallel_tool_calls = parallel;
        let sent = body(&offered);
        assert_eq!(sent.get("tool_choice").unwrap_or(&Value::Null), &expected);
    }
}

#[test]
fn tools_that_were_used_and_are_withdrawn_are_named_and_may_not_be_used() {
    let items = vec![Item::text(User, "Look"), call("a", "{}"), result("a", "seen")];
    let body = body(&ChatRequest { items, ..request(AnthropicMessages) });
    assert_eq!(body["tools"][0]["name"], "look");
    assert_eq!(body["tool_choice"], json!({ "type": "none" }));
}

fn any_item() -> impl Strategy<Value = Item> {
    let id = prop_oneof![Just("a"), Just("b"), Just("c d"), Just("")];
    let text = prop_oneof![Just(""), Just(" \n"), Just("Hi"), Just("So. ")];
    prop_oneof![
        text.clone().prop_map(|text| Item::text(User, text)),
        text.clone().prop_map(|text| Item::text(Assistant, text)),
        text.clone().prop_map(|text| Item::text(System, text)),
        id.clone().prop_map(|id| call(id, "{}")),
        (id, text).prop_map(|(id, text)| result(id, text)),
        Just(reasoning("anthropic_messages", json!({ "type": "redacted_thinking", "data": "x" }))),
    ]
}

proptest! {
    #[test]
    fn whatever_a_conversation_is_like_the_provider_takes_it(
        items in prop::collection::vec(any_item(), 0..12),
    ) {
        let messages = messages(items);
        let messages = messages.as_array().unwrap();
        prop_assert!(!messages.is_empty());
        let mut open: Vec<&Value> = Vec::new();
        for (index, message) in messages.iter().enumerate() {
            let is_user = index % 2 == 0;
            prop_assert_eq!(&message["role"], if is_user { "user" } else { "assistant" });
            let blocks = message["content"].as_array().unwrap();
            prop_assert!(!blocks.is_empty());
            for block in blocks {
                let text = block["text"].as_str();
                prop_assert!(text.is_none_or(|text| !text.trim().is_empty()));
            }
            let ids = |kind: &str, name: &str| -> Vec<&Value> {
                let found = blocks.iter().filter(|block| block["type"] == kind);
                found.map(|block| &block[name]).collect()
            };
            if is_user {
                let results = ids("tool_result", "tool_use_id");
                prop_assert_eq!(&results, &open);
                let first = blocks.iter().take(results.len());
                prop_assert!(first.into_iter().all(|block| block["type"] == "tool_result"));
            }
            open = ids("tool_use", "id");
        }
        prop_assert!(open.is_empty(), "a call has no result");
    }
}

#[tokio::test]
async fn it_is_asked_at_its_address_in_the_version_that_is_spoken_with_the_key() {
    let upstream = ModelUpstream::start().await.unwrap();
    upstream.answer(Turn::text("Hello"));

    ask(AnthropicMessages, &upstream).await.unwrap();

    let asked = upstream.last().unwrap();
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/v1/messages"));
    assert_eq!(asked.header("anthropic-version"), Some("2023-06-01"));
    assert_eq!((asked.header("x-api-key"), asked.header("authorization")), (Some(KEY), None));
    assert_eq!(asked.header("content-type"), Some("application/json"));
    assert_eq!(asked.body, body(&request(AnthropicMessages)));
}

#[tokio::test]
async fn models_are_listed_page_by_page() {
    let upstream = Upstream::answering("127.0.0.1", |asked| {
        let page = if asked.path.contains("after_id=b") {
            json!({ "data": [{ "id": "c" }], "has_more": false, "last_id": "c" })
        } else {
            json!({ "data": [{ "id": "a" }, { "id": "b" }], "has_more": true, "last_id": "b" })
        };
        Reply::new(200, page.to_string())
    });
    let upstream = upstream.await.unwrap();
    let provider = access(AnthropicMessages, upstream.url(""));

    let listed = models().list(&provider).await.unwrap();

    let expected = ["a", "b", "c"].map(|id| ListedByProvider { id: id.to_owned() });
    assert_eq!(listed, expected);
    assert_eq!(upstream.asked().len(), 2);
}
