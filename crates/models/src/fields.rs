//! The fields of JSON objects that are sent and that come back.

use serde::Serialize;
use serde_json::{Map, Value};
use understudy_domain::ports::ProviderError;

/// Adds what is there under a name.
pub(crate) fn put(object: &mut Map<String, Value>, name: &str, value: Option<impl Serialize>) {
    // Nothing that is put here is anything but JSON.
    if let Some(value) = value.and_then(|value| serde_json::to_value(value).ok()) {
        object.insert(name.to_owned(), value);
    }
}

/// A piece of a stream.
pub(crate) fn parse(data: &str) -> Result<Value, ProviderError> {
    let parsed = serde_json::from_str(data).ok().filter(Value::is_object);
    parsed.ok_or_else(|| {
        ProviderError::Garbled("a piece of it is not the JSON that was expected".to_owned())
    })
}

/// A text that says something.
pub(crate) fn text(value: &Value, name: &str) -> Option<String> {
    let text = value.get(name).and_then(Value::as_str)?;
    (!text.is_empty()).then(|| text.to_owned())
}

/// An object in an object.
pub(crate) fn object<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.get(name).filter(|value| value.is_object())
}

/// A number; zero where there is none.
pub(crate) fn number(value: &Value, name: &str) -> u64 {
    value.get(name).and_then(Value::as_u64).unwrap_or_default()
}
