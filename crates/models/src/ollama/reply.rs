//! What comes back: a part of the message in each line.

use std::collections::HashSet;

use serde_json::{Value, json};
use understudy_domain::{
    chat::{ChatEvent, ChatStop, ChatUsage, Protocol},
    conversation::{Item, ReasoningBlock, ToolCall},
    ports::ProviderError,
};

use crate::{
    fields::{number, object, parse, text},
    sse::Frame,
    stream::{Reader, Said},
};

/// What is known of the answer so far.
#[derive(Debug, Default)]
pub(super) struct Reply {
    has_started: bool,
    has_called: bool,
    /// What was thought since anything else was said.
    thought: String,
    /// The ids of all calls of the conversation.
    taken: HashSet<String>,
}

impl Reply {
    /// An answer to this conversation.
    pub(super) fn after(items: &[Item]) -> Self {
        let ids = items.iter().filter_map(|item| match item {
            Item::ToolCall(call) => Some(call.id.clone()),
            _ => None,
        });
        Self { taken: ids.collect(), ..Self::default() }
    }

    fn take(&mut self, message: &Value, said: &mut Said) {
        if let Some(thought) = text(message, "thinking") {
            self.thought.push_str(&thought);
            said.push_back(ChatEvent::Reasoning(thought));
        }
        if let Some(content) = text(message, "content") {
            self.end_thought(said);
            said.push_back(ChatEvent::Text(content));
        }
        let calls = message.get("tool_calls").and_then(Value::as_array);
        for call in calls.into_iter().flatten() {
            self.end_thought(said);
            self.call(call, said);
        }
    }

    fn end_thought(&mut self, said: &mut Said) {
        if self.thought.is_empty() {
            return;
        }
        let thought = std::mem::take(&mut self.thought);
        said.push_back(ChatEvent::ReasoningBlock(ReasoningBlock {
            protocol: Protocol::OllamaChat.as_str().to_owned(),
            raw: json!({ "thinking": thought }),
            summary: thought,
        }));
    }

    fn call(&mut self, call: &Value, said: &mut Said) {
        let function = object(call, "function").unwrap_or(&Value::Null);
        let Some(name) = text(function, "name") else {
            return;
        };
        self.has_called = true;
        let arguments = match function.get("arguments") {
            Some(Value::String(text)) => text.clone(),
            Some(arguments @ Value::Object(_)) => arguments.to_string(),
            _ => "{}".to_owned(),
        };
        let id = self.fresh(text(call, "id"));
        said.push_back(ChatEvent::ToolArguments {
            call_id: id.clone(),
            name: name.clone(),
            delta: arguments.clone(),
        });
        said.push_back(ChatEvent::ToolCall(ToolCall { id, name, arguments }));
    }

    /// An id that no other call has: many versions give none.
    fn fresh(&mut self, given: Option<String>) -> String {
        let numbered = (self.taken.len() + 1..).map(|number| format!("call_{number}"));
        let mut names = given.into_iter().chain(numbered);
        let fresh = names.find(|name| !self.taken.contains(name)).unwrap_or_default();
        self.taken.insert(fresh.clone());
        fresh
    }

    fn done(&self, last: &Value) -> ChatEvent {
        let stop = match last.get("done_reason").and_then(Value::as_str) {
            Some("length") => ChatStop::MaxTokens,
            _ if self.has_called => ChatStop::ToolUse,
            _ => ChatStop::EndTurn,
        };
        let counts = ["prompt_eval_count", "eval_count"].map(|name| last.get(name));
        let usage = counts.iter().any(Option::is_some).then(|| ChatUsage {
            // Left out when all of it was at hand.
            input_tokens: number(last, "prompt_eval_count"),
            output_tokens: number(last, "eval_count"),
            ..ChatUsage::default()
        });
        ChatEvent::Done { stop, usage, service_tier: None }
    }
}

impl Reader for Reply {
    fn read(&mut self, frame: &Frame, said: &mut Said) -> Result<(), ProviderError> {
        let line = parse(&frame.data)?;
        if let Some(error) = line.get("error") {
            return Err(fault(error));
        }
        if !self.has_started {
            self.has_started = true;
            said.push_back(ChatEvent::Started { model: text(&line, "model") });
        }
        self.take(object(&line, "message").unwrap_or(&Value::Null), said);
        if line.get("done") == Some(&Value::Bool(true)) {
            self.end_thought(said);
            said.push_back(self.done(&line));
        }
        Ok(())
    }
}

/// What an error says that is told of in the middle of an answer.
fn fault(error: &Value) -> ProviderError {
    let said = error.as_str().map(str::to_owned).or_else(|| text(error, "message"));
    let message = said.unwrap_or_else(|| "it does not say why".to_owned());
    if message.contains("server busy") || message.contains("maximum pending requests") {
        return ProviderError::Busy { retry_after: None, message };
    }
    ProviderError::Refused { status: 500, message }
}

#[cfg(test)]
mod tests;
