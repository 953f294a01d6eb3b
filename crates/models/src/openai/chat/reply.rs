//! What comes back: chunks, each with more of the answer.

use serde_json::Value;
use understudy_domain::{
    chat::{ChatEvent, ChatStop, ChatUsage},
    ports::ProviderError,
};

use super::super::{fault, number, object, parse, text};
use crate::{
    sse::Frame,
    stream::{Reader, Said, broke_off},
};

use self::calls::Calls;

mod calls;

/// What is known of the answer so far.
#[derive(Debug, Default)]
pub(super) struct Reply {
    has_started: bool,
    has_refused: bool,
    calls: Calls,
    stop: Option<ChatStop>,
    usage: Option<ChatUsage>,
    service_tier: Option<String>,
}

impl Reader for Reply {
    fn read(&mut self, frame: &Frame, said: &mut Said) -> Result<(), ProviderError> {
        let data = frame.data.trim();
        if data.is_empty() {
            return Ok(());
        }
        if data == "[DONE]" {
            return if self.has_started { self.conclude(said) } else { Err(broke_off()) };
        }
        let chunk = parse(data)?;
        let error = chunk.get("error").filter(|error| !error.is_null());
        if error.is_some() || frame.event == "error" {
            return Err(fault(error.unwrap_or(&chunk)));
        }
        self.take(&chunk, said)
    }

    /// Not everybody says `[DONE]`, but everybody says why they stopped.
    fn end(&mut self, said: &mut Said) -> Result<(), ProviderError> {
        if self.stop.is_some() { self.conclude(said) } else { Err(broke_off()) }
    }
}

impl Reply {
    fn take(&mut self, chunk: &Value, said: &mut Said) -> Result<(), ProviderError> {
        if !self.has_started {
            self.has_started = true;
            said.push_back(ChatEvent::Started { model: text(chunk, "model") });
        }
        if let Some(tier) = text(chunk, "service_tier") {
            self.service_tier = Some(tier);
        }
        // Some tell it at the end, some on every chunk; the last one counts.
        if let Some(usage) = object(chunk, "usage") {
            self.usage = Some(used(usage));
        }
        let choices = chunk.get("choices").and_then(Value::as_array);
        let choice = choices.into_iter().flatten().find(|choice| number(choice, "index") == 0);
        choice.map_or(Ok(()), |choice| self.choose(choice, said))
    }

    fn choose(&mut self, choice: &Value, said: &mut Said) -> Result<(), ProviderError> {
        if let Some(delta) = object(choice, "delta").or_else(|| object(choice, "message")) {
            self.hear(delta, said);
        }
        let logprobs = choice.pointer("/logprobs/content").and_then(Value::as_array);
        if let Some(logprobs) = logprobs.filter(|logprobs| !logprobs.is_empty()) {
            said.push_back(ChatEvent::Logprobs(logprobs.clone()));
        }
        let Some(reason) = text(choice, "finish_reason") else {
            return Ok(());
        };
        if reason == "error" {
            return Err(fault(choice.get("error").unwrap_or(&Value::Null)));
        }
        self.stop = Some(stop(&reason, text(choice, "stop_reason").is_some()));
        Ok(())
    }

    fn hear(&mut self, delta: &Value, said: &mut Said) {
        // One of the two names, whichever they took.
        let thought = text(delta, "reasoning_content").or_else(|| text(delta, "reasoning"));
        said.extend(thought.map(ChatEvent::Reasoning));
        said.extend(content(delta).map(ChatEvent::Text));
        if let Some(refusal) = text(delta, "refusal") {
            self.has_refused = true;
            said.push_back(ChatEvent::Refusal(refusal));
        }
        for call in delta.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
            self.calls.hear(call, said);
        }
    }

    fn conclude(&mut self, said: &mut Said) -> Result<(), ProviderError> {
        let calls = std::mem::take(&mut self.calls).complete()?;
        let has_called = !calls.is_empty();
        said.extend(calls.into_iter().map(ChatEvent::ToolCall));
        let stop = match self.stop.take().unwrap_or(ChatStop::EndTurn) {
            ChatStop::EndTurn | ChatStop::ToolUse if has_called => ChatStop::ToolUse,
            ChatStop::EndTurn | ChatStop::ToolUse if self.has_refused => ChatStop::Refusal,
            ChatStop::ToolUse => ChatStop::EndTurn,
            other => other,
        };
        let service_tier = self.service_tier.take();
        said.push_back(ChatEvent::Done { stop, usage: self.usage, service_tier });
        Ok(())
    }
}

/// Text, or pieces of which some are text.
fn content(delta: &Value) -> Option<String> {
    let pieces = delta.get("content").and_then(Value::as_array);
    let joined =
        pieces.map(|pieces| pieces.iter().filter_map(|piece| text(piece, "text")).collect());
    joined.filter(|text: &String| !text.is_empty()).or_else(|| text(delta, "content"))
}

fn stop(reason: &str, names_a_sequence: bool) -> ChatStop {
    match reason {
        "length" | "max_tokens" | "model_length" => ChatStop::MaxTokens,
        "tool_calls" | "tool_call" | "tool_use" | "function_call" => ChatStop::ToolUse,
        "content_filter" | "safety" | "SAFETY" => ChatStop::ContentFilter,
        "refusal" => ChatStop::Refusal,
        "stop_sequence" => ChatStop::StopSequence,
        "stop" if names_a_sequence => ChatStop::StopSequence,
        _ => ChatStop::EndTurn,
    }
}

fn used(usage: &Value) -> ChatUsage {
    let within =
        |details: &str, name: &str| usage.get(details).map_or(0, |details| number(details, name));
    let cached = within("prompt_tokens_details", "cached_tokens");
    ChatUsage {
        input_tokens: number(usage, "prompt_tokens"),
        cached_tokens: cached.max(number(usage, "prompt_cache_hit_tokens")),
        output_tokens: number(usage, "completion_tokens"),
        reasoning_tokens: within("completion_tokens_details", "reasoning_tokens"),
    }
}

#[cfg(test)]
mod tests;
