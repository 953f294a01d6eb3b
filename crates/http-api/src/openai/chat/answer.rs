//! Completions as clients read them.

use serde_json::{Value, json};
use understudy_domain::{
    conversation::ToolCall,
    run::{Outcome, Run, RunUsage, StopReason},
};

use super::request::Wish;
use crate::openai::{annotations, told};

/// The name of a completion.
pub(super) fn id_of(run: &str) -> String {
    format!("chatcmpl-{}", run.strip_prefix("resp_").unwrap_or(run))
}

/// A completion as a whole.
pub(super) fn completion(run: &Run, wish: &Wish) -> Value {
    let outcome = &run.outcome;
    json!({
        "id": id_of(&run.id.to_string()),
        "object": "chat.completion",
        "created": run.created_at.unix_seconds(),
        "model": wish.model,
        "choices": [{
            "index": 0,
            "message": message(outcome),
            "logprobs": logprobs(outcome, wish),
            "finish_reason": finish_reason(outcome),
        }],
        "usage": usage(&outcome.usage),
        "service_tier": outcome.service_tier,
        "system_fingerprint": null,
        "understudy": told(run),
    })
}

fn message(outcome: &Outcome) -> Value {
    let text = (!outcome.text.is_empty()).then_some(&outcome.text);
    let (content, refusal) = if outcome.refused { (None, text) } else { (text, None) };
    // Somebody who called nothing said something, if only that.
    let content = match content {
        None if refusal.is_none() && outcome.requested_calls.is_empty() => Some(&outcome.text),
        content => content,
    };
    let mut message = json!({
        "role": "assistant",
        "content": content,
        "refusal": refusal,
        "annotations": annotations::of_chat(outcome),
    });
    if let Some(message) = message.as_object_mut()
        && !outcome.requested_calls.is_empty()
    {
        let calls = outcome.requested_calls.iter().map(call);
        message.insert("tool_calls".to_owned(), calls.collect());
    }
    message
}

fn call(call: &ToolCall) -> Value {
    let ToolCall { id, name, arguments } = call;
    json!({ "id": id, "type": "function", "function": { "name": name, "arguments": arguments } })
}

/// Log probabilities, where they were asked for and the model has some.
pub(super) fn logprobs(outcome: &Outcome, wish: &Wish) -> Value {
    if wish.logprobs && !outcome.logprobs.is_empty() {
        json!({ "content": outcome.logprobs, "refusal": null })
    } else {
        Value::Null
    }
}

/// Why the completion ends where it ends.
pub(super) const fn finish_reason(outcome: &Outcome) -> &'static str {
    match outcome.stop_reason {
        Some(StopReason::ToolUse) => "tool_calls",
        Some(StopReason::MaxTokens) => "length",
        Some(StopReason::ContentFilter) => "content_filter",
        Some(
            StopReason::EndTurn
            | StopReason::StopSequence
            | StopReason::Refusal
            | StopReason::ApprovalRequired
            | StopReason::SchemaValidationFailed
            | StopReason::Cancelled
            | StopReason::Error,
        )
        | None => "stop",
    }
}

/// What it used.
pub(super) fn usage(usage: &RunUsage) -> Value {
    json!({
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens(),
        "prompt_tokens_details": { "cached_tokens": usage.cached_tokens, "audio_tokens": 0 },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    })
}
