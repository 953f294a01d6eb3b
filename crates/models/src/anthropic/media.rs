//! Parts of messages as blocks.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};
use understudy_domain::conversation::{MediaSource, Part};

use crate::fields::put;

/// A part of what a person said; `None` when there is nothing in it.
pub(super) fn of_user(part: &Part) -> Option<Value> {
    match part {
        Part::Text { text } | Part::Refusal { text } => words(text),
        Part::Image { source } => image(source),
        Part::File { source, name } => file(source, name.as_deref()),
        // No model of theirs hears.
        Part::Audio { source } => link(source, None).as_deref().and_then(words),
    }
}

/// A part of what the model said, which is words only.
pub(super) fn of_assistant(part: &Part) -> Option<Value> {
    match part {
        Part::Text { text } | Part::Refusal { text } => words(text),
        Part::Image { source } | Part::Audio { source } => {
            link(source, None).as_deref().and_then(words)
        }
        Part::File { source, name } => link(source, name.as_deref()).as_deref().and_then(words),
    }
}

/// Words, unless there are none: such blocks are refused.
pub(super) fn words(text: &str) -> Option<Value> {
    (!text.trim().is_empty()).then(|| json!({ "type": "text", "text": text }))
}

fn image(source: &MediaSource) -> Option<Value> {
    let source = match source {
        MediaSource::Url(url) => json!({ "type": "url", "url": url }),
        MediaSource::Data { content_type, base64 } => {
            json!({ "type": "base64", "media_type": essence(content_type), "data": base64 })
        }
        MediaSource::File(_) => return None,
    };
    Some(json!({ "type": "image", "source": source }))
}

/// Documents are PDF or plain text; of others at least the name is told.
fn file(source: &MediaSource, name: Option<&str>) -> Option<Value> {
    let source = match source {
        MediaSource::Url(url) => json!({ "type": "url", "url": url }),
        MediaSource::Data { content_type, .. } if content_type.starts_with("image/") => {
            return image(source);
        }
        MediaSource::Data { content_type, base64 } => match essence(content_type) {
            "application/pdf" => {
                json!({ "type": "base64", "media_type": "application/pdf", "data": base64 })
            }
            kind => match plain(kind, base64) {
                Some(text) if text.trim().is_empty() => return None,
                Some(text) => json!({ "type": "text", "media_type": "text/plain", "data": text }),
                None => return unreadable(name, kind),
            },
        },
        MediaSource::File(_) => return None,
    };
    let mut document = Map::new();
    put(&mut document, "type", Some("document"));
    put(&mut document, "source", Some(source));
    put(&mut document, "title", name.filter(|name| !name.is_empty()));
    Some(Value::Object(document))
}

fn plain(kind: &str, base64: &str) -> Option<String> {
    let is_text = kind.starts_with("text/")
        || kind.ends_with("json")
        || kind.ends_with("xml")
        || kind.ends_with("yaml");
    let bytes = STANDARD.decode(base64).ok().filter(|_| is_text)?;
    String::from_utf8(bytes).ok()
}

fn unreadable(name: Option<&str>, kind: &str) -> Option<Value> {
    let name = name.unwrap_or("A file");
    words(&format!("[{name} is attached, but files of the type {kind} cannot be read here.]"))
}

/// `text/plain; charset=utf-8` as `text/plain`.
fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or(content_type).trim()
}

/// Where it is, in words.
fn link(source: &MediaSource, name: Option<&str>) -> Option<String> {
    match (source, name) {
        (MediaSource::Url(url), Some(name)) => Some(format!("{name}: {url}")),
        (MediaSource::Url(url), None) => Some(url.clone()),
        (MediaSource::Data { .. } | MediaSource::File(_), _) => None,
    }
}
