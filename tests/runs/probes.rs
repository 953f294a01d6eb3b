//! Cheap looks at the wire that show whether settings are really honoured.

mod access;
mod approvals;
mod context;
mod prompt;
mod tools;

use std::collections::BTreeMap;

use serde_json::json;
use understudy_domain::{
    chat::Protocol,
    run::{Overrides, RunStatus, StopReason, fit::PROTOCOLS},
    usecases::runs::{StartRun, Threading, view_run},
};
use understudy_testkit::{Turn, sample};

use crate::stage::{Stage, WIRES, asking, base, me, settings};

#[tokio::test]
async fn where_no_model_is_set_the_organizations_own_is_asked() {
    let stage = Stage::of(Protocol::OpenaiResponses).await;
    let usual = understudy_domain::OrganizationSettings::default().default_model_key;
    let assistant = stage.assistant(json!({})).await;
    let overrides = Overrides { model: Some("gpt-4.1".to_owned()), ..Overrides::default() };

    stage.ask(&assistant, "Hello?").await;
    let mut command = asking("Hello?");
    command.request.overrides = overrides;
    stage.run(&me(), &assistant, command).await;

    let models: Vec<_> = stage.asked().iter().map(|asked| asked.model().to_owned()).collect();
    assert_eq!(models, [usual.as_str(), "gpt-4.1"]);
    stage.close().await;
}

#[tokio::test]
async fn a_temperature_goes_to_those_who_take_one_and_others_are_told_of() {
    let old = Stage::of(Protocol::OpenaiResponses).await;
    let assistant = old.assistant(json!({"default_model_key": "gpt-4o"})).await;
    let ran = old.ask(&assistant, "Hello?").await;
    assert_eq!(old.asked()[0].body["temperature"], 0.7);
    assert_eq!(ran.action("temperature"), None);
    old.close().await;

    let new = Stage::of(Protocol::AnthropicMessages).await;
    let assistant = new.assistant(json!({"default_model_key": "claude-opus-5-5"})).await;
    let ran = new.ask(&assistant, "Hello?").await;
    assert_eq!(new.asked()[0].body.get("temperature"), None);
    assert_eq!(ran.action("temperature"), Some("dropped"));
    let created = ran.events.iter().any(|event| {
        event.name == "response.notice" && event.data.text("field") == Some("temperature")
    });
    assert!(created, "{:?}", ran.names());
    new.close().await;
}

#[tokio::test]
async fn a_stop_sequence_in_two_pieces_ends_the_answer_for_every_provider() {
    for protocol in WIRES {
        let stage = Stage::of(protocol).await;
        stage.upstream.answer_usually(Turn::chunks(["one E", "N", "D two", " three"]));
        let wanted = settings(protocol, json!({"stopSequences": ["END"]}));
        let assistant = stage.assistant(wanted).await;

        let ran = stage.ask(&assistant, "Count.").await;

        assert_eq!((ran.text(), &*ran.shown()), ("one ", "one "), "{protocol:?}");
        assert_eq!(ran.run.outcome.stop_reason, Some(StopReason::StopSequence));
        stage.close().await;
    }
}

#[tokio::test]
async fn an_answer_without_its_form_is_asked_for_once_more_and_then_refused() {
    let schema =
        json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]});
    for protocol in WIRES {
        let stage = Stage::of(protocol).await;
        stage.upstream.answer_usually(Turn::chunks(["{\"n\": ", "\"many\"}"]));
        let form = json!({
            "json_schemas": [{"name": "count", "schemaObject": schema}],
            "output_mode": "json_schema",
        });
        let assistant = stage.assistant(settings(protocol, form)).await;

        let ran = stage.ask(&assistant, "How many?").await;

        assert_eq!(ran.run.status, RunStatus::Failed, "{protocol:?}");
        assert_eq!(ran.run.outcome.stop_reason, Some(StopReason::SchemaValidationFailed));
        let asked = stage.asked();
        assert_eq!(asked.len(), 2, "{protocol:?}");
        assert_eq!(asked[0].last_user_text(), "How many?");
        assert!(asked[1].last_user_text().contains("integer"), "{}", asked[1].last_user_text());
        assert_eq!(ran.run.outcome.usage.output_tokens, 14);

        stage.upstream.answer(Turn::text("{\"n\": \"many\"}"));
        stage.upstream.answer(Turn::text("{\"n\": 3}"));
        let mended = stage.ask(&assistant, "How many?").await;
        assert_eq!((mended.text(), &*mended.shown()), ("{\"n\": 3}", "{\"n\": 3}"));
        assert_eq!(mended.action("response_format"), Some("emulated"));
        stage.close().await;
    }
}

#[tokio::test]
async fn nothing_is_kept_by_providers_and_hidden_threads_are_remembered() {
    for protocol in WIRES {
        let stage = Stage::of(protocol).await;
        let hidden = settings(protocol, json!({"store_responses": false}));
        let assistant = stage.assistant(hidden).await;
        let command = StartRun { store: Some(true), ..asking("I am Ada.") };

        let first = stage.run(&me(), &assistant, command).await;
        stage.ask_on(&first, &assistant, "Who am I?").await;

        let deps = stage.tasks.deps().deps;
        assert!(view_run(deps, &me(), first.run.id).await.is_err());
        let asked = stage.asked();
        assert!(asked[1].mentions("I am Ada."), "{protocol:?}");
        let is_openai = matches!(protocol, Protocol::OpenaiResponses | Protocol::OpenaiChat);
        for request in &asked {
            assert_eq!(request.body.get("store"), is_openai.then_some(&json!(false)));
            assert_eq!(request.body.get("previous_response_id"), None);
        }
        stage.close().await;
    }
}

#[tokio::test]
async fn providers_do_not_learn_who_asks() {
    for protocol in WIRES {
        let stage = Stage::of(protocol).await;
        let assistant = stage.assistant(base(protocol)).await;
        stage.ask(&assistant, "Hello?").await;
        let mut command = asking("Hello?");
        command.request.metadata = BTreeMap::from([("ticket".to_owned(), "T-17".to_owned())]);
        command.threading = Threading::Nowhere;
        stage.run(&me(), &assistant, command).await;

        for request in stage.asked() {
            let sent = String::from_utf8(request.bytes.clone()).unwrap();
            let user = sample::user(1);
            for own in [user.id.to_string(), user.name, user.email.to_string(), "T-17".to_owned()] {
                assert!(!sent.contains(&own), "{protocol:?} {own} {sent}");
            }
        }
        stage.close().await;
    }
}

#[tokio::test]
async fn what_moderation_keeps_back_reaches_no_model() {
    // The level decides how much is too much.
    for (level, text, is_kept) in [
        ("low", "i will find you", false),
        ("medium", "i will find you", true),
        ("high", "i will find you", true),
        ("high", "Hello?", false),
    ] {
        for protocol in PROTOCOLS {
            let stage = Stage::of(protocol).await;
            stage.upstream.judge_with(|text| {
                let score = if text.contains("i will find you") { 0.8 } else { 0.0 };
                BTreeMap::from([("harassment/threatening".to_owned(), score)])
            });
            let wanted = json!({"moderation_enabled": true, "safety_level": level});
            let assistant = stage.assistant(settings(protocol, wanted)).await;

            let ran = stage.ask(&assistant, text).await;

            let what = format!("{protocol:?} {level} {text}");
            let is_filtered = ran.run.outcome.stop_reason == Some(StopReason::ContentFilter);
            assert_eq!(ran.run.status, RunStatus::Completed, "{what}");
            assert_eq!(is_filtered, is_kept, "{what}");
            let is_asked = protocol != Protocol::Builtin && !is_kept;
            assert_eq!(stage.asked().len(), usize::from(is_asked), "{what}");
            stage.close().await;
        }
    }
}

#[tokio::test]
async fn what_moderation_finds_in_an_answer_is_not_shown() {
    for protocol in WIRES {
        let stage = Stage::of(protocol).await;
        stage.upstream.judge_with(|text| {
            let score = if text.contains("i will kill you") { 0.9 } else { 0.0 };
            BTreeMap::from([("harassment/threatening".to_owned(), score)])
        });
        let pieces = ["All is well. ", "Now i will", " kill you, he said. ", "And more."];
        stage.upstream.answer_usually(Turn::chunks(pieces));
        let wanted = json!({"moderation_enabled": true, "safety_level": "high"});
        let assistant = stage.assistant(settings(protocol, wanted)).await;

        let ran = stage.ask(&assistant, "Tell me a story.").await;

        assert_eq!(ran.run.outcome.stop_reason, Some(StopReason::ContentFilter), "{protocol:?}");
        assert!(!format!("{:?} {:?}", ran.events, ran.run.outcome).contains("kill you"));
        assert_eq!(ran.shown(), ran.text());
        stage.close().await;
    }
}

#[tokio::test]
async fn a_dispatcher_asks_once_who_answers_and_then_them() {
    let stage = Stage::of(Protocol::OpenaiResponses).await;
    stage.assistant(json!({"name": "Cook", "instructions": "You cook."})).await;
    let tailor = json!({"name": "Tailor", "instructions": "You sew."});
    let tailor = stage.assistant(tailor).await;
    let desk = stage.assistant(json!({"name": "Desk", "kind": "dispatcher"})).await;
    stage.upstream.respond_with(|request| {
        Turn::text(if request.mentions("You choose which assistant") { "2" } else { "I sew it." })
    });

    let ran = stage.ask(&desk, "My coat is torn.").await;

    assert_eq!(ran.text(), "I sew it.");
    assert_eq!(ran.run.outcome.handed_to.as_ref().unwrap().assistant.to_string(), tailor);
    let asked = stage.asked();
    assert_eq!(asked.len(), 2);
    assert!(asked[1].body["instructions"].as_str().unwrap().contains("You sew."));
    stage.close().await;
}
