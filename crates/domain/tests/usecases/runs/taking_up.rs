//! Runs that are taken up where they were begun.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use time::Duration;
use understudy_domain::{
    ports::Tokenizer,
    run::RunStatus,
    usecases::runs::{Progress, RunDeps, execute_run, start_run},
};
use understudy_testkit::FakeSink;

use super::stage::{RunStage, asking, asking_on, me, someone, spoken, system};

#[tokio::test]
async fn what_was_found_out_a_moment_ago_is_not_looked_up_again() {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({ "instructions": "As it was." })).await;
    let run = stage.start(&someone(6), &id, asking("x")).await.unwrap();
    stage.stage.put(&me(), &id, json!({ "instructions": "As it is now." })).await.unwrap();

    let ran = stage.take_up(run.id).await;

    assert_eq!(ran.run.status, RunStatus::Completed);
    assert!(system(&stage.asked(0)).contains("As it was."));
}

#[tokio::test]
async fn who_takes_it_up_later_looks_again() {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({})).await;
    let run = stage.start(&someone(6), &id, asking("x")).await.unwrap();
    stage.stage.put(&me(), &id, json!({ "access_mode": "private" })).await.unwrap();
    stage.stage.clock.advance(Duration::SECOND);

    let ran = stage.take_up(run.id).await;

    assert_eq!(ran.run.outcome.failure.as_ref().unwrap().code, "access_lost");
    assert!(stage.chat.asked().is_empty());
}

#[tokio::test]
async fn a_thread_that_goes_on_is_read_whoever_takes_it_up() {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({})).await;
    let first = stage.ask(&id, "first").await;
    let run = stage.start(&me(), &id, asking_on(&first.run, "second")).await.unwrap();

    stage.take_up(run.id).await;

    let spoken = spoken(&stage.asked(1));
    assert_eq!(spoken.first().map(String::as_str), Some("user: first"), "{spoken:?}");
}

/// Takes as many tokens as there are bytes, and counts how often it is asked.
#[derive(Default)]
struct Asked(AtomicUsize);

impl Tokenizer for Asked {
    fn count(&self, _: &str, text: &str) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed);
        u64::try_from(text.len()).unwrap()
    }

    fn is_exact(&self, _: &str) -> bool {
        true
    }
}

async fn counted(settings: serde_json::Value, text: &str) -> usize {
    let (stage, tokenizer) = (RunStage::set().await, Asked::default());
    let id = stage.assistant(settings).await;
    let deps = RunDeps { tokenizer: &tokenizer, ..stage.deps() };
    let run = start_run(deps, &me(), &id, asking(text)).await.unwrap().run;
    let (sink, progress) = (FakeSink::behind(0), Progress::default());
    Box::pin(execute_run(deps, (run.organization, run.id), None, &sink, &progress)).await;
    tokenizer.0.load(Ordering::Relaxed)
}

#[tokio::test]
async fn tokens_are_counted_only_where_a_conversation_may_not_fit() {
    let small = json!({ "context_strategy": "full", "context_window": 1_000 });

    assert_eq!(counted(json!({}), "short").await, 0);
    assert!(counted(small, &"long ".repeat(300)).await > 0);
}
