//! Answers in a form, told to those who cannot take anything back.

use serde_json::{Value, json};
use understudy_domain::{
    Provider, ProviderKind,
    chat::{ChatEvent, ChatStop},
    ports::ProviderError,
    run::{Overrides, RequestFormat, RunRequest, RunStatus, StopReason},
    usecases::runs::StartRun,
};
use understudy_testkit::{ChatAnswer, FakeMcp, sample};

use super::stage::{Ran, RunStage, is_completed, said, with_box};

/// A question whose answer is wanted in this form, and told for good.
fn asking(format: RequestFormat) -> StartRun {
    let overrides = Overrides { format: Some(format), ..Overrides::default() };
    let input = vec![said("how many?")];
    let request = RunRequest { input, overrides, final_deltas: true, ..RunRequest::default() };
    StartRun { request, background: true, ..StartRun::default() }
}

fn count(strict: bool) -> RequestFormat {
    let schema = json!({
        "type": "object",
        "properties": {"n": {"type": "integer"}},
        "required": ["n"],
        "additionalProperties": false,
    });
    RequestFormat::JsonSchema {
        name: "count".to_owned(),
        description: None,
        schema: schema.as_object().unwrap().clone(),
        strict: Some(strict),
    }
}

fn busy() -> ProviderError {
    ProviderError::Busy { message: "later".to_owned(), retry_after: None }
}

fn pieces(texts: &[&str]) -> ChatAnswer {
    let said = texts.iter().map(|text| ChatEvent::Text((*text).to_owned()));
    ChatAnswer::default().say(said).done(ChatStop::EndTurn)
}

/// The pieces of text as they were told.
fn deltas(ran: &Ran) -> Vec<String> {
    let events = ran.sink.events().into_iter();
    let told = events.filter(|event| event.name == "response.content_delta");
    told.map(|event| event.data.text("delta").unwrap().to_owned()).collect()
}

fn tells(ran: &Ran, name: &str) -> bool {
    ran.sink.names().iter().any(|told| told == name)
}

#[tokio::test]
async fn a_model_that_is_held_to_its_form_is_heard_as_it_speaks() {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({})).await;

    for form in [count(true), RequestFormat::JsonObject] {
        stage.chat.answer_next(pieces(&["{\"n\":", " 3", "}\n"]));
        let ran = stage.run(&id, asking(form)).await;

        assert!(is_completed(&ran.run));
        assert_eq!(deltas(&ran), ["{\"n\":", " 3", "}\n"]);
        assert_eq!(ran.text(), "{\"n\": 3}\n");
        assert_eq!(ran.notices("response_format"), <[String; 0]>::default());
    }
}

#[tokio::test]
async fn what_was_told_for_good_is_not_asked_for_again() {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({})).await;
    stage.chat.answer_next(pieces(&["{\"n\": ", "\"many\"}"]));

    let ran = stage.run(&id, asking(count(true))).await;

    assert!(is_completed(&ran.run));
    assert_eq!(ran.run.outcome.stop_reason, Some(StopReason::EndTurn));
    assert_eq!((ran.text(), ran.shown().as_str()), ("{\"n\": \"many\"}", "{\"n\": \"many\"}"));
    assert_eq!(stage.chat.asked().len(), 1);
    assert_eq!(ran.notices("response_format"), ["dropped"]);
    assert!(!tells(&ran, "response.content_reset"));

    // Of nothing, nothing was told.
    stage.chat.answer_next(pieces(&[]));
    stage.chat.answer_next(pieces(&["{\"n\": ", "4}"]));
    let silent = stage.run(&id, asking(count(true))).await;

    assert_eq!(deltas(&silent), ["{\"n\": ", "4}"]);
    assert!(!tells(&silent, "response.content_reset"));
}

#[tokio::test]
async fn an_answer_that_may_not_fit_is_told_once_it_does() {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({})).await;
    stage.chat.answer_next(pieces(&["{\"n\": ", "\"many\"}"]));
    stage.chat.answer_next(pieces(&["```json\n", "{\"n\": 3}", "\n```"]));

    let ran = stage.run(&id, asking(count(false))).await;

    assert!(is_completed(&ran.run));
    assert_eq!(deltas(&ran), ["{\"n\": 3}"]);
    assert_eq!(ran.text(), "{\"n\": 3}");
    assert_eq!(ran.notices("response_format"), ["emulated"]);
    assert!(!tells(&ran, "response.content_reset"));

    stage.chat.answer_next("no");
    stage.chat.answer_next("still no");
    let failed = stage.run(&id, asking(count(false))).await;

    assert_eq!(failed.run.status, RunStatus::Failed);
    assert_eq!(failed.run.outcome.stop_reason, Some(StopReason::SchemaValidationFailed));
    assert_eq!(deltas(&failed), <[String; 0]>::default());
}

#[tokio::test]
async fn a_form_of_the_assistants_own_is_held_back_as_well() {
    let stage = RunStage::set().await;
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}});
    let schemas = json!([{"name": "count", "schemaObject": schema}]);
    let id = stage.assistant(json!({"json_schemas": schemas, "output_mode": "json_schema"})).await;
    stage.chat.answer_next(pieces(&["{\"n\": ", "3}"]));
    let request =
        RunRequest { input: vec![said("how many?")], final_deltas: true, ..RunRequest::default() };

    let ran = stage.run(&id, StartRun { request, ..StartRun::default() }).await;

    assert_eq!(deltas(&ran), ["{\"n\": 3}"]);
}

#[tokio::test]
async fn an_answer_that_was_held_back_is_told_wherever_it_ends() {
    let stage = RunStage::set().await;
    stage.mcp.serve("box", [FakeMcp::tool("open")]);
    let id = stage.assistant(with_box(&json!("always"))).await;
    let text = |text: &str| [ChatEvent::Text(text.to_owned())];

    let cut = ChatAnswer::default().say(text("{\"n\": ")).say(text("1")).done(ChatStop::MaxTokens);
    stage.chat.answer_next(cut);
    let cut = stage.run(&id, asking(count(false))).await;
    assert_eq!(cut.run.outcome.stop_reason, Some(StopReason::MaxTokens));
    assert_eq!(deltas(&cut), ["{\"n\": 1"]);

    let refusal = [ChatEvent::Refusal("I ".to_owned()), ChatEvent::Refusal("won't.".to_owned())];
    stage.chat.answer_next(ChatAnswer::default().say(refusal).done(ChatStop::EndTurn));
    let refused = stage.run(&id, asking(count(false))).await;
    assert!(is_completed(&refused.run) && refused.run.outcome.refused);
    assert_eq!(deltas(&refused), ["I won't."]);

    let call = ChatAnswer::calls([("c", "box__open", json!({}))]);
    let spoken = ChatEvent::Text("Let me look. ".to_owned());
    stage.chat.answer_next(ChatAnswer::default().say([spoken]).done(ChatStop::Pause));
    stage.chat.answer_next(call);
    let waiting = stage.run(&id, asking(count(false))).await;
    assert_eq!(waiting.run.status, RunStatus::Waiting);
    assert_eq!(deltas(&waiting), ["Let me look. "]);
}

#[tokio::test]
async fn moderation_keeps_back_what_was_held_back() {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({"moderation_enabled": true, "safety_level": "medium"})).await;
    stage.moderator.object_to("poison", "violence", 0.8);
    stage.chat.answer_next(pieces(&["{\"n\": 1, \"what\": ", "\"poison\"}"]));

    let ran = stage.run(&id, asking(count(false))).await;

    assert_eq!(ran.run.outcome.stop_reason, Some(StopReason::ContentFilter));
    assert_eq!(deltas(&ran), [ran.text()]);
    assert!(!ran.text().contains("poison"), "{}", ran.text());
}

/// The same of the model that those two have.
fn asking_ours(format: RequestFormat) -> StartRun {
    let mut command = asking(format);
    command.request.overrides.model = Some("ours".to_owned());
    command
}

/// A stage with two providers of one model that the catalogue does not know, asked in
/// this order.
async fn of_two(kinds: [ProviderKind; 2]) -> (RunStage, String) {
    let stage = RunStage::without_provider().await;
    let rows = (1..).zip(kinds).map(|(n, kind)| {
        let provider = Provider {
            kind,
            api_key: None,
            models: vec!["ours".to_owned()],
            priority: i32::try_from(n).unwrap(),
            ..sample::provider(n)
        };
        provider.into()
    });
    sample::save(&stage.stage.store, rows.collect()).await.unwrap();
    let id = stage.assistant(json!({})).await;
    (stage, id)
}

#[tokio::test]
async fn whoever_answers_in_the_end_decides_what_is_held_back() {
    let cases: [(_, &[&str]); 2] = [
        ([ProviderKind::Ollama, ProviderKind::OpenaiCompatible], &["{\"n\": 3}"]),
        ([ProviderKind::OpenaiCompatible, ProviderKind::Ollama], &["{\"n\": ", "3}"]),
    ];
    for (kinds, expected) in cases {
        let (stage, id) = of_two(kinds).await;
        stage.chat.fail_next(busy());
        stage.chat.answer_next(pieces(&["{\"n\": ", "3}"]));

        let ran = stage.run(&id, asking_ours(count(true))).await;

        assert_eq!(ran.notices("provider"), ["substituted"]);
        assert_eq!(deltas(&ran), expected, "{kinds:?}");
    }
}

#[tokio::test]
async fn what_is_held_back_once_waits_for_the_end() {
    // The first provider speaks and calls a tool, and the second one answers.
    let (stage, id) = of_two([ProviderKind::OpenaiCompatible, ProviderKind::Ollama]).await;
    stage.mcp.serve("box", [FakeMcp::tool("open")]);
    let server = json!({"serverLabel": "box", "serverUrl": "https://box.example/mcp",
        "requireApproval": "never"});
    let settings: Value = json!({"tool_configurations": {"mcpTools": [server]}});
    stage.stage.put(&super::stage::me(), &id, settings).await.unwrap();
    let call = ChatAnswer::default().say([ChatEvent::Text("{\"a\": ".to_owned())]).say([
        ChatEvent::ToolCall(understudy_domain::conversation::ToolCall {
            id: "c".to_owned(),
            name: "box__open".to_owned(),
            arguments: "{}".to_owned(),
        }),
    ]);
    stage.chat.answer_next(call.done(ChatStop::ToolUse));
    stage.chat.fail_next(busy());
    stage.chat.answer_next(pieces(&["{\"n\": ", "3}"]));

    let ran = stage.run(&id, asking_ours(count(true))).await;

    assert!(is_completed(&ran.run));
    assert_eq!(stage.mcp.calls().len(), 1);
    assert_eq!(deltas(&ran), [ran.text()]);
}
