//! What the request carries.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use super::{Filling, SkillFault, parts};
use crate::{Secret, skill::Part};

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";
const FORM: &str = "application/x-www-form-urlencoded";

/// The body and its media type.
pub(super) fn render(
    body: &Value,
    content_type: Option<String>,
    filling: &Filling<'_>,
) -> Result<(String, Secret<String>), SkillFault> {
    if let Value::String(text) = body {
        let content_type = content_type.unwrap_or_else(|| TEXT.to_owned());
        let spell = spelling(&content_type);
        let text = filling.text(text, |value| Ok(spell(value)))?;
        return Ok((content_type, Secret::new(text)));
    }
    let value = value(body, filling)?.unwrap_or(Value::Null);
    Ok((content_type.unwrap_or_else(|| JSON.to_owned()), Secret::new(value.to_string())))
}

/// How a value is written so that it stays one value in a text of this media type.
fn spelling(content_type: &str) -> fn(&str) -> String {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == FORM {
        |value| utf8_percent_encode(value, NON_ALPHANUMERIC).to_string()
    } else if essence == JSON || essence.ends_with("+json") {
        |value| {
            let quoted = Value::from(value).to_string();
            let inside = quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
            inside.unwrap_or_default().to_owned()
        }
    } else if essence.ends_with("/xml") || essence.ends_with("+xml") || essence == "text/html" {
        |value| {
            let value = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            value.replace('"', "&quot;").replace('\'', "&#39;")
        }
    } else {
        str::to_owned
    }
}

/// A value with everything filled in; `None` when it is an input that was not given.
fn value(template: &Value, filling: &Filling<'_>) -> Result<Option<Value>, SkillFault> {
    Ok(Some(match template {
        Value::String(text) => match parts(text)?.as_slice() {
            [Part::Input(name)] => match filling.input.get(*name) {
                Some(given) => given.clone(),
                None => return Ok(None),
            },
            _ => Value::String(filling.text(text, |value| Ok(value.to_owned()))?),
        },
        Value::Array(items) => {
            let mut filled = Vec::new();
            for item in items {
                filled.extend(value(item, filling)?);
            }
            Value::Array(filled)
        }
        Value::Object(map) => {
            let mut filled = Map::new();
            for (key, item) in map {
                if let Some(item) = value(item, filling)? {
                    filled.insert(key.clone(), item);
                }
            }
            Value::Object(filled)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => template.clone(),
    }))
}
