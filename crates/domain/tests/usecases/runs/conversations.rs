//! Threads, context, memory.

use serde_json::json;
use understudy_domain::{
    conversation::Order,
    usecases::{
        Conflict, Error,
        runs::{StartRun, Threading, view_run},
    },
};

use super::stage::{RunStage, asking, asking_on, is_completed, me, someone, spoken, system};

#[tokio::test]
async fn a_thread_remembers_what_was_said() {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({})).await;
    let first = stage.ask(&id, "I am Ada.").await;

    stage.run(&id, asking_on(&first.run, "Who am I?")).await;

    assert_eq!(spoken(&stage.asked(1)), ["user: I am Ada.", "assistant: ok", "user: Who am I?"]);
    let thread = first.run.thread.unwrap();
    let store = stage.stage.deps().store.conversations();
    let stored = store.thread(first.run.organization, thread).await.unwrap().unwrap();
    assert_eq!((stored.message_count, stored.title.as_deref()), (4, Some("I am Ada.")));
    assert_eq!(stored.active_run, None);
}

#[tokio::test]
async fn a_thread_takes_one_turn_at_a_time_and_of_its_user_only() {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({})).await;
    let run = stage.start(&me(), &id, asking("x")).await.unwrap();

    let busy = stage.start(&me(), &id, asking_on(&run, "y")).await;
    let foreign = stage.start(&someone(6), &id, asking_on(&run, "y")).await;

    assert!(matches!(busy, Err(Error::Conflict(Conflict::ThreadBusy))));
    assert!(matches!(foreign, Err(Error::NotFound("thread"))));
    stage.execute(run.id).await;
    assert!(stage.start(&me(), &id, asking_on(&run, "y")).await.is_ok());
}

#[tokio::test]
async fn a_thread_stays_with_its_assistant() {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({})).await;
    let other = stage.assistant(json!({"name": "Other"})).await;
    let first = stage.ask(&id, "x").await;

    let refused = stage.start(&me(), &other, asking_on(&first.run, "y")).await;

    assert!(matches!(refused, Err(Error::Conflict(Conflict::ThreadOfAnother))));
}

#[tokio::test]
async fn without_context_only_what_is_asked_is_sent() {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({"context_strategy": "off"})).await;
    let first = stage.ask(&id, "one").await;

    stage.run(&id, asking_on(&first.run, "two")).await;

    assert_eq!(spoken(&stage.asked(1)), ["user: two"]);
}

#[tokio::test]
async fn a_long_thread_is_summed_up_where_that_is_the_strategy() {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({"context_window": 1200, "max_completion_tokens": 200})).await;
    let long = "word ".repeat(60);
    let mut last = stage.ask(&id, &long).await;
    let mut summed = last.run.outcome.is_summarized;
    for _ in 0..16 {
        last = stage.run(&id, asking_on(&last.run, &long)).await;
        assert!(is_completed(&last.run), "{:?}", last.run.outcome.failure);
        summed |= last.run.outcome.is_summarized;
    }

    assert!(summed);
    let store = stage.stage.deps().store.conversations();
    let thread = store.thread(last.run.organization, last.run.thread.unwrap()).await.unwrap();
    assert!(thread.unwrap().summary.is_some());
}

#[tokio::test]
async fn a_run_that_goes_on_from_another_leaves_out_what_came_behind_it() {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({})).await;
    let first = stage.ask(&id, "one").await;
    stage.run(&id, asking_on(&first.run, "two")).await;
    let mut command = asking("three");
    command.request.previous = Some(first.run.id);

    let third = stage.run(&id, command).await;

    assert_eq!(spoken(&stage.asked(2)), ["user: one", "assistant: ok", "user: three"]);
    assert_eq!(third.run.thread, first.run.thread);
}

#[tokio::test]
async fn what_is_not_stored_for_reading_is_remembered_in_its_thread() {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({"store_responses": false})).await;
    let first = stage.run(&id, StartRun { store: Some(true), ..asking("I am Ada.") }).await;

    stage.run(&id, asking_on(&first.run, "Who?")).await;

    let read = view_run(stage.stage.deps(), &me(), first.run.id).await;
    assert!(matches!(read, Err(Error::NotFound("response"))));
    assert!(spoken(&stage.asked(1)).contains(&"user: I am Ada.".to_owned()));
    let store = stage.stage.deps().store.conversations();
    let thread = store.thread(first.run.organization, first.run.thread.unwrap()).await.unwrap();
    assert!(!thread.unwrap().visible);
}

#[tokio::test]
async fn a_run_without_a_thread_leaves_no_messages() {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({})).await;

    let ran = stage.run(&id, StartRun { threading: Threading::Nowhere, ..asking("x") }).await;

    assert!(is_completed(&ran.run));
    assert_eq!(ran.run.thread, None);
}

#[tokio::test]
async fn what_is_remembered_of_a_user_is_told_in_other_threads_and_to_nobody_else() {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({"memory_enabled": true})).await;
    stage.chat.answer_always(|request| {
        let is_noting = request.system.iter().any(|block| block.layer == "task");
        Ok(if is_noting { "[\"The user lives in Bern.\"]".into() } else { "ok".into() })
    });

    stage.ask(&id, "I live in Bern.").await;
    stage.ask(&id, "Where do I live?").await;
    let others = stage.start(&someone(6), &id, asking("Where do I live?")).await.unwrap();
    stage.execute(others.id).await;

    let asked: Vec<_> = stage
        .chat
        .asked()
        .into_iter()
        .map(|(_, request)| request)
        .filter(|request| request.system.iter().all(|block| block.layer != "task"))
        .collect();
    assert!(!system(&asked[0]).contains("Bern"));
    assert!(system(&asked[1]).contains("The user lives in Bern."));
    assert!(!system(&asked[2]).contains("Bern"));

    stage.stage.put(&me(), &id, json!({"memory_enabled": false})).await.unwrap();
    stage.ask(&id, "Where do I live?").await;
    let last = stage.chat.asked().pop().unwrap().1;
    assert!(!system(&last).contains("Bern"));
}

#[tokio::test]
async fn a_dispatcher_hands_over_to_the_assistant_that_the_model_names() {
    let stage = RunStage::set().await;
    let cook = stage.assistant(json!({"name": "Cook", "instructions": "You cook."})).await;
    let tailor = stage.assistant(json!({"name": "Tailor", "instructions": "You sew."})).await;
    let desk = stage.assistant(json!({"name": "Desk", "kind": "dispatcher"})).await;
    let _ = cook;
    stage.chat.answer_next("2");
    stage.chat.answer_next("I sew it.");

    let ran = stage.ask(&desk, "My coat is torn.").await;

    assert_eq!(ran.run.outcome.handed_to.as_ref().unwrap().assistant.to_string(), tailor);
    assert!(system(&stage.asked(1)).contains("You sew."));
    assert_eq!(ran.text(), "I sew it.");
    assert!(ran.sink.names().contains(&"response.handed_over".to_owned()));
}

#[tokio::test]
async fn messages_keep_their_order_and_their_runs() {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({})).await;
    let ran = stage.ask(&id, "x").await;

    let store = stage.stage.deps().store.conversations();
    let thread = ran.run.thread.unwrap();
    let messages =
        store.messages(ran.run.organization, thread, None, Order::Ascending, 10).await.unwrap();

    let positions: Vec<_> = messages.iter().map(|message| message.position).collect();
    assert_eq!(positions, [1, 2]);
    assert!(messages.iter().all(|message| message.run == Some(ran.run.id)));
}
