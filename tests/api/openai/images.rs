//! `/openai/v1/images/generations`

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use understudy_domain::ports::{ImageLook, ImageQuality, ProviderError};

use crate::{
    App,
    Person::{Ada, Admin, Bob, Seatless},
    openai::refused,
};

const CREATE: &str = "/openai/v1/images/generations";

async fn openai(app: &App) {
    let provider = json!({"name": "OpenAI", "kind": "openai", "apiKey": "sk-1"});
    app.post(Admin, "/api/providers").json(&provider).expect(201).await;
}

async fn drawn(app: &App, body: Value) -> Value {
    app.post(Ada, CREATE).json(&body).expect(200).await.body
}

pub(crate) async fn pictures_come_as_openai_tells_them(app: &App) {
    openai(app).await;
    app.models.tell_tokens();

    let body = json!({
        "prompt": "a fox", "model": "gpt-image-1", "n": 2, "size": "1536x1024",
        "quality": "high", "background": "auto", "output_format": "png", "user": "u",
    });
    let list = drawn(app, body).await;

    let data = list["data"].as_array().unwrap();
    assert_eq!(data.len(), 2);
    for picture in data {
        let bytes = STANDARD.decode(picture["b64_json"].as_str().unwrap()).unwrap();
        assert!(bytes.starts_with(b"\x89PNG"));
        assert!(picture.get("url").is_none());
    }
    assert_eq!(
        list["usage"],
        json!({
            "input_tokens": 14, "output_tokens": 200, "total_tokens": 214,
            "input_tokens_details": {"image_tokens": 0, "text_tokens": 14},
        })
    );
    assert_eq!((&list["size"], &list["quality"]), (&json!("1536x1024"), &json!("high")));
    assert!(list["created"].as_i64().unwrap() > 0 && list.get("background").is_none());
    let asked = app.models.asked();
    let look = ImageLook { quality: Some(ImageQuality::High), background: None };
    assert_eq!((asked.len(), asked[1].1.look, asked[1].1.width), (2, look, 1536));
    let kept = app.get(Ada, "/api/images").expect(200).await;
    assert_eq!(kept.body["data"].as_array().unwrap().len(), 2);
}

pub(crate) async fn pictures_are_told_by_their_address_where_that_is_wished(app: &App) {
    openai(app).await;
    for body in [
        json!({"prompt": "a fox", "response_format": "url"}),
        json!({"prompt": "a fox", "model": "dall-e-3", "size": "auto"}),
    ] {
        let list = drawn(app, body).await;
        let url = list["data"][0]["url"].as_str().unwrap();
        let path = url.strip_prefix("http://127.0.0.1:8080").unwrap();
        let shown = app.anonymous(reqwest::Method::GET, path).expect(200).await;
        assert!(shown.bytes.starts_with(b"\x89PNG"));
        assert!(list.get("usage").is_none() && list["data"][0].get("b64_json").is_none());
    }
}

pub(crate) async fn what_cannot_be_drawn_is_refused_by_its_parameter(app: &App) {
    for (more, param, code) in [
        (json!({"n": 0}), "n", "range"),
        (json!({"n": 11}), "n", "range"),
        (json!({"size": "9x9"}), "size", "invalid_value"),
        (json!({"prompt": " "}), "prompt", "invalid_value"),
        (json!({"model": "helper"}), "model", "unknown_model"),
        (json!({"quality": "best"}), "quality", "invalid_value"),
        // Nobody is set up who can be told.
        (json!({"quality": "high"}), "quality", "unsupported"),
        (json!({"background": "transparent"}), "background", "unsupported"),
        (json!({"output_format": "webp"}), "output_format", "unsupported"),
        (json!({"stream": true}), "stream", "unsupported"),
        (json!({"style": "vivid"}), "style", "unsupported"),
        (json!({"mask": "x"}), "mask", "unknown_parameter"),
    ] {
        let mut body = json!({"prompt": "a fox"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        // Who asks for so many has asked for all that there are in this minute.
        let person = if body["n"] == 11 { Bob } else { Ada };
        let error = app.post(person, CREATE).json(&body).expect(400).await.body["error"].take();
        assert_eq!((&error["param"], &error["code"]), (&json!(param), &json!(code)), "{error}");
    }
    let seatless = app.post(Seatless, CREATE).json(&json!({"prompt": "x"}));
    refused(seatless, 403, "permission_error", "ai_seat_required").await;
    assert_eq!(app.models.asked().len(), 0);
}

pub(crate) async fn a_failure_to_draw_is_told_as_openai_tells_it(app: &App) {
    app.models.fail_next(ProviderError::TimedOut);
    let failed = app.post(Ada, CREATE).json(&json!({"prompt": "x"}));
    refused(failed, 504, "server_error", "provider_timeout").await;
    let many = json!({"prompt": "x", "n": 10});
    let limited = app.post(Ada, CREATE).json(&many);
    refused(limited, 429, "rate_limit_error", "too_many_requests").await;
    assert_eq!(app.models.asked().len(), 1);
}
