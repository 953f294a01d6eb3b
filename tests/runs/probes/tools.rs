//! Tools as models are offered them.

use serde_json::json;
use understudy_domain::{
    assistant::content::ToolMode,
    chat::Protocol,
    run::{RunStatus, StopReason},
};
use understudy_testkit::{FakeMcp, Gate, RecordedRequest, Turn};

use crate::stage::{PATIENCE, Stage, WIRES, asking, base, me, merge, server, settings};

async fn with_server(protocol: Protocol, more: serde_json::Value) -> (Stage, String) {
    let stage = Stage::of(protocol).await;
    stage.mcp.serve("box", [FakeMcp::tool("look")]);
    let mut wanted = settings(protocol, json!({"tool_configurations": server()}));
    merge(&mut wanted, more);
    let assistant = stage.assistant(wanted).await;
    (stage, assistant)
}

fn look() -> Turn {
    Turn::tool_call("box__look", json!({"text": "x"}))
}

/// Whether the model may call something.
fn may_call(request: &RecordedRequest) -> bool {
    !request.tools().is_empty() && request.body.pointer("/tool_choice/type") != Some(&json!("none"))
}

#[tokio::test]
async fn a_tool_that_is_off_is_offered_to_no_model() {
    for protocol in WIRES {
        let stage = Stage::of(protocol).await;
        let assistant = stage.assistant(base(protocol)).await;
        stage.ask(&assistant, "Hello?").await;
        let off = json!({"systemTools": {"webSearch": {"mode": "off"}}});
        stage.patch(&assistant, json!({"tool_configurations": off})).await;
        let mut command = asking("Hello?");
        command.request.system_tools = [("webSearch".to_owned(), ToolMode::On)].into();
        let ran = stage.run(&me(), &assistant, command).await;

        let asked = stage.asked();
        assert!(asked[0].tools().contains(&"web_search"), "{protocol:?}");
        assert!(!asked[1].tools().contains(&"web_search"), "{protocol:?}");
        let field = "tool_configurations.systemTools.webSearch.mode";
        assert_eq!(ran.action(field), Some("dropped"));
        stage.close().await;
    }
}

#[tokio::test]
async fn a_model_that_calls_for_ever_is_stopped_at_the_limit() {
    for protocol in WIRES {
        let (stage, assistant) = with_server(protocol, json!({"max_tool_calls": 1})).await;
        stage.upstream.respond_with(
            |request| {
                if may_call(request) { look() } else { Turn::text("Enough.") }
            },
        );

        let ran = stage.ask(&assistant, "Look.").await;

        assert_eq!(ran.text(), "Enough.", "{protocol:?}");
        assert_eq!((stage.mcp.calls().len(), stage.asked().len()), (1, 2), "{protocol:?}");
        stage.close().await;
    }
}

#[tokio::test]
async fn a_model_that_calls_what_it_is_not_offered_comes_to_an_end() {
    let (stage, assistant) = with_server(Protocol::OpenaiChat, json!({"max_tool_calls": 1})).await;
    stage.upstream.respond_with(|_| look());

    let ran = stage.ask(&assistant, "Look.").await;

    assert_eq!(ran.run.status, RunStatus::Failed);
    assert_eq!(ran.run.outcome.stop_reason, Some(StopReason::Error));
    assert_eq!(stage.mcp.calls().len(), 1);
    assert!(stage.asked().len() <= 150, "{}", stage.asked().len());
    stage.close().await;
}

#[tokio::test]
async fn calls_go_one_after_the_other_where_that_is_wanted() {
    for protocol in WIRES {
        for is_parallel in [false, true] {
            let more = json!({"parallel_tool_calls": is_parallel});
            let (stage, assistant) = with_server(protocol, more).await;
            let gate = Gate::default();
            stage.mcp.wait_at(&gate);
            stage.upstream.answer(look().and_tool_call("box__look", json!({"text": "y"})));
            let run = stage.start(&me(), &assistant, asking("Look.")).await.unwrap();
            gate.reached().await;

            if is_parallel {
                let both = async {
                    while stage.mcp.calls().len() < 2 {
                        tokio::task::yield_now().await;
                    }
                };
                tokio::time::timeout(PATIENCE, both).await.unwrap();
            } else {
                assert_eq!(stage.mcp.calls().len(), 1, "{protocol:?}");
            }
            gate.open();
            let ran = stage.end_of(&run).await;

            assert_eq!(ran.run.status, RunStatus::Completed, "{protocol:?}");
            let asked = stage.asked();
            assert_eq!(asked[1].tool_results().len(), 2, "{protocol:?}");
            stage.close().await;
        }
    }
}

#[tokio::test]
async fn thoughts_go_back_to_who_thought_them_while_tools_are_used() {
    for (protocol, sealed) in
        [(Protocol::AnthropicMessages, "sig_1"), (Protocol::OpenaiResponses, "encrypted")]
    {
        let thinker = match protocol {
            Protocol::OpenaiResponses => json!({"default_model_key": "gpt-5.2"}),
            _ => json!({}),
        };
        let (stage, assistant) = with_server(protocol, json!({})).await;
        stage.patch(&assistant, thinker).await;
        stage.patch(&assistant, json!({"reasoning": {"effort": "high"}})).await;
        let thought = Turn::reasoning("Hm.").and_tool_call("box__look", json!({"text": "x"}));
        stage.upstream.answer(thought);

        let ran = stage.ask(&assistant, "Look.").await;

        assert_eq!(ran.run.outcome.reasoning, "Hm.", "{protocol:?}");
        assert!(stage.asked()[1].mentions(sealed), "{}", stage.asked()[1].body);
        stage.close().await;
    }
}
