//! Reading what is said: one text, or messages, calls of tools and their results.

use serde_json::{Map, Value};
use understudy_domain::{
    assistant::content::MessageRole,
    conversation::{Item, MediaSource, Part, ToolCall},
};

use crate::{
    asking::{chat_call, function_call, result, source},
    fields::{Fields, text_or_other},
};

/// Where it stands.
const INPUT: &str = "/input";
const ROLES: [&str; 4] = ["user", "assistant", "system", "tool"];

/// Reads the input. What cannot be read leaves a fault.
pub(super) fn read(fields: &mut Fields, input: Value) -> Vec<Item> {
    match input {
        Value::String(text) => vec![said(text)],
        Value::Array(list) => {
            let mut items = Vec::with_capacity(list.len());
            for (index, value) in list.into_iter().enumerate() {
                let at = format!("{INPUT}/{index}");
                match text_or_other(value) {
                    Ok(text) => items.push(said(text)),
                    Err(value) => {
                        items.extend(fields.nested(&at, value, item).into_iter().flatten());
                    }
                }
            }
            items
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
            fields.fault("input", "type", "must be a text or a list of messages");
            Vec::new()
        }
    }
}

fn said(text: String) -> Item {
    Item::text(MessageRole::User, text)
}

/// One entry of the list; a message may hold calls and results beside what is said.
fn item(fields: &mut Fields) -> Vec<Item> {
    match fields.text("type").as_deref() {
        None | Some("message") => message(fields),
        Some("function_call") => vec![Item::ToolCall(function_call(fields))],
        Some("function_call_output") => {
            vec![result(fields, "call_id", "output")]
        }
        Some(_) => {
            let message = "must be one of message, function_call, function_call_output";
            fields.fault("type", "enum", message);
            Vec::new()
        }
    }
}

fn message(fields: &mut Fields) -> Vec<Item> {
    // What the service gave it, a client may send back.
    for told in ["id", "status", "created_at", "thread_id"] {
        fields.any(told);
    }
    let role = fields.nullable("role", Fields::text).flatten();
    let role = match role.as_deref() {
        None | Some("user") => MessageRole::User,
        Some("assistant") => MessageRole::Assistant,
        Some("system") => MessageRole::System,
        Some("tool") => return vec![result(fields, "tool_call_id", "content")],
        Some(_) => {
            fields.fault("role", "enum", format!("must be one of {}", ROLES.join(", ")));
            MessageRole::User
        }
    };
    let mut said = Said { role, parts: Vec::new(), others: Vec::new() };
    said.read(fields);
    said.items()
}

/// A message in the making.
struct Said {
    role: MessageRole,
    parts: Vec<Part>,
    /// Calls and results, which are items by themselves.
    others: Vec<Item>,
}

impl Said {
    fn items(self) -> Vec<Item> {
        let Self { role, parts, others } = self;
        let message = Item::Message { role, parts };
        let is_empty = matches!(&message, Item::Message { parts, .. } if parts.is_empty());
        let message = (!is_empty || others.is_empty()).then_some(message);
        // A call follows what was said with it; a result comes before what is said next.
        let (results, calls): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|item| matches!(item, Item::ToolResult(_)));
        results.into_iter().chain(message).chain(calls).collect()
    }

    fn read(&mut self, fields: &mut Fields) {
        match fields.any("content") {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => self.parts.push(Part::Text { text }),
            Some(Value::Array(blocks)) => {
                for (index, value) in blocks.into_iter().enumerate() {
                    let at = format!("/content/{index}");
                    match text_or_other(value) {
                        Ok(text) => self.parts.push(Part::Text { text }),
                        Err(value) => {
                            fields.nested(&at, value, |inner| self.block(inner));
                        }
                    }
                }
            }
            Some(_) => fields.fault("content", "type", "must be a text or a list of blocks"),
        }
        self.lists(fields);
        let calls = fields.nullable("tool_calls", |f, name| f.items(name, chat_call)).flatten();
        self.others.extend(calls.into_iter().flatten().map(Item::ToolCall));
        let is_empty = self.parts.is_empty() && self.others.is_empty();
        if is_empty {
            fields.fault("content", "required", "must not be empty");
        }
    }

    /// The lists of older clients: `texts`, `images`, `audio`, `files`.
    fn lists(&mut self, fields: &mut Fields) {
        for value in list(fields, "texts") {
            let text = text_or_other(value).or_else(|mut value| {
                let text = value.get_mut("text").map(Value::take).unwrap_or_default();
                text_or_other(text)
            });
            match text {
                Ok(text) => self.parts.push(Part::Text { text }),
                Err(_) => fields.fault("texts", "type", "must be texts, or objects with a `text`"),
            }
        }
        for value in list(fields, "images") {
            let source = medium(fields, "/images", value);
            self.parts.extend(source.map(|(source, _)| Part::Image { source }));
        }
        for value in list(fields, "audio") {
            let source = medium(fields, "/audio", value);
            self.parts.extend(source.map(|(source, _)| Part::Audio { source }));
        }
        for value in list(fields, "files") {
            let source = medium(fields, "/files", value);
            self.parts.extend(source.map(|(source, name)| Part::File { source, name }));
        }
    }

    fn block(&mut self, fields: &mut Fields) {
        let kind = fields.required("type", Fields::text);
        match kind.as_str() {
            "text" | "input_text" | "output_text" => {
                let text = fields.required("text", Fields::text);
                fields.any("annotations");
                fields.any("logprobs");
                self.parts.push(Part::Text { text });
            }
            "refusal" => {
                let text = fields.required("refusal", Fields::text);
                self.parts.push(Part::Refusal { text });
            }
            "image" | "input_image" | "image_url" => {
                fields.text("detail");
                self.parts
                    .extend(source(fields, "image_url").map(|(s, _)| Part::Image { source: s }));
            }
            "file" | "input_file" => {
                let found = source(fields, "file");
                self.parts.extend(found.map(|(source, name)| Part::File { source, name }));
            }
            "audio" | "input_audio" => {
                let found = source(fields, "input_audio");
                self.parts.extend(found.map(|(source, _)| Part::Audio { source }));
            }
            "tool_use" | "tool_call" => {
                let input = fields.nullable("input", Fields::object).flatten().unwrap_or_default();
                let call = ToolCall {
                    id: fields.required("id", Fields::text),
                    name: fields.required("name", Fields::text),
                    arguments: Value::Object(input).to_string(),
                };
                self.others.push(Item::ToolCall(call));
            }
            "tool_result" => self.others.push(result(fields, "tool_use_id", "content")),
            _ => {
                let message = "must be one of text, image, file, audio, tool_use, tool_result";
                fields.fault("type", "enum", message);
            }
        }
    }
}

fn list(fields: &mut Fields, name: &str) -> Vec<Value> {
    fields.nullable(name, Fields::list).flatten().unwrap_or_default()
}

/// A medium as older clients name it: by a text, or by an object.
fn medium(fields: &mut Fields, at: &str, value: Value) -> Option<(MediaSource, Option<String>)> {
    let named = |text: String| {
        let name = if is_file_id(&text) { "file_id" } else { "url" };
        Map::from_iter([(name.to_owned(), text.into())]).into()
    };
    let value = text_or_other(value).map_or_else(|other| other, named);
    fields.nested(at, value, |inner| source(inner, "")).flatten()
}

fn is_file_id(text: &str) -> bool {
    text.parse::<understudy_domain::FileId>().is_ok()
}
