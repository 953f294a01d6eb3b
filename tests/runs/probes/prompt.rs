//! What is said before the conversation.

use serde_json::{Value, json};
use understudy_domain::{
    Rule,
    usecases::rules::{AttachRule, attach_to_assistant, detach_from_assistant},
};
use understudy_testkit::{RecordedRequest, sample};

use crate::stage::{Stage, WIRES, me, settings};

/// All texts before the conversation, as one.
fn system(request: &RecordedRequest) -> String {
    let body = &request.body;
    let of = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => {
            let texts = blocks.iter().filter_map(|block| block["text"].as_str());
            texts.collect::<Vec<_>>().join("\n\n")
        }
        _ => String::new(),
    };
    body.get("instructions")
        .or_else(|| body.get("system"))
        .map_or_else(|| of(&body["messages"][0]["content"]), of)
}

#[tokio::test]
async fn rules_come_before_instructions_the_weightiest_first_and_cut_at_their_limits() {
    for protocol in WIRES {
        let stage = Stage::of(protocol).await;
        let long = Rule { content: "lengthy ".repeat(60), ..sample::rule(4) };
        sample::save(&stage.store, vec![long.into()]).await.unwrap();
        let own = json!({"instructions": "Be brief."});
        let assistant = stage.assistant(settings(protocol, own)).await;
        let deps = stage.tasks.deps().deps;
        for (rule, priority, limit) in [(1, 10, 1000), (2, 90, 1000), (3, 50, 1000), (4, 70, 100)] {
            let how = AttachRule {
                priority: Some(priority),
                character_limit: Some(limit),
                ..AttachRule::default()
            };
            attach_to_assistant(deps, &me(), &assistant, sample::id(rule), how).await.unwrap();
        }

        let first = stage.ask(&assistant, "Hello?").await;
        let rule = sample::id(2);
        detach_from_assistant(deps, &me(), &assistant, rule).await.unwrap();
        stage.ask_on(&first, &assistant, "Hello again?").await;

        let asked = stage.asked();
        let said = system(&asked[0]);
        let at = |text: &str| said.find(text).unwrap_or_else(|| panic!("{text}: {said}"));
        let order = ["Keep rule 2.", "lengthy", "Keep rule 3.", "Keep rule 1.", "Be brief."];
        assert!(order.map(at).is_sorted(), "{protocol:?} {said}");
        assert_eq!(said.matches("lengthy").count(), 12, "{protocol:?}");
        let next = system(&asked[1]);
        assert!(!next.contains("Keep rule 2.") && next.contains("Keep rule 3."), "{protocol:?}");
        stage.close().await;
    }
}

#[tokio::test]
async fn what_is_remembered_of_a_user_is_said_in_their_next_thread() {
    use crate::stage::{asking, someone};
    for protocol in WIRES {
        let stage = Stage::of(protocol).await;
        stage.upstream.respond_with(|request| {
            let is_noting = request.mentions("The user said:");
            let noted = "[\"The user lives in Bern.\"]";
            understudy_testkit::Turn::text(if is_noting { noted } else { "ok" })
        });
        let remembers = settings(protocol, json!({"memory_enabled": true}));
        let assistant = stage.assistant(remembers).await;

        stage.ask(&assistant, "I live in Bern.").await;
        stage.ask(&assistant, "Where do I live?").await;
        stage.run(&someone(2), &assistant, asking("Where do I live?")).await;
        stage.patch(&assistant, json!({"memory_enabled": false})).await;
        stage.ask(&assistant, "Where do I live?").await;

        let asked = stage.asked().into_iter();
        let asked: Vec<_> = asked.filter(|request| !request.mentions("The user said:")).collect();
        let told: Vec<_> = asked.iter().map(|r| system(r).contains("lives in Bern")).collect();
        assert_eq!(told, [false, true, false, false], "{protocol:?}");
        stage.close().await;
    }
}
