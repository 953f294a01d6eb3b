use serde_json::json;
use understudy_domain::conversation::ToolCall;

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

fn stream(chunks: &[Value]) -> String {
    let framed: Vec<String> = chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
    framed.concat()
}

fn hear(chunks: &[Value]) -> Vec<Result<ChatEvent, String>> {
    hear_bytes(&[(stream(chunks) + "data: [DONE]\n\n").as_bytes()])
}

fn delta(delta: &Value) -> Value {
    json!({ "choices": [{ "index": 0, "delta": delta }] })
}

fn finish(reason: &str) -> Value {
    json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": reason }] })
}

fn started() -> ChatEvent {
    ChatEvent::Started { model: None }
}

fn done(stop: ChatStop) -> ChatEvent {
    ChatEvent::Done { stop, usage: None, service_tier: None }
}

fn said(text: &str) -> ChatEvent {
    ChatEvent::Text(text.to_owned())
}

fn calls(heard: &[Result<ChatEvent, String>]) -> Vec<ToolCall> {
    let calls = heard.iter().filter_map(|event| match event {
        Ok(ChatEvent::ToolCall(call)) => Some(call.clone()),
        _ => None,
    });
    calls.collect()
}

fn call(id: &str, name: &str, arguments: &str) -> ToolCall {
    ToolCall { id: id.to_owned(), name: name.to_owned(), arguments: arguments.to_owned() }
}

/// One of everything, as OpenAI sends it.
fn whole() -> String {
    stream(&[
        json!({
            "id": "c", "object": "chat.completion.chunk", "model": "gpt-4o-2024",
            "service_tier": "default", "usage": null,
            "choices": [{ "index": 0, "delta": { "role": "assistant", "content": "" } }],
        }),
        delta(&json!({ "content": "Grüß " })),
        delta(&json!({ "content": "東京 😀" })),
        delta(&json!({ "tool_calls": [{
            "index": 0, "id": "a", "type": "function",
            "function": { "name": "look", "arguments": "" },
        }] })),
        delta(&json!({ "tool_calls": [{ "index": 0, "function": { "arguments": "{\"x\"" } }] })),
        delta(&json!({ "tool_calls": [{
            "index": 1, "id": "b", "function": { "name": "find", "arguments": "{" },
        }] })),
        delta(&json!({ "tool_calls": [{ "index": 0, "function": { "arguments": ":1}" } }] })),
        delta(&json!({ "tool_calls": [{ "index": 1, "function": { "arguments": "}" } }] })),
        finish("tool_calls"),
        json!({ "choices": [], "usage": {
            "prompt_tokens": 9, "completion_tokens": 12,
            "prompt_tokens_details": { "cached_tokens": 4 },
            "completion_tokens_details": { "reasoning_tokens": 5 },
        } }),
    ]) + "data: [DONE]\n\n"
}

#[test]
fn an_answer_is_heard_as_it_comes_and_calls_are_kept_apart() {
    let argued = |id: &str, name: &str, delta: &str| ChatEvent::ToolArguments {
        call_id: id.to_owned(),
        name: name.to_owned(),
        delta: delta.to_owned(),
    };
    let usage =
        ChatUsage { input_tokens: 9, cached_tokens: 4, output_tokens: 12, reasoning_tokens: 5 };
    let expected = [
        ChatEvent::Started { model: Some("gpt-4o-2024".to_owned()) },
        said("Grüß "),
        said("東京 😀"),
        argued("a", "look", ""),
        argued("a", "look", "{\"x\""),
        argued("b", "find", "{"),
        argued("a", "look", ":1}"),
        argued("b", "find", "}"),
        ChatEvent::ToolCall(call("a", "look", "{\"x\":1}")),
        ChatEvent::ToolCall(call("b", "find", "{}")),
        ChatEvent::Done {
            stop: ChatStop::ToolUse,
            usage: Some(usage),
            service_tier: Some("default".to_owned()),
        },
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
    let single: Vec<&[u8]> = whole.as_bytes().chunks(1).collect();
    assert_eq!(hear_bytes(&single), expected);
}

#[test]
fn wherever_the_stream_ends_it_is_the_beginning_and_told_as_broken_off() {
    let whole = whole();
    let finished = whole.find("\"finish_reason\"").unwrap();
    let finished = finished + whole[finished..].find("\n\n").unwrap() + 2;
    let expected = hear_bytes(&[whole.as_bytes()]);
    for end in 0..finished {
        let mut heard = hear_bytes(&[&whole.as_bytes()[..end]]);
        let last = heard.pop().unwrap();
        assert!(last.as_ref().is_err_and(|error| error.contains("broke off")), "{end}: {last:?}");
        assert!(expected.starts_with(&heard), "{end}: {heard:?}");
    }
    // Once it said why it stopped, all that is missing is what it used.
    for end in finished..whole.len() {
        let heard = hear_bytes(&[&whole.as_bytes()[..end]]);
        assert!(matches!(heard.last(), Some(Ok(ChatEvent::Done { .. }))), "{end}: {heard:?}");
    }
}

#[test]
fn what_follows_the_end_is_not_read() {
    let text = stream(&[delta(&json!({ "content": "x" })), finish("stop")])
        + "data: [DONE]\n\ndata: [DONE]\n\ndata: garbage\n\n";
    let expected = [started(), said("x"), done(ChatStop::EndTurn)].map(Ok);
    assert_eq!(hear_bytes(&[text.as_bytes()]), expected);
}

#[test]
fn reasons_to_stop_are_understood_in_many_spellings() {
    for (reason, stop) in [
        ("stop", ChatStop::EndTurn),
        ("eos", ChatStop::EndTurn),
        ("whatever", ChatStop::EndTurn),
        ("tool_calls", ChatStop::EndTurn),
        ("length", ChatStop::MaxTokens),
        ("max_tokens", ChatStop::MaxTokens),
        ("content_filter", ChatStop::ContentFilter),
        ("stop_sequence", ChatStop::StopSequence),
    ] {
        let heard = hear(&[delta(&json!({ "content": "x" })), finish(reason)]);
        assert_eq!(heard.last(), Some(&Ok(done(stop))), "{reason}");
    }
    let stopped = json!({ "choices": [{
        "index": 0, "delta": {}, "finish_reason": "stop", "stop_reason": "END",
    }] });
    assert_eq!(hear(&[stopped]).last(), Some(&Ok(done(ChatStop::StopSequence))));
    let refused = [delta(&json!({ "refusal": "No." })), finish("stop")];
    let expected = [started(), ChatEvent::Refusal("No.".to_owned()), done(ChatStop::Refusal)];
    assert_eq!(hear(&refused), expected.map(Ok));
}

#[test]
fn thoughts_are_heard_under_both_of_their_names() {
    for name in ["reasoning_content", "reasoning"] {
        let heard = hear(&[delta(&json!({ name: "hm", "content": null })), finish("stop")]);
        assert_eq!(heard[1], Ok(ChatEvent::Reasoning("hm".to_owned())), "{name}");
    }
}

#[test]
fn calls_without_numbers_or_ids_are_told_apart() {
    let function = |name: &str, arguments: &Value| json!({ "function": { "name": name, "arguments": arguments } });
    // Neither numbers nor ids, and whole.
    let heard = hear(&[
        delta(&json!({ "tool_calls": [
            function("look", &json!("{}")), function("look", &json!({ "x": 1 })),
        ] })),
        finish("stop"),
    ]);
    let [one, two] = calls(&heard).try_into().unwrap();
    assert_ne!(one.id, two.id);
    assert!(!one.id.is_empty());
    assert_eq!((one.arguments.as_str(), two.arguments.as_str()), ("{}", "{\"x\":1}"));
    assert_eq!(heard.last(), Some(&Ok(done(ChatStop::ToolUse))));

    // In pieces, without numbers and ids.
    let heard = hear(&[
        delta(&json!({ "tool_calls": [function("look", &json!("{"))] })),
        delta(&json!({ "tool_calls": [{ "function": { "arguments": "}" } }] })),
        delta(&json!({ "tool_calls": [function("find", &json!(""))] })),
        finish("tool_calls"),
    ]);
    let [one, two] = calls(&heard).try_into().unwrap();
    assert_eq!((one.name.as_str(), one.arguments.as_str()), ("look", "{}"));
    assert_eq!((two.name.as_str(), two.arguments.as_str()), ("find", ""));

    // All with the number zero, but with ids.
    let numbered = |id: &str| {
        json!({
            "index": 0, "id": id, "function": { "name": "look", "arguments": "{}" },
        })
    };
    let heard = hear(&[
        delta(&json!({ "tool_calls": [numbered("a")] })),
        delta(&json!({ "tool_calls": [numbered("b")] })),
        finish("tool_calls"),
    ]);
    assert_eq!(calls(&heard), [call("a", "look", "{}"), call("b", "look", "{}")]);

    // The id and the name again on every piece.
    let again = |arguments: &str| {
        json!({
            "index": 0, "id": "a", "function": { "name": "look", "arguments": arguments },
        })
    };
    let heard = hear(&[
        delta(&json!({ "tool_calls": [again("{")] })),
        delta(&json!({ "tool_calls": [again("}")] })),
        finish("tool_calls"),
    ]);
    assert_eq!(calls(&heard), [call("a", "look", "{}")]);
}

#[test]
fn a_call_of_nothing_is_garbage() {
    let heard = hear(&[
        delta(&json!({ "tool_calls": [{ "index": 0, "id": "a", "function": {} }] })),
        finish("tool_calls"),
    ]);
    let error = heard.last().unwrap().as_ref().unwrap_err();
    assert!(error.contains("without saying which"), "{error}");
}

#[test]
fn usage_on_every_chunk_counts_once_and_a_whole_message_is_an_answer() {
    let usage = |tokens: u64| {
        json!({
            "choices": [{ "index": 0, "delta": { "content": "x" } }],
            "usage": { "prompt_tokens": 3, "completion_tokens": tokens },
        })
    };
    let heard = hear(&[usage(1), usage(2), finish("stop")]);
    let Some(Ok(ChatEvent::Done { usage: Some(used), .. })) = heard.last() else {
        panic!("{heard:?}")
    };
    assert_eq!((used.input_tokens, used.output_tokens), (3, 2));

    let message = json!({ "choices": [{
        "index": 0, "message": { "content": [{ "type": "text", "text": "x" }] },
        "finish_reason": "stop",
    }] });
    let expected = [started(), said("x"), done(ChatStop::EndTurn)];
    assert_eq!(hear(&[message]), expected.map(Ok));
}

#[test]
fn log_probabilities_are_handed_on_as_they_are() {
    let odds = json!({ "token": "x", "logprob": -0.5, "top_logprobs": [] });
    let chunk = json!({ "choices": [{
        "index": 0, "delta": { "content": "x" }, "logprobs": { "content": [odds.clone()] },
    }] });
    assert_eq!(hear(&[chunk, finish("stop")])[2], Ok(ChatEvent::Logprobs(vec![odds])));
}

#[test]
fn errors_in_the_middle_are_told_by_their_kind() {
    for (error, expected) in [
        (json!({ "message": "slow down", "code": "rate_limit_exceeded" }), "no more requests"),
        (json!({ "message": "slow down", "code": 429 }), "no more requests"),
        (json!({ "message": "broken", "type": "server_error" }), "status 500: broken"),
        (json!({ "message": "broken", "code": 502 }), "status 502: broken"),
        (
            json!({ "message": "bad", "type": "invalid_request_error", "code": null }),
            "status 400: bad",
        ),
        (json!("odd"), "status 500: odd"),
    ] {
        let text = stream(&[delta(&json!({ "content": "x" })), json!({ "error": error })]);
        let heard = hear_bytes(&[text.as_bytes()]);
        let told = heard.last().unwrap().as_ref().unwrap_err();
        assert_eq!(heard.len(), 3);
        assert!(told.contains(expected), "{told} for {error}");
    }
}

#[test]
fn garbage_is_told_as_garbage_after_what_was_well() {
    for garbage in ["{", "[1]", "\"x\"", "<html>", "\u{0}"] {
        let text = stream(&[delta(&json!({ "content": "x" }))]) + "data: " + garbage + "\n\n";
        let heard = hear_bytes(&[text.as_bytes()]);
        assert_eq!(heard[..2], [started(), said("x")].map(Ok));
        assert!(heard[2].as_ref().unwrap_err().contains("cannot be understood"), "{garbage}");
    }
}
