//! What is asked of a model, and what is made of its answer.

use serde_json::json;
use understudy_domain::{
    chat::{ChatEvent, ChatStop},
    ports::ProviderError,
    run::{Overrides, RequestFormat, RunRequest, RunStatus, StopReason},
    usecases::runs::StartRun,
};
use understudy_testkit::ChatAnswer;

use super::stage::{RunStage, asking, is_completed, said, spoken, system};

#[tokio::test]
async fn an_answer_is_asked_for_shown_and_stored() {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({"instructions": "Be brief."})).await;
    let said = [ChatEvent::Text("Hel".to_owned()), ChatEvent::Text("lo.".to_owned())];
    stage.chat.answer_next(ChatAnswer::default().say(said).done(ChatStop::EndTurn));

    let ran = stage.ask(&id, "Hi").await;

    assert!(is_completed(&ran.run));
    assert_eq!((ran.text(), ran.shown().as_str()), ("Hello.", "Hello."));
    assert_eq!(ran.run.outcome.stop_reason, Some(StopReason::EndTurn));
    assert_eq!(ran.run.outcome.model.as_deref(), Some("gpt-4o"));
    assert_eq!(ran.run.outcome.usage.total_tokens(), 12);
    let names = ran.sink.names();
    assert_eq!(names.first().unwrap(), "response.processing");
    assert_eq!(names[1], "response.created");
    assert_eq!(names.last().unwrap(), "response.completed");
    assert_eq!(ran.sink.flushed(), u64::try_from(names.len()).unwrap());
    let asked = stage.asked(0);
    assert_eq!(spoken(&asked), ["user: Hi"]);
    assert!(system(&asked).contains("Be brief."));
    assert_eq!(asked.settings.temperature, Some(0.7));
}

#[tokio::test]
async fn a_request_overrules_the_assistant_and_its_instructions_come_behind() {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({"instructions": "First.", "temperature": 0.2})).await;
    let overrides = Overrides { temperature: Some(1.5), ..Overrides::default() };
    let instructions = Some("Second.".to_owned());
    let request =
        RunRequest { input: vec![said("x")], instructions, overrides, ..RunRequest::default() };

    stage.run(&id, StartRun { request, ..StartRun::default() }).await;

    let asked = stage.asked(0);
    assert_eq!(asked.settings.temperature, Some(1.5));
    let text = system(&asked);
    assert!(text.find("First.").unwrap() < text.find("Second.").unwrap());
}

#[tokio::test]
async fn a_stop_sequence_ends_the_answer_also_across_pieces() {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({"stopSequences": ["END"]})).await;
    let pieces = ["one two E", "ND three"].map(|text| ChatEvent::Text(text.to_owned()));
    stage.chat.answer_next(ChatAnswer::default().say(pieces).done(ChatStop::EndTurn));

    let ran = stage.ask(&id, "count").await;

    assert_eq!((ran.text(), ran.shown().as_str()), ("one two ", "one two "));
    assert_eq!(ran.run.outcome.stop_reason, Some(StopReason::StopSequence));
    assert_eq!(stage.chat.alive(), 0);
}

#[tokio::test]
async fn an_answer_that_does_not_fit_its_schema_is_asked_for_once_more() {
    let stage = RunStage::set().await;
    let schema =
        json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]});
    let schemas = json!([{"name": "count", "schemaObject": schema}]);
    let settings = json!({"json_schemas": schemas, "output_mode": "json_schema"});
    let id = stage.assistant(settings).await;
    stage.chat.answer_next("{\"n\": \"many\"}");
    stage.chat.answer_next("{\"n\": 3}");

    let ran = stage.ask(&id, "how many?").await;

    assert!(is_completed(&ran.run));
    assert_eq!((ran.text(), ran.shown().as_str()), ("{\"n\": 3}", "{\"n\": 3}"));
    assert_eq!(stage.chat.asked().len(), 2);

    stage.chat.answer_next("```json\n{\"n\": 4}\n```");
    let fenced = stage.ask(&id, "how many?").await;

    assert_eq!(fenced.text(), "{\"n\": 4}");

    stage.chat.answer_next("no");
    stage.chat.answer_next("still no");
    let failed = stage.ask(&id, "how many?").await;

    assert_eq!(failed.run.status, RunStatus::Failed);
    assert_eq!(failed.run.outcome.stop_reason, Some(StopReason::SchemaValidationFailed));
    assert_eq!(failed.sink.names().last().unwrap(), "response.failed");
    assert_eq!(stage.chat.asked().len(), 5);
}

#[tokio::test]
async fn what_is_wanted_plain_comes_without_markdown() {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({})).await;
    stage.chat.answer_next("# Title\n\nSome **bold** words.");
    let overrides = Overrides { format: Some(RequestFormat::Plain), ..Overrides::default() };
    let request = RunRequest { input: vec![said("x")], overrides, ..RunRequest::default() };

    let ran = stage.run(&id, StartRun { request, ..StartRun::default() }).await;

    assert_eq!(ran.text(), ran.shown());
    assert!(ran.text().contains("Some bold words."), "{}", ran.text());
    assert!(!ran.text().contains('#'));
}

#[tokio::test]
async fn what_a_model_thinks_is_told_beside_the_answer_or_not_at_all() {
    let stage = RunStage::set().await;
    let thinking = json!({"default_model_key": "gpt-5.2", "reasoning": {"summary": "auto"}});
    let id = stage.assistant(thinking).await;
    let answer = || {
        let said = [ChatEvent::Reasoning("Hm.".to_owned()), ChatEvent::Text("Yes.".to_owned())];
        ChatAnswer::default().say(said).done(ChatStop::EndTurn)
    };
    stage.chat.answer_next(answer());
    let told = stage.ask(&id, "x").await;
    let me = super::stage::me();
    stage.stage.put(&me, &id, json!({"reasoning": {"summary": "off"}})).await.unwrap();
    stage.chat.answer_next(answer());
    let silent = stage.ask(&id, "x").await;

    assert_eq!(told.run.outcome.reasoning, "Hm.");
    assert_eq!((told.text(), silent.text()), ("Yes.", "Yes."));
    assert!(told.sink.names().contains(&"response.reasoning.delta".to_owned()));
    assert!(!silent.sink.names().iter().any(|name| name.starts_with("response.reasoning")));
}

#[tokio::test]
async fn moderation_keeps_what_is_asked_from_every_model() {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({"moderation_enabled": true, "safety_level": "medium"})).await;
    stage.moderator.object_to("poison", "violence", 0.8);

    let ran = stage.ask(&id, "how to poison").await;

    assert!(is_completed(&ran.run));
    assert_eq!(ran.run.outcome.stop_reason, Some(StopReason::ContentFilter));
    assert!(stage.chat.asked().is_empty());
    assert!(ran.sink.names().contains(&"response.moderated".to_owned()));
}

#[tokio::test]
async fn moderation_keeps_an_answer_back_before_it_is_shown() {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({"moderation_enabled": true, "safety_level": "high"})).await;
    stage.moderator.object_to("bad word", "harassment", 0.5);
    let pieces = ["All is well. ", "Now a bad", " word follows. ", "And more."];
    let pieces = pieces.map(|text| ChatEvent::Text(text.to_owned()));
    stage.chat.answer_next(ChatAnswer::default().say(pieces).done(ChatStop::EndTurn));

    let ran = stage.ask(&id, "x").await;

    assert_eq!(ran.run.outcome.stop_reason, Some(StopReason::ContentFilter));
    let told = serde_json::to_string(
        &ran.sink.events().iter().map(|event| event.data.clone()).collect::<Vec<_>>(),
    );
    assert!(!told.unwrap().contains("bad"));
    assert!(!serde_json::to_string(&ran.run).unwrap().contains("bad word"));
    assert_eq!(ran.shown(), ran.text());
}

#[tokio::test]
async fn where_moderation_fails_a_high_level_keeps_back_and_others_tell() {
    let stage = RunStage::set().await;
    let strict = stage.assistant(json!({"moderation_enabled": true, "safety_level": "high"})).await;
    let other = json!({"name": "o", "moderation_enabled": true, "safety_level": "low"});
    let lenient = stage.assistant(other).await;
    stage.moderator.fail_next(ProviderError::TimedOut);
    let kept = stage.ask(&strict, "x").await;
    stage.moderator.fail_next(ProviderError::TimedOut);
    let told = stage.ask(&lenient, "x").await;

    assert_eq!(kept.run.outcome.stop_reason, Some(StopReason::ContentFilter));
    assert_eq!(told.text(), "ok");
    assert!(told.notices("moderation_enabled").contains(&"unavailable".to_owned()));
}

#[tokio::test]
async fn a_fresh_installation_answers_from_its_own_texts_and_says_so() {
    let stage = RunStage::without_provider().await;
    let id = stage.assistant(json!({"instructions": "The shop opens at nine."})).await;

    let ran = stage.ask(&id, "When does the shop open?").await;

    assert_eq!(ran.run.outcome.provider.as_deref(), Some("builtin"));
    assert!(ran.run.outcome.is_extractive);
    assert_eq!(ran.notices("default_model_key"), ["substituted"]);
    let passages = stage.asked(0).passages;
    assert!(passages[0].text.as_deref().unwrap().contains("opens at nine"));
}

#[tokio::test]
async fn a_retired_model_is_answered_by_its_successor() {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({"default_model_key": "o3-mini"})).await;

    let ran = stage.ask(&id, "x").await;

    assert_ne!(ran.run.outcome.model.as_deref(), Some("o3-mini"));
    assert_eq!(ran.notices("default_model_key"), ["substituted"]);
}

#[tokio::test]
async fn what_was_asked_is_refused_before_anybody_is_asked() {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({"allowed_model_providers": ["openai"]})).await;
    let me = super::stage::me();
    let other = Overrides { model: Some("claude-opus-4-5".to_owned()), ..Overrides::default() };
    let gated = RunRequest { input: vec![said("x")], overrides: other, ..RunRequest::default() };
    let gated = StartRun { request: gated, ..StartRun::default() };
    let nothing = StartRun::default();
    let thinking = Overrides {
        reasoning_effort: Some(understudy_domain::assistant::content::ReasoningEffort::High),
        ..Overrides::default()
    };
    let thinking =
        RunRequest { input: vec![said("x")], overrides: thinking, ..RunRequest::default() };
    let thinking = StartRun { request: thinking, ..StartRun::default() };

    for (command, code) in [(gated, "Conflict"), (nothing, "Invalid"), (thinking, "Invalid")] {
        let refused = stage.start(&me, &id, command).await.unwrap_err();
        assert!(format!("{refused:?}").starts_with(code), "{refused:?}");
    }
    stage.stage.put(&me, &id, json!({"is_active": false})).await.unwrap();
    let refused = stage.start(&me, &id, asking("x")).await.unwrap_err();
    assert!(format!("{refused:?}").contains("NotActive"));
    assert!(stage.chat.asked().is_empty());
    assert!(stage.runner.launched().is_empty());
}
