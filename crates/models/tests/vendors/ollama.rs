//! What is sent to Ollama, field by field.

use serde_json::{Value, json};
use understudy_domain::{
    assistant::content::MessageRole::{Assistant, System, User},
    chat::{ChatRequest, Protocol::OllamaChat, SentFormat, SentSettings, ToolChoice},
    conversation::{Item, MediaSource, Part, ReasoningBlock},
    ports::{ChatModel, ListedByProvider},
};
use understudy_testkit::{ModelUpstream, Turn};

use crate::support::{KEY, access, ask, body, call, models, object, request, result, tool};

fn messages(items: Vec<Item>) -> Value {
    body(&ChatRequest { items, ..request(OllamaChat) })["messages"].clone()
}

#[test]
fn a_bare_request_has_nothing_that_was_not_asked() {
    assert_eq!(
        body(&request(OllamaChat)),
        json!({
            "model": "m", "stream": true,
            "messages": [
                { "role": "system", "content": "Be brief." },
                { "role": "user", "content": "Hi" },
            ],
        })
    );
}

#[test]
fn every_setting_goes_under_the_protocols_name() {
    let some = SentSettings::default;
    let schema = object(json!({ "type": "object" }));
    let form =
        SentFormat::JsonSchema { name: "fox".to_owned(), description: None, schema, strict: true };
    let option = |name: &str, value: Value| json!({ "options": { name: value } });
    for (settings, expected) in [
        (SentSettings { temperature: Some(0.7), ..some() }, option("temperature", json!(0.7))),
        (SentSettings { top_p: Some(0.5), ..some() }, option("top_p", json!(0.5))),
        (SentSettings { seed: Some(-1), ..some() }, option("seed", json!(-1))),
        (SentSettings { stop: vec!["END".to_owned()], ..some() }, option("stop", json!(["END"]))),
        (SentSettings { max_output_tokens: Some(9), ..some() }, option("num_predict", json!(9))),
        (
            SentSettings { presence_penalty: Some(0.5), ..some() },
            option("presence_penalty", json!(0.5)),
        ),
        (
            SentSettings { frequency_penalty: Some(0.5), ..some() },
            option("frequency_penalty", json!(0.5)),
        ),
        (
            SentSettings { format: Some(SentFormat::JsonObject), ..some() },
            json!({ "format": "json" }),
        ),
        (SentSettings { format: Some(form), ..some() }, json!({ "format": { "type": "object" } })),
        (
            SentSettings { reasoning_effort: Some("high".to_owned()), ..some() },
            json!({ "think": true }),
        ),
        (
            SentSettings { reasoning_effort: Some("none".to_owned()), ..some() },
            json!({ "think": false }),
        ),
        // For these there is no word.
        (SentSettings { reasoning_summary: Some("auto".to_owned()), ..some() }, json!({})),
        (SentSettings { service_tier: Some("flex".to_owned()), ..some() }, json!({})),
        (SentSettings { top_logprobs: Some(2), ..some() }, json!({})),
        (SentSettings { parallel_tool_calls: Some(false), ..some() }, json!({})),
    ] {
        let mut expected = object(expected);
        for (name, value) in object(body(&request(OllamaChat))) {
            expected.entry(name).or_insert(value);
        }
        let sent = body(&ChatRequest { settings: settings.clone(), ..request(OllamaChat) });
        assert_eq!(sent, Value::Object(expected), "{settings:?}");
    }
}

#[test]
fn one_family_is_told_how_hard_to_think() {
    for (effort, expected) in [
        ("none", json!(false)),
        ("minimal", json!("low")),
        ("medium", json!("medium")),
        ("max", json!("high")),
    ] {
        let mut request = request(OllamaChat);
        request.model = "library/gpt-oss:20b".to_owned();
        request.settings.reasoning_effort = Some(effort.to_owned());
        assert_eq!(body(&request)["think"], expected, "{effort}");
    }
}

#[test]
fn a_loop_of_tools_keeps_calls_with_their_message_and_results_with_their_tool() {
    let thought = Item::Reasoning(ReasoningBlock {
        protocol: "ollama_chat".to_owned(),
        summary: "Hm.".to_owned(),
        raw: json!({ "thinking": "Hm." }),
    });
    let items = vec![
        Item::text(User, "Look"),
        thought,
        Item::text(Assistant, "I look."),
        call("a", r#"{"at":1}"#),
        call("b", "{"),
        result("a", "seen"),
        result("b", "not seen"),
        Item::text(System, "Be kind."),
        Item::text(Assistant, "Seen."),
    ];
    let used = |id: &str, arguments: Value| json!({ "id": id, "function": { "name": "look", "arguments": arguments } });
    let told = |id: &str, content: &str| json!({ "role": "tool", "content": content, "tool_name": "look", "tool_call_id": id });
    assert_eq!(
        messages(items),
        json!([
            { "role": "system", "content": "Be brief." },
            { "role": "user", "content": "Look" },
            {
                "role": "assistant", "content": "I look.", "thinking": "Hm.",
                "tool_calls": [used("a", json!({ "at": 1 })), used("b", json!({}))],
            },
            told("a", "seen"),
            told("b", "not seen"),
            { "role": "system", "content": "Be kind." },
            { "role": "assistant", "content": "Seen." },
        ])
    );
}

#[test]
fn a_call_without_words_has_a_message_of_its_own() {
    let messages = messages(vec![Item::text(User, "Look"), call("a", "")]);
    assert_eq!((&messages[2]["role"], &messages[2]["content"]), (&json!("assistant"), &json!("")));
    assert_eq!(messages[2]["tool_calls"].as_array().unwrap().len(), 1);
}

#[test]
fn images_go_in_base64_and_of_others_the_place_is_told() {
    let data = |content_type: &str| MediaSource::Data {
        content_type: content_type.to_owned(),
        base64: "QUJD".to_owned(),
    };
    let named =
        |content_type| Part::File { source: data(content_type), name: Some("a".to_owned()) };
    let parts = vec![
        Part::Text { text: "See".to_owned() },
        Part::Image { source: data("image/png") },
        Part::Image { source: MediaSource::Url("https://x.example/a".to_owned()) },
        named("text/plain"),
        named("application/pdf"),
    ];
    let messages = messages(vec![Item::Message { role: User, parts }]);
    let unread = "[a is attached, but files of the type application/pdf cannot be read here.]";
    let content = ["See", "https://x.example/a", "a:\nABC", unread].join("\n\n");
    assert_eq!(messages[1], json!({ "role": "user", "content": content, "images": ["QUJD"] }));
}

#[test]
fn the_choice_of_tools_is_made_by_what_is_offered() {
    let tools = vec![tool("look"), tool("rest")];
    let offered = |choice: ToolChoice| {
        let request =
            ChatRequest { tools: tools.clone(), tool_choice: choice, ..request(OllamaChat) };
        let tools = body(&request)["tools"].as_array().cloned().unwrap_or_default();
        tools.iter().map(|tool| tool["function"]["name"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(offered(ToolChoice::Auto), ["look", "rest"]);
    assert_eq!(offered(ToolChoice::Required), ["look", "rest"]);
    assert_eq!(offered(ToolChoice::Named("rest".to_owned())), ["rest"]);
    assert!(offered(ToolChoice::None).is_empty());
}

#[tokio::test]
async fn it_is_asked_at_its_address_and_lists_its_models() {
    let upstream = ModelUpstream::start().await.unwrap();
    upstream.answer(Turn::text("Hello"));
    upstream.offer_models(["llama3", "gpt-oss:20b"]);

    ask(OllamaChat, &upstream).await.unwrap();
    let listed = models().list(&access(OllamaChat, upstream.ollama_url())).await.unwrap();

    let expected = ["llama3", "gpt-oss:20b"].map(|id| ListedByProvider { id: id.to_owned() });
    assert_eq!(listed, expected);
    let [asked, listing] = upstream.requests().try_into().unwrap();
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/api/chat"));
    assert_eq!(asked.header("authorization"), Some(&*format!("Bearer {KEY}")));
    assert_eq!(asked.body, body(&request(OllamaChat)));
    assert_eq!((listing.method.as_str(), listing.path.as_str()), ("GET", "/api/tags"));
}
