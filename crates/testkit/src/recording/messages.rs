//! Messages, as Anthropic speaks it.

use serde_json::{Value, json};

use super::{
    fault::Trouble,
    frames::Frame,
    request::RecordedRequest,
    turn::{Finish, Turn, Usage},
};

pub(super) fn stream(request: &RecordedRequest, turn: &Turn) -> Vec<Frame> {
    let mut start = envelope(request, turn);
    if let Value::Object(fields) = &mut start {
        fields.insert("content".to_owned(), json!([]));
        fields.insert("stop_reason".to_owned(), Value::Null);
        fields.insert("stop_sequence".to_owned(), Value::Null);
        fields.insert("usage".to_owned(), usage(turn, 1));
    }
    let mut frames = vec![Frame::named(&json!({"type": "message_start", "message": start}))];
    for (index, block) in blocks(request, turn).iter().enumerate() {
        let opened = json!({
            "type": "content_block_start", "index": index, "content_block": opening(block),
        });
        frames.push(Frame::named(&opened));
        if index == 0 {
            frames.push(Frame::named(&json!({"type": "ping"})));
        }
        frames.extend(deltas(turn, block).into_iter().map(|delta| {
            Frame::named(&json!({"type": "content_block_delta", "index": index, "delta": delta}))
        }));
        frames.push(Frame::named(&json!({"type": "content_block_stop", "index": index})));
    }
    let (reason, sequence) = finish(turn);
    let mut told = json!({
        "type": "message_delta",
        "delta": {"stop_reason": reason, "stop_sequence": sequence},
    });
    if let (Value::Object(fields), Some(used)) = (&mut told, turn.usage) {
        fields.insert("usage".to_owned(), json!({"output_tokens": used.output_tokens}));
    }
    frames.push(Frame::named(&told).ending());
    frames.push(Frame::named(&json!({"type": "message_stop"})).ending());
    frames
}

pub(super) fn whole(request: &RecordedRequest, turn: &Turn) -> Value {
    let mut answer = envelope(request, turn);
    let (reason, sequence) = finish(turn);
    let written = turn.usage.map_or(0, |used| used.output_tokens);
    let blocks: Vec<Value> = blocks(request, turn).into_iter().map(Block::whole).collect();
    if let Value::Object(fields) = &mut answer {
        fields.insert("content".to_owned(), blocks.into());
        fields.insert("stop_reason".to_owned(), reason.into());
        fields.insert("stop_sequence".to_owned(), sequence.into());
        fields.insert("usage".to_owned(), usage(turn, written));
    }
    answer
}

pub(super) fn complaint(status: u16, message: &str) -> Value {
    let kind = match status {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    };
    json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"})
}

pub(super) fn trouble(trouble: Trouble) -> Frame {
    let (status, message) = match trouble {
        Trouble::Overloaded => (529, "Overloaded"),
        Trouble::Internal => (500, "Internal server error"),
    };
    Frame::named(&complaint(status, message))
}

enum Block {
    Thinking { text: String, signature: String },
    Text(String),
    ToolUse { id: String, name: String, arguments: String, pieces: Vec<String> },
}

impl Block {
    fn whole(self) -> Value {
        match self {
            Self::Thinking { text, signature } => {
                json!({"type": "thinking", "thinking": text, "signature": signature})
            }
            Self::Text(text) => json!({"type": "text", "text": text}),
            Self::ToolUse { id, name, arguments, .. } => {
                let input = serde_json::from_str(&arguments).unwrap_or_else(|_| json!({}));
                json!({"type": "tool_use", "id": id, "name": name, "input": input})
            }
        }
    }
}

fn blocks(request: &RecordedRequest, turn: &Turn) -> Vec<Block> {
    let mut blocks = Vec::new();
    if !turn.reasoning.is_empty() {
        let signature = format!("sig_{}", request.number);
        blocks.push(Block::Thinking { text: turn.whole_reasoning(), signature });
    }
    let text = turn.whole_text() + turn.refusal.as_deref().unwrap_or_default();
    if !text.is_empty() {
        blocks.push(Block::Text(text));
    }
    for (index, call) in turn.calls.iter().enumerate() {
        blocks.push(Block::ToolUse {
            id: call.id("toolu_", request.number, index),
            name: call.name.clone(),
            arguments: call.arguments.clone(),
            pieces: call.pieces().into_iter().map(str::to_owned).collect(),
        });
    }
    blocks
}

fn opening(block: &Block) -> Value {
    match block {
        Block::Thinking { .. } => json!({"type": "thinking", "thinking": "", "signature": ""}),
        Block::Text(_) => json!({"type": "text", "text": ""}),
        Block::ToolUse { id, name, .. } => {
            json!({"type": "tool_use", "id": id, "name": name, "input": {}})
        }
    }
}

fn deltas(turn: &Turn, block: &Block) -> Vec<Value> {
    match block {
        Block::Thinking { signature, .. } => {
            let thoughts = turn.reasoning.iter();
            let thoughts =
                thoughts.map(|piece| json!({"type": "thinking_delta", "thinking": piece}));
            let signed = json!({"type": "signature_delta", "signature": signature});
            thoughts.chain([signed]).collect()
        }
        Block::Text(_) => {
            let texts = turn.text.iter().chain(&turn.refusal);
            texts.map(|piece| json!({"type": "text_delta", "text": piece})).collect()
        }
        Block::ToolUse { pieces, .. } => {
            // The first is empty, as the vendor's is.
            let pieces = std::iter::once("").chain(pieces.iter().map(String::as_str));
            pieces.map(|piece| json!({"type": "input_json_delta", "partial_json": piece})).collect()
        }
    }
}

fn envelope(request: &RecordedRequest, turn: &Turn) -> Value {
    json!({
        "id": format!("msg_{}", request.number), "type": "message", "role": "assistant",
        "model": turn.model.as_deref().unwrap_or_else(|| request.model()),
    })
}

fn usage(turn: &Turn, written: u64) -> Value {
    let Some(Usage { input_tokens, cached_tokens, .. }) = turn.usage else {
        return json!({});
    };
    json!({
        "input_tokens": input_tokens.saturating_sub(cached_tokens),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": cached_tokens,
        "output_tokens": written,
        "service_tier": turn.service_tier.as_deref().unwrap_or("standard"),
    })
}

fn finish(turn: &Turn) -> (&'static str, Option<&str>) {
    match &turn.finish {
        Some(Finish::StopSequence(text)) => ("stop_sequence", Some(text)),
        Some(Finish::Length) => ("max_tokens", None),
        Some(Finish::WindowFull) => ("model_context_window_exceeded", None),
        Some(Finish::Pause) => ("pause_turn", None),
        Some(Finish::ContentFilter) => ("refusal", None),
        None if turn.refusal.is_some() => ("refusal", None),
        None if !turn.calls.is_empty() => ("tool_use", None),
        Some(Finish::Stop) | None => ("end_turn", None),
    }
}
