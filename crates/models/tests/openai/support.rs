//! A provider of this machine, and what it is asked.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use understudy_domain::{
    ProviderKind, Secret,
    assistant::content::MessageRole,
    chat::{ChatEvent, ChatRequest, Protocol, SentSettings, SystemBlock, ToolChoice},
    conversation::Item,
    ports::{ChatModel, ChatStream, ProviderAccess, ProviderError},
};
use understudy_models::Models;
use understudy_outbound::{Outbound, OutboundOptions};
use understudy_testkit::{Asked, Reply, Upstream};

pub(crate) const KEY: &str = "sk-sesame+open/please";

/// Models that ask again at once.
pub(crate) fn models() -> Models {
    let allowed_networks = vec!["127.0.0.1/32".parse().unwrap()];
    let outbound = Outbound::new(OutboundOptions { allowed_networks }).unwrap();
    Models::new(Arc::new(outbound)).with_pause(Duration::ZERO)
}

pub(crate) fn access(kind: ProviderKind, upstream: &Upstream) -> ProviderAccess {
    let api_key = Some(Secret::new(KEY.to_owned()));
    ProviderAccess { id: None, kind, base_url: Some(upstream.url("/v1/")), api_key }
}

/// One whose failures are remembered.
pub(crate) fn named(kind: ProviderKind, number: u8, base_url: String) -> ProviderAccess {
    let id = format!("prov_{number:032x}").parse().unwrap();
    ProviderAccess { id: Some(id), kind, base_url: Some(base_url), api_key: None }
}

/// What asks for little.
pub(crate) fn request(protocol: Protocol) -> ChatRequest {
    let system = SystemBlock {
        layer: "instructions".to_owned(),
        text: "Be brief.".to_owned(),
        is_stable: true,
    };
    ChatRequest {
        protocol,
        model: "gpt-4o".to_owned(),
        system: vec![system],
        items: vec![Item::text(MessageRole::User, "Hi")],
        tools: Vec::new(),
        tool_choice: ToolChoice::Auto,
        settings: SentSettings::default(),
        passages: Vec::new(),
        user_hash: "abc".to_owned(),
    }
}

pub(crate) fn sent(asked: &Asked) -> Value {
    serde_json::from_slice(&asked.body).unwrap()
}

/// A chunk with a text.
pub(crate) fn chunk(text: &str) -> String {
    let chunk = json!({ "choices": [{ "index": 0, "delta": { "content": text } }] });
    format!("data: {chunk}\n\n")
}

/// An answer of events.
pub(crate) fn streaming(body: &str) -> Reply {
    Reply::new(200, body).with("content-type", "text/event-stream")
}

/// An answer that is whole.
pub(crate) fn completion() -> Reply {
    let end = json!({
        "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 3, "completion_tokens": 2 },
    });
    streaming(&format!("{}{}data: {end}\n\ndata: [DONE]\n\n", chunk("Hel"), chunk("lo")))
}

/// All that is heard, or the fault.
pub(crate) async fn hear(mut stream: Box<dyn ChatStream>) -> Result<Vec<ChatEvent>, ProviderError> {
    let mut heard = Vec::new();
    while let Some(event) = stream.next().await {
        heard.push(event?);
    }
    Ok(heard)
}

pub(crate) async fn ask(
    kind: ProviderKind,
    upstream: &Upstream,
) -> Result<Vec<ChatEvent>, ProviderError> {
    let request = request(Protocol::CompatibleChat);
    hear(models().converse(&access(kind, upstream), &request).await?).await
}

/// Why nothing, or not all, is heard.
pub(crate) async fn error(models: &Models, provider: &ProviderAccess) -> ProviderError {
    match models.converse(provider, &request(Protocol::CompatibleChat)).await {
        Ok(stream) => hear(stream).await.unwrap_err(),
        Err(error) => error,
    }
}

pub(crate) fn text(heard: &[ChatEvent]) -> String {
    let texts = heard.iter().filter_map(|event| match event {
        ChatEvent::Text(text) => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}
