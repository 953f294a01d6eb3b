//! Answers on their way, cut into what is written at once.

use serde_json::Value;

/// An event of a stream, or a whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) bytes: Vec<u8>,
    /// Whether it tells of the end.
    pub(super) ends: bool,
}

impl Frame {
    pub(super) fn new(text: impl Into<Vec<u8>>) -> Self {
        Self { bytes: text.into(), ends: false }
    }

    pub(super) fn ending(self) -> Self {
        Self { ends: true, ..self }
    }

    /// A server-sent event whose name is the `type` of what it tells.
    pub(super) fn named(data: &Value) -> Self {
        let name = data.get("type").and_then(Value::as_str).unwrap_or_default();
        Self::new(format!("event: {name}\ndata: {data}\n\n"))
    }

    /// A server-sent event without name.
    pub(super) fn data(data: &Value) -> Self {
        Self::new(format!("data: {data}\n\n"))
    }

    /// A line of JSON.
    pub(super) fn line(data: &Value) -> Self {
        Self::new(format!("{data}\n"))
    }
}
