//! Chat as Ollama speaks it.

use serde_json::{Map, Value, json};

use super::{
    fault::Trouble,
    frames::Frame,
    request::RecordedRequest,
    turn::{Finish, Turn},
};

/// When everything was made.
const CREATED: &str = "2026-01-01T12:00:00.123456789Z";

pub(super) fn stream(request: &RecordedRequest, turn: &Turn) -> Vec<Frame> {
    let thoughts = turn.reasoning.iter();
    let thoughts =
        thoughts.map(|piece| json!({"role": "assistant", "content": "", "thinking": piece}));
    let texts = turn.text.iter().chain(&turn.refusal);
    let texts = texts.map(|piece| json!({"role": "assistant", "content": piece}));
    let calls = calls(request, turn).into_iter();
    let calls = calls.map(|call| json!({"role": "assistant", "content": "", "tool_calls": [call]}));
    let said = thoughts.chain(texts).chain(calls);
    let mut frames: Vec<Frame> =
        said.map(|message| Frame::line(&part(request, turn, message).into())).collect();
    let last = end(request, turn, json!({"role": "assistant", "content": ""}));
    frames.push(Frame::line(&last).ending());
    frames
}

pub(super) fn whole(request: &RecordedRequest, turn: &Turn) -> Value {
    let text = turn.whole_text() + turn.refusal.as_deref().unwrap_or_default();
    let mut message = Map::new();
    message.insert("role".to_owned(), "assistant".into());
    message.insert("content".to_owned(), text.into());
    if !turn.reasoning.is_empty() {
        message.insert("thinking".to_owned(), turn.whole_reasoning().into());
    }
    if !turn.calls.is_empty() {
        message.insert("tool_calls".to_owned(), calls(request, turn).into());
    }
    end(request, turn, message.into())
}

pub(super) fn trouble(trouble: Trouble) -> Frame {
    let message = match trouble {
        Trouble::Overloaded => "server busy, please try again. maximum pending requests exceeded",
        Trouble::Internal => "an error was encountered while running the model",
    };
    Frame::line(&json!({"error": message}))
}

fn part(request: &RecordedRequest, turn: &Turn, message: Value) -> Map<String, Value> {
    let model = turn.model.as_deref().unwrap_or_else(|| request.model());
    let fields = [
        ("model", json!(model)),
        ("created_at", json!(CREATED)),
        ("message", message),
        ("done", json!(false)),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn end(request: &RecordedRequest, turn: &Turn, message: Value) -> Value {
    let mut last = part(request, turn, message);
    last.insert("done".to_owned(), true.into());
    let reason = match turn.finish {
        Some(Finish::Length | Finish::WindowFull) => "length",
        _ => "stop",
    };
    last.insert("done_reason".to_owned(), reason.into());
    last.insert("total_duration".to_owned(), 5_000_000.into());
    last.insert("load_duration".to_owned(), 1_000_000.into());
    if let Some(used) = turn.usage {
        last.insert("prompt_eval_count".to_owned(), used.input_tokens.into());
        last.insert("prompt_eval_duration".to_owned(), 2_000_000.into());
        last.insert("eval_count".to_owned(), used.output_tokens.into());
        last.insert("eval_duration".to_owned(), 2_000_000.into());
    }
    last.into()
}

fn calls(request: &RecordedRequest, turn: &Turn) -> Vec<Value> {
    let calls = turn.calls.iter().enumerate().map(|(index, call)| {
        let arguments = serde_json::from_str(&call.arguments).unwrap_or_else(|_| json!({}));
        json!({
            "id": call.id("call_", request.number, index),
            "function": {"index": index, "name": call.name, "arguments": arguments},
        })
    });
    calls.collect()
}
