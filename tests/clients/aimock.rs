//! Conversations with a provider that others wrote, `llmock` of `@copilotkit/aimock`,
//! in every protocol: whole answers, calls of tools, and what goes wrong.

use std::{fs, process::Command, sync::Arc};

use futures_util::future::join_all;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use understudy_domain::{
    ProviderKind,
    assistant::content::MessageRole,
    chat::{ChatEvent, ChatRequest, ChatStop, Protocol, SentSettings, ToolChoice, ToolSpec},
    conversation::Item,
    ports::{ChatModel, ProviderAccess, ProviderError},
};
use understudy_models::Models;
use understudy_outbound::{Outbound, OutboundOptions};
use understudy_tests::tools::{Server, node_tool};

const ANSWER: &str =
    "Hi there! This is a streamed answer from the mock upstream, and a longer one.";

const PROTOCOLS: [Protocol; 5] = [
    Protocol::OpenaiResponses,
    Protocol::OpenaiChat,
    Protocol::CompatibleChat,
    Protocol::AnthropicMessages,
    Protocol::OllamaChat,
];

/// What the upstream says to what.
struct Llmock {
    url: String,
    _server: Server,
    _fixtures: TempDir,
}

fn llmock() -> Llmock {
    let limited = json!({"message": "Rate limited", "type": "rate_limit_error"});
    let on =
        |text: &str, response: Value| json!({"match": {"userMessage": text}, "response": response});
    let answer = json!({"content": ANSWER});
    let cut = json!({
        "match": {"userMessage": "cut"},
        "response": answer,
        "chunkSize": 8,
        "truncateAfterChunks": 3,
    });
    let slow = json!({
        "match": {"userMessage": "slow"},
        "response": answer,
        "chunkSize": 16,
        "latency": 20,
    });
    let call = json!({"toolCalls": [{"name": "get_weather", "arguments": "{\"city\":\"Oslo\"}"}]});
    let thinking = json!({"content": "Forty-two.", "reasoning": "Six times seven."});
    let fixtures = json!({"fixtures": [
        on("hello", answer),
        on("weather", call),
        on("think", thinking),
        on("too much", json!({"error": limited, "status": 429})),
        on("break", json!({"error": {"message": "Broken", "type": "server_error"}, "status": 500})),
        cut,
        slow,
    ]});
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fixtures.json");
    fs::write(&file, fixtures.to_string()).unwrap();

    let mut command = Command::new("node");
    command.arg(node_tool("llmock")).args(["--port", "0", "--strict", "--fixtures"]).arg(file);
    let ready = |line: &str| line.split_once("listening on ").map(|(_, url)| url.to_owned());
    let (server, url) = Server::start(&command, ready).unwrap();
    Llmock { url: url.trim_end_matches('/').to_owned(), _server: server, _fixtures: folder }
}

fn models() -> Models {
    let allowed_networks = vec!["127.0.0.1/32".parse().unwrap()];
    let outbound = Outbound::new(OutboundOptions { allowed_networks }).unwrap();
    Models::new(Arc::new(outbound)).with_pause(std::time::Duration::ZERO)
}

fn access(protocol: Protocol, llmock: &Llmock) -> ProviderAccess {
    let (kind, path) = match protocol {
        Protocol::OpenaiResponses | Protocol::OpenaiChat => (ProviderKind::Openai, "/v1"),
        Protocol::CompatibleChat => (ProviderKind::OpenaiCompatible, "/v1"),
        Protocol::AnthropicMessages => (ProviderKind::Anthropic, ""),
        Protocol::OllamaChat | Protocol::Builtin => (ProviderKind::Ollama, ""),
    };
    ProviderAccess { id: None, kind, base_url: Some(llmock.url.clone() + path), api_key: None }
}

fn request(protocol: Protocol, text: &str) -> ChatRequest {
    let parameters = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    let parameters: Map<String, Value> = serde_json::from_value(parameters).unwrap();
    let weather = ToolSpec {
        name: "get_weather".to_owned(),
        description: "What the weather is.".to_owned(),
        parameters,
        strict: None,
    };
    ChatRequest {
        protocol,
        model: "model-1".to_owned(),
        system: Vec::new(),
        items: vec![Item::text(MessageRole::User, text)],
        tools: vec![weather],
        tool_choice: ToolChoice::Auto,
        settings: SentSettings::default(),
        passages: Vec::new(),
        user_hash: "abc".to_owned(),
    }
}

/// All that is heard, and the fault that it ends with.
async fn ask(
    protocol: Protocol,
    llmock: &Llmock,
    text: &str,
) -> (Vec<ChatEvent>, Option<ProviderError>) {
    let mut heard = Vec::new();
    let models = models();
    let asked = request(protocol, text);
    let mut stream = match models.converse(&access(protocol, llmock), &asked).await {
        Ok(stream) => stream,
        Err(error) => return (heard, Some(error)),
    };
    while let Some(event) = stream.next().await {
        match event {
            Ok(event) => heard.push(event),
            Err(error) => return (heard, Some(error)),
        }
    }
    (heard, None)
}

fn text(heard: &[ChatEvent]) -> String {
    let texts = heard.iter().filter_map(|event| match event {
        ChatEvent::Text(text) => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}

#[tokio::test]
async fn an_answer_is_heard_in_pieces_to_its_end() {
    let llmock = llmock();
    for protocol in PROTOCOLS {
        for question in ["hello", "slow"] {
            let (heard, fault) = ask(protocol, &llmock, question).await;

            assert!(fault.is_none(), "{protocol:?} {fault:?}");
            assert_eq!(text(&heard), ANSWER, "{protocol:?}");
            let pieces = heard.iter().filter(|event| matches!(event, ChatEvent::Text(_))).count();
            assert!(pieces > 1, "{protocol:?} {heard:?}");
            let Some(ChatEvent::Done { stop, .. }) = heard.last() else {
                panic!("{protocol:?} {heard:?}")
            };
            assert_eq!(stop, &ChatStop::EndTurn, "{protocol:?}");
        }
    }
}

#[tokio::test]
async fn a_call_of_a_tool_is_heard_as_a_whole() {
    let llmock = llmock();
    for protocol in PROTOCOLS {
        let (heard, fault) = ask(protocol, &llmock, "weather").await;

        assert!(fault.is_none(), "{protocol:?} {fault:?}");
        let calls: Vec<_> = heard
            .iter()
            .filter_map(|event| match event {
                ChatEvent::ToolCall(call) => Some(call),
                _ => None,
            })
            .collect();
        let [call] = calls.as_slice() else { panic!("{protocol:?} {heard:?}") };
        let arguments: Value = serde_json::from_str(&call.arguments).unwrap();
        assert_eq!((call.name.as_str(), arguments), ("get_weather", json!({"city": "Oslo"})));
        assert!(!call.id.is_empty(), "{protocol:?}");
        let is_call = matches!(heard.last(), Some(ChatEvent::Done { stop: ChatStop::ToolUse, .. }));
        assert!(is_call, "{protocol:?} {heard:?}");
    }
}

#[tokio::test]
async fn thoughts_are_heard_beside_the_answer() {
    let llmock = llmock();
    for protocol in [Protocol::OpenaiResponses, Protocol::AnthropicMessages] {
        let (heard, fault) = ask(protocol, &llmock, "think").await;

        assert!(fault.is_none(), "{protocol:?} {fault:?}");
        let thoughts = heard.iter().filter_map(|event| match event {
            ChatEvent::Reasoning(text) => Some(text.as_str()),
            _ => None,
        });
        assert_eq!(thoughts.collect::<String>(), "Six times seven.", "{protocol:?}");
        assert_eq!(text(&heard), "Forty-two.", "{protocol:?}");
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_is_no_answer() {
    let llmock = llmock();
    for protocol in PROTOCOLS {
        let (heard, fault) = ask(protocol, &llmock, "cut").await;

        assert!(matches!(fault, Some(ProviderError::Garbled(_))), "{protocol:?} {fault:?}");
        assert!(text(&heard).len() < ANSWER.len(), "{protocol:?} {heard:?}");
    }
}

#[tokio::test]
async fn a_refusal_is_told_in_the_providers_words_after_asking_again() {
    let llmock = llmock();
    // It wants a second of rest before each of them.
    let asked = PROTOCOLS.map(|protocol| ask(protocol, &llmock, "too much"));
    for (protocol, (heard, fault)) in PROTOCOLS.into_iter().zip(join_all(asked).await) {
        let Some(ProviderError::Busy { retry_after, message }) = fault else {
            panic!("{protocol:?} {fault:?}")
        };
        assert!(heard.is_empty());
        assert_eq!((retry_after, message.as_str()), (Some(1), "Rate limited"), "{protocol:?}");
    }
    for protocol in PROTOCOLS {
        let (_, fault) = ask(protocol, &llmock, "break").await;
        let Some(ProviderError::Refused { status, message }) = fault else {
            panic!("{protocol:?} {fault:?}")
        };
        assert_eq!((status, message.as_str()), (500, "Broken"), "{protocol:?}");
    }
}
