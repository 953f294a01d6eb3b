//! Ends of runs that are stored with difficulty: whatever is lost on the way, a run
//! ends once.

use std::pin::pin;

use serde_json::json;
use time::Duration;
use understudy_domain::{
    RunEvent,
    chat::{ChatEvent, ChatStop},
    conversation::Order,
    ports::{Clock, UsageFilter},
    run::{Interruption, Run, RunStatus},
    usecases::runs::{Progress, execute_run, interrupt_run, list_approvals},
};
use understudy_testkit::{ChatAnswer, FakeMcp, FakeSink, Gate};

use super::stage::{RunStage, asking, me, with_box};

/// A run whose database goes away in the moment before its end is stored, and is back
/// when it rests before it tries again. There it is left.
struct Held {
    stage: RunStage,
    run: Run,
    sink: FakeSink,
    progress: Progress,
}

async fn held(stage: RunStage, id: &str, said: Vec<ChatEvent>, stop: ChatStop) -> Held {
    let (gate, rest) = (Gate::default(), Gate::default());
    let (sink, progress) = (FakeSink::default(), Progress::default());
    sink.rest_at(&rest);
    stage.chat.answer_next(ChatAnswer::default().say(said).wait(&gate).done(stop));
    let run = stage.start(&me(), id, asking("x")).await.unwrap();
    {
        let target = (run.organization, run.id);
        let mut execution = pin!(execute_run(stage.deps(), target, None, &sink, &progress));
        tokio::select! {
            () = &mut execution => unreachable!("it waits for the model"),
            () = gate.reached() => stage.stage.store.set_unreachable(true),
        }
        gate.open();
        tokio::select! {
            () = &mut execution => unreachable!("it rests"),
            () = rest.reached() => stage.stage.store.set_unreachable(false),
        }
    }
    Held { stage, run, sink, progress }
}

async fn held_with_its_answer() -> Held {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({})).await;
    let said = vec![ChatEvent::Text("whole".to_owned())];
    Box::pin(held(stage, &id, said, ChatStop::EndTurn)).await
}

impl Held {
    async fn stop(&self, why: Interruption) -> Run {
        let target = (self.run.organization, self.run.id);
        interrupt_run(self.stage.deps(), target, &self.sink, &self.progress, why).await;
        self.stage.stored(self.run.id).await
    }
}

/// How many messages its thread has, and how many tokens it counts as used.
async fn traces(stage: &RunStage, run: &Run) -> (usize, u64) {
    let store = stage.stage.deps().store;
    let (tenant, thread) = (run.organization, run.thread.unwrap());
    let all = store.conversations().messages(tenant, thread, None, Order::Ascending, 100);
    let now = stage.stage.clock.now();
    let (from, until) = (now.plus(-Duration::DAY), now.plus(Duration::DAY));
    let filter = UsageFilter { from, until, user: None };
    let used = store.content().usage(tenant, &filter).await.unwrap();
    (all.await.unwrap().len(), used.iter().map(|total| total.quantity).sum())
}

fn terminal(sink: &FakeSink) -> Vec<String> {
    let all = sink.events();
    all.iter().filter(|event| RunEvent::is_terminal(event)).map(|e| e.name.to_string()).collect()
}

#[tokio::test]
async fn an_end_is_stored_once_though_the_answer_of_the_database_was_lost() {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({})).await;
    let gate = Gate::default();
    let said = [ChatEvent::Text("whole".to_owned())];
    stage.chat.answer_next(ChatAnswer::default().say(said).wait(&gate).done(ChatStop::EndTurn));
    let run = stage.start(&me(), &id, asking("x")).await.unwrap();
    let (sink, progress) = (FakeSink::default(), Progress::default());
    let target = (run.organization, run.id);
    let mut execution = pin!(execute_run(stage.deps(), target, None, &sink, &progress));
    tokio::select! {
        () = &mut execution => unreachable!("it waits for the model"),
        () = gate.reached() => stage.stage.store.lose_answers(2),
    }
    gate.open();
    execution.await;

    assert_eq!(stage.stage.store.answers_to_lose(), 1, "no commit follows the first");
    assert_eq!(stage.stored(run.id).await.status, RunStatus::Completed);
    assert_eq!(terminal(&sink), ["response.completed"]);
    let used = stage.stored(run.id).await.outcome.usage.total_tokens();
    assert_eq!(traces(&stage, &run).await, (2, used));
    stage.stage.store.lose_answers(0);
    let next = stage.ask(&id, "x").await;
    let both = used + next.run.outcome.usage.total_tokens();
    assert_eq!(traces(&stage, &next.run).await, (2, both));
}

#[tokio::test]
async fn a_run_that_is_stopped_while_its_end_is_stored_ends_as_it_did() {
    for why in [Interruption::Interrupted, Interruption::Cancelled, Interruption::Overdue] {
        let held = held_with_its_answer().await;
        assert_eq!(held.stage.stored(held.run.id).await.status, RunStatus::InProgress);

        let run = held.stop(why).await;

        assert_eq!((run.status, run.outcome.text.as_str()), (RunStatus::Completed, "whole"));
        assert_eq!(terminal(&held.sink), ["response.completed"]);
        assert_eq!(traces(&held.stage, &run).await.0, 2);
    }
}

#[tokio::test]
async fn what_somebody_else_ended_meanwhile_stays_as_it_ended() {
    let held = held_with_its_answer().await;
    let target = (held.run.organization, held.run.id);
    let (other, nothing) = (FakeSink::default(), Progress::default());
    let why = Interruption::Interrupted;
    interrupt_run(held.stage.deps(), target, &other, &nothing, why).await;
    let before = traces(&held.stage, &held.run).await;

    let run = held.stop(why).await;

    assert_eq!(run.status, RunStatus::Failed);
    assert_eq!(terminal(&held.sink), ["response.failed"]);
    assert_eq!(traces(&held.stage, &run).await, before);
}

#[tokio::test]
async fn a_pause_that_is_stopped_by_the_server_while_it_is_stored_is_a_pause() {
    let held = held_at_a_pause().await;

    let run = held.stop(Interruption::Interrupted).await;

    assert_eq!(run.status, RunStatus::Waiting);
    let approvals = list_approvals(held.stage.stage.deps(), &me(), run.id).await.unwrap();
    assert_eq!(approvals.len(), 1);
    let last = held.sink.events().pop().unwrap();
    assert_eq!(last.data.object()["approvals"], json!([approvals[0].id]));
}

#[tokio::test]
async fn a_pause_that_its_user_stops_while_it_is_stored_is_cancelled() {
    let held = held_at_a_pause().await;

    let run = held.stop(Interruption::Cancelled).await;

    assert_eq!(run.status, RunStatus::Cancelled);
    assert_eq!(terminal(&held.sink), ["response.cancelled"]);
    assert!(list_approvals(held.stage.stage.deps(), &me(), run.id).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_pause_is_stored_once_though_the_answer_of_the_database_was_lost() {
    let held = held_at_a_pause().await;
    held.stage.stage.store.lose_answers(1);
    let open = Gate::default();
    open.open();
    held.sink.rest_at(&open);

    let run = held.stop(Interruption::Interrupted).await;

    assert_eq!(held.stage.stage.store.answers_to_lose(), 0);
    assert_eq!((run.status, run.revision), (RunStatus::Waiting, 2));
    assert_eq!(terminal(&held.sink), ["response.completed"]);
}

async fn held_at_a_pause() -> Held {
    let stage = RunStage::set().await;
    stage.mcp.serve("box", [FakeMcp::tool("open")]);
    let id = stage.assistant(with_box(&json!("always"))).await;
    let call = understudy_domain::conversation::ToolCall {
        id: "c".to_owned(),
        name: "box__open".to_owned(),
        arguments: "{}".to_owned(),
    };
    let said = vec![ChatEvent::ToolCall(call)];
    Box::pin(held(stage, &id, said, ChatStop::ToolUse)).await
}
