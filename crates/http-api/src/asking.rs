//! What every dialect reads alike of what is asked.

mod calls;
mod media;

use serde_json::{Map, Value};
use understudy_domain::{
    assistant::content::LogitBias,
    chat::ToolChoice,
    run::{CallerTool, RequestFormat},
};

pub(crate) use self::{
    calls::{chat_call, function_call, result},
    media::source,
};
use crate::fields::{Fields, text_or_other};

/// What a schema is called that came without a name.
const NAMELESS: &str = "answer";

/// A field that may as well be `null`.
pub(crate) fn optional<T>(
    fields: &mut Fields,
    name: &str,
    reader: impl FnOnce(&mut Fields, &str) -> Option<T>,
) -> Option<T> {
    fields.nullable(name, reader).flatten()
}

/// Biases of tokens, or 0 for none.
pub(crate) fn logit_bias(fields: &mut Fields, name: &str) -> Option<LogitBias> {
    let found = serde_json::from_value(fields.any(name)?).ok();
    if found.is_none() {
        fields.fault(name, "type", "must be an object of token ids and numbers, or 0");
    }
    found
}

/// A text, or a list of texts.
pub(crate) fn one_or_more(fields: &mut Fields, name: &str) -> Option<Vec<String>> {
    match fields.any(name)? {
        Value::String(text) => Some(vec![text]),
        Value::Array(list) => {
            let texts: Option<Vec<_>> =
                list.into_iter().map(|item| item.as_str().map(str::to_owned)).collect();
            if texts.is_none() {
                fields.fault(name, "type", "must be a text or a list of texts");
            }
            texts
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
            fields.fault(name, "type", "must be a text or a list of texts");
            None
        }
    }
}

/// Whether the oldest turns may be left out.
pub(crate) fn truncation(fields: &mut Fields, name: &str) -> Option<bool> {
    match fields.any(name)? {
        Value::Bool(flag) => Some(flag),
        Value::String(word) if word == "auto" => Some(true),
        Value::String(word) if word == "disabled" => Some(false),
        Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            fields.fault(name, "type", "must be true, false, `auto` or `disabled`");
            None
        }
    }
}

/// A schema with its name.
pub(crate) fn schema(fields: &mut Fields) -> Option<RequestFormat> {
    let alias = fields.has("schemaObject");
    let name = if alias { "schemaObject" } else { "schema" };
    fields.require(name);
    let schema = fields.object(name)?;
    Some(RequestFormat::JsonSchema {
        name: optional(fields, "name", Fields::text).unwrap_or_else(|| NAMELESS.to_owned()),
        description: optional(fields, "description", Fields::text),
        schema,
        strict: optional(fields, "strict", Fields::flag),
    })
}

/// A tool that the caller runs.
pub(crate) fn tool(fields: &mut Fields) -> Option<CallerTool> {
    if fields.text("type").is_some_and(|kind| kind != "function") {
        let message = "must be `function`; other tools are the assistant's";
        fields.fault("type", "enum", message);
    }
    if fields.has("function") {
        return fields.inner("function", function);
    }
    Some(function(fields))
}

fn function(fields: &mut Fields) -> CallerTool {
    CallerTool {
        name: fields.required("name", Fields::text),
        description: optional(fields, "description", Fields::text),
        parameters: optional::<Map<String, Value>>(fields, "parameters", Fields::object),
        strict: optional(fields, "strict", Fields::flag),
    }
}

/// Which tool the model is to use.
pub(crate) fn tool_choice(fields: &mut Fields, name: &str) -> Option<ToolChoice> {
    match text_or_other(fields.any(name)?) {
        Ok(word) => match word.as_str() {
            "auto" => Some(ToolChoice::Auto),
            "none" => Some(ToolChoice::None),
            "required" => Some(ToolChoice::Required),
            _ => {
                fields.fault(name, "enum", "must be auto, none or required, or name a tool");
                None
            }
        },
        Err(value) => fields.nested(&format!("/{name}"), value, |inner| {
            inner.text("type");
            let named = |inner: &mut Fields| inner.required("name", Fields::text);
            let tool = if inner.has("function") {
                inner.inner("function", named).unwrap_or_default()
            } else {
                named(inner)
            };
            ToolChoice::Named(tool)
        }),
    }
}
