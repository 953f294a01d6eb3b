//! Calls that a person must approve.

use serde_json::{Value, json};
use time::Duration;
use understudy_domain::{
    Approval,
    run::{ApprovalState, Decision, RunStatus, StopReason},
    usecases::{
        Conflict, Error,
        runs::{APPROVAL_LIFETIME, decide, list_approvals, recover_runs},
    },
};
use understudy_testkit::{ChatAnswer, FakeMcp};

use super::stage::{Ran, RunStage, asking_on, is_completed, me, someone, spoken, with_box};

async fn stage_with(require_approval: Value) -> (RunStage, String) {
    let stage = RunStage::set().await;
    let looking =
        understudy_domain::ports::McpTool { read_only: Some(true), ..FakeMcp::tool("look") };
    stage.mcp.serve("box", [looking, FakeMcp::tool("open")]);
    let id = stage.assistant(with_box(&require_approval)).await;
    (stage, id)
}

async fn paused() -> (RunStage, String, Ran, Approval) {
    let (stage, id) = stage_with(json!("always")).await;
    stage.chat.answer_next(ChatAnswer::calls([("c", "box__open", json!({"text": "x"}))]));
    let ran = stage.ask(&id, "open it").await;
    let approval = list_approvals(stage.stage.deps(), &me(), ran.run.id).await.unwrap().remove(0);
    (stage, id, ran, approval)
}

const YES: Decision = Decision { approve: true, reason: None };

#[tokio::test]
async fn nothing_is_called_before_somebody_approves_and_once_afterwards() {
    let (stage, _, ran, approval) = paused().await;

    assert_eq!(ran.run.status, RunStatus::Waiting);
    assert_eq!(ran.run.outcome.stop_reason, Some(StopReason::ApprovalRequired));
    assert_eq!(approval.call.arguments, "{\"text\":\"x\"}");
    assert!(stage.mcp.calls().is_empty());
    let names = ran.sink.names();
    assert!(names.contains(&"response.approval_required".to_owned()));
    assert_eq!(names.last().unwrap(), "response.completed");

    stage.chat.answer_next("Opened.");
    decide(stage.deps(), &me(), (ran.run.id, approval.id), YES).await.unwrap();
    let again = decide(stage.deps(), &me(), (ran.run.id, approval.id), YES).await;
    let ran = stage.execute(ran.run.id).await;

    assert!(matches!(again, Err(Error::Conflict(Conflict::Decided { state: "approved" }))));
    assert!(is_completed(&ran.run));
    assert_eq!(ran.text(), "Opened.");
    assert_eq!(stage.mcp.calls().len(), 1);
    assert_eq!(stage.mcp.calls()[0].arguments, *json!({"text": "x"}).as_object().unwrap());
    assert_eq!(ran.sink.names()[0], "response.approval_decided");
}

#[tokio::test]
async fn a_denied_call_is_never_made_and_the_model_is_told_why() {
    let (stage, _, ran, approval) = paused().await;
    let no = Decision { approve: false, reason: Some("too heavy".to_owned()) };

    decide(stage.deps(), &me(), (ran.run.id, approval.id), no).await.unwrap();
    let ran = stage.execute(ran.run.id).await;

    assert!(is_completed(&ran.run));
    assert!(stage.mcp.calls().is_empty());
    assert!(spoken(&stage.asked(1)).last().unwrap().contains("too heavy"));
}

#[tokio::test]
async fn only_the_user_who_asked_decides() {
    let (stage, _, ran, approval) = paused().await;

    for other in [1, 2, 6] {
        let refused = decide(stage.deps(), &someone(other), (ran.run.id, approval.id), YES).await;
        assert!(matches!(refused, Err(Error::NotFound(_))), "{other}");
    }
}

#[tokio::test]
async fn a_tool_that_is_another_by_then_is_not_run() {
    let (stage, _, ran, approval) = paused().await;
    let changed = understudy_domain::ports::McpTool {
        description: "Does something else".to_owned(),
        ..FakeMcp::tool("open")
    };
    stage.mcp.serve("box", [changed]);

    decide(stage.deps(), &me(), (ran.run.id, approval.id), YES).await.unwrap();
    let ran = stage.execute(ran.run.id).await;

    assert!(is_completed(&ran.run));
    assert!(stage.mcp.calls().is_empty());
}

#[tokio::test]
async fn who_goes_on_talking_has_not_approved() {
    let (stage, id, ran, approval) = paused().await;

    let next = stage.run(&id, asking_on(&ran.run, "never mind")).await;
    let late = decide(stage.deps(), &me(), (ran.run.id, approval.id), YES).await;

    assert!(is_completed(&next.run));
    assert!(matches!(late, Err(Error::Conflict(Conflict::Decided { state: "expired" }))));
    assert!(stage.mcp.calls().is_empty());
    let told = spoken(&stage.asked(1));
    assert_eq!(told.first().unwrap(), "user: open it");
    assert!(told[2].starts_with("result:"), "{told:?}");
    assert_eq!(told.last().unwrap(), "user: never mind");
}

#[tokio::test]
async fn what_nobody_decides_in_time_counts_as_denied() {
    let (stage, _, ran, approval) = paused().await;
    stage.stage.clock.advance(APPROVAL_LIFETIME + Duration::seconds(1));

    assert_eq!(recover_runs(stage.deps()).await.unwrap(), 1);
    let late = decide(stage.deps(), &me(), (ran.run.id, approval.id), YES).await;
    let ran = stage.execute(ran.run.id).await;

    assert!(matches!(late, Err(Error::Conflict(Conflict::Decided { .. }))));
    assert!(is_completed(&ran.run));
    assert!(stage.mcp.calls().is_empty());
    let approvals = list_approvals(stage.stage.deps(), &me(), ran.run.id).await.unwrap();
    assert_eq!(approvals[0].state, ApprovalState::Expired);
}

#[tokio::test]
async fn never_for_what_only_reads_exempts_only_what_says_so() {
    let (stage, id) = stage_with(json!({"never": {"readOnly": true}})).await;
    stage.chat.answer_next(ChatAnswer::calls([
        ("a", "box__look", json!({"text": "1"})),
        ("b", "box__open", json!({"text": "2"})),
    ]));

    let ran = stage.ask(&id, "x").await;

    assert_eq!(ran.run.status, RunStatus::Waiting);
    let called: Vec<_> = stage.mcp.calls().iter().map(|call| call.tool.clone()).collect();
    assert_eq!(called, ["look"]);
}
