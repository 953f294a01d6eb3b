//! The loop of tools.

use serde_json::{Value, json};
use understudy_domain::{
    assistant::content::{SkillType, ToolMode},
    conversation::{Item, ToolResult},
    run::{CallerTool, RunRequest, RunStatus, StopReason},
    usecases::{
        runs::{StartRun, Threading},
        skills::{NewSkill, add_skill},
    },
};
use understudy_testkit::{ChatAnswer, FakeActions, FakeMcp, FakeWebSearch};

use super::stage::{RunStage, asking, is_completed, me, said, spoken};

fn calls(name: &str, count: usize) -> ChatAnswer {
    let ids: Vec<String> = (0..count).map(|n| format!("call_{n}")).collect();
    ChatAnswer::calls(ids.iter().map(|id| (id.as_str(), name, json!({"text": "x"}))))
}

/// An assistant with an MCP server `box` whose tools need no approval.
async fn with_server(settings: Value) -> (RunStage, String) {
    let stage = RunStage::set().await;
    stage.mcp.serve("box", [FakeMcp::tool("look")]);
    let server = json!({
        "serverLabel": "box",
        "serverUrl": "https://box.example/mcp",
        "requireApproval": "never",
    });
    let mut input = json!({"tool_configurations": {"mcpTools": [server]}});
    input.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    let id = stage.assistant(input).await;
    (stage, id)
}

#[tokio::test]
async fn a_tool_is_run_and_its_result_goes_back_to_the_model() {
    let (stage, id) = with_server(json!({})).await;
    stage.chat.answer_next(calls("box__look", 1));
    stage.chat.answer_next("I looked.");

    let ran = stage.ask(&id, "look").await;

    assert_eq!(ran.text(), "I looked.");
    assert_eq!(stage.mcp.calls().len(), 1);
    let second = spoken(&stage.asked(1));
    assert_eq!(second[1], "call: box__look {\"text\":\"x\"}");
    assert!(second[2].starts_with("result: look"), "{second:?}");
    let record = &ran.run.outcome.tool_calls[0];
    assert!(record.success);
    assert_eq!(record.server_label.as_deref(), Some("box"));
    let names = ran.sink.names();
    let started = names.iter().position(|name| name == "response.tool_call.started").unwrap();
    assert_eq!(names[started + 1], "response.tool_call.completed");
    assert_eq!(ran.run.outcome.usage.input_tokens, 20);
}

#[tokio::test]
async fn a_model_that_calls_for_ever_is_stopped_at_the_limit() {
    let (stage, id) = with_server(json!({"max_tool_calls": 1})).await;
    stage.chat.answer_always(|request| {
        Ok(if request.tools.is_empty() { "Enough.".into() } else { calls("box__look", 1) })
    });

    let ran = stage.ask(&id, "look").await;

    assert_eq!(ran.text(), "Enough.");
    assert_eq!(stage.mcp.calls().len(), 1);
    assert!(stage.asked(1).tools.is_empty());
}

#[tokio::test]
async fn a_model_that_hears_of_no_limit_is_given_up() {
    let (stage, id) = with_server(json!({"max_tool_calls": 1})).await;
    stage.chat.answer_always(|_| Ok(calls("box__look", 1)));

    let ran = stage.ask(&id, "look").await;

    assert_eq!(ran.run.outcome.failure.as_ref().unwrap().code, "too_many_steps");
    assert_eq!(stage.mcp.calls().len(), 1);
    assert!(stage.chat.asked().len() < 10);
}

#[tokio::test]
async fn calls_beyond_the_limit_in_one_step_are_told_so() {
    let (stage, id) = with_server(json!({"max_tool_calls": 2})).await;
    stage.chat.answer_next(calls("box__look", 4));

    let ran = stage.ask(&id, "look").await;

    assert!(is_completed(&ran.run));
    assert_eq!(stage.mcp.calls().len(), 2);
    let told = spoken(&stage.asked(1));
    assert_eq!(told.iter().filter(|line| line.contains("limit of tool calls")).count(), 2);
}

#[tokio::test]
async fn calls_go_one_after_the_other_where_that_is_wanted() {
    for (parallel, expected) in [(false, 1), (true, 2)] {
        let (stage, id) = with_server(json!({"parallel_tool_calls": parallel})).await;
        let gate = understudy_testkit::Gate::default();
        stage.mcp.wait_at(&gate);
        stage.chat.answer_next(calls("box__look", 2));
        let run = stage.start(&me(), &id, asking("x")).await.unwrap();
        let work = stage.execute(run.id);
        tokio::select! {
            _ = work => unreachable!("it waits at the gate"),
            () = gate.reached() => {}
        }
        // Whoever goes one after the other has made one call so far.
        assert!(stage.mcp.calls().len() <= expected, "parallel: {parallel}");
        assert!(!stage.mcp.calls().is_empty());
    }
}

#[tokio::test]
async fn a_tool_that_is_off_is_not_offered_and_a_forged_call_not_run() {
    let mut stage = RunStage::set().await;
    stage.web = Some(FakeWebSearch::default());
    let off = json!({"systemTools": {"webSearch": {"mode": "off"}}});
    let id = stage.assistant(json!({"tool_configurations": off})).await;
    stage.chat.answer_next(ChatAnswer::calls([("c", "web_search", json!({"query": "x"}))]));
    let request = RunRequest {
        input: vec![said("x")],
        system_tools: [("webSearch".to_owned(), ToolMode::On)].into(),
        ..RunRequest::default()
    };

    let ran = stage.run(&id, StartRun { request, ..StartRun::default() }).await;

    assert!(!stage.asked(0).tools.iter().any(|tool| tool.name == "web_search"));
    assert!(stage.web.as_ref().unwrap().asked().is_empty());
    assert!(!ran.run.outcome.tool_calls[0].success);
}

#[tokio::test]
async fn sources_of_the_web_are_told_or_kept_back_and_the_model_sees_them_anyhow() {
    for sources in [true, false] {
        let mut stage = RunStage::set().await;
        stage.web = Some(FakeWebSearch::default());
        let tools = json!({"systemTools": {"webSearch": {"mode": "on", "sources": sources}}});
        let id = stage.assistant(json!({"tool_configurations": tools})).await;
        stage.chat.answer_next(ChatAnswer::calls([("c", "web_search", json!({"query": "owls"}))]));

        let ran = stage.ask(&id, "owls?").await;

        assert!(
            spoken(&stage.asked(1)).iter().any(|line| line.contains("https://pages.example/1"))
        );
        let told = serde_json::to_string(&ran.run.outcome).unwrap();
        assert_eq!(told.contains("https://pages.example/1"), sources);
        assert_eq!(ran.run.outcome.citations.is_empty(), !sources);
    }
}

#[tokio::test]
async fn a_server_that_is_away_is_told_and_the_rest_goes_on() {
    let stage = RunStage::set().await;
    let server = json!({"serverLabel": "away", "serverUrl": "https://away.example/mcp"});
    let id = stage.assistant(json!({"tool_configurations": {"mcpTools": [server]}})).await;

    let ran = stage.ask(&id, "x").await;

    assert!(is_completed(&ran.run));
    assert_eq!(ran.notices("mcpTools[away]"), ["unavailable"]);
}

#[tokio::test]
async fn a_tool_of_the_caller_ends_the_run_and_its_result_goes_on() {
    // Without context, too: the call belongs to its result.
    for strategy in ["auto", "off"] {
        goes_on_with_a_result(strategy).await;
    }
}

async fn goes_on_with_a_result(strategy: &str) {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({"context_strategy": strategy})).await;
    let tool =
        CallerTool { name: "lookup".to_owned(), description: None, parameters: None, strict: None };
    let with_tools =
        |input| RunRequest { input, tools: vec![tool.clone()], ..RunRequest::default() };
    stage.chat.answer_next(ChatAnswer::calls([("call_1", "lookup", json!({"id": 7}))]));
    let asked = StartRun { request: with_tools(vec![said("who is 7?")]), ..StartRun::default() };
    let first = stage.run(&id, asked).await;

    assert_eq!(first.run.outcome.stop_reason, Some(StopReason::ToolUse));
    assert_eq!(first.run.outcome.requested_calls[0].arguments, "{\"id\":7}");
    assert!(first.sink.names().contains(&"response.tool_call.requested".to_owned()));

    stage.chat.answer_next("Seven is Ada.");
    let result = Item::ToolResult(ToolResult {
        call_id: "call_1".to_owned(),
        content: "Ada".to_owned(),
        is_error: false,
    });
    let second = stage
        .run(
            &id,
            StartRun {
                request: with_tools(vec![result]),
                threading: Threading::Continue(first.run.thread.unwrap()),
                ..StartRun::default()
            },
        )
        .await;

    assert_eq!(second.text(), "Seven is Ada.");
    let told = spoken(&stage.asked(1));
    assert_eq!(told, ["user: who is 7?", "call: lookup {\"id\":7}", "result: Ada"]);
}

#[tokio::test]
async fn a_custom_skill_calls_its_service() {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({})).await;
    let data = json!({
        "method": "GET",
        "url": "https://api.example/orders/{{number}}",
        "inputSchema": {"type": "object", "properties": {"number": {"type": "string"}}},
    });
    let skill = NewSkill {
        kind: SkillType::Custom,
        name: Some("Find order".to_owned()),
        description: None,
        data: data.as_object().unwrap().clone(),
        dataset_id: None,
        enabled: true,
    };
    add_skill(stage.stage.deps(), &me(), &id, skill).await.unwrap();
    let call = ("c", "Find_order", json!({"number": "a/b"}));
    stage.chat.answer_next(ChatAnswer::calls([call]));
    stage.actions.answer_next(Ok(FakeActions::json(200, &json!({"state": "sent"}))));

    let ran = stage.ask(&id, "where is it?").await;

    assert_eq!(ran.run.status, RunStatus::Completed);
    assert_eq!(stage.actions.asked()[0].url, "https://api.example/orders/a%2Fb");
    assert!(spoken(&stage.asked(1)).iter().any(|line| line.contains("sent")));
}
