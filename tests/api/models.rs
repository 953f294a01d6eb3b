//! `/api/models`

use serde_json::{Value, json};

use crate::{
    App,
    Person::{Admin, Seatless, Stranger, Viewer},
    request::Reply,
};

const ALL: &str = "/api/models";

fn model<'a>(list: &'a Reply, key: &str) -> Option<&'a Value> {
    list.body["data"].as_array().unwrap().iter().find(|model| model["key"] == key)
}

pub(crate) async fn the_catalogue_is_told_with_what_is_available(app: &App) {
    let before = app.get(Viewer, ALL).expect(200).await;
    let known = model(&before, "gpt-4o").unwrap();
    assert_eq!((&known["provider"], &known["inCatalogue"]), (&json!("openai"), &json!(true)));
    assert_eq!((&known["available"], &known["retired"]), (&json!(false), &json!(false)));
    assert!(known["contextWindow"].as_u64().unwrap() > known["maxOutputTokens"].as_u64().unwrap());
    let old = model(&before, "gpt-4.5-preview").unwrap();
    assert_eq!((&old["retired"], &old["retiredAt"]), (&json!(true), &json!("2025-07-14")));
    assert_eq!(old["successor"], "gpt-5.2");
    assert_eq!((&known["retiresAt"], &old["retiresAt"]), (&json!("2027-01-14"), &json!(null)));
    assert_eq!(known["prices"], json!({"input": 2.5, "cachedInput": 1.25, "output": 10.0}));
    assert_eq!(known["efforts"], json!([]));
    assert!(known["parameters"].as_array().unwrap().contains(&json!("temperature")));
    let thinking = model(&before, "gpt-5").unwrap();
    assert_eq!(thinking["efforts"], json!(["minimal", "low", "medium", "high"]));

    for provider in [
        json!({"name": "OpenAI", "kind": "openai"}),
        json!({"name": "Ours", "kind": "ollama", "baseUrl": "http://10.0.0.1", "models": ["ours"]}),
        json!({"name": "Off", "kind": "anthropic", "enabled": false}),
    ] {
        app.post(Admin, "/api/providers").json(&provider).expect(201).await;
    }
    let after = app.get(Seatless, ALL).expect(200).await;
    assert_eq!(model(&after, "gpt-4o").unwrap()["available"], true);
    assert_eq!(model(&after, "claude-3-5-sonnet").unwrap()["available"], false);
    let expected = json!({
        "key": "ours",
        "name": "ours",
        "provider": "ollama",
        "capabilities": [],
        "parameters": [],
        "efforts": [],
        "contextWindow": null,
        "maxOutputTokens": null,
        "inCatalogue": false,
        "retired": false,
        "retiredAt": null,
        "retiresAt": null,
        "successor": null,
        "prices": null,
        "available": true,
    });
    assert_eq!(model(&after, "ours"), Some(&expected));
    assert_eq!(app.get(Stranger, ALL).expect(200).await.body, before.body);
}

pub(crate) async fn models_of_providers_that_are_not_allowed_are_left_out(app: &App) {
    let ollama =
        json!({"name": "Ours", "kind": "ollama", "baseUrl": "http://10.0.0.1", "models": ["ours"]});
    app.post(Admin, "/api/providers").json(&ollama).expect(201).await;
    let settings = json!({
        "allowedProviders": ["anthropic"], "defaultModelKey": "claude-3-5-sonnet",
    });
    app.patch(Admin, "/api/organization").json(&settings).expect(200).await;

    let list = app.get(Viewer, ALL).expect(200).await;

    let all = list.body["data"].as_array().unwrap();
    assert!(!all.is_empty());
    assert!(all.iter().all(|model| model["provider"] == "anthropic"));
}
