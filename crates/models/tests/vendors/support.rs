//! A provider of this machine, and what it is asked.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use serde_json::{Map, Value};
use understudy_domain::{
    ProviderKind, Secret,
    assistant::content::MessageRole,
    chat::{ChatEvent, ChatRequest, Protocol, SentSettings, SystemBlock, ToolChoice, ToolSpec},
    conversation::{Item, ToolCall, ToolResult},
    ports::{ChatModel, ChatStream, ProviderAccess, ProviderError},
};
use understudy_models::Models;
use understudy_outbound::{Outbound, OutboundOptions};
use understudy_testkit::ModelUpstream;

pub(crate) const KEY: &str = "sk-sesame+open/please";
/// The protocols that are tried here.
pub(crate) const PROTOCOLS: [Protocol; 2] = [Protocol::AnthropicMessages, Protocol::OllamaChat];

/// Models that ask again at once.
pub(crate) fn models() -> Models {
    let allowed_networks = vec!["127.0.0.1/32".parse().unwrap()];
    let outbound = Outbound::new(OutboundOptions { allowed_networks }).unwrap();
    Models::new(Arc::new(outbound)).with_pause(Duration::ZERO)
}

/// What would be sent.
pub(crate) fn body(request: &ChatRequest) -> Value {
    static MODELS: LazyLock<Models> = LazyLock::new(models);
    MODELS.render(request)
}

pub(crate) fn access(protocol: Protocol, base_url: String) -> ProviderAccess {
    let kind = match protocol {
        Protocol::AnthropicMessages => ProviderKind::Anthropic,
        _ => ProviderKind::Ollama,
    };
    let api_key = Some(Secret::new(KEY.to_owned()));
    ProviderAccess { id: None, kind, base_url: Some(base_url), api_key }
}

/// What asks for little.
pub(crate) fn request(protocol: Protocol) -> ChatRequest {
    ChatRequest {
        protocol,
        model: "m".to_owned(),
        system: vec![block("instructions", "Be brief.", true)],
        items: vec![Item::text(MessageRole::User, "Hi")],
        tools: Vec::new(),
        tool_choice: ToolChoice::Auto,
        settings: SentSettings::default(),
        passages: Vec::new(),
        user_hash: "abc".to_owned(),
    }
}

pub(crate) fn block(layer: &str, text: &str, is_stable: bool) -> SystemBlock {
    SystemBlock { layer: layer.to_owned(), text: text.to_owned(), is_stable }
}

pub(crate) fn tool(name: &str) -> ToolSpec {
    let description = format!("It does {name}.");
    ToolSpec { name: name.to_owned(), description, parameters: Map::new(), strict: None }
}

pub(crate) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}

pub(crate) fn call(id: &str, arguments: &str) -> Item {
    let (id, name) = (id.to_owned(), "look".to_owned());
    Item::ToolCall(ToolCall { id, name, arguments: arguments.to_owned() })
}

pub(crate) fn result(call_id: &str, content: &str) -> Item {
    let (call_id, content) = (call_id.to_owned(), content.to_owned());
    Item::ToolResult(ToolResult { call_id, content, is_error: false })
}

/// All that is heard, or the fault.
pub(crate) async fn hear(mut stream: Box<dyn ChatStream>) -> Result<Vec<ChatEvent>, ProviderError> {
    let mut heard = Vec::new();
    while let Some(event) = stream.next().await {
        heard.push(event?);
    }
    Ok(heard)
}

/// All that an upstream says in a protocol.
pub(crate) async fn ask(
    protocol: Protocol,
    upstream: &ModelUpstream,
) -> Result<Vec<ChatEvent>, ProviderError> {
    ask_with(&models(), protocol, upstream).await
}

pub(crate) async fn ask_with(
    models: &Models,
    protocol: Protocol,
    upstream: &ModelUpstream,
) -> Result<Vec<ChatEvent>, ProviderError> {
    let provider = access(protocol, upstream.url());
    hear(models.converse(&provider, &request(protocol)).await?).await
}
