//! Items as they go in.

use serde_json::{Value, json};
use understudy_domain::{
    assistant::content::MessageRole,
    chat::{ChatRequest, Protocol},
    conversation::{Item, MediaSource, Part, ToolCall},
};

use crate::openai::media::{audio_format, data_url, link};

/// The whole conversation.
pub(super) fn of(request: &ChatRequest) -> Vec<Value> {
    request.items.iter().filter_map(item).collect()
}

fn item(item: &Item) -> Option<Value> {
    match item {
        Item::Message { role, parts } => {
            let name = match role {
                MessageRole::System => "developer",
                MessageRole::User => "user",
                MessageRole::Assistant => "assistant",
            };
            let content: Vec<Value> = parts.iter().filter_map(|part| piece(*role, part)).collect();
            Some(json!({ "type": "message", "role": name, "content": content }))
        }
        Item::ToolCall(call) => Some(json!({
            "type": "function_call", "call_id": call.id, "name": call.name,
            "arguments": arguments(call),
        })),
        Item::ToolResult(result) => Some(json!({
            "type": "function_call_output", "call_id": result.call_id, "output": result.content,
        })),
        Item::Reasoning(block) => {
            let is_own = block.protocol == Protocol::OpenaiResponses.as_str();
            is_own.then(|| block.raw.clone())
        }
    }
}

fn arguments(call: &ToolCall) -> &str {
    if call.arguments.trim().is_empty() { "{}" } else { &call.arguments }
}

fn piece(role: MessageRole, part: &Part) -> Option<Value> {
    let kind = if role == MessageRole::Assistant { "output_text" } else { "input_text" };
    let text = |text: &str| Some(json!({ "type": kind, "text": text }));
    match part {
        Part::Refusal { text: said } if role == MessageRole::Assistant => {
            Some(json!({ "type": "refusal", "refusal": said }))
        }
        Part::Text { text: said } | Part::Refusal { text: said } => text(said),
        // Only people send more than text.
        Part::Image { source } | Part::Audio { source } if role != MessageRole::User => {
            link(source, None).as_deref().and_then(text)
        }
        Part::File { source, name } if role != MessageRole::User => {
            link(source, name.as_deref()).as_deref().and_then(text)
        }
        Part::Image { source } => Some(json!({ "type": "input_image", "image_url": at(source)? })),
        Part::File { source: MediaSource::Url(url), .. } => {
            Some(json!({ "type": "input_file", "file_url": url }))
        }
        Part::File { source, name } => {
            let name = name.as_deref().unwrap_or("file");
            let data = data_url(source)?;
            Some(json!({ "type": "input_file", "filename": name, "file_data": data }))
        }
        Part::Audio { source: MediaSource::Data { content_type, base64 } } => {
            let audio = json!({ "data": base64, "format": audio_format(content_type) });
            Some(json!({ "type": "input_audio", "input_audio": audio }))
        }
        Part::Audio { source } => link(source, None).as_deref().and_then(text),
    }
}

fn at(source: &MediaSource) -> Option<String> {
    match source {
        MediaSource::Url(url) => Some(url.clone()),
        MediaSource::Data { .. } | MediaSource::File(_) => data_url(source),
    }
}
