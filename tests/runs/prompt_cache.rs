//! What comes before the history stays as it is from turn to turn, to the byte, so
//! that providers need not read it again.

use serde_json::{Value, json};
use understudy_domain::{
    chat::Protocol,
    run::{Overrides, RunRequest},
    usecases::runs::{StartRun, Threading},
};
use understudy_testkit::{FakeMcp, ModelApi, RecordedRequest, Turn, sample};

use crate::stage::{Ran, Stage, WIRES, asking, me, server, settings};

/// The parts of a request that come before the conversation, as they are written.
fn before(request: &RecordedRequest) -> Vec<(&'static str, String)> {
    let mut parts: Vec<_> = ["instructions", "system", "tools", "model", "text", "think"]
        .into_iter()
        .filter_map(|name| Some((name, request.body.get(name)?.to_string())))
        .collect();
    if matches!(request.api, Some(ModelApi::Chat | ModelApi::Ollama)) {
        parts.push(("system message", conversation(request)[0].clone()));
    }
    parts
}

/// The items of the conversation, as they are written.
fn conversation(request: &RecordedRequest) -> Vec<String> {
    let items = request.body.get("messages").or_else(|| request.body.get("input")).unwrap();
    items.as_array().unwrap().iter().map(Value::to_string).collect()
}

/// An assistant with something in every layer that stays.
async fn assistant(stage: &Stage, protocol: Protocol, more: Value) -> String {
    stage.mcp.serve("box", [FakeMcp::tool("look"), FakeMcp::tool("open")]);
    let rules: Vec<String> = (1..=3).map(|n| sample::rule(n).id.to_string()).collect();
    let mut all = settings(
        protocol,
        json!({
            "instructions": "Be brief.",
            "rule_ids": rules,
            "tool_configurations": server(),
            "system_message": [
                {"texts": ["Speak plainly."]},
                {"role": "user", "texts": ["Good morning."]},
                {"role": "assistant", "texts": ["Good morning to you."]},
            ],
        }),
    );
    crate::stage::merge(&mut all, more);
    stage.assistant(all).await
}

fn with_instructions(text: &str) -> StartRun {
    let mut command = asking(text);
    command.request.instructions = Some("Rhyme.".to_owned());
    command
}

async fn go_on(stage: &Stage, assistant: &str, ran: &Ran, text: &str) -> Ran {
    let threading = Threading::Continue(ran.run.thread.unwrap());
    stage.run(&me(), assistant, StartRun { threading, ..with_instructions(text) }).await
}

#[tokio::test]
async fn what_comes_before_the_history_is_the_same_in_every_turn() {
    for protocol in WIRES {
        let stage = Stage::of(protocol).await;
        let assistant = assistant(&stage, protocol, json!({})).await;
        let mut ran = stage.run(&me(), &assistant, with_instructions("First?")).await;
        for text in ["Second?", "Third?"] {
            ran = go_on(&stage, &assistant, &ran, text).await;
        }

        let asked = stage.asked();

        assert_eq!(asked.len(), 3);
        for pair in asked.windows(2) {
            assert_eq!(before(&pair[0]), before(&pair[1]), "{protocol:?}");
            let (earlier, later) = (conversation(&pair[0]), conversation(&pair[1]));
            assert_eq!(later.len(), earlier.len() + 2, "{protocol:?}");
            assert_eq!(earlier, later[..earlier.len()], "{protocol:?}");
        }
        stage.close().await;
    }
}

#[tokio::test]
async fn a_turn_with_tools_is_told_again_as_it_was() {
    for protocol in WIRES {
        let stage = Stage::of(protocol).await;
        let assistant = assistant(&stage, protocol, json!({})).await;
        let call = Turn::tool_call("box__look", json!({"text": "x"}));
        stage.upstream.answer(call.and_tool_call("box__open", json!({"text": "y"})));
        let first = stage.run(&me(), &assistant, with_instructions("First?")).await;
        go_on(&stage, &assistant, &first, "Second?").await;

        let asked = stage.asked();

        assert_eq!(asked.len(), 3, "{protocol:?}");
        assert_eq!(asked[1].tool_results().len(), 2, "{protocol:?}");
        assert_eq!(before(&asked[1]), before(&asked[2]), "{protocol:?}");
        let (earlier, later) = (conversation(&asked[1]), conversation(&asked[2]));
        assert_eq!(earlier, later[..earlier.len()], "{protocol:?}");
        stage.close().await;
    }
}

#[tokio::test]
async fn what_changes_comes_after_what_stays() {
    // Anthropic is told up to where it need not read again.
    let protocol = Protocol::AnthropicMessages;
    let stage = Stage::of(protocol).await;
    let assistant = assistant(&stage, protocol, json!({"memory_enabled": true})).await;
    stage.upstream.respond_with(|request| {
        let is_noting = request.mentions("The user said:");
        Turn::text(if is_noting { "[\"The user lives in Bern.\"]" } else { "ok" })
    });
    let first = stage.run(&me(), &assistant, with_instructions("I live in Bern.")).await;
    let second = go_on(&stage, &assistant, &first, "Where do I live?").await;
    go_on(&stage, &assistant, &second, "And when?").await;

    let asked: Vec<_> = stage.asked().into_iter().filter(|r| r.mentions("Be brief.")).collect();

    let texts = |request: &RecordedRequest| -> Vec<String> {
        let blocks = request.body["system"].as_array().unwrap();
        let last = blocks.iter().position(|block| block.get("cache_control").is_some()).unwrap();
        blocks[..=last].iter().map(|block| block["text"].to_string()).collect()
    };
    let kept: Vec<_> = asked.iter().map(texts).collect();
    assert_eq!(asked.len(), 3);
    assert!(kept[0].starts_with(&kept[1]));
    assert_eq!(kept[1], kept[2]);
    assert!(kept[1].last().unwrap().contains("Rhyme."));
    assert!(!asked[0].mentions("The user lives in Bern."));
    assert!(asked[1].mentions("The user lives in Bern."));
    stage.close().await;
}

#[tokio::test]
async fn another_setting_does_not_change_what_comes_before() {
    let stage = Stage::of(Protocol::OpenaiResponses).await;
    let assistant = assistant(&stage, Protocol::OpenaiResponses, json!({})).await;
    let first = stage.run(&me(), &assistant, with_instructions("First?")).await;
    let mut command = with_instructions("Second?");
    command.threading = Threading::Continue(first.run.thread.unwrap());
    let overrides = Overrides { temperature: Some(0.1), ..Overrides::default() };
    command.request = RunRequest { overrides, ..command.request };
    stage.run(&me(), &assistant, command).await;

    let asked = stage.asked();

    assert_eq!(before(&asked[0]), before(&asked[1]));
    assert_eq!(asked[1].body["temperature"], 0.1);
    stage.close().await;
}
