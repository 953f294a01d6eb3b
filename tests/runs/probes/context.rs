//! How much of a conversation is told again.

use std::sync::Arc;

use serde_json::{Value, json};
use understudy_domain::{chat::Protocol, run::RunStatus};
use understudy_models::TokenCounter;
use understudy_testkit::{ModelUpstream, RecordedRequest, Turn};

use crate::stage::{Plan, Ran, Stage, WIRES, provider, settings};

/// How many messages of users a request has.
fn user_messages(request: &RecordedRequest) -> usize {
    let items = request.body.get("messages").or_else(|| request.body.get("input")).unwrap();
    let items = items.as_array().unwrap().iter();
    items.filter(|item| item["role"] == "user").count()
}

async fn talk(stage: &Stage, assistant: &str, turns: usize, text: &str) -> Ran {
    let mut ran = stage.ask(assistant, text).await;
    for _ in 1..turns {
        ran = stage.ask_on(&ran, assistant, text).await;
        assert_eq!(ran.run.status, RunStatus::Completed, "{:?}", ran.run.outcome);
    }
    ran
}

#[tokio::test]
async fn without_context_one_message_of_the_user_is_sent() {
    for protocol in WIRES {
        for (strategy, expected) in [("off", 1), ("full", 3)] {
            let stage = Stage::of(protocol).await;
            let wanted = settings(protocol, json!({"context_strategy": strategy}));
            let assistant = stage.assistant(wanted).await;

            talk(&stage, &assistant, 3, "Hello?").await;

            let last = stage.asked().pop().unwrap();
            assert_eq!(user_messages(&last), expected, "{protocol:?} {strategy}");
            stage.close().await;
        }
    }
}

/// Tokens of the last request of a long conversation.
async fn tokens(strategy: &str, more: Value) -> (u64, bool) {
    let upstream = ModelUpstream::start().await.unwrap();
    let providers = vec![provider(1, Protocol::OpenaiResponses, &upstream)];
    let plan = Plan { tokenizer: Arc::new(TokenCounter), ..Plan::of(providers) };
    let stage = Box::pin(Stage::set(upstream, plan)).await;
    stage.upstream.respond_with(|request| {
        let is_summing = request.mentions("You sum up the earlier part");
        Turn::text(if is_summing { "They talked of ships.".to_owned() } else { "aye ".repeat(80) })
    });
    let mut wanted = json!({"default_model_key": "gpt-4o", "context_strategy": strategy});
    crate::stage::merge(&mut wanted, more);
    let assistant = stage.assistant(wanted).await;

    let said = "ship ".repeat(80);
    let ran = Box::pin(talk(&stage, &assistant, 12, &said)).await;

    let last = stage.asked().pop().unwrap();
    let sent = last.body["input"].to_string() + last.body["instructions"].as_str().unwrap();
    if ran.run.outcome.is_summarized {
        assert!(last.mentions("They talked of ships."), "{}", last.body);
    }
    stage.close().await;
    (
        understudy_domain::ports::Tokenizer::count(&TokenCounter, "gpt-4o", &sent),
        ran.run.outcome.is_summarized,
    )
}

#[tokio::test]
async fn strategies_differ_in_what_they_cost() {
    let (off, _) = tokens("off", json!({})).await;
    let (saver, _) = tokens("saver", json!({})).await;
    let (auto, is_auto_summarized) = tokens("auto", json!({})).await;
    let (full, is_full_summarized) = tokens("full", json!({})).await;

    assert!(off < saver && saver < auto && auto <= full, "{off} {saver} {auto} {full}");
    assert!(!is_auto_summarized && !is_full_summarized);

    let narrow = json!({"context_window": 1600, "max_completion_tokens": 200});
    let (summed, is_summarized) = tokens("auto", narrow).await;
    assert!(is_summarized && summed < auto, "{summed} {auto}");
}
