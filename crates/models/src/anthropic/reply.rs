//! What comes back: a message of blocks, each told of from its beginning to its end.
//! Events and blocks that are not known here are passed over.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use understudy_domain::{
    chat::{ChatEvent, ChatStop, ChatUsage, Protocol},
    conversation::{ReasoningBlock, ToolCall},
    ports::ProviderError,
};

use crate::{
    complaint::reported,
    fields::{number, object, parse, text},
    sse::Frame,
    stream::{Reader, Said},
};

/// What is known of the answer so far.
#[derive(Debug, Default)]
pub(super) struct Reply {
    /// Blocks that have begun and not ended, by their place.
    blocks: BTreeMap<u64, Block>,
    has_called: bool,
    stop: Option<String>,
    usage: Option<Counted>,
    service_tier: Option<String>,
}

#[derive(Debug)]
enum Block {
    Thinking {
        thought: String,
        signature: String,
    },
    /// Thoughts that only the provider can read.
    Redacted(Value),
    ToolUse {
        id: String,
        name: String,
        arguments: String,
        input: Option<Value>,
    },
}

/// Tokens as this provider counts them: what it had at hand is not among the others.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    input: u64,
    read: u64,
    created: u64,
    output: u64,
    thought: u64,
}

impl Reader for Reply {
    fn read(&mut self, frame: &Frame, said: &mut Said) -> Result<(), ProviderError> {
        if frame.data.trim().is_empty() {
            return Ok(());
        }
        let event = parse(&frame.data)?;
        let kind = text(&event, "type").unwrap_or_else(|| frame.event.clone());
        match kind.as_str() {
            "message_start" => self.start(object(&event, "message").unwrap_or(&Value::Null), said),
            "content_block_start" => self.open(&event, said),
            "content_block_delta" => self.go_on(&event, said),
            "content_block_stop" => {
                if let Some(block) = self.blocks.remove(&number(&event, "index")) {
                    self.close(block, said);
                }
            }
            "message_delta" => self.account(&event),
            "message_stop" => self.end_message(said),
            "error" => return Err(fault(object(&event, "error").unwrap_or(&Value::Null))),
            _ => {}
        }
        Ok(())
    }
}

impl Reply {
    fn start(&mut self, message: &Value, said: &mut Said) {
        if let Some(usage) = object(message, "usage") {
            self.usage.get_or_insert_default().take(usage);
            self.service_tier = text(usage, "service_tier");
        }
        said.push_back(ChatEvent::Started { model: text(message, "model") });
    }

    fn open(&mut self, event: &Value, said: &mut Said) {
        let block = object(event, "content_block").unwrap_or(&Value::Null);
        let begun = match block.get("type").and_then(Value::as_str) {
            Some("text") => {
                said.extend(text(block, "text").map(ChatEvent::Text));
                return;
            }
            Some("thinking") => {
                let thought = text(block, "thinking").unwrap_or_default();
                said.extend(text(block, "thinking").map(ChatEvent::Reasoning));
                Block::Thinking { thought, signature: text(block, "signature").unwrap_or_default() }
            }
            Some("redacted_thinking") => Block::Redacted(block.clone()),
            Some("tool_use") => {
                let id = text(block, "id").unwrap_or_default();
                let name = text(block, "name").unwrap_or_default();
                let delta = String::new();
                let (call_id, tool) = (id.clone(), name.clone());
                said.push_back(ChatEvent::ToolArguments { call_id, name: tool, delta });
                let input = object(block, "input").cloned();
                Block::ToolUse { id, name, arguments: String::new(), input }
            }
            _ => return,
        };
        self.blocks.insert(number(event, "index"), begun);
    }

    fn go_on(&mut self, event: &Value, said: &mut Said) {
        let delta = object(event, "delta").unwrap_or(&Value::Null);
        let kind = delta.get("type").and_then(Value::as_str).unwrap_or_default();
        if kind == "text_delta" {
            said.extend(text(delta, "text").map(ChatEvent::Text));
            return;
        }
        match (kind, self.blocks.get_mut(&number(event, "index"))) {
            ("thinking_delta", Some(Block::Thinking { thought, .. })) => {
                let more = text(delta, "thinking").unwrap_or_default();
                thought.push_str(&more);
                said.extend(Some(more).filter(|more| !more.is_empty()).map(ChatEvent::Reasoning));
            }
            ("signature_delta", Some(Block::Thinking { signature, .. })) => {
                signature.push_str(&text(delta, "signature").unwrap_or_default());
            }
            ("input_json_delta", Some(Block::ToolUse { id, name, arguments, .. })) => {
                let Some(more) = text(delta, "partial_json") else {
                    return;
                };
                arguments.push_str(&more);
                let (call_id, name) = (id.clone(), name.clone());
                said.push_back(ChatEvent::ToolArguments { call_id, name, delta: more });
            }
            _ => {}
        }
    }

    fn close(&mut self, block: Block, said: &mut Said) {
        said.push_back(match block {
            Block::Thinking { thought, signature } => {
                let raw =
                    json!({ "type": "thinking", "thinking": thought, "signature": signature });
                ChatEvent::ReasoningBlock(thinking(thought, raw))
            }
            Block::Redacted(raw) => ChatEvent::ReasoningBlock(thinking(String::new(), raw)),
            Block::ToolUse { id, name, arguments, input } => {
                self.has_called = true;
                let arguments = if arguments.is_empty() {
                    input.map_or_else(|| "{}".to_owned(), |input| input.to_string())
                } else {
                    arguments
                };
                ChatEvent::ToolCall(ToolCall { id, name, arguments })
            }
        });
    }

    fn account(&mut self, event: &Value) {
        if let Some(reason) = object(event, "delta").and_then(|delta| text(delta, "stop_reason")) {
            self.stop = Some(reason);
        }
        if let Some(usage) = object(event, "usage") {
            self.usage.get_or_insert_default().take(usage);
        }
    }

    fn end_message(&mut self, said: &mut Said) {
        for block in std::mem::take(&mut self.blocks).into_values() {
            self.close(block, said);
        }
        said.push_back(ChatEvent::Done {
            stop: self.stop(),
            usage: self.usage.map(ChatUsage::from),
            service_tier: self.service_tier.take(),
        });
    }

    fn stop(&self) -> ChatStop {
        match self.stop.as_deref() {
            Some("max_tokens" | "model_context_window_exceeded") => ChatStop::MaxTokens,
            Some("stop_sequence") => ChatStop::StopSequence,
            Some("tool_use") => ChatStop::ToolUse,
            Some("refusal") => ChatStop::Refusal,
            Some("pause_turn") => ChatStop::Pause,
            Some("end_turn") => ChatStop::EndTurn,
            _ if self.has_called => ChatStop::ToolUse,
            _ => ChatStop::EndTurn,
        }
    }
}

impl Counted {
    /// Takes what is told; later counts take the place of earlier ones.
    fn take(&mut self, usage: &Value) {
        let told = |name: &str| usage.get(name).and_then(Value::as_u64);
        self.input = told("input_tokens").unwrap_or(self.input);
        self.read = told("cache_read_input_tokens").unwrap_or(self.read);
        self.created = told("cache_creation_input_tokens").unwrap_or(self.created);
        self.output = told("output_tokens").unwrap_or(self.output);
        let thought = usage.pointer("/output_tokens_details/thinking_tokens");
        self.thought = thought.and_then(Value::as_u64).unwrap_or(self.thought);
    }
}

impl From<Counted> for ChatUsage {
    fn from(counted: Counted) -> Self {
        let at_hand = counted.read.saturating_add(counted.created);
        Self {
            input_tokens: counted.input.saturating_add(at_hand),
            cached_tokens: counted.read,
            output_tokens: counted.output,
            reasoning_tokens: counted.thought,
        }
    }
}

fn thinking(summary: String, raw: Value) -> ReasoningBlock {
    ReasoningBlock { protocol: Protocol::AnthropicMessages.as_str().to_owned(), summary, raw }
}

/// What an error says that is told of in the middle of an answer.
fn fault(error: &Value) -> ProviderError {
    let kind = text(error, "type").unwrap_or_else(|| "api_error".to_owned());
    let message = text(error, "message").unwrap_or_default();
    match kind.as_str() {
        "overloaded_error" => ProviderError::Busy { retry_after: None, message },
        kind => reported(kind, &message),
    }
}

#[cfg(test)]
mod tests;
