//! Responses, as OpenAI speaks it.

mod items;

use serde_json::{Map, Value, json};

use super::{
    fault::Trouble,
    frames::Frame,
    request::RecordedRequest,
    turn::{Finish, Turn, Usage},
};

/// When everything was made.
const CREATED: u64 = 1_767_268_800;

pub(super) fn stream(request: &RecordedRequest, turn: &Turn) -> Vec<Frame> {
    let begun = response(request, turn, "in_progress", &[]);
    let mut events = vec![
        json!({"type": "response.created", "response": begun}),
        json!({"type": "response.in_progress", "response": begun}),
    ];
    let items = items::items(request, turn);
    for (index, item) in items.iter().enumerate() {
        events.extend(item.events(index));
    }
    let output: Vec<Value> = items.iter().map(|item| item.whole.clone()).collect();
    let (status, _) = finish(turn);
    let ended = response(request, turn, status, &output);
    events.push(json!({"type": format!("response.{status}"), "response": ended}));

    let last = events.len().saturating_sub(1);
    let numbered = events.into_iter().enumerate().map(|(number, mut event)| {
        if let Value::Object(fields) = &mut event {
            fields.insert("sequence_number".to_owned(), number.into());
        }
        let frame = Frame::named(&event);
        if number == last { frame.ending() } else { frame }
    });
    numbered.collect()
}

pub(super) fn whole(request: &RecordedRequest, turn: &Turn) -> Value {
    let items = items::items(request, turn);
    let output: Vec<Value> = items.into_iter().map(|item| item.whole).collect();
    response(request, turn, finish(turn).0, &output)
}

pub(super) fn complaint(status: u16, message: &str) -> Value {
    let (kind, code) = match status {
        401 => ("invalid_request_error", json!("invalid_api_key")),
        404 => ("invalid_request_error", json!("model_not_found")),
        429 => ("requests", json!("rate_limit_exceeded")),
        500.. => ("server_error", Value::Null),
        _ => ("invalid_request_error", Value::Null),
    };
    json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
}

pub(super) fn trouble(trouble: Trouble) -> Frame {
    let (code, message) = match trouble {
        Trouble::Overloaded => ("rate_limit_exceeded", "There is too much to do now."),
        Trouble::Internal => ("server_error", "An error occurred. You can retry your request."),
    };
    Frame::named(&json!({
        "type": "error", "code": code, "message": message, "param": null, "sequence_number": 99,
    }))
}

fn response(request: &RecordedRequest, turn: &Turn, status: &str, output: &[Value]) -> Value {
    let is_done = status != "in_progress";
    let asked = |name: &str, usual: Value| request.body.get(name).cloned().unwrap_or(usual);
    let reason = finish(turn).1.filter(|_| is_done);
    let fields = [
        ("id", json!(format!("resp_{}", request.number))),
        ("object", json!("response")),
        ("created_at", json!(CREATED)),
        ("status", json!(status)),
        ("background", json!(false)),
        ("error", Value::Null),
        ("incomplete_details", reason.map_or(Value::Null, |reason| json!({"reason": reason}))),
        ("instructions", asked("instructions", Value::Null)),
        ("max_output_tokens", asked("max_output_tokens", Value::Null)),
        ("metadata", json!({})),
        ("model", json!(turn.model.as_deref().unwrap_or_else(|| request.model()))),
        ("output", output.into()),
        ("parallel_tool_calls", asked("parallel_tool_calls", json!(true))),
        ("previous_response_id", Value::Null),
        ("reasoning", asked("reasoning", json!({"effort": null, "summary": null}))),
        ("service_tier", json!(turn.service_tier.as_deref().unwrap_or("default"))),
        ("store", asked("store", json!(true))),
        ("temperature", asked("temperature", json!(1.0))),
        ("text", asked("text", json!({"format": {"type": "text"}}))),
        ("tool_choice", asked("tool_choice", json!("auto"))),
        ("tools", asked("tools", json!([]))),
        ("top_p", asked("top_p", json!(1.0))),
        ("truncation", asked("truncation", json!("disabled"))),
        ("usage", turn.usage.filter(|_| is_done).map_or(Value::Null, usage)),
    ];
    let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value));
    Value::Object(fields.collect::<Map<_, _>>())
}

/// The status of a whole response, and why it is not complete.
fn finish(turn: &Turn) -> (&'static str, Option<&'static str>) {
    match turn.finish {
        Some(Finish::Length | Finish::WindowFull) => ("incomplete", Some("max_output_tokens")),
        Some(Finish::ContentFilter) => ("incomplete", Some("content_filter")),
        Some(Finish::Stop | Finish::StopSequence(_) | Finish::Pause) | None => ("completed", None),
    }
}

fn usage(used: Usage) -> Value {
    json!({
        "input_tokens": used.input_tokens,
        "input_tokens_details": {"cached_tokens": used.cached_tokens},
        "output_tokens": used.output_tokens,
        "output_tokens_details": {"reasoning_tokens": used.reasoning_tokens},
        "total_tokens": used.input_tokens + used.output_tokens,
    })
}
