//! What is said beside decisions: it is heard behind what the decided calls come to,
//! and kept there.

use serde_json::json;
use understudy_domain::{
    Approval, Message, Run,
    assistant::content::MessageRole,
    conversation::{Item, MediaSource, Order, Part, ToolResult},
    run::{
        Decision, Interruption, RunRequest, RunStatus, StopReason,
        naming::{answer_id, call_id, input_id},
    },
    usecases::runs::{Progress, StartRun, interrupt_run},
};
use understudy_testkit::{ChatAnswer, FakeSink};

use super::{
    resuming::{YES, approvals, deciding, waiting},
    stage::{RunStage, asking, asking_on, is_completed, me, said, spoken},
};

/// A decision about these, and then these words.
fn saying(run: &Run, waiting: &[Approval], decision: &Decision, input: Vec<Item>) -> StartRun {
    let command = deciding(run, waiting, decision);
    StartRun { request: RunRequest { input, ..command.request }, ..command }
}

async fn kept(stage: &RunStage, run: &Run) -> Vec<Message> {
    let talks = stage.stage.deps().store.conversations();
    let (tenant, thread) = (run.organization, run.thread.unwrap());
    talks.messages(tenant, thread, None, Order::Ascending, 50).await.unwrap()
}

/// What kind of thing each message is, and the words of those that were said.
fn lines(messages: &[Message]) -> Vec<String> {
    let line = |message: &Message| match &message.item {
        Item::Message { role, parts } => {
            let Some(Part::Text { text }) = parts.first() else { panic!("{parts:?}") };
            format!("{}: {text}", role.as_str())
        }
        Item::ToolCall(call) => format!("call {}", call.id),
        Item::ToolResult(result) => format!("result {}", result.call_id),
        Item::Reasoning(_) => panic!("a thought was kept"),
    };
    messages.iter().map(line).collect()
}

#[tokio::test]
async fn what_is_said_beside_a_decision_is_heard_behind_the_result() {
    let (stage, id, waited) = waiting(&["c"], json!({})).await;
    let calls = approvals(&stage, &waited.run).await;
    stage.chat.answer_next("A cat.");

    let words = vec![said("and what is in it?")];
    let ran = stage.run(&id, saying(&waited.run, &calls, &YES, words)).await;

    assert!(is_completed(&ran.run));
    assert_eq!((ran.text(), stage.mcp.calls().len()), ("A cat.", 1));
    let told = spoken(&stage.asked(1));
    assert_eq!((&*told[0], &*told[3]), ("user: open it", "user: and what is in it?"));
    assert!(told[1].starts_with("call: ") && told[2].starts_with("result: "), "{told:?}");
    assert_eq!(told.len(), 4);
    let kept = kept(&stage, &ran.run).await;
    let expected =
        ["user: open it", "call c", "result c", "user: and what is in it?", "assistant: A cat."];
    assert_eq!(lines(&kept), expected);
    assert_eq!(kept[0].id, input_id(waited.run.id, 0));
    assert_eq!((kept[3].id, kept[4].id), (input_id(ran.run.id, 0), answer_id(ran.run.id)));
    // And so it is told from then on.
    stage.run(&id, asking_on(&ran.run, "thanks")).await;
    let told = spoken(&stage.asked(2));
    assert_eq!((&*told[3], &*told[5]), ("user: and what is in it?", "user: thanks"));
}

#[tokio::test]
async fn what_is_said_stays_where_it_was_said_however_often_it_goes_on() {
    let form = json!({"output_mode": "json_object"});
    let (stage, id, waited) = waiting(&["c"], form).await;
    let first = approvals(&stage, &waited.run).await;
    let no = Decision { approve: false, reason: None };
    stage.chat.answer_next(ChatAnswer::calls([("d", "box__open", json!({"text": "d"}))]));
    let command = saying(&waited.run, &first, &no, vec![said("the other one")]);
    let second = stage.run(&id, command).await;
    assert_eq!(second.run.status, RunStatus::Waiting);
    let again = approvals(&stage, &second.run).await;
    stage.chat.answer_next("not JSON");
    stage.chat.answer_next("{}");

    let command = saying(&second.run, &again, &YES, vec![said("now tell me")]);
    let third = stage.run(&id, command).await;

    assert!(is_completed(&third.run));
    let expected = [
        "user: open it",
        "call c",
        "result c",
        "user: the other one",
        "call d",
        "result d",
        "user: now tell me",
        "assistant: {}",
    ];
    let kept = kept(&stage, &third.run).await;
    // The request for JSON is nobody's.
    assert_eq!(lines(&kept), expected);
    let names = [input_id(second.run.id, 0), input_id(third.run.id, 0), answer_id(third.run.id)];
    assert_eq!([kept[3].id, kept[6].id, kept[7].id], names);
    assert_eq!(spoken(&stage.asked(2)).len(), 7);
}

#[tokio::test]
async fn what_is_said_is_kept_where_the_run_is_lost_before_it_is_heard() {
    let (stage, id, waited) = waiting(&["c"], json!({})).await;
    let calls = approvals(&stage, &waited.run).await;
    let command = saying(&waited.run, &calls, &YES, vec![said("and then?")]);
    let run = stage.start(&me(), &id, command).await.unwrap();

    let target = (run.organization, run.id);
    let (sink, progress) = (FakeSink::behind(0), Progress::default());
    interrupt_run(stage.deps(), target, &sink, &progress, Interruption::Interrupted).await;

    assert_eq!(stage.stored(run.id).await.status, RunStatus::Failed);
    let expected = ["user: open it", "call c", "result c", "user: and then?"];
    assert_eq!(lines(&kept(&stage, &run).await), expected);
}

#[tokio::test]
async fn what_is_said_beside_a_decision_is_moderated_before_anything_is_done() {
    let settings = json!({"moderation_enabled": true, "safety_level": "medium"});
    let (stage, id, waited) = waiting(&["c"], settings).await;
    stage.moderator.object_to("poison", "violence", 0.8);
    let calls = approvals(&stage, &waited.run).await;

    let words = vec![said("is it poison?")];
    let ran = stage.run(&id, saying(&waited.run, &calls, &YES, words)).await;

    assert_eq!(ran.run.outcome.stop_reason, Some(StopReason::ContentFilter));
    assert_eq!((stage.mcp.calls().len(), stage.chat.asked().len()), (0, 1));
    let kept = lines(&kept(&stage, &ran.run).await);
    assert_eq!(kept[..2], ["user: open it", "user: is it poison?"]);
    assert_eq!(kept.len(), 3);
}

#[tokio::test]
async fn what_a_model_cannot_take_beside_a_decision_is_left_out() {
    let (stage, id, waited) = waiting(&["c"], json!({})).await;
    let calls = approvals(&stage, &waited.run).await;
    let source =
        MediaSource::Data { content_type: "audio/wav".to_owned(), base64: "AAAA".to_owned() };
    let words = Part::Text { text: "listen".to_owned() };
    let parts = vec![words, Part::Audio { source }];
    let spoken_word = Item::Message { role: MessageRole::User, parts };

    let ran = stage.run(&id, saying(&waited.run, &calls, &YES, vec![spoken_word.clone()])).await;

    let told = spoken(&stage.asked(1));
    assert!(told[3].starts_with("user: listen [left out: a recording"), "{told:?}");
    assert_eq!(ran.notices("input.audio"), ["dropped"]);
    assert_eq!(kept(&stage, &ran.run).await[3].item, spoken_word);
}

#[tokio::test]
async fn calls_of_the_callers_are_answered_beside_decisions() {
    let (stage, id, _) = waiting(&["c"], json!({})).await;
    let tool = understudy_domain::run::CallerTool {
        name: "look".to_owned(),
        description: None,
        parameters: None,
        strict: None,
    };
    let command = asking("open and look");
    let request = RunRequest { tools: vec![tool.clone()], ..command.request };
    let both = [("c", "box__open", json!({"text": "c"})), ("l", "look", json!({}))];
    stage.chat.answer_next(ChatAnswer::calls(both));
    let waited = stage.run(&id, StartRun { request, ..command }).await;
    let calls = approvals(&stage, &waited.run).await;
    assert_eq!(calls.len(), 1);

    let result =
        ToolResult { call_id: "l".to_owned(), content: "a cat".to_owned(), is_error: false };
    let words = vec![Item::ToolResult(result), said("is it one?")];
    let command = saying(&waited.run, &calls, &YES, words);
    let request = RunRequest { tools: vec![tool], ..command.request };
    let ran = stage.run(&id, StartRun { request, ..command }).await;

    assert!(is_completed(&ran.run));
    let told = spoken(&stage.asked(2));
    assert!(told[3].starts_with("result: ") && told[4] == "result: a cat", "{told:?}");
    assert_eq!(told[5], "user: is it one?");
}

#[tokio::test]
async fn a_call_that_is_handed_back_is_kept_under_the_name_by_which_it_is_told() {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({})).await;
    let tool = understudy_domain::run::CallerTool {
        name: "look".to_owned(),
        description: None,
        parameters: None,
        strict: None,
    };
    let command = asking("look");
    let request = RunRequest { tools: vec![tool], ..command.request };
    // Some models call everything by one name.
    let twice = [("l", "look", json!({"at": 1})), ("l", "look", json!({"at": 2}))];
    stage.chat.answer_next(ChatAnswer::calls(twice));

    let ran = stage.run(&id, StartRun { request, ..command }).await;

    assert_eq!(ran.run.outcome.stop_reason, Some(StopReason::ToolUse));
    let kept = kept(&stage, &ran.run).await;
    assert_eq!(lines(&kept), ["user: look", "call l", "call l"]);
    assert_eq!(kept[1].id, call_id(ran.run.id, "l"));
    assert_ne!(kept[1].id, kept[2].id);
}
