//! Failures, fallbacks, and runs that are stopped.

use serde_json::json;
use time::Duration;
use understudy_domain::{
    Provider, ProviderKind,
    chat::{ChatEvent, ChatStop},
    ports::ProviderError,
    run::{Interruption, RunStatus, StopReason},
    usecases::{
        Error,
        runs::{LEASE, Progress, cancel_run, execute_run, interrupt_run, recover_runs, view_run},
    },
};
use understudy_testkit::{ChatAnswer, FakeSink, sample};

use super::stage::{RunStage, asking, asking_on, is_completed, me, someone};

fn busy() -> ProviderError {
    ProviderError::Busy { retry_after: Some(1), message: "later".to_owned() }
}

async fn with_fallback() -> RunStage {
    let stage = RunStage::set().await;
    let second = Provider {
        kind: ProviderKind::OpenaiCompatible,
        base_url: Some("https://models.example/v1".to_owned()),
        api_key: None,
        models: vec!["gpt-4o".to_owned()],
        enabled: true,
        name: "second".to_owned(),
        priority: 50,
        ..sample::provider(2)
    };
    sample::save(&stage.stage.store, vec![second.into()]).await.unwrap();
    stage
}

#[tokio::test]
async fn another_provider_of_the_model_answers_where_the_first_does_not() {
    let stage = with_fallback().await;
    let id = stage.assistant(json!({})).await;
    stage.chat.fail_next(busy());

    let ran = stage.ask(&id, "x").await;

    assert!(is_completed(&ran.run));
    assert_eq!(ran.run.outcome.provider.as_deref(), Some("openai-compatible"));
    assert_eq!(ran.notices("provider"), ["substituted"]);
    assert_eq!(stage.chat.asked().len(), 2);
}

#[tokio::test]
async fn nobody_else_is_asked_once_an_answer_has_begun() {
    let stage = with_fallback().await;
    let id = stage.assistant(json!({})).await;
    let half = [ChatEvent::Text("half".to_owned())];
    stage.chat.answer_next(ChatAnswer::default().say(half).fail(ProviderError::TimedOut));

    let ran = stage.ask(&id, "x").await;

    assert_eq!(ran.run.status, RunStatus::Failed);
    assert_eq!(ran.run.outcome.failure.as_ref().unwrap().code, "provider_timeout");
    assert_eq!(ran.text(), "half");
    assert_eq!(stage.chat.asked().len(), 1);
    let terminal = ran.sink.events().iter().filter(|event| event.is_terminal()).count();
    assert_eq!(terminal, 1);
    assert!(ran.run.outcome.usage.is_estimated);
}

#[tokio::test]
async fn what_a_provider_refuses_of_a_request_no_other_is_asked() {
    let stage = with_fallback().await;
    let id = stage.assistant(json!({})).await;
    stage.chat.fail_next(ProviderError::Refused { status: 400, message: "no".to_owned() });

    let ran = stage.ask(&id, "x").await;

    assert_eq!(ran.run.outcome.failure.as_ref().unwrap().code, "provider_failed");
    assert_eq!(stage.chat.asked().len(), 1);
    assert_eq!(ran.run.outcome.stop_reason, Some(StopReason::Error));
}

#[tokio::test]
async fn an_answer_that_says_nothing_costs_what_its_provider_tells() {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({})).await;
    stage.chat.answer_next(ChatAnswer::default().done(ChatStop::EndTurn));

    let ran = stage.ask(&id, "x").await;

    let usage = ran.run.outcome.usage;
    assert_eq!((usage.input_tokens, usage.output_tokens, usage.is_estimated), (10, 2, false));
}

#[tokio::test]
async fn a_failed_turn_leaves_the_thread_free() {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({})).await;
    stage.chat.fail_next(ProviderError::TimedOut);
    let failed = stage.ask(&id, "first").await;

    let next = stage.run(&id, asking_on(&failed.run, "second")).await;

    assert!(is_completed(&next.run));
}

#[tokio::test]
async fn a_run_is_its_users_alone() {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({})).await;
    let ran = stage.ask(&id, "x").await;

    let other = view_run(stage.stage.deps(), &someone(1), ran.run.id).await;

    assert!(matches!(other, Err(Error::NotFound("response"))));
    assert!(view_run(stage.stage.deps(), &me(), ran.run.id).await.is_ok());
}

/// Stops a run in the middle of its answer, so many seconds after its start.
async fn stopped_after(seconds: i64) -> (RunStage, String, FakeSink, understudy_domain::Run) {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({})).await;
    let gate = understudy_testkit::Gate::default();
    let half = [ChatEvent::Text("half of ".to_owned())];
    let answer = ChatAnswer::default().say(half).wait(&gate).done(ChatStop::EndTurn);
    stage.chat.answer_next(answer);
    let run = stage.start(&me(), &id, asking("tell me")).await.unwrap();
    let (sink, progress) = (FakeSink::default(), Progress::default());
    let target = (run.organization, run.id);
    tokio::select! {
        () = execute_run(stage.deps(), target, None, &sink, &progress) => unreachable!("it waits"),
        () = gate.reached() => {}
    }
    stage.stage.clock.advance(Duration::seconds(seconds));
    interrupt_run(stage.deps(), target, &sink, &progress, Interruption::Cancelled).await;
    let run = stage.stored(run.id).await;
    (stage, id, sink, run)
}

#[tokio::test]
async fn a_run_that_is_stopped_at_once_takes_both_messages_back() {
    let (stage, _, sink, run) = Box::pin(stopped_after(2)).await;

    assert_eq!(run.status, RunStatus::Cancelled);
    let last = sink.events().pop().unwrap();
    assert_eq!(
        (&*last.name, last.data.text("cancel_mode")),
        ("response.cancelled", Some("quick_edit"))
    );
    let thread = run.thread.unwrap();
    let store = stage.stage.deps().store.conversations();
    let order = understudy_domain::conversation::Order::Ascending;
    let left = store.messages(run.organization, thread, None, order, 10).await.unwrap();
    assert!(left.is_empty());
    assert_eq!(stage.chat.alive(), 0);
}

#[tokio::test]
async fn a_run_that_is_stopped_later_keeps_what_was_said() {
    let (stage, id, sink, run) = Box::pin(stopped_after(8)).await;

    let last = sink.events().pop().unwrap();
    assert_eq!(last.data.text("cancel_mode"), Some("keep_partial"));
    assert_eq!(run.outcome.text, "half of ");
    assert!(run.outcome.usage.output_tokens > 0);
    let next = stage.run(&id, asking_on(&run, "go on")).await;
    assert!(is_completed(&next.run));
    let spoken = super::stage::spoken(&stage.asked(1));
    assert_eq!(spoken, ["user: tell me", "assistant: half of ", "user: go on"]);
}

#[tokio::test]
async fn a_run_that_is_over_cannot_be_stopped() {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({})).await;
    let ran = stage.ask(&id, "x").await;

    let refused = cancel_run(stage.deps(), &me(), ran.run.id).await;

    assert!(format!("{refused:?}").contains("NotRunning"));
}

#[tokio::test]
async fn a_run_whose_server_is_gone_is_taken_over_and_ended() {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({})).await;
    let run = stage.start(&me(), &id, asking("x")).await.unwrap();
    let said =
        understudy_domain::RunEvent::new(1, "response.content_delta", json!({"delta": "half"}));
    let log = stage.stage.deps().store.run_events();
    log.append(&[(run.organization, run.id, said)]).await.unwrap();

    assert_eq!(recover_runs(stage.deps()).await.unwrap(), 0);
    stage.stage.clock.advance(LEASE + Duration::seconds(1));
    assert_eq!(recover_runs(stage.deps()).await.unwrap(), 1);
    assert_eq!(stage.runner.concluded(), [(run.id, Interruption::Interrupted)]);
    let target = (run.organization, run.id);
    let sink = FakeSink::behind(1);
    interrupt_run(stage.deps(), target, &sink, &Progress::default(), Interruption::Interrupted)
        .await;

    let run = stage.stored(run.id).await;
    assert_eq!(run.status, RunStatus::Failed);
    assert_eq!(run.outcome.failure.as_ref().unwrap().code, "interrupted");
    assert_eq!(run.outcome.text, "half");
    assert_eq!(sink.names(), ["response.failed"]);
}

#[tokio::test]
async fn calls_of_a_run_whose_server_is_gone_are_known_to_who_goes_on() {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({})).await;
    let run = stage.start(&me(), &id, asking("pay")).await.unwrap();
    let begun = |id| json!({"call_id": id, "tool": "pay", "arguments": {"to": id}});
    let done = json!({
        "call_id": "a", "tool": "pay", "arguments": {"to": "a"}, "success": true, "result": "paid",
        "started_at": "2026-01-01T00:00:00Z", "execution_time_ms": 1,
    });
    let told = [("started", begun("a")), ("completed", done), ("started", begun("b"))];
    let events: Vec<_> = (1..)
        .zip(told)
        .map(|(sequence, (what, data))| {
            let name = format!("response.tool_call.{what}");
            understudy_domain::RunEvent::new(sequence, &name, data)
        })
        .map(|event| (run.organization, run.id, event))
        .collect();
    stage.stage.deps().store.run_events().append(&events).await.unwrap();

    let (sink, progress) = (FakeSink::behind(3), Progress::default());
    let target = (run.organization, run.id);
    interrupt_run(stage.deps(), target, &sink, &progress, Interruption::Interrupted).await;
    let next = stage.run(&id, asking_on(&run, "and now?")).await;

    assert!(is_completed(&next.run));
    let spoken = super::stage::spoken(&stage.asked(0));
    assert_eq!(spoken[..3], ["user: pay", "call: pay {\"to\":\"a\"}", "result: paid"]);
    assert_eq!(spoken[3], "call: pay {\"to\":\"b\"}");
    assert!(spoken[4].contains("not known"), "{spoken:?}");
    assert_eq!(stage.stored(run.id).await.outcome.tool_calls.len(), 1);
}

#[tokio::test]
async fn somebody_who_lost_the_right_gets_no_answer() {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({})).await;
    let run = stage.start(&someone(6), &id, asking("x")).await.unwrap();
    stage.stage.put(&me(), &id, json!({"access_mode": "private"})).await.unwrap();

    let ran = stage.execute(run.id).await;

    assert_eq!(ran.run.outcome.failure.as_ref().unwrap().code, "access_lost");
    assert!(stage.chat.asked().is_empty());
}
