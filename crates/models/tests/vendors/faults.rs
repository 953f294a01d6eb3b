//! What comes of providers that fail.

use std::time::Duration;

use understudy_domain::{
    chat::Protocol,
    ports::{ChatModel, ProviderError},
};
use understudy_models::Timeouts;
use understudy_testkit::{Cut, Fault, Hang, ModelUpstream, Trouble, Turn};

use crate::support::{KEY, PROTOCOLS, access, ask, ask_with, models, request};

#[tokio::test]
async fn a_stream_that_does_not_tell_of_its_end_is_no_answer() {
    let upstream = ModelUpstream::start().await.unwrap();
    for protocol in PROTOCOLS {
        let cuts = (1..4).map(|events| Fault::CutAfter(Cut::Events(events)));
        let bytes = (1..200).step_by(23).map(|bytes| Fault::CutAfter(Cut::Bytes(bytes)));
        for fault in cuts.chain(bytes).chain([Fault::MissingTerminal, Fault::Garbage]) {
            // Enough of it that no cut comes after the end.
            let turn = Turn::chunks(["One", "Two", "Three", "Four"]);
            upstream.answer(turn.with_fault(fault.clone()));
            let error = ask(protocol, &upstream).await.unwrap_err();
            assert!(matches!(error, ProviderError::Garbled(_)), "{protocol:?} {fault:?} {error:?}");
        }
    }
}

#[tokio::test]
async fn a_failure_in_the_middle_is_heard_after_what_came_before() {
    let upstream = ModelUpstream::start().await.unwrap();
    for protocol in PROTOCOLS {
        for (trouble, is_busy) in [(Trouble::Overloaded, true), (Trouble::Internal, false)] {
            upstream.answer(Turn::failing(Fault::ErrorEvent { after: 1, trouble }));
            let error = ask(protocol, &upstream).await.unwrap_err();
            match error {
                ProviderError::Busy { .. } => assert!(is_busy, "{protocol:?}"),
                ProviderError::Refused { status, .. } => {
                    assert!(!is_busy && status == 500, "{protocol:?} {status}");
                }
                other => panic!("{protocol:?} {other:?}"),
            }
        }
    }
    assert_eq!(upstream.requests().len(), 4, "nobody asks again once something was said");
}

#[tokio::test]
async fn a_refusal_has_the_providers_words_and_never_the_key() {
    let upstream = ModelUpstream::start().await.unwrap();
    let body = serde_json::json!({ "error": { "message": format!("no {KEY}") } }).to_string();
    for protocol in PROTOCOLS {
        let fault = Fault::Status { status: 401, retry_after: None, body: body.clone() };
        upstream.answer(Turn::failing(fault));
        let error = ask(protocol, &upstream).await.unwrap_err();
        let ProviderError::Refused { status, message } = error else { panic!("{error:?}") };
        assert_eq!((status, message.as_str()), (401, "no ********"));
    }
}

#[tokio::test]
async fn what_passes_is_asked_again_before_anything_was_said() {
    let upstream = ModelUpstream::start().await.unwrap();
    for protocol in PROTOCOLS {
        upstream.answer(Turn::failing(Fault::status(529)));
        upstream.answer(Turn::failing(Fault::status(503)));
        upstream.answer(Turn::text("Hello"));
        assert!(ask(protocol, &upstream).await.is_ok(), "{protocol:?}");
    }
    assert_eq!(upstream.requests().len(), 6);
}

#[tokio::test]
async fn who_falls_silent_is_given_up_and_hung_up_on() {
    let upstream = ModelUpstream::start().await.unwrap();
    let short = Duration::from_millis(50);
    let timeouts = Timeouts { first_byte: short, idle: short, whole: Duration::from_mins(1) };
    let hasty = models().with_timeouts(timeouts);
    for protocol in PROTOCOLS {
        for hang in
            [Hang::Connected, Hang::BeforeHead, Hang::BeforeFirstEvent, Hang::AfterEvents(1)]
        {
            upstream.answer(Turn::failing(Fault::Hang(hang)));
            let error = ask_with(&hasty, protocol, &upstream).await.unwrap_err();
            assert!(matches!(error, ProviderError::TimedOut), "{protocol:?} {hang:?} {error:?}");
            upstream.closed().await;
        }
    }
    assert_eq!(upstream.abandoned(), 8);
}

#[tokio::test]
async fn who_listens_no_more_hangs_up() {
    let upstream = ModelUpstream::start().await.unwrap();
    for (number, protocol) in (1..).zip(PROTOCOLS) {
        upstream.answer(Turn::failing(Fault::Hang(Hang::AfterEvents(1))));
        let provider = access(protocol, upstream.url());
        let mut stream = models().converse(&provider, &request(protocol)).await.unwrap();
        stream.next().await.unwrap().unwrap();

        drop(stream);

        upstream.wait_for_abandoned(number).await;
        upstream.closed().await;
    }
}

#[tokio::test]
async fn a_list_that_is_none_is_told() {
    let upstream = ModelUpstream::start().await.unwrap();
    for (protocol, path) in
        [(Protocol::AnthropicMessages, "/v1/models"), (Protocol::OllamaChat, "/api/tags")]
    {
        let provider = access(protocol, upstream.url());
        upstream.fail_at(path, Fault::Garbage);
        let error = models().list(&provider).await.unwrap_err();
        assert!(matches!(error, ProviderError::Garbled(_)), "{error:?}");
        upstream.fail_at(path, Fault::status(403));
        let error = models().list(&provider).await.unwrap_err();
        assert!(matches!(error, ProviderError::Refused { status: 403, .. }), "{error:?}");
    }
}
