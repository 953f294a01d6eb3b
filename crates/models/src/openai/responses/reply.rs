//! What comes back: events, each of a type of its own. Types that are not known here
//! are passed over, since there are more every year.

use std::collections::HashMap;

use serde_json::Value;
use understudy_domain::{
    chat::{ChatEvent, ChatStop, ChatUsage, Protocol},
    conversation::{ReasoningBlock, ToolCall},
    ports::ProviderError,
};

use super::super::{fault, number, object, parse, text};
use crate::{
    sse::Frame,
    stream::{Reader, Said, broke_off},
};

/// What is known of the answer so far.
#[derive(Debug, Default)]
pub(super) struct Reply {
    has_started: bool,
    has_refused: bool,
    has_called: bool,
    /// Ids and names of calls, by their place among the items.
    calls: HashMap<u64, (String, String)>,
}

impl Reader for Reply {
    fn read(&mut self, frame: &Frame, said: &mut Said) -> Result<(), ProviderError> {
        let data = frame.data.trim();
        if data.is_empty() || data == "[DONE]" {
            return Ok(());
        }
        let event = parse(data)?;
        let kind = text(&event, "type").unwrap_or_else(|| frame.event.clone());
        if kind == "error" || (kind.is_empty() && event.get("error").is_some()) {
            return Err(fault(object(&event, "error").unwrap_or(&event)));
        }
        self.start(&event, said);
        self.take(&kind, &event, said)
    }
}

impl Reply {
    fn start(&mut self, event: &Value, said: &mut Said) {
        if !self.has_started {
            self.has_started = true;
            let model = object(event, "response").and_then(|response| text(response, "model"));
            said.push_back(ChatEvent::Started { model });
        }
    }

    fn take(&mut self, kind: &str, event: &Value, said: &mut Said) -> Result<(), ProviderError> {
        let response = object(event, "response").unwrap_or(&Value::Null);
        match kind {
            "response.output_text.delta" => {
                said.extend(text(event, "delta").map(ChatEvent::Text));
                said.extend(logprobs(event).map(ChatEvent::Logprobs));
            }
            "response.refusal.delta" => {
                self.has_refused = true;
                said.extend(text(event, "delta").map(ChatEvent::Refusal));
            }
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                said.extend(text(event, "delta").map(ChatEvent::Reasoning));
            }
            "response.reasoning_summary_part.added" if number(event, "summary_index") > 0 => {
                said.push_back(ChatEvent::Reasoning("\n\n".to_owned()));
            }
            "response.output_item.added" => self.begin(event, said),
            "response.function_call_arguments.delta" => {
                said.extend(text(event, "delta").and_then(|delta| self.argue(event, delta)));
            }
            "response.output_item.done" => return self.complete(event, said),
            "response.completed" => said.push_back(done(self.well(), response)),
            "response.incomplete" => said.push_back(done(short(response), response)),
            "response.failed" => {
                return Err(fault(object(response, "error").unwrap_or(&Value::Null)));
            }
            "response.cancelled" => return Err(broke_off()),
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, event: &Value, said: &mut Said) {
        let Some((call_id, name)) = object(event, "item").and_then(call) else {
            return;
        };
        self.calls.insert(number(event, "output_index"), (call_id.clone(), name.clone()));
        said.push_back(ChatEvent::ToolArguments { call_id, name, delta: String::new() });
    }

    fn argue(&self, event: &Value, delta: String) -> Option<ChatEvent> {
        let (call_id, name) = self.calls.get(&number(event, "output_index"))?.clone();
        Some(ChatEvent::ToolArguments { call_id, name, delta })
    }

    fn complete(&mut self, event: &Value, said: &mut Said) -> Result<(), ProviderError> {
        let Some(item) = object(event, "item") else {
            return Ok(());
        };
        match item.get("type").and_then(Value::as_str) {
            Some("function_call") => {
                let Some((id, name)) = call(item) else {
                    let what = "it calls a tool without saying which";
                    return Err(ProviderError::Garbled(what.to_owned()));
                };
                self.has_called = true;
                let arguments = text(item, "arguments").unwrap_or_default();
                said.push_back(ChatEvent::ToolCall(ToolCall { id, name, arguments }));
            }
            Some("reasoning") => said.push_back(ChatEvent::ReasoningBlock(ReasoningBlock {
                protocol: Protocol::OpenaiResponses.as_str().to_owned(),
                summary: summary(item),
                raw: item.clone(),
            })),
            _ => {}
        }
        Ok(())
    }

    const fn well(&self) -> ChatStop {
        if self.has_called {
            ChatStop::ToolUse
        } else if self.has_refused {
            ChatStop::Refusal
        } else {
            ChatStop::EndTurn
        }
    }
}

fn done(stop: ChatStop, response: &Value) -> ChatEvent {
    let usage = object(response, "usage").map(used);
    ChatEvent::Done { stop, usage, service_tier: text(response, "service_tier") }
}

/// Id and name of a call.
fn call(item: &Value) -> Option<(String, String)> {
    let is_call = item.get("type").is_some_and(|kind| kind == "function_call");
    let named = || Some((text(item, "call_id")?, text(item, "name")?));
    is_call.then(named).flatten()
}

fn summary(item: &Value) -> String {
    let parts = item.get("summary").and_then(Value::as_array);
    let texts: Vec<String> =
        parts.into_iter().flatten().filter_map(|part| text(part, "text")).collect();
    texts.join("\n\n")
}

fn logprobs(event: &Value) -> Option<Vec<Value>> {
    let logprobs = event.get("logprobs").and_then(Value::as_array)?;
    (!logprobs.is_empty()).then(|| logprobs.clone())
}

/// Why an answer is not whole.
fn short(response: &Value) -> ChatStop {
    match response.pointer("/incomplete_details/reason").and_then(Value::as_str) {
        Some("content_filter") => ChatStop::ContentFilter,
        _ => ChatStop::MaxTokens,
    }
}

fn used(usage: &Value) -> ChatUsage {
    let within =
        |details: &str, name: &str| usage.get(details).map_or(0, |details| number(details, name));
    ChatUsage {
        input_tokens: number(usage, "input_tokens"),
        cached_tokens: within("input_tokens_details", "cached_tokens"),
        output_tokens: number(usage, "output_tokens"),
        reasoning_tokens: within("output_tokens_details", "reasoning_tokens"),
    }
}

#[cfg(test)]
mod tests;
