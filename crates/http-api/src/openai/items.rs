//! What was said, as items of this dialect.

use serde_json::{Value, json};
use understudy_domain::{
    MessageId,
    assistant::content::MessageRole,
    conversation::{Item, MediaSource, Part},
};

/// How the ids of items begin here: those of messages, of calls and of their results.
/// All of them are messages of a thread.
const PREFIXES: [&str; 3] = ["msg_", "fc_", "fco_"];

/// What an item is called here that is this message of a thread.
pub(super) fn id_of(item: &Item, id: MessageId) -> String {
    let [message, call, result] = PREFIXES;
    let prefix = match item {
        Item::ToolCall(_) => call,
        Item::ToolResult(_) => result,
        Item::Message { .. } | Item::Reasoning(_) => message,
    };
    format!("{prefix}{}", id.as_uuid().simple())
}

/// The message of a thread that an item is.
pub(super) fn message_of(id: &str) -> Option<MessageId> {
    let digits = PREFIXES.iter().find_map(|prefix| id.strip_prefix(prefix))?;
    format!("msg_{digits}").parse().ok()
}

/// An item that is this message of a thread; what a model thought is not told.
pub(super) fn told(item: &Item, id: MessageId) -> Option<Value> {
    let id = id_of(item, id);
    Some(match item {
        Item::Message { role, parts } => json!({
            "type": "message",
            "id": id,
            "role": role.as_str(),
            "status": "completed",
            "content": parts.iter().map(|part| part_of(*role, part)).collect::<Vec<_>>(),
        }),
        Item::ToolCall(call) => json!({
            "type": "function_call",
            "id": id,
            "call_id": call.id,
            "name": call.name,
            "arguments": call.arguments,
            "status": "completed",
        }),
        Item::ToolResult(result) => json!({
            "type": "function_call_output",
            "id": id,
            "call_id": result.call_id,
            "output": result.content,
            "status": "completed",
        }),
        Item::Reasoning(_) => return None,
    })
}

fn part_of(role: MessageRole, part: &Part) -> Value {
    match part {
        Part::Text { text } if role == MessageRole::Assistant => {
            json!({ "type": "output_text", "text": text, "annotations": [] })
        }
        Part::Text { text } => json!({ "type": "input_text", "text": text }),
        Part::Refusal { text } => json!({ "type": "refusal", "refusal": text }),
        Part::Image { source } => {
            let (url, file) = place(source);
            json!({ "type": "input_image", "image_url": url, "file_id": file, "detail": "auto" })
        }
        Part::File { source, name } => {
            let (url, file) = place(source);
            json!({ "type": "input_file", "file_url": url, "file_id": file, "filename": name })
        }
        Part::Audio { source } => {
            let (format, data) = match source {
                MediaSource::Data { content_type, base64 } => {
                    (content_type.rsplit('/').next(), Some(base64))
                }
                MediaSource::Url(_) | MediaSource::File(_) => (None, None),
            };
            json!({ "type": "input_audio", "input_audio": { "format": format, "data": data } })
        }
    }
}

/// The address and the file of something.
fn place(source: &MediaSource) -> (Option<String>, Option<String>) {
    match source {
        MediaSource::Url(url) => (Some(url.clone()), None),
        MediaSource::File(id) => (None, Some(id.to_string())),
        MediaSource::Data { content_type, base64 } => {
            (Some(format!("data:{content_type};base64,{base64}")), None)
        }
    }
}
