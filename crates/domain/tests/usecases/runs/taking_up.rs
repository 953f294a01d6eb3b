//! Runs that are taken up where they were begun.

use serde_json::json;
use time::Duration;
use understudy_domain::run::RunStatus;

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
