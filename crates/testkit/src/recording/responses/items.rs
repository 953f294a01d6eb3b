//! The items of a response, and the events that tell of each.

use serde_json::{Value, json};

use super::super::{
    request::RecordedRequest,
    turn::{Call, Turn},
};

/// What a response consists of.
pub(super) struct OutputItem {
    /// The item when it begins.
    begun: Value,
    /// What is told in between, without the place of the item.
    between: Vec<Value>,
    /// The item when it is complete.
    pub(super) whole: Value,
}

impl OutputItem {
    /// All events of the item at this place.
    pub(super) fn events(&self, index: usize) -> Vec<Value> {
        let added = json!({"type": "response.output_item.added", "item": self.begun});
        let done = json!({"type": "response.output_item.done", "item": self.whole});
        let events = [added].into_iter().chain(self.between.iter().cloned()).chain([done]);
        let placed = events.map(|mut event| {
            if let Value::Object(fields) = &mut event {
                fields.insert("output_index".to_owned(), index.into());
            }
            event
        });
        placed.collect()
    }
}

pub(super) fn items(request: &RecordedRequest, turn: &Turn) -> Vec<OutputItem> {
    let mut items = Vec::new();
    if !turn.reasoning.is_empty() {
        items.push(thought(request, turn));
    }
    if !turn.text.is_empty() {
        items.push(message(request, turn));
    }
    if let Some(text) = &turn.refusal {
        items.push(refusal(request, text));
    }
    let calls = turn.calls.iter().enumerate();
    items.extend(calls.map(|(index, call)| function_call(request, call, index)));
    items
}

fn thought(request: &RecordedRequest, turn: &Turn) -> OutputItem {
    let id = format!("rs_{}", request.number);
    let text = turn.whole_reasoning();
    let event = |kind: &str, name: &str, value: Value| {
        json!({
            "type": format!("response.{kind}"), "item_id": id, "summary_index": 0, name: value,
        })
    };
    let mut between = vec![event(
        "reasoning_summary_part.added",
        "part",
        json!({"type": "summary_text", "text": ""}),
    )];
    let pieces = turn.reasoning.iter();
    between
        .extend(pieces.map(|piece| event("reasoning_summary_text.delta", "delta", json!(piece))));
    let part = json!({"type": "summary_text", "text": text});
    between.push(event("reasoning_summary_text.done", "text", json!(text)));
    between.push(event("reasoning_summary_part.done", "part", part.clone()));

    let mut whole = json!({"id": id, "type": "reasoning", "summary": [part]});
    let wanted = request.body.get("include").and_then(Value::as_array).into_iter().flatten();
    if let Value::Object(fields) = &mut whole
        && wanted.into_iter().any(|name| name == "reasoning.encrypted_content")
    {
        let sealed = format!("sealed_{}", request.number);
        fields.insert("encrypted_content".to_owned(), sealed.into());
    }
    OutputItem { begun: json!({"id": id, "type": "reasoning", "summary": []}), between, whole }
}

fn message(request: &RecordedRequest, turn: &Turn) -> OutputItem {
    let text = turn.whole_text();
    let id = format!("msg_{}", request.number);
    let event = |kind: &str, name: &str, value: Value| json!({"type": format!("response.{kind}"), "item_id": id, "content_index": 0, name: value});
    let with_logprobs = |kind: &str, name: &str, text: &str| {
        let mut event = event(kind, name, json!(text));
        if let Value::Object(fields) = &mut event {
            fields.insert("logprobs".to_owned(), json!([]));
        }
        event
    };
    let part = |text: &str| json!({"type": "output_text", "annotations": [], "logprobs": [], "text": text});
    let mut between = vec![event("content_part.added", "part", part(""))];
    let pieces = turn.text.iter();
    between.extend(pieces.map(|piece| with_logprobs("output_text.delta", "delta", piece)));
    between.push(with_logprobs("output_text.done", "text", &text));
    between.push(event("content_part.done", "part", part(&text)));
    wrapped(&id, between, &part(&text))
}

fn refusal(request: &RecordedRequest, text: &str) -> OutputItem {
    let id = format!("msg_{}_refusal", request.number);
    let event = |kind: &str, name: &str, value: Value| json!({"type": format!("response.{kind}"), "item_id": id, "content_index": 0, name: value});
    let part = |text: &str| json!({"type": "refusal", "refusal": text});
    let between = vec![
        event("content_part.added", "part", part("")),
        event("refusal.delta", "delta", json!(text)),
        event("refusal.done", "refusal", json!(text)),
        event("content_part.done", "part", part(text)),
    ];
    wrapped(&id, between, &part(text))
}

/// A message of one part.
fn wrapped(id: &str, between: Vec<Value>, part: &Value) -> OutputItem {
    let item = |status: &str, content: Value| {
        json!({
            "id": id, "type": "message", "status": status, "role": "assistant",
            "content": content,
        })
    };
    OutputItem {
        begun: item("in_progress", json!([])),
        between,
        whole: item("completed", json!([part])),
    }
}

fn function_call(request: &RecordedRequest, call: &Call, index: usize) -> OutputItem {
    let id = format!("fc_{}_{index}", request.number);
    let call_id = call.id("call_", request.number, index);
    let item = |status: &str, arguments: &str| {
        json!({
            "id": id, "type": "function_call", "status": status, "arguments": arguments,
            "call_id": call_id, "name": call.name,
        })
    };
    let pieces = call.pieces().into_iter().map(|piece| {
        json!({
            "type": "response.function_call_arguments.delta", "item_id": id, "delta": piece,
        })
    });
    let done = json!({
        "type": "response.function_call_arguments.done", "item_id": id, "name": call.name,
        "arguments": call.arguments,
    });
    OutputItem {
        begun: item("in_progress", ""),
        between: pieces.chain([done]).collect(),
        whole: item("completed", &call.arguments),
    }
}
