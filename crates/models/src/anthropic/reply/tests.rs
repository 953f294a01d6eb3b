use super::*;
use crate::{
    sse::Framing,
    stream::{Transcript, broke_off},
};

/// Everything that a stream says, to its end or its fault.
fn hear_bytes(pieces: &[&[u8]]) -> Vec<Result<ChatEvent, String>> {
    let mut transcript = Transcript::new(Framing::Events, Reply::default());
    for piece in pieces {
        transcript.take(piece);
    }
    transcript.end(broke_off());
    std::iter::from_fn(|| transcript.next())
        .map(|heard| heard.map_err(|error| error.to_string()))
        .collect()
}

fn stream(events: &[Value]) -> String {
    let written = events.iter().map(|event| {
        let name = event.get("type").and_then(Value::as_str).unwrap_or_default();
        format!("event: {name}\ndata: {event}\n\n")
    });
    written.collect()
}

fn hear(events: &[Value]) -> Vec<Result<ChatEvent, String>> {
    hear_bytes(&[stream(events).as_bytes()])
}

fn start(usage: &Value) -> Value {
    json!({ "type": "message_start", "message": { "model": "claude-x", "usage": usage } })
}

fn begin(index: u64, block: &Value) -> Value {
    json!({ "type": "content_block_start", "index": index, "content_block": block })
}

fn more(index: u64, delta: &Value) -> Value {
    json!({ "type": "content_block_delta", "index": index, "delta": delta })
}

fn end(index: u64) -> Value {
    json!({ "type": "content_block_stop", "index": index })
}

fn stopped(reason: &str, usage: &Value) -> [Value; 2] {
    let delta = json!({ "stop_reason": reason, "stop_sequence": null });
    [
        json!({ "type": "message_delta", "delta": delta, "usage": usage }),
        json!({ "type": "message_stop" }),
    ]
}

/// One of everything.
fn whole() -> Vec<Value> {
    let usage = json!({
        "input_tokens": 5, "cache_read_input_tokens": 20, "cache_creation_input_tokens": 3,
        "output_tokens": 1, "service_tier": "standard",
    });
    let mut events = vec![
        start(&usage),
        json!({ "type": "ping" }),
        begin(0, &json!({ "type": "thinking", "thinking": "", "signature": "" })),
        more(0, &json!({ "type": "thinking_delta", "thinking": "Hm, " })),
        more(0, &json!({ "type": "thinking_delta", "thinking": "größer." })),
        more(0, &json!({ "type": "signature_delta", "signature": "EqQB" })),
        end(0),
        begin(1, &json!({ "type": "redacted_thinking", "data": "sealed" })),
        end(1),
        begin(2, &json!({ "type": "text", "text": "" })),
        more(2, &json!({ "type": "text_delta", "text": "Grüße" })),
        more(2, &json!({ "type": "citations_delta", "citation": {} })),
        end(2),
        begin(3, &json!({ "type": "tool_use", "id": "toolu_1", "name": "look", "input": {} })),
        more(3, &json!({ "type": "input_json_delta", "partial_json": "" })),
        more(3, &json!({ "type": "input_json_delta", "partial_json": "{\"at\":" })),
        more(3, &json!({ "type": "input_json_delta", "partial_json": "1}" })),
        end(3),
        begin(4, &json!({ "type": "tool_use", "id": "toolu_2", "name": "rest", "input": {} })),
        end(4),
    ];
    events.extend(stopped("tool_use", &json!({ "output_tokens": 40 })));
    events
}

fn thought(summary: &str, raw: Value) -> ChatEvent {
    ChatEvent::ReasoningBlock(ReasoningBlock {
        protocol: "anthropic_messages".to_owned(),
        summary: summary.to_owned(),
        raw,
    })
}

fn argued(id: &str, name: &str, delta: &str) -> ChatEvent {
    let (call_id, name, delta) = (id.to_owned(), name.to_owned(), delta.to_owned());
    ChatEvent::ToolArguments { call_id, name, delta }
}

fn called(id: &str, name: &str, arguments: &str) -> ChatEvent {
    let (id, name, arguments) = (id.to_owned(), name.to_owned(), arguments.to_owned());
    ChatEvent::ToolCall(ToolCall { id, name, arguments })
}

#[test]
fn everything_is_heard_in_the_order_in_which_it_is_said() {
    let signed = json!({ "type": "thinking", "thinking": "Hm, größer.", "signature": "EqQB" });
    let usage =
        ChatUsage { input_tokens: 28, cached_tokens: 20, output_tokens: 40, reasoning_tokens: 0 };
    let expected = [
        ChatEvent::Started { model: Some("claude-x".to_owned()) },
        ChatEvent::Reasoning("Hm, ".to_owned()),
        ChatEvent::Reasoning("größer.".to_owned()),
        thought("Hm, größer.", signed),
        thought("", json!({ "type": "redacted_thinking", "data": "sealed" })),
        ChatEvent::Text("Grüße".to_owned()),
        argued("toolu_1", "look", ""),
        argued("toolu_1", "look", "{\"at\":"),
        argued("toolu_1", "look", "1}"),
        called("toolu_1", "look", "{\"at\":1}"),
        argued("toolu_2", "rest", ""),
        called("toolu_2", "rest", "{}"),
        ChatEvent::Done {
            stop: ChatStop::ToolUse,
            usage: Some(usage),
            service_tier: Some("standard".to_owned()),
        },
    ];
    assert_eq!(hear(&whole()), expected.map(Ok));
}

#[test]
fn wherever_a_stream_is_cut_in_two_the_same_is_heard() {
    let bytes = stream(&whole()).into_bytes();
    let expected = hear_bytes(&[&bytes]);
    for at in 0..=bytes.len() {
        let (one, two) = bytes.split_at(at);
        assert_eq!(hear_bytes(&[one, two]), expected, "{at}");
    }
}

#[test]
fn wherever_a_stream_breaks_off_it_is_said_that_it_did() {
    let bytes = stream(&whole()).into_bytes();
    let expected = hear_bytes(&[&bytes]);
    // Without the last blank line the last event is none.
    for at in 0..bytes.len() - 1 {
        let mut heard = hear_bytes(&[bytes.split_at(at).0]);
        let last = heard.pop().unwrap();
        assert!(last.is_err_and(|error| error.contains("broke off")), "{at}");
        assert_eq!(heard, expected[..heard.len()], "{at}");
    }
}

#[test]
fn each_reason_to_stop_has_its_meaning() {
    for (word, stop) in [
        ("end_turn", ChatStop::EndTurn),
        ("max_tokens", ChatStop::MaxTokens),
        ("model_context_window_exceeded", ChatStop::MaxTokens),
        ("stop_sequence", ChatStop::StopSequence),
        ("tool_use", ChatStop::ToolUse),
        ("refusal", ChatStop::Refusal),
        ("pause_turn", ChatStop::Pause),
        ("something_new", ChatStop::EndTurn),
    ] {
        let heard = hear(&stopped(word, &Value::Null));
        assert_eq!(
            heard,
            [Ok(ChatEvent::Done { stop, usage: None, service_tier: None })],
            "{word}"
        );
    }
}

#[test]
fn later_counts_take_the_place_of_earlier_ones() {
    let mut events = vec![start(&json!({ "input_tokens": 1, "output_tokens": 1 }))];
    let usage = json!({
        "input_tokens": 9, "cache_read_input_tokens": 2, "output_tokens": 30,
        "output_tokens_details": { "thinking_tokens": 12 },
    });
    events.extend(stopped("end_turn", &usage));
    let Some(Ok(ChatEvent::Done { usage: Some(usage), .. })) = hear(&events).pop() else {
        panic!("it does not tell what it used");
    };
    let expected =
        ChatUsage { input_tokens: 11, cached_tokens: 2, output_tokens: 30, reasoning_tokens: 12 };
    assert_eq!(usage, expected);
}

#[test]
fn what_is_not_known_is_passed_over() {
    let mut events = vec![
        json!({ "type": "tea.served", "index": 0 }),
        begin(0, &json!({ "type": "server_tool_use", "id": "s", "name": "x", "input": {} })),
        more(0, &json!({ "type": "input_json_delta", "partial_json": "{}" })),
        more(0, &json!({ "type": "steam_delta", "steam": "hot" })),
        end(0),
        end(7),
    ];
    events.extend(stopped("end_turn", &Value::Null));
    assert_eq!(hear(&events).len(), 1);
}

#[test]
fn a_failure_in_the_middle_is_told_by_its_kind() {
    for (kind, expected) in [
        ("overloaded_error", "no more requests now: Too much"),
        ("rate_limit_error", "no more requests now: Too much"),
        ("api_error", "status 500: Too much"),
        ("authentication_error", "status 401: Too much"),
        ("invalid_request_error", "status 400: Too much"),
    ] {
        let error = json!({ "type": kind, "message": "Too much" });
        let heard = hear(&[json!({ "type": "error", "error": error })]);
        let [Err(error)] = heard.as_slice() else { panic!("{heard:?}") };
        assert!(error.ends_with(expected), "{error}");
    }
}

#[test]
fn what_is_no_json_is_no_answer() {
    let heard = hear_bytes(&[b"event: message_start\ndata: }{ <html>\n\n"]);
    assert!(matches!(heard.as_slice(), [Err(error)] if error.contains("understood")), "{heard:?}");
}
