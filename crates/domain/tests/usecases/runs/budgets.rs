//! Budgets of runs that take many steps.

use serde_json::json;
use understudy_domain::{
    Organization, OrganizationSettings,
    budget::{Budget, BudgetPeriod, BudgetSubject},
    chat::{ChatEvent, ChatStop, ChatUsage},
    conversation::ToolCall,
    run::RunStatus,
};
use understudy_testkit::{ChatAnswer, FakeMcp};

use super::stage::{Ran, RunStage, is_completed};

/// A run whose first step uses 5,000 tokens and calls a tool, under a budget of so
/// many for each user and day.
async fn ran_within(max_tokens: u64) -> (RunStage, Ran) {
    let stage = RunStage::set().await;
    let store = stage.stage.deps().store;
    let mut work = store.begin(super::stage::me().actor.organization).await.unwrap();
    let organization = work.organizations().find().await.unwrap().unwrap();
    let budget = Budget {
        subject: BudgetSubject::User,
        id: None,
        period: BudgetPeriod::Day,
        max_tokens: Some(max_tokens),
        max_cost_micros: None,
    };
    let settings = OrganizationSettings { budgets: vec![budget], ..organization.settings };
    work.organizations().update(Organization { settings, ..organization }).await.unwrap();
    work.commit().await.unwrap();
    stage.mcp.serve("box", [FakeMcp::tool("open")]);
    let server = json!({
        "serverLabel": "box",
        "serverUrl": "https://box.example/mcp",
        "requireApproval": "never",
    });
    let settings = json!({"tool_configurations": {"mcpTools": [server]}});
    let id = stage.assistant(settings).await;
    let call =
        ToolCall { id: "c".to_owned(), name: "box__open".to_owned(), arguments: "{}".to_owned() };
    let usage = ChatUsage { input_tokens: 4_000, output_tokens: 1_000, ..ChatUsage::default() };
    let done = ChatEvent::Done { stop: ChatStop::ToolUse, usage: Some(usage), service_tier: None };
    stage.chat.answer_next(ChatAnswer::default().say([ChatEvent::ToolCall(call), done]));
    let ran = stage.ask(&id, "open it").await;
    (stage, ran)
}

#[tokio::test]
async fn a_run_that_has_used_its_budget_up_takes_no_further_step_and_calls_nothing() {
    let (stage, ran) = ran_within(5_000).await;

    assert_eq!(ran.run.status, RunStatus::Failed);
    assert_eq!(ran.run.outcome.failure.as_ref().unwrap().code, "budget_exceeded");
    assert!(stage.mcp.calls().is_empty());
    assert_eq!(stage.chat.asked().len(), 1);
    assert_eq!(ran.run.outcome.usage.total_tokens(), 5_000);
}

#[tokio::test]
async fn a_run_goes_on_for_as_long_as_its_budget_has_something_left() {
    let (stage, ran) = ran_within(5_001).await;

    assert!(is_completed(&ran.run));
    assert_eq!(stage.mcp.calls().len(), 1);
    assert_eq!(stage.chat.asked().len(), 2);
}
