//! What is wrong with a caller's input, all of it at once.

use serde::Serialize;

/// One thing wrong with a request's content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// RFC 6901 JSON pointer to the value, or the name of a query parameter.
    pub pointer: String,
    /// Stable, in `snake_case`: `required`, `unknown_field`, `type`, `maximum`, …
    pub code: &'static str,
    /// What would be right, for a person.
    pub message: String,
}

impl Fault {
    /// A fault at `pointer`.
    pub fn new(pointer: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code, message: message.into() }
    }

    /// The first segment of the pointer, unescaped: the top-level field.
    #[must_use]
    pub fn field(&self) -> &str {
        self.pointer.strip_prefix('/').and_then(|rest| rest.split('/').next()).unwrap_or("")
    }
}

/// Appends `segment` to a JSON pointer, escaped as RFC 6901 asks.
#[must_use]
pub fn pointer_to(parent: &str, segment: &str) -> String {
    format!("{parent}/{}", segment.replace('~', "~0").replace('/', "~1"))
}
