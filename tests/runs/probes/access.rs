//! Whoever may not ask.

use serde_json::{Value, json};
use understudy_domain::{chat::Protocol, run::Overrides, usecases::assistants::delete_assistant};

use crate::stage::{Stage, asking, me, someone};

#[tokio::test]
async fn who_may_not_run_it_reaches_no_provider() {
    let stage = Stage::of(Protocol::OpenaiResponses).await;
    let departments = json!({"access_mode": "department", "access_departments": ["Sales"]});
    for (change, why) in [
        (json!({"is_active": false}), "NotActive"),
        (json!({"api_enabled": false}), "ApiDisabled"),
        (json!({"access_mode": "private"}), "NotFound"),
        (json!({"access_mode": "restricted", "access_users": []}), "NotFound"),
        (departments, "NotFound"),
    ] {
        let assistant = stage.assistant(json!({"name": why_named(&change)})).await;
        stage.run(&someone(2), &assistant, asking("Hello?")).await;
        let before = stage.asked().len();
        stage.patch(&assistant, change.clone()).await;

        let refused = stage.start(&someone(2), &assistant, asking("Hello?")).await.unwrap_err();

        assert!(format!("{refused:?}").contains(why), "{change} {refused:?}");
        assert_eq!(stage.asked().len(), before);
    }

    let assistant = stage.assistant(json!({"name": "Deleted"})).await;
    let deps = stage.tasks.deps().deps;
    delete_assistant(deps, &me(), &assistant, understudy_domain::usecases::Precondition::None)
        .await
        .unwrap();
    let before = stage.asked().len();
    let refused = stage.start(&me(), &assistant, asking("Hello?")).await.unwrap_err();
    assert!(format!("{refused:?}").contains("NotFound"), "{refused:?}");
    assert_eq!(stage.asked().len(), before);
    stage.close().await;
}

fn why_named(change: &Value) -> String {
    change.as_object().unwrap().keys().next().unwrap().clone()
        + &change.to_string().len().to_string()
}

#[tokio::test]
async fn a_provider_that_is_not_allowed_is_not_asked() {
    let stage = Stage::of(Protocol::OpenaiResponses).await;
    let gated = json!({"allowed_model_providers": ["openai"]});
    let assistant = stage.assistant(gated).await;
    let mut command = asking("Hello?");
    command.request.overrides =
        Overrides { model: Some("claude-opus-4-6".to_owned()), ..Overrides::default() };

    let refused = stage.start(&me(), &assistant, command).await.unwrap_err();

    assert!(format!("{refused:?}").contains("NotAllowed"), "{refused:?}");
    assert!(stage.upstream.requests().is_empty());
    stage.ask(&assistant, "Hello?").await;
    assert_eq!(stage.asked().len(), 1);
    stage.close().await;
}
