//! The provider that says what it is told.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test panics")]

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use understudy_testkit::{
    Cut, Fault, Finish, Hang, ModelApi, ModelUpstream, Tap, Trouble, Turn, Usage,
};

const PATHS: [&str; 4] = ["/v1/responses", "/v1/chat/completions", "/v1/messages", "/api/chat"];

/// A connection on which something was asked.
async fn ask(upstream: &ModelUpstream, path: &str, body: &Value) -> TcpStream {
    let host = upstream.url().replace("http://", "");
    let mut connection = TcpStream::connect(&host).await.unwrap();
    let method = if body.is_null() { "GET" } else { "POST" };
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let length = body.len();
    let text = format!(
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\nx-try: 1\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    connection.write_all(text.as_bytes()).await.unwrap();
    connection
}

/// Head and body, both as they came.
async fn raw(upstream: &ModelUpstream, path: &str, body: &Value) -> (String, Vec<u8>) {
    let mut connection = ask(upstream, path, body).await;
    let mut bytes = Vec::new();
    connection.read_to_end(&mut bytes).await.unwrap();
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let rest = bytes.split_off(end + 4);
    (String::from_utf8(bytes).unwrap(), rest)
}

/// The pieces of a body in chunks, and whether it came to its end.
fn chunks(mut body: &[u8]) -> (Vec<Vec<u8>>, bool) {
    let mut pieces = Vec::new();
    loop {
        let Some(end) = body.windows(2).position(|two| two == b"\r\n") else {
            return (pieces, false);
        };
        let size = usize::from_str_radix(std::str::from_utf8(&body[..end]).unwrap(), 16).unwrap();
        if size == 0 {
            return (pieces, true);
        }
        pieces.push(body[end + 2..end + 2 + size].to_vec());
        body = &body[end + 4 + size..];
    }
}

async fn stream(upstream: &ModelUpstream, path: &str) -> (String, bool) {
    let (_, body) = raw(upstream, path, &asking(true)).await;
    let (pieces, is_whole) = chunks(&body);
    (String::from_utf8(pieces.concat()).unwrap(), is_whole)
}

async fn answer(upstream: &ModelUpstream, path: &str, body: &Value) -> Value {
    let (_, body) = raw(upstream, path, body).await;
    serde_json::from_slice(&body).unwrap()
}

fn asking(stream: bool) -> Value {
    json!({
        "model": "m", "stream": stream, "stream_options": {"include_usage": true},
        "messages": [{"role": "user", "content": "Hi"}], "input": "Hi",
    })
}

/// What the events of a stream tell.
fn told(stream: &str) -> Vec<Value> {
    let lines = stream.lines().map(|line| line.strip_prefix("data: ").unwrap_or(line));
    lines.filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn kinds(stream: &str) -> Vec<String> {
    let lines = stream.lines().filter_map(|line| line.strip_prefix("event: "));
    lines.map(str::to_owned).collect()
}

#[tokio::test]
async fn requests_are_recorded_in_the_order_in_which_they_come() {
    let upstream = ModelUpstream::start().await.unwrap();
    for path in PATHS {
        let _ = raw(&upstream, path, &asking(false)).await;
    }

    let requests = upstream.wait_for(4).await;

    let paths: Vec<&str> = requests.iter().map(|request| request.path.as_str()).collect();
    assert_eq!(paths, PATHS);
    let numbers: Vec<usize> = requests.iter().map(|request| request.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
    let last = upstream.last().unwrap();
    assert_eq!((last.header("x-try"), last.model()), (Some("1"), "m"));
    assert_eq!((last.api, last.last_user_text().as_str()), (Some(ModelApi::Ollama), "Hi"));
}

#[tokio::test]
async fn turns_are_said_in_their_order_then_as_the_closure_says_then_as_usual() {
    let upstream = ModelUpstream::start().await.unwrap();
    let say =
        async || answer(&upstream, "/api/chat", &asking(false)).await["message"]["content"].clone();

    assert_eq!(say().await, "Hello.");
    upstream.answer_usually(Turn::text("usual"));
    assert_eq!(say().await, "usual");
    upstream.respond_with(|request| Turn::text(request.last_user_text() + "!"));
    assert_eq!(say().await, "Hi!");
    upstream.answer(Turn::text("one"));
    upstream.answer(Turn::text("two"));
    assert_eq!([say().await, say().await, say().await], ["one", "two", "Hi!"]);
}

#[tokio::test]
async fn responses_tell_of_every_item_from_its_beginning_to_its_end() {
    let upstream = ModelUpstream::start().await.unwrap();
    let turn = Turn::reasoning("Hm.").and_text("Hel").and_text("lo");
    upstream.answer(turn.and_tool_call("weather", json!({"city": "Bern"})));

    let (stream, is_whole) = stream(&upstream, PATHS[0]).await;

    assert!(is_whole);
    let expected = [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ];
    assert_eq!(kinds(&stream), expected.map(|kind| format!("response.{kind}")));
    let events = told(&stream);
    let numbers: Vec<u64> =
        events.iter().map(|event| event["sequence_number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (0..21).collect::<Vec<_>>());
    let response = &events[20]["response"];
    assert_eq!(response["status"], "completed");
    assert_eq!(response["output"][1]["content"][0]["text"], "Hello");
    assert_eq!(response["output"][2]["arguments"], r#"{"city":"Bern"}"#);
    assert_eq!(response["usage"]["total_tokens"], 19);
}

#[tokio::test]
async fn chat_completions_come_as_deltas_with_usage_and_done_at_the_end() {
    let upstream = ModelUpstream::start().await.unwrap();
    upstream.answer(Turn::chunks(["Hel", "lo"]).and_tool_call("weather", "{}"));

    let (stream, _) = stream(&upstream, PATHS[1]).await;

    let events = told(&stream);
    let deltas: Vec<&Value> = events.iter().map(|event| &event["choices"][0]["delta"]).collect();
    assert_eq!(deltas[1]["content"], "Hel");
    assert_eq!(deltas[2]["content"], "lo");
    assert_eq!(deltas[3]["tool_calls"][0]["function"]["name"], "weather");
    assert_eq!(deltas[4]["tool_calls"][0]["function"]["arguments"], "{}");
    assert_eq!(events[5]["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(
        (&events[6]["choices"], &events[6]["usage"]["prompt_tokens"]),
        (&json!([]), &json!(12))
    );
    assert!(stream.ends_with("data: [DONE]\n\n"), "{stream}");
}

#[tokio::test]
async fn messages_tell_of_every_block() {
    let upstream = ModelUpstream::start().await.unwrap();
    let usage = Usage { input_tokens: 10, cached_tokens: 4, output_tokens: 3, reasoning_tokens: 0 };
    let turn =
        Turn::reasoning("Hm.").and_text("Hi").and_tool_call("t", "{}").with_call_id("toolu_x");
    upstream.answer(turn.with_usage(usage));

    let (stream, _) = stream(&upstream, PATHS[2]).await;

    let expected = [
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ];
    assert_eq!(kinds(&stream), expected);
    let events = told(&stream);
    let counted = &events[0]["message"]["usage"];
    assert_eq!(
        (&counted["input_tokens"], &counted["cache_read_input_tokens"]),
        (&json!(6), &json!(4))
    );
    assert_eq!(events[4]["delta"]["type"], "signature_delta");
    assert_eq!(events[9]["content_block"]["id"], "toolu_x");
    assert_eq!(events[13]["delta"]["stop_reason"], "tool_use");
    assert_eq!(events[13]["usage"]["output_tokens"], 3);
}

#[tokio::test]
async fn ollama_streams_lines_unless_it_is_told_not_to() {
    let upstream = ModelUpstream::start().await.unwrap();
    upstream.answer(Turn::reasoning("Hm.").and_text("Hi").and_tool_call("t", json!({"a": 1})));
    let (head, body) = raw(&upstream, PATHS[3], &json!({"model": "m", "messages": []})).await;

    assert!(head.contains("application/x-ndjson"), "{head}");
    let (pieces, _) = chunks(&body);
    let lines = told(&String::from_utf8(pieces.concat()).unwrap());
    assert_eq!(lines[0]["message"]["thinking"], "Hm.");
    assert_eq!(lines[1]["message"]["content"], "Hi");
    assert_eq!(lines[2]["message"]["tool_calls"][0]["function"]["arguments"], json!({"a": 1}));
    assert_eq!((&lines[3]["done"], &lines[3]["eval_count"]), (&json!(true), &json!(7)));
    assert_eq!(lines.len(), 4);
}

#[tokio::test]
async fn each_protocol_has_its_word_for_why_it_ends() {
    let upstream = ModelUpstream::start().await.unwrap();
    upstream.answer_usually(Turn::text("Hi").finishing(Finish::Length));
    let mut reasons = Vec::new();
    for (path, place) in PATHS.into_iter().zip([
        "/incomplete_details/reason",
        "/choices/0/finish_reason",
        "/stop_reason",
        "/done_reason",
    ]) {
        let answer = answer(&upstream, path, &asking(false)).await;
        reasons.push(answer.pointer(place).unwrap().clone());
    }
    assert_eq!(reasons, ["max_output_tokens", "length", "max_tokens", "length"]);
}

#[tokio::test]
async fn a_refusal_of_the_model_is_told_as_one() {
    let upstream = ModelUpstream::start().await.unwrap();
    upstream.answer_usually(Turn::refusal("No."));
    let [responses, chat, messages, _] = PATHS;

    let answered = answer(&upstream, responses, &asking(false)).await;
    assert_eq!(answered["output"][0]["content"][0], json!({"type": "refusal", "refusal": "No."}));
    let answered = answer(&upstream, chat, &asking(false)).await;
    assert_eq!(answered["choices"][0]["message"]["refusal"], "No.");
    let answered = answer(&upstream, messages, &asking(false)).await;
    assert_eq!(answered["stop_reason"], "refusal");
    assert!(stream(&upstream, responses).await.0.contains("response.refusal.delta"));
}

#[tokio::test]
async fn the_other_endpoints_answer() {
    let upstream = ModelUpstream::start().await.unwrap();
    upstream.offer_models(["small", "large"]);
    upstream.judge_with(|text| {
        BTreeMap::from([("violence".to_owned(), if text == "bang" { 0.9 } else { 0.1 })])
    });

    let models = answer(&upstream, "/v1/models?limit=9", &Value::Null).await;
    assert_eq!(models["data"][1]["id"], "large");
    let tags = answer(&upstream, "/api/tags", &Value::Null).await;
    assert_eq!(tags["models"][0]["name"], "small");
    let judged = answer(&upstream, "/v1/moderations", &json!({"input": ["bang", "tea"]})).await;
    assert_eq!(
        (&judged["results"][0]["flagged"], &judged["results"][1]["flagged"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(judged["results"][0]["category_scores"]["violence"], 0.9);
    let wish = json!({"input": ["Red tea", "tea red"], "dimensions": 8, "model": "e"});
    let embedded = answer(&upstream, "/v1/embeddings", &wish).await;
    assert_eq!(embedded["data"][0]["embedding"], embedded["data"][1]["embedding"]);
    assert_eq!(embedded["data"][0]["embedding"].as_array().unwrap().len(), 8);
    let drawn = answer(&upstream, "/v1/images/generations", &json!({"n": 2})).await;
    assert_eq!(drawn["data"].as_array().unwrap().len(), 2);
    let (head, _) = raw(&upstream, "/v1/teapots", &json!({})).await;
    assert!(head.starts_with("HTTP/1.1 404 "), "{head}");
}

#[tokio::test]
async fn it_refuses_with_the_status_that_is_wished() {
    let upstream = ModelUpstream::start().await.unwrap();
    let fault = Fault::Status { status: 429, retry_after: Some(3), body: String::new() };
    upstream.answer(Turn::failing(fault));
    upstream.fail_at("/v1/models", Fault::status(401));

    let (head, body) = raw(&upstream, PATHS[2], &asking(true)).await;
    assert!(head.starts_with("HTTP/1.1 429 ") && head.contains("\r\nretry-after: 3"), "{head}");
    let said: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(said["error"]["type"], "rate_limit_error");
    let (head, _) = raw(&upstream, "/v1/models", &Value::Null).await;
    assert!(head.starts_with("HTTP/1.1 401 "), "{head}");
    let (head, _) = raw(&upstream, "/v1/models", &Value::Null).await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
}

#[tokio::test]
async fn it_hangs_where_it_is_told_until_the_other_side_goes() {
    let upstream = ModelUpstream::start().await.unwrap();
    for (number, (hang, read)) in [
        (Hang::Connected, ""),
        (Hang::BeforeHead, ""),
        (Hang::BeforeFirstEvent, "chunked\r\n\r\n"),
        (Hang::AfterEvents(1), "message_start\"}\n\n\r\n"),
    ]
    .into_iter()
    .enumerate()
    {
        upstream.answer(Turn::failing(Fault::Hang(hang)));
        let mut connection = ask(&upstream, PATHS[2], &asking(true)).await;
        let mut got = String::new();
        while !got.ends_with(read) {
            got.push(connection.read_u8().await.unwrap().into());
        }
        assert_eq!(upstream.abandoned(), number);
        drop(connection);
        upstream.wait_for_abandoned(number + 1).await;
        upstream.closed().await;
    }
    assert_eq!(upstream.requests().len(), 3);
}

#[tokio::test]
async fn a_cut_comes_after_the_events_or_bytes_that_are_wished() {
    let upstream = ModelUpstream::start().await.unwrap();
    upstream.answer(Turn::failing(Fault::CutAfter(Cut::Events(2))));
    upstream.answer(Turn::failing(Fault::CutAfter(Cut::Bytes(30))));
    upstream.answer(Turn::failing(Fault::CutAfter(Cut::Bytes(30))));

    let (body, is_whole) = stream(&upstream, PATHS[0]).await;
    assert_eq!((kinds(&body).len(), is_whole), (2, false));
    let (body, is_whole) = stream(&upstream, PATHS[0]).await;
    assert_eq!((body.len(), is_whole), (30, false));
    let (head, body) = raw(&upstream, PATHS[0], &asking(false)).await;
    assert_eq!(body.len(), 30);
    assert!(head.contains("content-length: 31"), "{head}");
}

#[tokio::test]
async fn a_tap_lets_through_what_it_is_told() {
    let upstream = ModelUpstream::start().await.unwrap();
    let tap = Tap::shut();
    upstream.answer(Turn::text("Hi").with_fault(Fault::SlowDrip(tap.clone())));
    let mut connection = ask(&upstream, PATHS[3], &asking(true)).await;
    upstream.wait_for(1).await;
    let mut got = String::new();
    for line in ["Hi", "done_reason"] {
        assert!(!got.contains(line), "{got}");
        assert_eq!(upstream.open_connections(), 1);
        tap.let_through(1);
        while !got.contains(line) {
            got.push(connection.read_u8().await.unwrap().into());
        }
    }
    connection.read_to_string(&mut got).await.unwrap();
    upstream.closed().await;
    assert_eq!(upstream.abandoned(), 0);
}

#[tokio::test]
async fn streams_are_split_wherever_it_is_wished() {
    let upstream = ModelUpstream::start().await.unwrap();
    let turn = Turn::text("Grüße");
    upstream.answer(turn.clone());
    upstream.answer(turn.with_fault(Fault::SplitBytes(3)));
    let (_, whole) = raw(&upstream, PATHS[3], &asking(true)).await;
    let (_, split) = raw(&upstream, PATHS[3], &asking(true)).await;

    let (pieces, _) = chunks(&split);

    assert!(pieces.iter().rev().skip(1).all(|piece| piece.len() == 3));
    assert_eq!(pieces.concat(), chunks(&whole).0.concat());
}

#[tokio::test]
async fn ends_are_missing_or_doubled_or_followed_as_is_wished() {
    let upstream = ModelUpstream::start().await.unwrap();
    for (path, end) in PATHS.into_iter().zip([
        "event: response.completed",
        "data: [DONE]",
        "event: message_stop",
        "\"done\":true",
    ]) {
        upstream.answer(Turn::failing(Fault::MissingTerminal));
        let (missing, is_whole) = stream(&upstream, path).await;
        assert!(is_whole && !missing.contains(end) && missing.contains("Hello"), "{missing}");

        upstream.answer(Turn::failing(Fault::DuplicateDone));
        assert_eq!(stream(&upstream, path).await.0.matches(end).count(), 2);

        upstream.answer(Turn::failing(Fault::TrailingGarbage));
        let (followed, _) = stream(&upstream, path).await;
        assert!(followed.rfind("<html>") > followed.rfind(end), "{followed}");

        upstream.answer(Turn::failing(Fault::Garbage));
        assert!(!stream(&upstream, path).await.0.contains("Hello"));
    }
}

#[tokio::test]
async fn failures_are_told_in_the_stream_and_nothing_after() {
    let upstream = ModelUpstream::start().await.unwrap();
    for (path, word) in PATHS.into_iter().zip([
        "rate_limit_exceeded",
        "engine_overloaded",
        "overloaded_error",
        "server busy",
    ]) {
        let fault = Fault::ErrorEvent { after: 1, trouble: Trouble::Overloaded };
        upstream.answer(Turn::failing(fault));
        let events = told(&stream(&upstream, path).await.0);
        assert_eq!(events.len(), 2, "{events:?}");
        assert!(events[1].to_string().contains(word), "{events:?}");
    }
}

#[tokio::test]
async fn unknown_events_stand_between_the_known() {
    let upstream = ModelUpstream::start().await.unwrap();
    upstream.answer(Turn::failing(Fault::UnknownEvents));
    let kinds = kinds(&stream(&upstream, PATHS[2]).await.0);
    assert_eq!(&kinds[..4], ["tea.served", "message_start", "tea.served", "content_block_start"]);
}
