//! What a provider was asked.

use serde_json::Value;

use crate::Asked;

/// How a conversation is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelApi {
    /// `POST /v1/responses`, as OpenAI speaks it.
    Responses,
    /// `POST /v1/chat/completions`.
    Chat,
    /// `POST /v1/messages`, as Anthropic speaks it.
    Messages,
    /// `POST /api/chat`, as Ollama speaks it.
    Ollama,
}

impl ModelApi {
    pub(super) fn at(method: &str, path: &str) -> Option<Self> {
        match (method, path) {
            ("POST", "/v1/responses") => Some(Self::Responses),
            ("POST", "/v1/chat/completions") => Some(Self::Chat),
            ("POST", "/v1/messages") => Some(Self::Messages),
            ("POST", "/api/chat") => Some(Self::Ollama),
            _ => None,
        }
    }
}

/// A request as it came.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedRequest {
    /// Its place among all requests, from 1.
    pub number: usize,
    /// Which conversation it asks for, if it does.
    pub api: Option<ModelApi>,
    /// The method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query, without the question mark; empty if there is none.
    pub query: String,
    /// The headers, their names in small letters.
    pub headers: Vec<(String, String)>,
    /// The body; null when it is empty or no JSON.
    pub body: Value,
    /// The body's bytes.
    pub bytes: Vec<u8>,
}

impl RecordedRequest {
    pub(super) fn new(number: usize, asked: Asked) -> Self {
        let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
        Self {
            number,
            api: ModelApi::at(&asked.method, path),
            path: path.to_owned(),
            query: query.to_owned(),
            method: asked.method,
            headers: asked.headers,
            body: serde_json::from_slice(&asked.body).unwrap_or_default(),
            bytes: asked.body,
        }
    }

    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The model that is asked for.
    #[must_use]
    pub fn model(&self) -> &str {
        self.body.get("model").and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether the answer is to be streamed. Ollama streams unless it is told not to.
    #[must_use]
    pub fn is_streamed(&self) -> bool {
        let usual = self.api == Some(ModelApi::Ollama);
        self.body.get("stream").and_then(Value::as_bool).unwrap_or(usual)
    }

    /// The names of the tools that are offered.
    #[must_use]
    pub fn tools(&self) -> Vec<&str> {
        let tools = self.body.get("tools").and_then(Value::as_array).into_iter().flatten();
        let names =
            tools.filter_map(|tool| tool.get("name").or_else(|| tool.pointer("/function/name")));
        names.filter_map(Value::as_str).collect()
    }

    /// The text that the person said last; empty if there is none.
    #[must_use]
    pub fn last_user_text(&self) -> String {
        if let Some(text) = self.body.get("input").and_then(Value::as_str) {
            return text.to_owned();
        }
        let said = self.conversation().filter(|item| item.get("role") == Some(&"user".into()));
        let texts = said.map(|item| texts(item.get("content").unwrap_or(&Value::Null)));
        texts.filter(|text| !text.is_empty()).last().unwrap_or_default()
    }

    /// What tools answered, in the order of the conversation.
    #[must_use]
    pub fn tool_results(&self) -> Vec<String> {
        let mut results = Vec::new();
        for item in self.conversation() {
            let content = item.get("content").unwrap_or(&Value::Null);
            if item.get("role") == Some(&"tool".into()) {
                results.push(texts(content));
            }
            if let Some(output) = item.get("output") {
                results.push(texts(output));
            }
            for block in content.as_array().into_iter().flatten() {
                if block.get("type") == Some(&"tool_result".into()) {
                    results.push(texts(block.get("content").unwrap_or(&Value::Null)));
                }
            }
        }
        results
    }

    /// Whether any text of the body holds `text`.
    #[must_use]
    pub fn mentions(&self, text: &str) -> bool {
        holds(&self.body, text)
    }

    fn conversation(&self) -> impl Iterator<Item = &Value> {
        let items = self.body.get("messages").or_else(|| self.body.get("input"));
        items.and_then(Value::as_array).into_iter().flatten()
    }
}

/// The texts of a message's content, which is one text or a list of parts.
fn texts(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str));
            texts.collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

fn holds(value: &Value, text: &str) -> bool {
    match value {
        Value::String(here) => here.contains(text),
        Value::Array(values) => values.iter().any(|value| holds(value, text)),
        Value::Object(fields) => {
            fields.iter().any(|(name, value)| name.contains(text) || holds(value, text))
        }
        _ => false,
    }
}
