//! Items as messages: calls of tools belong to the message of the assistant before
//! them.

use serde_json::{Value, json};
use understudy_domain::{
    assistant::content::MessageRole,
    chat::ChatRequest,
    conversation::{Item, MediaSource, Part, ToolCall},
};

use super::{Accent, operator};
use crate::openai::media::{audio_format, data_url, link};

/// All messages of a request.
pub(super) fn of(request: &ChatRequest, accent: Accent) -> Vec<Value> {
    let operator = operator(request, accent);
    let mut messages = Vec::new();
    let system: Vec<&str> = request.system.iter().map(|block| block.text.as_str()).collect();
    if !system.is_empty() {
        messages.push(json!({ "role": operator, "content": system.join("\n\n") }));
    }
    for item in &request.items {
        match item {
            Item::Message { role, parts } => {
                let name = match role {
                    MessageRole::System => operator,
                    MessageRole::User => "user",
                    MessageRole::Assistant => "assistant",
                };
                messages.push(json!({ "role": name, "content": content(*role, parts, accent) }));
            }
            Item::ToolCall(made) => call(&mut messages, made),
            Item::ToolResult(result) => messages.push(json!({
                "role": "tool", "tool_call_id": result.call_id, "content": result.content,
            })),
            // There is no place for thoughts.
            Item::Reasoning(_) => {}
        }
    }
    messages
}

fn call(messages: &mut Vec<Value>, call: &ToolCall) {
    let arguments = if call.arguments.trim().is_empty() { "{}" } else { call.arguments.as_str() };
    let call = json!({
        "id": call.id, "type": "function",
        "function": { "name": call.name, "arguments": arguments },
    });
    let last = messages.last_mut().and_then(Value::as_object_mut);
    match last.filter(|last| last.get("role").is_some_and(|role| role == "assistant")) {
        Some(last) => match last.get_mut("tool_calls").and_then(Value::as_array_mut) {
            Some(calls) => calls.push(call),
            None => {
                last.insert("tool_calls".to_owned(), json!([call]));
            }
        },
        None => messages.push(json!({
            "role": "assistant", "content": null, "tool_calls": [call],
        })),
    }
}

/// Text alone is a string, since not everybody reads more.
fn content(role: MessageRole, parts: &[Part], accent: Accent) -> Value {
    let pieces: Vec<Value> = parts.iter().filter_map(|part| piece(role, part, accent)).collect();
    let texts: Option<Vec<&str>> =
        pieces.iter().map(|piece| piece.get("text").and_then(Value::as_str)).collect();
    match texts {
        Some(texts) => texts.join("\n\n").into(),
        None => pieces.into(),
    }
}

fn piece(role: MessageRole, part: &Part, accent: Accent) -> Option<Value> {
    let text = |text: &str| Some(json!({ "type": "text", "text": text }));
    match part {
        Part::Text { text: said } => text(said),
        Part::Refusal { text: said } if accent == Accent::Compatible => text(said),
        Part::Refusal { text: said } => Some(json!({ "type": "refusal", "refusal": said })),
        // Only people send more than text.
        Part::Image { source } | Part::Audio { source } if role != MessageRole::User => {
            link(source, None).as_deref().and_then(text)
        }
        Part::File { source, name } if role != MessageRole::User => {
            link(source, name.as_deref()).as_deref().and_then(text)
        }
        Part::Image { source } => {
            let url = match source {
                MediaSource::Url(url) => url.clone(),
                _ => data_url(source)?,
            };
            Some(json!({ "type": "image_url", "image_url": { "url": url } }))
        }
        Part::File { source, name } => match data_url(source) {
            Some(data) => {
                let name = name.as_deref().unwrap_or("file");
                let file = json!({ "filename": name, "file_data": data });
                Some(json!({ "type": "file", "file": file }))
            }
            None => link(source, name.as_deref()).as_deref().and_then(text),
        },
        Part::Audio { source: MediaSource::Data { content_type, base64 } } => {
            let audio = json!({ "data": base64, "format": audio_format(content_type) });
            Some(json!({ "type": "input_audio", "input_audio": audio }))
        }
        Part::Audio { source } => link(source, None).as_deref().and_then(text),
    }
}
