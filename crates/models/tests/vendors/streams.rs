//! What is heard of answers that are whole, however they come.

use serde_json::json;
use understudy_domain::{
    chat::{ChatEvent, ChatStop, ChatUsage, Protocol},
    ports::ChatModel,
};
use understudy_testkit::{Fault, Finish, ModelUpstream, Tap, Turn, Usage};

use crate::support::{PROTOCOLS, access, ask, models, request};

fn busy() -> Turn {
    let usage =
        Usage { input_tokens: 30, cached_tokens: 20, output_tokens: 9, reasoning_tokens: 0 };
    Turn::reasoning("Größe: 3.")
        .and_text("Grü")
        .and_text("ße ")
        .and_tool_call("look", json!({ "at": "Zürich", "deep": { "er": [1, 2] } }))
        .and_tool_call("rest", json!({}))
        .with_usage(usage)
}

fn texts(heard: &[ChatEvent]) -> (String, String) {
    let mut texts = (String::new(), String::new());
    for event in heard {
        match event {
            ChatEvent::Text(text) => texts.0.push_str(text),
            ChatEvent::Reasoning(text) => texts.1.push_str(text),
            _ => {}
        }
    }
    texts
}

fn calls(heard: &[ChatEvent]) -> Vec<(String, String)> {
    let calls = heard.iter().filter_map(|event| match event {
        ChatEvent::ToolCall(call) => Some((call.name.clone(), call.arguments.clone())),
        _ => None,
    });
    calls.collect()
}

fn end(heard: &[ChatEvent]) -> (ChatStop, Option<ChatUsage>) {
    match heard.last() {
        Some(ChatEvent::Done { stop, usage, .. }) => (stop.clone(), *usage),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_busy_turn_is_heard_as_a_whole() {
    let upstream = ModelUpstream::start().await.unwrap();
    for protocol in PROTOCOLS {
        upstream.answer(busy());
        let heard = ask(protocol, &upstream).await.unwrap();

        assert_eq!(heard[0], ChatEvent::Started { model: Some("m".to_owned()) });
        assert_eq!(texts(&heard), ("Grüße ".to_owned(), "Größe: 3.".to_owned()), "{protocol:?}");
        let arguments = json!({ "at": "Zürich", "deep": { "er": [1, 2] } }).to_string();
        let expected = [("look".to_owned(), arguments), ("rest".to_owned(), "{}".to_owned())];
        assert_eq!(calls(&heard), expected, "{protocol:?}");
        let block = heard.iter().position(|event| matches!(event, ChatEvent::ReasoningBlock(_)));
        let text = heard.iter().position(|event| matches!(event, ChatEvent::Text(_)));
        assert!(block.unwrap() < text.unwrap(), "a thought is whole before what follows");
        // Only one of them tells what it had at hand.
        let cached_tokens = if protocol == Protocol::AnthropicMessages { 20 } else { 0 };
        let usage =
            ChatUsage { input_tokens: 30, cached_tokens, output_tokens: 9, reasoning_tokens: 0 };
        assert_eq!(end(&heard), (ChatStop::ToolUse, Some(usage)), "{protocol:?}");
    }
}

#[tokio::test]
async fn however_a_stream_is_split_the_same_is_heard() {
    let upstream = ModelUpstream::start().await.unwrap();
    for protocol in PROTOCOLS {
        for bytes in [1, 2, 3, 7, 64] {
            upstream.answer(busy().with_fault(Fault::SplitBytes(bytes)));
            let heard = ask(protocol, &upstream).await.unwrap();
            assert_eq!(texts(&heard), ("Grüße ".to_owned(), "Größe: 3.".to_owned()), "{bytes}");
            assert_eq!((calls(&heard).len(), end(&heard).0), (2, ChatStop::ToolUse), "{bytes}");
        }
    }
}

#[tokio::test]
async fn strange_events_and_what_follows_the_end_are_passed_over() {
    let upstream = ModelUpstream::start().await.unwrap();
    for protocol in PROTOCOLS {
        for fault in [Fault::UnknownEvents, Fault::DuplicateDone, Fault::TrailingGarbage] {
            upstream.answer(Turn::text("Hello").with_fault(fault.clone()));
            let heard = ask(protocol, &upstream).await.unwrap();
            assert_eq!((texts(&heard).0.as_str(), heard.len()), ("Hello", 3), "{fault:?}");
        }
    }
}

#[tokio::test]
async fn each_reason_to_stop_is_understood() {
    let upstream = ModelUpstream::start().await.unwrap();
    let anthropic = Protocol::AnthropicMessages;
    for (protocol, finish, expected) in [
        (anthropic, Finish::Stop, ChatStop::EndTurn),
        (anthropic, Finish::Length, ChatStop::MaxTokens),
        (anthropic, Finish::WindowFull, ChatStop::MaxTokens),
        (anthropic, Finish::StopSequence("END".to_owned()), ChatStop::StopSequence),
        (anthropic, Finish::ContentFilter, ChatStop::Refusal),
        (anthropic, Finish::Pause, ChatStop::Pause),
        (Protocol::OllamaChat, Finish::Stop, ChatStop::EndTurn),
        (Protocol::OllamaChat, Finish::Length, ChatStop::MaxTokens),
    ] {
        upstream.answer(Turn::text("Hello").finishing(finish.clone()));
        let heard = ask(protocol, &upstream).await.unwrap();
        assert_eq!(end(&heard).0, expected, "{finish:?}");
    }
}

#[tokio::test]
async fn text_is_heard_before_there_is_more_of_it() {
    let upstream = ModelUpstream::start().await.unwrap();
    // How many events come before the first text is told of, that one included.
    for (protocol, events) in [(Protocol::AnthropicMessages, 4), (Protocol::OllamaChat, 1)] {
        let tap = Tap::shut();
        upstream.answer(Turn::chunks(["one", "two"]).with_fault(Fault::SlowDrip(tap.clone())));
        tap.let_through(events);
        let provider = access(protocol, upstream.url());
        let mut stream = models().converse(&provider, &request(protocol)).await.unwrap();

        let mut heard = Vec::new();
        while texts(&heard).0.is_empty() {
            heard.push(stream.next().await.unwrap().unwrap());
        }

        assert_eq!(texts(&heard).0, "one", "{protocol:?}");
        drop(stream);
        upstream.closed().await;
    }
    assert_eq!(upstream.abandoned(), 2);
}
