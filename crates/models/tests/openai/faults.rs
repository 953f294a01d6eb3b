//! Providers that answer badly, and what is done about it.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use understudy_domain::{
    ProviderKind::{Clipdrop, Openai, OpenaiCompatible},
    chat::{
        ChatEvent, ChatStop,
        Protocol::{CompatibleChat, OpenaiChat, OpenaiResponses},
    },
    ports::{ChatModel, ImageModel, ProviderError},
};
use understudy_models::Timeouts;
use understudy_testkit::{Reply, Upstream};

use crate::support::{
    KEY, access, ask, chunk, completion, error, models, named, request, sent, streaming, text,
};

const SHORT: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_mins(1);

/// Says `first` so many times, and then answers.
async fn stumbling(times: usize, first: Reply) -> Upstream {
    let asked = AtomicUsize::new(0);
    let upstream = Upstream::answering("127.0.0.1", move |_| {
        if asked.fetch_add(1, Ordering::SeqCst) < times { first.clone() } else { completion() }
    });
    upstream.await.unwrap()
}

fn refusing(status: u16) -> Reply {
    Reply::new(status, r#"{"error":{"message":"not now"}}"#)
}

#[tokio::test]
async fn each_protocol_is_spoken_at_its_address_with_the_key() {
    for (protocol, path) in [
        (OpenaiResponses, "/v1/responses"),
        (OpenaiChat, "/v1/chat/completions"),
        (CompatibleChat, "/v1/chat/completions"),
    ] {
        let upstream = Upstream::always(completion()).await.unwrap();
        let request = request(protocol);
        drop(models().converse(&access(Openai, &upstream), &request).await.unwrap());

        let [asked] = upstream.asked().try_into().unwrap();
        assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", path));
        assert_eq!(asked.header("authorization"), Some(&*format!("Bearer {KEY}")));
        assert_eq!(asked.header("content-type"), Some("application/json"));
        assert_eq!(sent(&asked), models().render(&request), "{protocol:?}");
        assert!(!models().render(&request).to_string().contains("sesame"));
    }
}

#[tokio::test]
async fn an_answer_is_heard_to_its_end_and_nothing_after_it() {
    let upstream = Upstream::always(completion()).await.unwrap();
    let provider = access(OpenaiCompatible, &upstream);
    let models = models();
    let mut stream = models.converse(&provider, &request(CompatibleChat)).await.unwrap();

    let mut heard = Vec::new();
    while let Some(event) = stream.next().await {
        heard.push(event.unwrap());
    }

    assert_eq!(text(&heard), "Hello");
    let Some(ChatEvent::Done { stop, usage: Some(usage), .. }) = heard.last() else {
        panic!("{heard:?}")
    };
    assert_eq!((stop, usage.input_tokens, usage.output_tokens), (&ChatStop::EndTurn, 3, 2));
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn an_answer_that_is_not_streamed_is_understood_too() {
    let answer = json!({
        "choices": [{ "index": 0, "message": { "content": "Hello" }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 3, "completion_tokens": 2 },
    });
    let reply = Reply::new(200, format!("{answer:#}")).with("content-type", "application/json");
    let upstream = Upstream::always(reply).await.unwrap();
    assert_eq!(text(&ask(OpenaiCompatible, &upstream).await.unwrap()), "Hello");

    let reply = Reply::new(200, r#"{"error":{"message":"no such model","code":404}}"#);
    let upstream = Upstream::always(reply.with("content-type", "application/json")).await.unwrap();
    let error = ask(OpenaiCompatible, &upstream).await.unwrap_err();
    assert!(matches!(error, ProviderError::Refused { status: 404, .. }), "{error:?}");
}

#[tokio::test]
async fn what_passes_is_asked_again_twice() {
    for status in [408, 409, 429, 500, 502, 503, 504, 529] {
        let upstream = stumbling(2, refusing(status)).await;
        assert_eq!(text(&ask(OpenaiCompatible, &upstream).await.unwrap()), "Hello", "{status}");
        assert_eq!(upstream.asked().len(), 3);

        let upstream = stumbling(3, refusing(status)).await;
        let error = ask(OpenaiCompatible, &upstream).await.unwrap_err();
        assert!(error.to_string().contains("not now"), "{error}");
        assert_eq!(upstream.asked().len(), 3, "{status}");
    }
}

#[tokio::test]
async fn what_does_not_pass_is_asked_once() {
    for status in [400, 401, 403, 404, 413, 422] {
        let upstream = stumbling(1, refusing(status)).await;
        let error = ask(OpenaiCompatible, &upstream).await.unwrap_err();
        let ProviderError::Refused { status: said, message } = error else { panic!("{error:?}") };
        assert_eq!((said, message.as_str()), (status, "not now"));
        assert_eq!(upstream.asked().len(), 1);
    }
}

#[tokio::test]
async fn a_provider_that_wants_a_long_rest_is_not_asked_again() {
    let upstream = stumbling(1, refusing(429).with("retry-after", "0")).await;
    assert!(ask(OpenaiCompatible, &upstream).await.is_ok());

    let upstream = stumbling(1, refusing(429).with("retry-after", "11")).await;
    let error = ask(OpenaiCompatible, &upstream).await.unwrap_err();
    let ProviderError::Busy { retry_after, message } = error else { panic!("{error:?}") };
    assert_eq!((retry_after, message.as_str()), (Some(11), "not now"));
    assert_eq!(upstream.asked().len(), 1);
}

#[tokio::test]
async fn nobody_is_asked_again_who_began_to_answer() {
    let begun = chunk("Hel");
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n";
    for broken in [
        streaming(&begun),
        streaming(""),
        streaming(": comment\n\n"),
        Reply::Raw(format!("{head}{begun}").into_bytes()),
        streaming("data: [DONE]\n\n"),
    ] {
        let upstream = stumbling(1, broken.clone()).await;
        let error = ask(OpenaiCompatible, &upstream).await.unwrap_err();
        let ProviderError::Garbled(why) = &error else { panic!("{broken:?}: {error:?}") };
        assert_eq!(why, "the answer broke off", "{broken:?}");
        assert_eq!(upstream.asked().len(), 1);
    }
}

#[tokio::test]
async fn errors_after_the_beginning_never_tell_the_key() {
    for body in [
        json!({ "error": { "message": format!("key {KEY} is odd"), "code": 500 } }),
        json!({ "error": { "message": format!("key {KEY} is odd"), "code": "rate_limit" } }),
    ] {
        let upstream = Upstream::always(streaming(&format!("data: {body}\n\n"))).await.unwrap();
        let error = ask(OpenaiCompatible, &upstream).await.unwrap_err();
        assert!(error.to_string().contains("key ******** is odd"), "{error}");
    }
    let long = json!({ "error": { "message": "x".repeat(2000) } });
    let upstream = Upstream::always(streaming(&format!("data: {long}\n\n"))).await.unwrap();
    let error = ask(OpenaiCompatible, &upstream).await.unwrap_err();
    assert!(error.to_string().len() < 600, "{error}");
}

#[tokio::test]
async fn a_provider_that_hangs_is_given_up_wherever_it_hangs() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n";
    let begun = format!("{head}{}", chunk("Hel"));
    let patient = Timeouts { first_byte: LONG, idle: LONG, whole: LONG };
    for (stall, timeouts) in [
        ("", Timeouts { first_byte: SHORT, ..patient }),
        ("HTTP/1.1 200 OK\r\n", Timeouts { first_byte: SHORT, ..patient }),
        ("", Timeouts { whole: SHORT, ..patient }),
        (head, Timeouts { idle: SHORT, ..patient }),
        (begun.as_str(), Timeouts { idle: SHORT, ..patient }),
        (begun.as_str(), Timeouts { whole: SHORT * 4, ..patient }),
    ] {
        let upstream = Upstream::always(Reply::Stall(stall.as_bytes().to_vec())).await.unwrap();
        let models = models().with_timeouts(timeouts);
        let error = error(&models, &access(OpenaiCompatible, &upstream)).await;
        assert!(matches!(error, ProviderError::TimedOut), "{stall:?}: {error:?}");
        assert_eq!(upstream.asked().len(), 1);
    }
}

#[tokio::test]
async fn a_stream_that_only_drips_is_given_up_when_its_time_is_over() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let dripping = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        assert!(connection.read(&mut [0; 4096]).await.unwrap() > 0);
        let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        connection.write_all(head).await.unwrap();
        let mut drops = tokio::time::interval(Duration::from_millis(1));
        while connection.write_all(b"4\r\n: x\n\r\n").await.is_ok() {
            drops.tick().await;
        }
    });
    let provider = named(OpenaiCompatible, 1, format!("http://{address}/v1"));

    let timeouts = Timeouts { first_byte: LONG, idle: LONG, whole: SHORT * 4 };
    let error = error(&models().with_timeouts(timeouts), &provider).await;

    assert!(matches!(error, ProviderError::TimedOut), "{error:?}");
    // The connection ended with the stream.
    dripping.await.unwrap();
}

#[tokio::test]
async fn a_line_without_end_is_given_up() {
    let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    let piece = format!("10000\r\n{}\r\n", "x".repeat(0x1_0000)).into_bytes();
    let upstream = Upstream::always(Reply::Endless(head, piece)).await.unwrap();
    let error = ask(OpenaiCompatible, &upstream).await.unwrap_err();
    let ProviderError::Garbled(why) = &error else { panic!("{error:?}") };
    assert!(why.contains("more than 1048576 bytes"), "{why}");
}

#[tokio::test]
async fn a_provider_that_keeps_failing_is_left_alone() {
    let upstream = Upstream::always(refusing(500)).await.unwrap();
    let models = models();
    let provider = named(Openai, 1, upstream.url("/v1"));
    for _ in 0..5 {
        let error = error(&models, &provider).await;
        assert!(matches!(error, ProviderError::Refused { status: 500, .. }), "{error:?}");
    }
    let asked = upstream.asked().len();

    let refused = error(&models, &provider).await;
    let ProviderError::Unreachable(why) = &refused else { panic!("{refused:?}") };
    assert!(why.starts_with("it has failed several times; it is tried again in "), "{why}");
    assert!(why.contains("not now"), "{why}");
    assert_eq!(upstream.asked().len(), asked);

    // Another is asked as ever, and this one too once a test went well.
    let other = named(Openai, 2, upstream.url("/v1"));
    assert!(matches!(error(&models, &other).await, ProviderError::Refused { .. }));
    let well = Upstream::always(Reply::new(200, r#"{"data":[]}"#)).await.unwrap();
    let mended = named(Openai, 1, well.url("/v1"));
    models.test(&mended).await.unwrap();
    assert!(matches!(error(&models, &provider).await, ProviderError::Refused { .. }));
}

#[tokio::test]
async fn streams_that_break_off_count_as_failures_and_refusals_do_not() {
    for (reply, is_left_alone) in [(streaming(&chunk("x")), true), (refusing(401), false)] {
        let upstream = Upstream::always(reply).await.unwrap();
        let models = models();
        let provider = named(Openai, 1, upstream.url("/v1"));
        for _ in 0..6 {
            error(&models, &provider).await;
        }
        assert_eq!(upstream.asked().len() == 5, is_left_alone);
    }
}

#[tokio::test]
async fn without_a_connection_it_is_unreachable() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let provider = named(OpenaiCompatible, 1, format!("http://{gone}/v1"));
    let error = error(&models(), &provider).await;
    assert!(matches!(error, ProviderError::Unreachable(_)), "{error:?}");
}

#[tokio::test]
async fn models_are_listed_as_the_provider_lists_them() {
    let list = json!({ "object": "list", "data": [{ "id": "b" }, { "id": "a", "owned_by": "x" }] });
    for kind in [Openai, OpenaiCompatible] {
        let upstream = Upstream::always(Reply::new(200, list.to_string())).await.unwrap();
        let listed = models().list(&access(kind, &upstream)).await.unwrap();
        let ids: Vec<&str> = listed.iter().map(|model| model.id.as_str()).collect();
        assert_eq!(ids, ["b", "a"]);
        assert_eq!(upstream.asked()[0].path, "/v1/models");
    }
    let upstream = Upstream::always(Reply::new(200, "{}")).await.unwrap();
    let error = models().list(&access(Openai, &upstream)).await.unwrap_err();
    assert!(matches!(error, ProviderError::Garbled(_)), "{error:?}");
    assert_eq!(models().list(&access(Clipdrop, &upstream)).await.unwrap(), []);
}
