//! Calls that are decided with what is asked next: a new run goes on for the one that
//! waits.

use serde_json::json;
use understudy_domain::{
    Approval, Run,
    assistant::content::MessageRole,
    conversation::{Item, Order},
    run::{DecidedCall, Decision, RunRequest, RunStatus},
    usecases::{
        Conflict, Error,
        runs::{StartRun, Threading, decide, list_approvals},
    },
};
use understudy_testkit::{ChatAnswer, FakeMcp};

use super::stage::{Ran, RunStage, asking_on, is_completed, me, someone, spoken, with_box};

pub const YES: Decision = Decision { approve: true, reason: None };

/// A run that waits with these calls, said a word before, and was asked with `settings`.
pub async fn waiting(calls: &[&str], settings: serde_json::Value) -> (RunStage, String, Ran) {
    let stage = RunStage::set().await;
    stage.mcp.serve("box", [FakeMcp::tool("open")]);
    let mut all = with_box(&json!("always"));
    all.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    let id = stage.assistant(all).await;
    stage.chat.answer_next(ChatAnswer::calls(
        calls.iter().map(|call| (*call, "box__open", json!({"text": call}))),
    ));
    let ran = stage.ask(&id, "open it").await;
    assert_eq!(ran.run.status, RunStatus::Waiting);
    (stage, id, ran)
}

pub async fn approvals(stage: &RunStage, run: &Run) -> Vec<Approval> {
    list_approvals(stage.stage.deps(), &me(), run.id).await.unwrap()
}

/// The same decision about these, behind the run.
pub fn deciding(run: &Run, approvals: &[Approval], decision: &Decision) -> StartRun {
    let decided =
        |approval: &Approval| DecidedCall { approval: approval.id, decision: decision.clone() };
    let request = RunRequest {
        decisions: approvals.iter().map(decided).collect(),
        previous: Some(run.id),
        ..RunRequest::default()
    };
    StartRun { request, background: true, ..StartRun::default() }
}

async fn thread_of(stage: &RunStage, run: &Run) -> Vec<Item> {
    let talks = stage.stage.deps().store.conversations();
    let (tenant, thread) = (run.organization, run.thread.unwrap());
    let said = talks.messages(tenant, thread, None, Order::Ascending, 50).await.unwrap();
    said.into_iter().map(|message| message.item).collect()
}

#[tokio::test]
async fn a_new_run_makes_the_approved_call_and_answers_what_the_other_was_asked() {
    // Nothing of the past is told, and the question is not of the past.
    let (stage, id, waited) = waiting(&["c"], json!({"context_strategy": "off"})).await;
    let waiting = approvals(&stage, &waited.run).await;

    stage.chat.answer_next("Opened.");
    let ran = stage.run(&id, deciding(&waited.run, &waiting, &YES)).await;

    assert!(is_completed(&ran.run) && ran.run.id != waited.run.id);
    assert_eq!((ran.text(), ran.run.thread), ("Opened.", waited.run.thread));
    assert_eq!(stage.mcp.calls().len(), 1);
    assert_eq!(stage.mcp.calls()[0].arguments, *json!({"text": "c"}).as_object().unwrap());
    let told = spoken(&stage.asked(1));
    assert!(told[0].contains("open it") && told[1].starts_with("call: "), "{told:?}");
    assert!(told[2].starts_with("result: ") && told.len() == 3, "{told:?}");
    let names = ran.sink.names();
    let expected = ["response.processing", "response.created", "response.approval_decided"];
    assert_eq!(names[..3], expected);
    let before = stage.stored(waited.run.id).await;
    assert!(is_completed(&before) && before.transcript.is_empty());
    let kept = thread_of(&stage, &ran.run).await;
    assert!(matches!(
        kept.as_slice(),
        [Item::Message { .. }, Item::ToolCall(_), Item::ToolResult(_), Item::Message { .. }]
    ));
    // What is said next is said behind all of it.
    stage.run(&id, asking_on(&ran.run, "and now?")).await;
    let thread = stage.stage.deps().store.conversations();
    let thread = thread.thread(ran.run.organization, ran.run.thread.unwrap()).await.unwrap();
    assert_eq!(thread.unwrap().active_run, None);
}

#[tokio::test]
async fn a_new_run_is_told_why_a_call_was_denied() {
    let (stage, id, waited) = waiting(&["c"], json!({})).await;
    let waiting = approvals(&stage, &waited.run).await;
    let no = Decision { approve: false, reason: Some("too heavy".to_owned()) };

    let ran = stage.run(&id, deciding(&waited.run, &waiting, &no)).await;

    assert!(is_completed(&ran.run));
    assert!(stage.mcp.calls().is_empty());
    assert!(spoken(&stage.asked(1)).last().unwrap().contains("too heavy"));
}

#[tokio::test]
async fn a_run_that_goes_on_may_wait_again_and_be_gone_on_from() {
    let (stage, id, waited) = waiting(&["c"], json!({})).await;
    let first = approvals(&stage, &waited.run).await;
    stage.chat.answer_next(ChatAnswer::calls([("d", "box__open", json!({"text": "d"}))]));
    let second = stage.run(&id, deciding(&waited.run, &first, &YES)).await;
    assert_eq!(second.run.status, RunStatus::Waiting);
    let again = approvals(&stage, &second.run).await;

    stage.chat.answer_next("Both are open.");
    let third = stage.run(&id, deciding(&second.run, &again, &YES)).await;

    assert_eq!(third.text(), "Both are open.");
    assert_eq!(stage.mcp.calls().len(), 2);
    let told = spoken(&stage.asked(2));
    assert!(told[0].contains("open it"), "{told:?}");
    assert_eq!(told.iter().filter(|line| line.starts_with("result: ")).count(), 2, "{told:?}");
}

#[tokio::test]
async fn a_run_that_goes_on_may_be_decided_by_itself() {
    let (stage, id, waited) = waiting(&["c"], json!({})).await;
    let first = approvals(&stage, &waited.run).await;
    stage.chat.answer_next(ChatAnswer::calls([("d", "box__open", json!({"text": "d"}))]));
    let second = stage.run(&id, deciding(&waited.run, &first, &YES)).await;
    let again = approvals(&stage, &second.run).await;

    decide(stage.deps(), &me(), (second.run.id, again[0].id), YES).await.unwrap();
    let ended = stage.execute(second.run.id).await;

    assert!(is_completed(&ended.run));
    assert_eq!(stage.mcp.calls().len(), 2);
}

#[tokio::test]
async fn all_calls_that_wait_are_decided_at_once_or_none() {
    let (stage, id, waited) = waiting(&["c", "d"], json!({})).await;
    let both = approvals(&stage, &waited.run).await;

    let one = stage.start(&me(), &id, deciding(&waited.run, &both[..1], &YES)).await;
    assert!(matches!(one, Err(Error::Invalid(faults)) if faults[0].code == "required"));
    let twice = [both[0].clone(), both[1].clone(), both[1].clone()];
    let twice = stage.start(&me(), &id, deciding(&waited.run, &twice, &YES)).await;
    assert!(matches!(twice, Err(Error::Conflict(Conflict::Decided { state: "approved" }))));

    // Nothing of it counts.
    assert_eq!(stage.stored(waited.run.id).await.status, RunStatus::Waiting);
    stage.run(&id, deciding(&waited.run, &both, &YES)).await;
    assert_eq!(stage.mcp.calls().len(), 2);
    let late = stage.start(&me(), &id, deciding(&waited.run, &both, &YES)).await;
    assert!(matches!(late, Err(Error::Conflict(Conflict::Decided { state: "approved" }))));
}

#[tokio::test]
async fn nobody_decides_about_what_does_not_wait_for_them() {
    let (stage, id, waited) = waiting(&["c"], json!({})).await;
    let waiting = approvals(&stage, &waited.run).await;
    let good = || deciding(&waited.run, &waiting, &YES);

    let theirs = stage.start(&someone(2), &id, good()).await;
    assert!(matches!(theirs, Err(Error::Invalid(faults)) if faults[0].code == "unknown"));
    let nowhere = RunRequest { previous: None, ..good().request };
    let nowhere = stage.start(&me(), &id, StartRun { request: nowhere, ..good() }).await;
    assert!(matches!(nowhere, Err(Error::Invalid(faults)) if faults[0].pointer == "/input"));
    let silent = Item::text(MessageRole::Assistant, "I am done.");
    let silent = RunRequest { input: vec![silent], ..good().request };
    let silent = stage.start(&me(), &id, StartRun { request: silent, ..good() }).await;
    assert!(matches!(silent, Err(Error::Invalid(faults)) if faults[0].code == "required"));
    let foreign = Approval { id: understudy_testkit::sample::id(9), ..waiting[0].clone() };
    let foreign = stage.start(&me(), &id, deciding(&waited.run, &[foreign], &YES)).await;
    assert!(matches!(foreign, Err(Error::Invalid(faults)) if faults[0].code == "unknown"));
    assert_eq!(stage.stored(waited.run.id).await.status, RunStatus::Waiting);

    // By the thread alone it is found as well.
    let by_thread = RunRequest { previous: None, ..good().request };
    let threading = Threading::Continue(waited.run.thread.unwrap());
    let ran = stage.run(&id, StartRun { request: by_thread, threading, ..good() }).await;
    assert!(is_completed(&ran.run));
    assert_eq!(stage.mcp.calls().len(), 1);
}
