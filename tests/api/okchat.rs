//! `/api/external`

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    App,
    Person::{Ada, Bob, Seatless, Stranger},
    assistants::made,
    icons::{PNG, with_file},
    request::{Reply, Request},
};

/// The example of the seed.
fn example() -> Value {
    json!({
        "chatbot": {
            "active": true,
            "created_at": "2025-01-22T04:30:45.790337+00:00",
            "description": "A helpful support assistant",
            "docs_metadata": null,
            "enabled_plugins": null,
            "id": "3317853e-0af2-427d-a56f-351a9587f48f",
            "is_public": true,
            "managers": null,
            "migrated_data": false,
            "name": "API Docs Demo Chatbot",
            "openai_api_key": null,
            "organization_id": "123042b2-86e2-4184-a86e-95423d728815",
            "personality_config": {"style": "Friendly", "tone": "Professional"},
            "settings": {
                "avatar": "https://alwiuiydhxcstgrluarg.supabase.co/storage/v1/object/public/chatbot/3317853e-0af2-427d-a56f-351a9587f48f/7b9ec849-29fb-41c4-b66e-0709e7fa18b9.jpg",
                "greeting": "Hello! How can I assist you today?",
                "isRequestUserInfoEnabled": false,
                "isToolEnabled": true,
                "model": "gpt-4o-mini",
                "prompt": "You are a highly skilled customer support assistant for [company name]. Your goal is to provide accurate, polite, and concise answers to customer inquiries. If you do not know the answer, recommend the customer to contact human support or check the FAQ section. Ensure a positive tone in all responses",
                "snippet": {
                    "header": "Customer Support",
                    "logo": "https://example.com/logo.png",
                    "name": "Support Assistant",
                    "primaryColor": "#4F46E5",
                    "secondaryColor": "#10B981",
                    "slogan": "How can I help you today?"
                }
            },
            "slug": "api-docs-demo-chatbot",
            "suggestions": null,
            "updated_at": "2025-01-22T04:30:45.790337+00:00",
            "v1_chatbot_id": null,
            "version_id": null,
            "voice_widget_config": null
        },
        "message": "Avatar updated successfully"
    })
}

/// Keys in their places, with the type of each value.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), shape(value))).collect(),
        Value::Null => "null".into(),
        Value::Bool(_) => "bool".into(),
        Value::Number(_) => "number".into(),
        Value::String(_) => "string".into(),
        Value::Array(_) => "array".into(),
    }
}

fn update(app: &App, chatbot: &str) -> Request {
    let path = format!("/api/external/chatbot/{chatbot}/update-avatar");
    app.anonymous(Method::PATCH, &path).header("x-api-key", &Ada.token())
}

async fn set(app: &App, chatbot: &str, picture: &[u8]) -> Reply {
    with_file(update(app, chatbot), "avatar", picture).expect(200).await
}

/// Sends it and expects an error of this dialect.
async fn refused(request: Request, status: u16, error: &str) {
    let reply = request.expect(status).await;
    let body = reply.body.as_object().unwrap();
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!(body.keys().collect::<Vec<_>>(), ["error", "message"]);
    assert_eq!(body["error"], error);
    assert!(!body["message"].as_str().unwrap().is_empty());
}

pub(crate) async fn a_chatbot_with_a_new_avatar_is_told_as_in_the_seed(app: &App) {
    let example = example();
    let settings = &example["chatbot"]["settings"];
    let input = json!({
        "name": example["chatbot"]["name"],
        "description": example["chatbot"]["description"],
        "welcome": settings["greeting"],
        "default_model_key": settings["model"],
        "instructions": settings["prompt"],
        "public_enabled": true,
    });
    let path = made(app, input).await;
    let id = path.rsplit('/').next().unwrap();

    let told = set(app, id, PNG).await.body;

    assert_eq!(shape(&told), shape(&example));
    assert_eq!(told["message"], example["message"]);
    for same in ["active", "description", "is_public", "migrated_data", "name", "slug"] {
        assert_eq!(told["chatbot"][same], example["chatbot"][same], "{same}");
    }
    for same in ["greeting", "isRequestUserInfoEnabled", "isToolEnabled", "model", "prompt"] {
        assert_eq!(told["chatbot"]["settings"][same], settings[same], "{same}");
    }
    let uuid = told["chatbot"]["id"].as_str().unwrap();
    assert_eq!(format!("asst_{}", uuid.replace('-', "")), id);
    assert_eq!(told["chatbot"]["created_at"], "2026-01-01T12:00:00.123456+00:00");
    let shown = app.get(Ada, &path).expect(200).await.body;
    assert_eq!(shown["icon_type"], "upload");
}

pub(crate) async fn id_uuid_and_slug_name_the_same_chatbot(app: &App) {
    let path = made(app, json!({"name": "Support"})).await;
    let id = path.rsplit('/').next().unwrap();
    let first = set(app, id, PNG).await.body;

    for name in [first["chatbot"]["id"].as_str().unwrap(), "support"] {
        assert_eq!(set(app, name, PNG).await.body["chatbot"]["id"], first["chatbot"]["id"]);
    }
}

pub(crate) async fn anybody_can_load_an_avatar_until_another_takes_its_place(app: &App) {
    made(app, json!({"name": "Support"})).await;
    let address = |reply: &Reply| {
        let avatar = reply.body["chatbot"]["settings"]["avatar"].as_str().unwrap().to_owned();
        let (_, path) = avatar.split_once("/images/").unwrap();
        format!("/images/{path}")
    };
    let first = address(&set(app, "support", PNG).await);
    let shown = app.anonymous(Method::GET, &first).expect(200).await;
    assert_eq!(shown.header("content-type"), "image/png");

    let second = address(&set(app, "support", b"\x89PNG\r\n\x1a\n two").await);

    assert_ne!(first, second);
    app.anonymous(Method::GET, &first).expect(404).await;
    let other = app.anonymous(Method::GET, &second).expect(200).await;
    assert_ne!(other.bytes, shown.bytes);
    let icon = app.get(Ada, "/api/assistants/support/icon").expect(200).await;
    assert_eq!(icon.bytes, other.bytes);
}

pub(crate) async fn an_avatar_that_cannot_be_set_is_told_in_this_dialect(app: &App) {
    let path = made(app, json!({"name": "Support"})).await;
    refused(with_file(update(app, "support"), "avatar", b"text"), 415, "unsupported_file").await;
    refused(with_file(update(app, "support"), "icon", PNG), 400, "validation_failed").await;
    refused(update(app, "support").json(&json!({})), 415, "unsupported_media_type").await;
    let large = [PNG, &vec![0; 5 * 1024 * 1024]].concat();
    refused(with_file(update(app, "support"), "avatar", &large), 413, "body_too_large").await;
    refused(with_file(update(app, "nothing"), "avatar", PNG), 404, "not_found").await;
    let draft = app.post(Ada, &format!("{path}/_edit")).expect(201).await;
    refused(with_file(update(app, draft.id()), "avatar", PNG), 400, "validation_failed").await;
    let place = "/api/external/chatbot/support/update-avatar";
    for (person, status, error) in
        [(Bob, 404, "not_found"), (Stranger, 404, "not_found"), (Seatless, 403, "ai_seat_required")]
    {
        let request = with_file(app.patch(person, place), "avatar", PNG);
        refused(request, status, error).await;
    }
    refused(app.anonymous(Method::PATCH, place), 401, "unauthenticated").await;
    refused(app.get(Ada, place), 405, "method_not_allowed").await;

    assert_eq!(app.get(Ada, &path).expect(200).await.body["icon_type"], "default");
}
