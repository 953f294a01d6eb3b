//! Chat Completions, as OpenAI and those who copy it speak it.

use serde_json::{Value, json};

use super::{
    fault::Trouble,
    frames::Frame,
    request::RecordedRequest,
    turn::{Finish, Turn, Usage},
};

/// When everything was made.
const CREATED: u64 = 1_767_268_800;

pub(super) fn stream(request: &RecordedRequest, turn: &Turn) -> Vec<Frame> {
    let chunk = |delta: Value, reason: Value| {
        let choice = json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": reason});
        Frame::data(&envelope(request, turn, "chat.completion.chunk", &json!([choice])))
    };
    let mut frames =
        vec![chunk(json!({"role": "assistant", "content": "", "refusal": null}), Value::Null)];
    let deltas = deltas(request, turn).into_iter();
    frames.extend(deltas.map(|delta| chunk(delta, Value::Null)));
    frames.push(chunk(json!({}), json!(finish(turn))).ending());
    let counts = request.body.pointer("/stream_options/include_usage") == Some(&Value::Bool(true));
    if let Some(used) = turn.usage.filter(|_| counts) {
        let mut last = envelope(request, turn, "chat.completion.chunk", &json!([]));
        if let Value::Object(fields) = &mut last {
            fields.insert("usage".to_owned(), usage(used));
        }
        frames.push(Frame::data(&last).ending());
    }
    frames.push(Frame::new("data: [DONE]\n\n").ending());
    frames
}

pub(super) fn whole(request: &RecordedRequest, turn: &Turn) -> Value {
    let calls = turn.calls.iter().enumerate().map(|(index, call)| {
        json!({
            "id": call.id("call_", request.number, index), "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        })
    });
    let calls: Vec<Value> = calls.collect();
    let text = turn.whole_text();
    let mut message = json!({
        "role": "assistant", "refusal": turn.refusal, "annotations": [],
        "content": if text.is_empty() { Value::Null } else { json!(text) },
    });
    if let Value::Object(fields) = &mut message {
        if !calls.is_empty() {
            fields.insert("tool_calls".to_owned(), calls.into());
        }
        if !turn.reasoning.is_empty() {
            fields.insert("reasoning_content".to_owned(), turn.whole_reasoning().into());
        }
    }
    let choice =
        json!({"index": 0, "message": message, "logprobs": null, "finish_reason": finish(turn)});
    let mut answer = envelope(request, turn, "chat.completion", &json!([choice]));
    if let (Value::Object(fields), Some(used)) = (&mut answer, turn.usage) {
        fields.insert("usage".to_owned(), usage(used));
    }
    answer
}

pub(super) fn trouble(trouble: Trouble) -> Frame {
    let error = match trouble {
        Trouble::Overloaded => json!({
            "message": "The engine is currently overloaded, please try again later",
            "type": "overloaded_error", "param": null, "code": "engine_overloaded",
        }),
        Trouble::Internal => json!({
            "message": "The server had an error while processing your request",
            "type": "server_error", "param": null, "code": null,
        }),
    };
    Frame::data(&json!({"error": error}))
}

fn envelope(request: &RecordedRequest, turn: &Turn, object: &str, choices: &Value) -> Value {
    let tier = turn.service_tier.as_deref().unwrap_or("default");
    json!({
        "id": format!("chatcmpl-{}", request.number), "object": object, "created": CREATED,
        "model": turn.model.as_deref().unwrap_or_else(|| request.model()),
        "service_tier": tier, "system_fingerprint": "fp_1", "choices": choices,
    })
}

fn deltas(request: &RecordedRequest, turn: &Turn) -> Vec<Value> {
    let thoughts = turn.reasoning.iter().map(|piece| json!({"reasoning_content": piece}));
    let texts = turn.text.iter().map(|piece| json!({"content": piece}));
    let refusals = turn.refusal.iter().map(|text| json!({"refusal": text}));
    let mut deltas: Vec<Value> = thoughts.chain(texts).chain(refusals).collect();
    for (index, call) in turn.calls.iter().enumerate() {
        let id = call.id("call_", request.number, index);
        deltas.push(json!({"tool_calls": [{
            "index": index, "id": id, "type": "function",
            "function": {"name": call.name, "arguments": ""},
        }]}));
        let pieces = call.pieces().into_iter();
        deltas.extend(pieces.map(
            |piece| json!({"tool_calls": [{"index": index, "function": {"arguments": piece}}]}),
        ));
    }
    deltas
}

fn finish(turn: &Turn) -> &'static str {
    match turn.finish {
        Some(Finish::Length | Finish::WindowFull) => "length",
        Some(Finish::ContentFilter) => "content_filter",
        None if !turn.calls.is_empty() => "tool_calls",
        Some(Finish::Stop | Finish::StopSequence(_) | Finish::Pause) | None => "stop",
    }
}

fn usage(used: Usage) -> Value {
    json!({
        "prompt_tokens": used.input_tokens,
        "completion_tokens": used.output_tokens,
        "total_tokens": used.input_tokens + used.output_tokens,
        "prompt_tokens_details": {"cached_tokens": used.cached_tokens, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": used.reasoning_tokens, "audio_tokens": 0,
            "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0,
        },
    })
}
