//! Items as messages: text, images in base64, calls and their results.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};
use understudy_domain::{
    assistant::content::MessageRole,
    chat::{ChatRequest, Protocol},
    conversation::{Item, MediaSource, Part, ReasoningBlock, ToolCall, ToolResult},
};

use crate::fields::put;

/// All messages of a request.
pub(super) fn of(request: &ChatRequest) -> Vec<Value> {
    let mut written = Written::default();
    let system: Vec<&str> = request.system.iter().map(|block| block.text.as_str()).collect();
    if !system.is_empty() {
        written.push("system", &system.join("\n\n"), &[]);
    }
    for item in &request.items {
        match item {
            Item::Message { role, parts } => written.say(*role, parts),
            Item::ToolCall(call) => written.call(call),
            Item::ToolResult(result) => written.answer(result, &request.items),
            Item::Reasoning(block) => written.think(block),
        }
    }
    written.messages.into_iter().map(Value::Object).collect()
}

#[derive(Debug, Default)]
struct Written {
    messages: Vec<Map<String, Value>>,
}

impl Written {
    fn push(&mut self, role: &str, content: &str, images: &[&str]) {
        let mut message = Map::new();
        put(&mut message, "role", Some(role));
        put(&mut message, "content", Some(content));
        put(&mut message, "images", Some(images).filter(|images| !images.is_empty()));
        self.messages.push(message);
    }

    fn say(&mut self, role: MessageRole, parts: &[Part]) {
        let texts: Vec<String> = parts.iter().filter_map(words).collect();
        let images: Vec<&str> = parts.iter().filter_map(image).collect();
        if role == MessageRole::Assistant {
            // A thought before it began the message.
            let begun = self.messages.last_mut().filter(|last| is_open(last));
            if let Some(begun) = begun {
                put(begun, "content", Some(texts.join("\n\n")));
                return;
            }
        }
        self.push(role.as_str(), &texts.join("\n\n"), &images);
    }

    fn think(&mut self, block: &ReasoningBlock) {
        if block.protocol == Protocol::OllamaChat.as_str() {
            self.push("assistant", "", &[]);
            let thought = block.raw.get("thinking");
            if let Some(last) = self.messages.last_mut() {
                put(last, "thinking", thought);
            }
        }
    }

    fn call(&mut self, call: &ToolCall) {
        let arguments = call.object().unwrap_or_default();
        let call = json!({
            "id": call.id, "function": { "name": call.name, "arguments": arguments },
        });
        let is_assistant = |last: &Map<String, Value>| {
            last.get("role").is_some_and(|role| role == MessageRole::Assistant.as_str())
        };
        if !self.messages.last().is_some_and(is_assistant) {
            self.push(MessageRole::Assistant.as_str(), "", &[]);
        }
        let Some(last) = self.messages.last_mut() else {
            return;
        };
        match last.get_mut("tool_calls").and_then(Value::as_array_mut) {
            Some(calls) => calls.push(call),
            None => put(last, "tool_calls", Some([call])),
        }
    }

    /// The tool is named by its call.
    fn answer(&mut self, result: &ToolResult, items: &[Item]) {
        let name = items.iter().find_map(|item| match item {
            Item::ToolCall(call) if call.id == result.call_id => Some(&call.name),
            _ => None,
        });
        self.push("tool", &result.content, &[]);
        if let Some(last) = self.messages.last_mut() {
            put(last, "tool_name", name);
            put(last, "tool_call_id", Some(&result.call_id));
        }
    }
}

/// Whether it is a thought that nothing was said after yet.
fn is_open(message: &Map<String, Value>) -> bool {
    let is_empty = message.get("content").is_some_and(|content| content == "");
    message.contains_key("thinking") && is_empty && !message.contains_key("tool_calls")
}

/// What of a part is words. Of what cannot be sent at least the place is told.
fn words(part: &Part) -> Option<String> {
    match part {
        Part::Text { text } | Part::Refusal { text } => Some(text.clone()),
        Part::Image { source: MediaSource::Data { .. } } => None,
        Part::Image { source } | Part::Audio { source } => link(source, None),
        Part::File { source: MediaSource::Data { content_type, base64 }, name } => {
            document(content_type, base64, name.as_deref())
        }
        Part::File { source, name } => link(source, name.as_deref()),
    }
}

/// Only data can be sent: nothing is fetched there.
fn image(part: &Part) -> Option<&str> {
    match part {
        Part::Image { source: MediaSource::Data { base64, .. } } => Some(base64),
        Part::File { source: MediaSource::Data { content_type, base64 }, .. } => {
            content_type.starts_with("image/").then_some(base64)
        }
        _ => None,
    }
}

/// A document's text, where it is text.
fn document(content_type: &str, base64: &str, name: Option<&str>) -> Option<String> {
    let kind = content_type.split(';').next().unwrap_or(content_type).trim();
    if kind.starts_with("image/") {
        return None;
    }
    let is_text =
        kind.starts_with("text/") || ["json", "xml", "yaml"].iter().any(|end| kind.ends_with(end));
    let bytes = STANDARD.decode(base64).ok().filter(|_| is_text);
    let name = name.unwrap_or("A file");
    Some(match bytes.and_then(|bytes| String::from_utf8(bytes).ok()) {
        Some(text) => format!("{name}:\n{text}"),
        None => format!("[{name} is attached, but files of the type {kind} cannot be read here.]"),
    })
}

fn link(source: &MediaSource, name: Option<&str>) -> Option<String> {
    match (source, name) {
        (MediaSource::Url(url), Some(name)) => Some(format!("{name}: {url}")),
        (MediaSource::Url(url), None) => Some(url.clone()),
        (MediaSource::Data { .. } | MediaSource::File(_), _) => None,
    }
}
