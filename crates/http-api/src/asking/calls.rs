//! Calls of tools and their results.

use serde_json::Value;
use understudy_domain::conversation::{Item, ToolCall, ToolResult};

use crate::fields::Fields;

/// A call as Responses writes it.
pub(crate) fn function_call(fields: &mut Fields) -> ToolCall {
    fields.any("id");
    fields.any("status");
    ToolCall {
        id: fields.required("call_id", Fields::text),
        name: fields.required("name", Fields::text),
        arguments: fields.required("arguments", Fields::text),
    }
}

/// A call as Chat Completions writes it.
pub(crate) fn chat_call(fields: &mut Fields) -> Option<ToolCall> {
    fields.any("type");
    fields.any("index");
    let id = fields.required("id", Fields::text);
    fields.require("function");
    let (name, arguments) = fields.inner("function", |inner| {
        (inner.required("name", Fields::text), inner.required("arguments", Fields::text))
    })?;
    Some(ToolCall { id, name, arguments })
}

/// What a tool of the caller answered: a text, blocks of text, or any JSON.
pub(crate) fn result(fields: &mut Fields, id: &str, content: &str) -> Item {
    fields.any("status");
    fields.any("name");
    fields.require(content);
    let call_id = fields.required(id, Fields::text);
    let is_error = fields.nullable("is_error", Fields::flag).flatten().unwrap_or(false);
    let content = match fields.any(content) {
        Some(Value::String(text)) => text,
        Some(Value::Array(blocks)) => joined(&blocks),
        Some(value @ (Value::Bool(_) | Value::Number(_) | Value::Object(_))) => value.to_string(),
        Some(Value::Null) | None => String::new(),
    };
    Item::ToolResult(ToolResult { call_id, content, is_error })
}

/// The texts of blocks; a list of anything else as JSON.
fn joined(blocks: &[Value]) -> String {
    let text =
        |block: &Value| block.as_str().or_else(|| block.get("text")?.as_str()).map(str::to_owned);
    match blocks.iter().map(text).collect::<Option<Vec<_>>>() {
        Some(texts) => texts.join("\n"),
        None => Value::from(blocks.to_vec()).to_string(),
    }
}
