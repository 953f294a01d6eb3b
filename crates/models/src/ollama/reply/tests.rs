use super::*;
use crate::{
    sse::Framing,
    stream::{Transcript, broke_off},
};

fn hear_after(items: &[Item], pieces: &[&[u8]]) -> Vec<Result<ChatEvent, String>> {
    let mut transcript = Transcript::new(Framing::Lines, Reply::after(items));
    for piece in pieces {
        transcript.take(piece);
    }
    transcript.end(broke_off());
    std::iter::from_fn(|| transcript.next())
        .map(|heard| heard.map_err(|error| error.to_string()))
        .collect()
}

fn hear(lines: &[Value]) -> Vec<Result<ChatEvent, String>> {
    hear_after(&[], &[stream(lines).as_bytes()])
}

fn stream(lines: &[Value]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| format!("{line}\n")).collect();
    lines.concat()
}

fn part(message: &Value) -> Value {
    json!({ "model": "llama", "message": message, "done": false })
}

fn end(reason: &str) -> Value {
    json!({
        "model": "llama", "message": { "role": "assistant", "content": "" }, "done": true,
        "done_reason": reason, "prompt_eval_count": 9, "eval_count": 4,
    })
}

fn whole() -> Vec<Value> {
    let call = json!({ "function": { "name": "look", "arguments": { "at": 1 } } });
    vec![
        part(&json!({ "role": "assistant", "content": "", "thinking": "Hm, " })),
        part(&json!({ "role": "assistant", "content": "", "thinking": "größer." })),
        part(&json!({ "role": "assistant", "content": "Grü" })),
        part(&json!({ "role": "assistant", "content": "ße" })),
        part(&json!({ "role": "assistant", "content": "", "tool_calls": [call, call] })),
        end("stop"),
    ]
}

fn called(id: &str) -> [ChatEvent; 2] {
    let (name, arguments) = ("look".to_owned(), r#"{"at":1}"#.to_owned());
    let call_id = id.to_owned();
    [
        ChatEvent::ToolArguments { call_id, name: name.clone(), delta: arguments.clone() },
        ChatEvent::ToolCall(ToolCall { id: id.to_owned(), name, arguments }),
    ]
}

fn done(stop: ChatStop) -> ChatEvent {
    let usage = ChatUsage { input_tokens: 9, output_tokens: 4, ..ChatUsage::default() };
    ChatEvent::Done { stop, usage: Some(usage), service_tier: None }
}

fn call(id: &str) -> Item {
    let (name, arguments) = ("look".to_owned(), String::new());
    Item::ToolCall(ToolCall { id: id.to_owned(), name, arguments })
}

#[test]
fn everything_is_heard_in_the_order_in_which_it_is_said() {
    let block = ReasoningBlock {
        protocol: "ollama_chat".to_owned(),
        summary: "Hm, größer.".to_owned(),
        raw: json!({ "thinking": "Hm, größer." }),
    };
    let mut expected = vec![
        ChatEvent::Started { model: Some("llama".to_owned()) },
        ChatEvent::Reasoning("Hm, ".to_owned()),
        ChatEvent::Reasoning("größer.".to_owned()),
        ChatEvent::ReasoningBlock(block),
        ChatEvent::Text("Grü".to_owned()),
        ChatEvent::Text("ße".to_owned()),
    ];
    expected.extend(called("call_1"));
    expected.extend(called("call_2"));
    expected.push(done(ChatStop::ToolUse));
    assert_eq!(hear(&whole()), expected.into_iter().map(Ok).collect::<Vec<_>>());
}

#[test]
fn wherever_a_stream_is_cut_in_two_the_same_is_heard() {
    let bytes = stream(&whole()).into_bytes();
    let expected = hear(&whole());
    for at in 0..=bytes.len() {
        let (one, two) = bytes.split_at(at);
        assert_eq!(hear_after(&[], &[one, two]), expected, "{at}");
    }
}

#[test]
fn a_stream_without_its_last_line_broke_off() {
    let lines = whole();
    for count in 0..lines.len() {
        let mut heard = hear(&lines[..count]);
        assert!(heard.pop().unwrap().is_err_and(|error| error.contains("broke off")), "{count}");
    }
}

#[test]
fn calls_have_ids_that_no_other_call_of_the_conversation_has() {
    let taken = [call("call_2"), call("call_x")];
    let given = json!({ "id": "call_x", "function": { "name": "look", "arguments": "{}" } });
    let other = json!({ "id": "fresh", "function": { "name": "look" } });
    let none = json!({ "function": { "name": "look", "arguments": {} } });
    let lines =
        [part(&json!({ "role": "assistant", "tool_calls": [given, other, none] })), end("stop")];
    let heard = hear_after(&taken, &[stream(&lines).as_bytes()]);
    let ids = heard.iter().filter_map(|event| match event {
        Ok(ChatEvent::ToolCall(call)) => Some((call.id.as_str(), call.arguments.as_str())),
        _ => None,
    });
    assert_eq!(ids.collect::<Vec<_>>(), [("call_3", "{}"), ("fresh", "{}"), ("call_5", "{}")]);
}

#[test]
fn each_reason_to_stop_has_its_meaning() {
    for (word, stop) in [("stop", ChatStop::EndTurn), ("length", ChatStop::MaxTokens)] {
        assert_eq!(hear(&[end(word)]).pop(), Some(Ok(done(stop))), "{word}");
    }
}

#[test]
fn who_does_not_count_tells_no_usage() {
    let heard = hear(&[json!({ "done": true })]).pop();
    let stop = ChatStop::EndTurn;
    assert_eq!(heard, Some(Ok(ChatEvent::Done { stop, usage: None, service_tier: None })));
}

#[test]
fn a_failure_in_the_middle_is_told() {
    for (message, expected) in [
        ("server busy, please try again", "no more requests now: server busy, please try again"),
        ("model runner crashed", "status 500: model runner crashed"),
    ] {
        let mut heard = hear(&[part(&json!({ "content": "Hi" })), json!({ "error": message })]);
        let error = heard.pop().unwrap().unwrap_err();
        assert!(error.ends_with(expected), "{error}");
    }
}
