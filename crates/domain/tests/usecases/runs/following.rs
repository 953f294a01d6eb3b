//! Following runs: what is looked up while nothing happens.

use std::time::Duration;

use serde_json::json;
use understudy_domain::{
    UserId,
    ports::MockRunner,
    run::RunStatus,
    usecases::{
        Error,
        runs::{FollowedRun, RunDeps, follow_run, judge_follower},
    },
};

use super::stage::{RunStage, asking, me, someone};

const AT_ONCE: Duration = Duration::ZERO;

/// A runner that works on every run for this user, and has nothing to tell.
fn silent(user: Option<UserId>) -> MockRunner {
    let mut runner = MockRunner::new();
    runner.expect_user_of().return_const(user);
    runner.expect_follow().returning(|_, _, _, _| Ok(Vec::new()));
    runner
}

fn is_silent(news: &FollowedRun) -> bool {
    news.events.is_empty() && !news.is_last
}

#[tokio::test]
async fn a_silent_run_that_is_worked_on_here_asks_nothing_of_the_database() {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({})).await;
    let run = stage.start(&me(), &id, asking("x")).await.unwrap();
    let runner = silent(Some(run.user));
    let deps = RunDeps { runner: &runner, ..stage.deps() };
    stage.stage.store.set_unreachable(true);

    let news = follow_run(deps, &me(), run.id, 0, AT_ONCE).await.unwrap();

    assert!(is_silent(&news), "{news:?}");
    let other = follow_run(deps, &someone(6), run.id, 0, AT_ONCE).await;
    assert!(matches!(other, Err(Error::Store(_))), "whose it is would be looked up: {other:?}");
}

#[tokio::test]
async fn a_run_that_is_worked_on_elsewhere_is_looked_up_after_each_silence() {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({})).await;
    let run = stage.start(&me(), &id, asking("x")).await.unwrap();
    let runner = silent(None);
    let deps = RunDeps { runner: &runner, ..stage.deps() };

    assert!(is_silent(&follow_run(deps, &me(), run.id, 0, AT_ONCE).await.unwrap()));
    let other = follow_run(deps, &someone(6), run.id, 0, AT_ONCE).await;
    assert!(matches!(other, Err(Error::NotFound(_))), "{other:?}");

    let ended = stage.execute(run.id).await;
    assert_eq!(ended.run.status, RunStatus::Completed);
    let news = follow_run(deps, &me(), run.id, 0, AT_ONCE).await.unwrap();
    assert!(news.is_last, "it ended between the two looks");
    assert_eq!(news.events.last().unwrap().data.text("output_text"), Some(ended.text()));
}

#[tokio::test]
async fn a_run_that_ended_is_judged_for_the_moment_only() {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({})).await;
    let run = stage.start(&me(), &id, asking("x")).await.unwrap();
    let deps = stage.stage.deps();

    assert!(judge_follower(deps, &me(), run.id).await.unwrap().is_some());
    stage.execute(run.id).await;
    assert_eq!(judge_follower(deps, &me(), run.id).await.unwrap(), None);
}
