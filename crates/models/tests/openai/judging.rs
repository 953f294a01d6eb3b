//! Texts that are judged.

use serde_json::json;
use understudy_domain::{
    ProviderKind::{Anthropic, Openai},
    ports::{Moderator, ProviderAccess},
};
use understudy_testkit::{Reply, Upstream};

use crate::support::{access, models, sent};

#[tokio::test]
async fn texts_are_judged_by_the_providers_model_for_it() {
    let verdict = json!({ "results": [
        { "flagged": true, "category_scores": { "violence": 0.9, "sexual": 0.1, "odd": null } },
        { "flagged": false, "category_scores": { "violence": 0.2, "sexual": 0.3 } },
    ] });
    let upstream = Upstream::always(Reply::new(200, verdict.to_string())).await.unwrap();
    let provider = access(Openai, &upstream);

    let scores = models().judge(&provider, "hello").await.unwrap();
    let long = "ä".repeat(8_001);
    models().judge(&provider, &long).await.unwrap();

    assert_eq!((scores["violence"], scores["sexual"], scores["odd"]), (0.9, 0.3, 0.0));
    let [short, long] = upstream.asked().try_into().unwrap();
    assert_eq!(short.path, "/v1/moderations");
    assert_eq!(sent(&short), json!({ "model": "omni-moderation-latest", "input": "hello" }));
    assert_eq!(sent(&long)["input"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn without_a_judge_a_list_of_phrases_decides() {
    let upstream = Upstream::always(Reply::new(500, "")).await.unwrap();
    let anthropic = access(Anthropic, &upstream);
    for provider in [&anthropic, &ProviderAccess::builtin()] {
        let scores = models().judge(provider, "I will kill you").await.unwrap();
        assert!(scores["violence"] > 0.7, "{scores:?}");
    }
    assert_eq!(upstream.asked(), []);

    for reply in [Reply::new(500, ""), Reply::new(200, "{}"), Reply::new(200, r#"{"results":[]}"#)]
    {
        let upstream = Upstream::always(reply).await.unwrap();
        let judged = models().judge(&access(Openai, &upstream), "hello").await;
        assert!(judged.is_err());
    }
}
