//! Calls that wait for a person.

use serde_json::json;
use understudy_domain::{
    run::{Decision, RunStatus, StopReason},
    usecases::runs::{decide, list_approvals},
};
use understudy_testkit::{FakeMcp, Turn};

use crate::stage::{Stage, WIRES, me, settings};

#[tokio::test]
async fn a_call_is_made_once_it_is_approved_and_never_when_it_is_denied() {
    for protocol in WIRES {
        for approve in [true, false] {
            let stage = Stage::of(protocol).await;
            stage.mcp.serve("box", [FakeMcp::tool("open")]);
            let server = json!({"serverLabel": "box", "serverUrl": "https://box.example/mcp"});
            let tools = json!({"tool_configurations": {"mcpTools": [server]}});
            let assistant = stage.assistant(settings(protocol, tools)).await;
            stage.upstream.answer(Turn::tool_call("box__open", json!({"text": "x"})));
            let ran = stage.ask(&assistant, "Open it.").await;

            assert_eq!(ran.run.status, RunStatus::Waiting, "{protocol:?}");
            assert_eq!(ran.run.outcome.stop_reason, Some(StopReason::ApprovalRequired));
            assert!(stage.mcp.calls().is_empty());
            let run = stage.tasks.deps();
            let pending = list_approvals(run.deps, &me(), ran.run.id).await.unwrap();
            let which = (ran.run.id, pending[0].id);
            let reason = (!approve).then(|| "too heavy".to_owned());
            decide(run, &me(), which, Decision { approve, reason }).await.unwrap();
            let told = ran.events.last().unwrap().sequence;
            let ran = stage.end_behind(&ran.run, told).await;

            assert_eq!((ran.run.status, ran.text()), (RunStatus::Completed, "Hello."));
            assert_eq!(stage.mcp.calls().len(), usize::from(approve), "{protocol:?}");
            let results = stage.asked()[1].tool_results();
            assert_eq!(results.len(), 1, "{protocol:?}");
            assert_eq!(results[0].contains("too heavy"), !approve, "{results:?}");
            stage.close().await;
        }
    }
}
