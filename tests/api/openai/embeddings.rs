//! `/openai/v1/embeddings`

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use understudy_testkit::{Fault, ModelUpstream};

use crate::{
    App,
    Person::{Ada, Admin, Bob, Seatless},
    openai::refused,
};

const CREATE: &str = "/openai/v1/embeddings";
const MODEL: &str = "text-embedding-3-small";

async fn upstream(app: &App) -> ModelUpstream {
    let upstream = ModelUpstream::start().await.unwrap();
    for (kind, url, models) in [
        ("openai-compatible", upstream.openai_url(), [MODEL]),
        ("ollama", upstream.ollama_url(), ["nomic"]),
    ] {
        let provider = json!({"name": kind, "kind": kind, "baseUrl": url, "models": models});
        app.post(Admin, "/api/providers").json(&provider).expect(201).await;
    }
    upstream
}

fn asked(input: &Value) -> Value {
    json!({"model": MODEL, "input": input})
}

fn with(more: &Value) -> Value {
    let mut body = asked(&json!("Hello"));
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

pub(crate) async fn texts_come_back_as_vectors_in_either_spelling(app: &App) {
    let upstream = upstream(app).await;
    let body = |format: &str| {
        json!({"model": MODEL, "input": ["a b", "c"], "dimensions": 8,
            "encoding_format": format, "user": "u"})
    };

    let floats = app.post(Bob, CREATE).json(&body("float")).expect(200).await.body;
    let packed = app.post(Bob, CREATE).json(&body("base64")).expect(200).await.body;

    assert_eq!((&floats["object"], &floats["model"]), (&json!("list"), &json!(MODEL)));
    assert_eq!(floats["usage"], json!({"prompt_tokens": 3, "total_tokens": 3}));
    for place in [0, 1] {
        let (one, other) = (&floats["data"][place], &packed["data"][place]);
        assert_eq!((&one["object"], &one["index"]), (&json!("embedding"), &json!(place)));
        let numbers: Vec<f32> = serde_json::from_value(one["embedding"].clone()).unwrap();
        assert_eq!(numbers.len(), 8);
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        assert_eq!(other["embedding"], STANDARD.encode(bytes));
    }
    assert_eq!(upstream.last().unwrap().body["dimensions"], 8);
    let usage = app.get(Admin, "/api/usage").expect(200).await;
    let row = &usage.body["data"][0];
    assert_eq!((&row["kind"], &row["model"]), (&json!("embedding"), &json!(MODEL)));
    assert_eq!((&row["count"], &row["inputTokens"]), (&json!(2), &json!(6)));
}

pub(crate) async fn every_form_of_input_is_understood(app: &App) {
    let upstream = upstream(app).await;
    for (input, sent, count) in [
        (json!("Hello"), json!(["Hello"]), 1),
        (json!(["a", "b"]), json!(["a", "b"]), 2),
        (json!([1, 2]), json!([[1, 2]]), 1),
        (json!([[1], [2, 3]]), json!([[1], [2, 3]]), 2),
    ] {
        let made = app.post(Ada, CREATE).json(&asked(&input)).expect(200).await;
        assert_eq!(made.body["data"].as_array().unwrap().len(), count);
        assert_eq!(upstream.last().unwrap().body["input"], sent);
    }
    let local = json!({"model": "nomic", "input": ["a", "b"]});
    let made = app.post(Ada, CREATE).json(&local).expect(200).await;
    assert_eq!(made.body["data"].as_array().unwrap().len(), 2);
    assert_eq!(upstream.last().unwrap().path, "/api/embed");
}

pub(crate) async fn what_cannot_be_embedded_is_refused_by_its_parameter(app: &App) {
    let upstream = upstream(app).await;
    for (body, param, code) in [
        (json!({"model": MODEL}), "input", "missing_required_parameter"),
        (json!({"input": "x"}), "model", "missing_required_parameter"),
        (asked(&json!([])), "input", "invalid_value"),
        (asked(&json!(["x", ""])), "input[1]", "invalid_value"),
        (asked(&json!(["x", 1])), "input", "invalid_type"),
        (with(&json!({"model": "helper"})), "model", "unknown_model"),
        (with(&json!({"dimensions": 0})), "dimensions", "range"),
        (with(&json!({"encoding_format": "hex"})), "encoding_format", "invalid_value"),
        (with(&json!({"api_base": "http://x"})), "api_base", "unknown_parameter"),
        (json!({"model": "nomic", "input": [1]}), "input", "unsupported"),
    ] {
        let error = app.post(Ada, CREATE).json(&body).expect(400).await.body["error"].take();
        assert_eq!((&error["param"], &error["code"]), (&json!(param), &json!(code)), "{error}");
    }
    let large = with(&json!({"model": "text-embedding-3-large"}));
    let nobody = app.post(Ada, CREATE).json(&large);
    refused(nobody, 409, "invalid_request_error", "no_provider").await;
    let seatless = app.post(Seatless, CREATE).json(&with(&json!({})));
    refused(seatless, 403, "permission_error", "ai_seat_required").await;
    assert_eq!(upstream.requests().len(), 0);
}

pub(crate) async fn a_failure_to_embed_and_a_budget_are_told_as_openai_tells_them(app: &App) {
    let upstream = upstream(app).await;
    upstream.fail_at("/v1/embeddings", Fault::status(400));
    let failed = app.post(Ada, CREATE).json(&with(&json!({})));
    refused(failed, 502, "server_error", "provider_failed").await;

    let budgets = json!({"budgets": [{"subject": "user", "period": "day", "maxTokens": 5}]});
    app.patch(Admin, "/api/organization").json(&budgets).expect(200).await;
    app.post(Ada, CREATE).json(&asked(&json!("a b c d"))).expect(200).await;
    let spent = upstream.requests().len();
    let over = app.post(Ada, CREATE).json(&asked(&json!("a b c d")));
    refused(over, 429, "rate_limit_error", "budget_exceeded").await;
    assert_eq!(upstream.requests().len(), spent);
}
