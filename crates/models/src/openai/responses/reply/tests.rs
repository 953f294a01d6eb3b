use serde_json::json;

use super::*;
use crate::{sse::Framing, stream::Transcript};

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
    let framed = events.iter().enumerate().map(|(number, event)| {
        let mut event = event.clone();
        event["sequence_number"] = number.into();
        format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default())
    });
    framed.collect()
}

fn hear(events: &[Value]) -> Vec<Result<ChatEvent, String>> {
    hear_bytes(&[stream(events).as_bytes()])
}

fn created() -> Value {
    json!({ "type": "response.created", "response": { "id": "r", "model": "gpt-5-2025" } })
}

fn completed() -> Value {
    json!({ "type": "response.completed", "response": {
        "status": "completed", "service_tier": "default",
        "usage": {
            "input_tokens": 9, "input_tokens_details": { "cached_tokens": 4 },
            "output_tokens": 12, "output_tokens_details": { "reasoning_tokens": 5 },
        },
    } })
}

fn text(delta: &str) -> Value {
    json!({
        "type": "response.output_text.delta", "output_index": 1, "delta": delta, "logprobs": [],
    })
}

fn thought() -> Value {
    json!({
        "type": "reasoning", "id": "rs_1", "encrypted_content": "gAAA",
        "summary": [
            { "type": "summary_text", "text": "First." },
            { "type": "summary_text", "text": "Then." },
        ],
    })
}

fn function(arguments: &str) -> Value {
    json!({
        "type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "look",
        "arguments": arguments,
    })
}

/// One of everything.
fn whole() -> String {
    stream(&[
        created(),
        json!({ "type": "response.in_progress", "response": {} }),
        json!({ "type": "response.output_item.added", "output_index": 0, "item": thought() }),
        json!({ "type": "response.reasoning_summary_part.added", "summary_index": 0 }),
        json!({ "type": "response.reasoning_summary_text.delta", "delta": "First." }),
        json!({ "type": "response.reasoning_summary_part.added", "summary_index": 1 }),
        json!({ "type": "response.reasoning_summary_text.delta", "delta": "Then." }),
        json!({ "type": "response.output_item.done", "output_index": 0, "item": thought() }),
        json!({ "type": "response.content_part.added", "part": { "type": "output_text" } }),
        text("Grüß "),
        text("東京"),
        json!({ "type": "response.output_text.done", "text": "Grüß 東京" }),
        json!({ "type": "response.something.new", "delta": "?" }),
        json!({ "type": "response.output_item.added", "output_index": 2, "item": function("") }),
        json!({
            "type": "response.function_call_arguments.delta", "output_index": 2,
            "item_id": "fc_1", "delta": "{}",
        }),
        json!({
            "type": "response.output_item.done", "output_index": 2, "item": function("{}"),
        }),
        completed(),
    ])
}

fn done(stop: ChatStop) -> ChatEvent {
    let usage =
        ChatUsage { input_tokens: 9, cached_tokens: 4, output_tokens: 12, reasoning_tokens: 5 };
    ChatEvent::Done { stop, usage: Some(usage), service_tier: Some("default".to_owned()) }
}

#[test]
fn an_answer_is_heard_as_it_comes() {
    let argued = |delta: &str| ChatEvent::ToolArguments {
        call_id: "call_1".to_owned(),
        name: "look".to_owned(),
        delta: delta.to_owned(),
    };
    let reasoning = |text: &str| ChatEvent::Reasoning(text.to_owned());
    let expected = [
        ChatEvent::Started { model: Some("gpt-5-2025".to_owned()) },
        reasoning("First."),
        reasoning("\n\n"),
        reasoning("Then."),
        ChatEvent::ReasoningBlock(ReasoningBlock {
            protocol: "openai_responses".to_owned(),
            summary: "First.\n\nThen.".to_owned(),
            raw: thought(),
        }),
        ChatEvent::Text("Grüß ".to_owned()),
        ChatEvent::Text("東京".to_owned()),
        argued(""),
        argued("{}"),
        ChatEvent::ToolCall(ToolCall {
            id: "call_1".to_owned(),
            name: "look".to_owned(),
            arguments: "{}".to_owned(),
        }),
        done(ChatStop::ToolUse),
    ];
    assert_eq!(hear_bytes(&[whole().as_bytes()]), expected.map(Ok));
}

#[test]
fn wherever_the_stream_is_cut_in_two_the_same_is_heard() {
    let whole = whole();
    let expected = hear_bytes(&[whole.as_bytes()]);
    for cut in 0..=whole.len() {
        let (one, two) = whole.as_bytes().split_at(cut);
        assert_eq!(hear_bytes(&[one, two]), expected, "{cut}");
    }
}

#[test]
fn wherever_the_stream_ends_it_is_the_beginning_and_told_as_broken_off() {
    let whole = whole();
    let expected = hear_bytes(&[whole.as_bytes()]);
    for end in 0..whole.len() - 1 {
        let mut heard = hear_bytes(&[&whole.as_bytes()[..end]]);
        let last = heard.pop().unwrap();
        assert!(last.as_ref().is_err_and(|error| error.contains("broke off")), "{end}: {last:?}");
        assert!(expected.starts_with(&heard), "{end}: {heard:?}");
    }
}

#[test]
fn an_answer_that_is_not_whole_says_why() {
    for (reason, stop) in
        [("max_output_tokens", ChatStop::MaxTokens), ("content_filter", ChatStop::ContentFilter)]
    {
        let incomplete = json!({ "type": "response.incomplete", "response": {
            "status": "incomplete", "incomplete_details": { "reason": reason },
        } });
        let heard = hear(&[created(), text("x"), incomplete]);
        let expected = ChatEvent::Done { stop, usage: None, service_tier: None };
        assert_eq!(heard.last(), Some(&Ok(expected)), "{reason}");
    }
}

#[test]
fn a_refusal_is_one() {
    let refusal = json!({ "type": "response.refusal.delta", "delta": "No." });
    let heard = hear(&[created(), refusal, completed()]);
    assert_eq!(heard[1], Ok(ChatEvent::Refusal("No.".to_owned())));
    assert_eq!(heard[2], Ok(done(ChatStop::Refusal)));
}

#[test]
fn failures_are_told_by_their_kind() {
    let failed = |code: &str| {
        json!({ "type": "response.failed", "response": {
        "error": { "code": code, "message": "too much" },
    } })
    };
    for (event, expected) in [
        (failed("rate_limit_exceeded"), "no more requests now: too much"),
        (failed("server_error"), "status 500: too much"),
        (failed("invalid_prompt"), "status 400: too much"),
        (json!({ "type": "response.failed", "response": {} }), "status 500"),
        (
            json!({ "type": "error", "code": "server_error", "message": "too much" }),
            "status 500: too much",
        ),
        (
            json!({ "type": "error", "error": { "type": "tokens", "message": "too much" } }),
            "no more requests",
        ),
        (json!({ "type": "response.cancelled", "response": {} }), "broke off"),
    ] {
        let heard = hear(&[created(), text("x"), event.clone(), text("y"), completed()]);
        assert_eq!(heard.len(), 3, "{event}");
        let told = heard[2].as_ref().unwrap_err();
        assert!(told.contains(expected), "{told} for {event}");
    }
}

#[test]
fn log_probabilities_are_handed_on_as_they_are() {
    let odds = json!({ "token": "x", "logprob": -0.5, "top_logprobs": [] });
    let mut event = text("x");
    event["logprobs"] = json!([odds.clone()]);
    let heard = hear(&[created(), event, completed()]);
    assert_eq!(heard[2], Ok(ChatEvent::Logprobs(vec![odds])));
}
