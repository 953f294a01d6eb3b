//! `/api/_create-image`, `/api/images`, `/images/{key}` and `/api/usage`

use reqwest::Method;
use serde_json::{Value, json};
use understudy_domain::ports::ProviderError;

use crate::{
    App,
    Person::{Ada, Admin, Bob, Seatless, Stranger, Viewer},
    request::Reply,
};

const CREATE: &str = "/api/_create-image";

/// The path of a picture's address.
fn path_of(created: &Reply) -> String {
    let url = created.body["url"].as_str().unwrap();
    url.strip_prefix("http://127.0.0.1:8080").unwrap().to_owned()
}

async fn drawn(app: &App, prompt: &str) -> Reply {
    app.post(Ada, CREATE).json(&json!({"prompt": prompt})).expect(200).await
}

async fn provider(app: &App, body: Value) {
    app.post(Admin, "/api/providers").json(&body).expect(201).await;
}

async fn assistant(app: &App, body: Value) -> String {
    let created = app.post(Ada, "/api/assistants").json(&body).expect(201).await;
    created.header("location").to_owned()
}

pub(crate) async fn the_seeds_request_gives_the_seeds_answer(app: &App) {
    provider(app, json!({"name": "OpenAI", "kind": "openai", "apiKey": "sk-1"})).await;
    let prompt = "A professional icon representing sales analytics";
    let request = json!({"prompt": prompt, "size": "512x512", "model": "dall-e-3"});

    let created = app.post(Ada, CREATE).json(&request).expect(200).await;

    let body = created.body.as_object().unwrap();
    let names: Vec<_> = body.keys().map(String::as_str).collect();
    assert_eq!(names, ["createdAt", "id", "model", "prompt", "size", "url"]);
    assert_eq!(
        (&body["prompt"], &body["model"], &body["size"]),
        (&json!(prompt), &json!("dall-e-3"), &json!("512x512")),
    );
    assert_eq!(created.header("ratelimit"), "\"images\";r=9;t=6");
    let (access, asked) = app.models.asked().remove(0);
    assert_eq!(access.api_key.unwrap().expose(), "sk-1");
    assert_eq!((asked.width, asked.height), (512, 512));
}

pub(crate) async fn an_address_shows_the_picture_to_whoever_has_it_until_it_is_deleted(app: &App) {
    let created = drawn(app, "x").await;
    let path = path_of(&created);
    let show = || app.anonymous(Method::GET, &path);

    let shown = show().expect(200).await;

    assert_eq!(shown.header("content-type"), "image/png");
    assert!(shown.bytes.starts_with(b"\x89PNG"));
    assert_eq!(shown.header("cross-origin-resource-policy"), "cross-origin");
    assert_eq!(shown.header("x-content-type-options"), "nosniff");
    assert_eq!(shown.header("content-security-policy"), "sandbox; default-src 'none'");
    assert_eq!(shown.header("cache-control"), "private, no-cache");
    let tag = shown.etag().to_owned();
    show().header("if-none-match", &tag).expect(304).await;
    let head = app.anonymous(Method::HEAD, &path).expect(200).await;
    assert_eq!(head.header("content-length"), shown.bytes.len().to_string());

    let one = format!("/api/images/{}", created.id());
    app.delete(Bob, &one).refused(404, "not_found").await;
    app.delete(Stranger, &one).refused(404, "not_found").await;
    app.delete(Ada, &one).expect(204).await;
    app.delete(Ada, &one).refused(404, "not_found").await;
    show().refused(404, "not_found").await;
    show().header("if-none-match", &tag).refused(404, "not_found").await;
}

pub(crate) async fn unknown_deleted_and_impossible_keys_answer_alike(app: &App) {
    let created = drawn(app, "x").await;
    let path = path_of(&created);
    app.delete(Ada, &format!("/api/images/{}", created.id())).expect(204).await;
    let unknown = format!("/images/{}", "A".repeat(43));
    let mut answers = Vec::new();
    for path in [path.as_str(), &unknown, "/images/x", "/images/%00"] {
        let reply = app.anonymous(Method::GET, path).refused(404, "not_found").await;
        answers.push(reply.body["detail"].clone());
    }

    answers.dedup();
    assert_eq!(answers, ["there is no such picture"]);
}

pub(crate) async fn a_failure_of_the_provider_is_told_and_leaves_nothing(app: &App) {
    let refused = ProviderError::Refused { status: 400, message: "against our policy".to_owned() };
    let busy = ProviderError::Busy { retry_after: Some(7), message: "later".to_owned() };
    let away = ProviderError::Unreachable("no route to host".to_owned());
    for (error, status, code, says) in [
        (refused, 502, "provider_failed", "against our policy"),
        (away, 502, "provider_failed", "no route to host"),
        (ProviderError::TimedOut, 504, "provider_timeout", "in time"),
        (busy, 502, "provider_failed", "later"),
    ] {
        app.models.fail_next(error);
        let reply = app.post(Ada, CREATE).json(&json!({"prompt": "x"})).refused(status, code).await;
        assert!(reply.body["detail"].as_str().unwrap().contains(says), "{}", reply.body);
        assert_eq!(reply.header("retry-after"), if says == "later" { "7" } else { "" });
    }

    assert_eq!(app.blobs.count(), 0);
    assert_eq!(app.get(Ada, "/api/images").expect(200).await.body["data"], json!([]));
    assert_eq!(app.get(Admin, "/api/usage").expect(200).await.body["data"], json!([]));
}

pub(crate) async fn faults_of_a_picture_are_named_at_once(app: &App) {
    let wrong = json!({"size": "0x0", "prompt": "", "style": "vivid"});
    let wrong = app.post(Ada, CREATE).json(&wrong).refused(400, "validation_failed").await;
    assert_eq!(wrong.faults(), [("/style", "unknown_field")]);
    let wrong = json!({"size": "0x0", "prompt": ""});
    let wrong = app.post(Ada, CREATE).json(&wrong).refused(400, "validation_failed").await;
    assert_eq!(wrong.faults(), [("/prompt", "invalid"), ("/size", "invalid")]);
    let missing = app.post(Ada, CREATE).json(&json!({})).refused(400, "validation_failed").await;
    assert_eq!(missing.faults(), [("/prompt", "required")]);
    let unknown = json!({"prompt": "x", "model": "dalle-3"});
    let unknown = app.post(Ada, CREATE).json(&unknown).refused(400, "validation_failed").await;
    assert_eq!(unknown.faults(), [("/model", "unknown_model")]);
    assert!(unknown.body["detail"].as_str().unwrap().contains("dall-e-3"));
    let absent = json!({"prompt": "x", "model": "dall-e-3"});
    app.post(Ada, CREATE).json(&absent).refused(409, "no_provider").await;
    assert_eq!(app.models.asked().len(), 0);
}

pub(crate) async fn a_user_has_ten_pictures_a_minute(app: &App) {
    for _ in 0..10 {
        drawn(app, "x").await;
    }

    let refused = app.post(Ada, CREATE).json(&json!({"prompt": "x"}));
    let refused = refused.refused(429, "too_many_requests").await;

    assert!(!refused.header("retry-after").is_empty());
    assert_eq!(app.models.asked().len(), 10);
    app.post(Bob, CREATE).json(&json!({"prompt": "x"})).expect(200).await;
}

pub(crate) async fn the_same_request_is_paid_once(app: &App) {
    let request =
        || app.post(Ada, CREATE).header("idempotency-key", "k").json(&json!({"prompt": "x"}));

    let (first, again) = (request().expect(200).await, request().expect(200).await);

    assert_eq!(first.body, again.body);
    assert_eq!(app.models.asked().len(), 1);
}

pub(crate) async fn a_picture_becomes_the_icon_of_an_assistant(app: &App) {
    let path = assistant(app, json!({"name": "a", "access_mode": "organization"})).await;
    let create = format!("{path}/_create-image");
    let icon = json!({"prompt": "x", "apply": "icon"});
    app.post(Seatless, CREATE).json(&json!({"prompt": "x"})).refused(403, "ai_seat_required").await;
    app.post(Seatless, &create).json(&icon).refused(403, "ai_seat_required").await;
    app.post(Viewer, &create).json(&icon).refused(403, "insufficient_level").await;
    app.post(Stranger, &create).json(&icon).refused(404, "not_found").await;
    let stale = app.post(Ada, &create).header("if-match", "\"x\"").json(&icon);
    stale.refused(412, "precondition_failed").await;
    let other = app.post(Ada, &create).json(&json!({"prompt": "x", "apply": "wallpaper"}));
    assert_eq!(other.refused(400, "validation_failed").await.faults(), [("/apply", "enum")]);
    assert_eq!(app.models.asked().len(), 0);

    app.post(Ada, &create).json(&json!({"prompt": "x"})).expect(200).await;
    assert_eq!(app.get(Ada, &path).expect(200).await.body["icon_type"], "default");
    app.post(Ada, &create).json(&icon).expect(200).await;

    let after = app.get(Ada, &path).expect(200).await;
    assert_eq!(after.body["icon_type"], "upload");
    let shown = app.get(Ada, &format!("{path}/icon")).expect(200).await;
    assert_eq!(shown.header("content-type"), "image/png");
}

pub(crate) async fn an_assistant_is_drawn_for_by_whom_it_allows(app: &App) {
    provider(app, json!({"name": "OpenAI", "kind": "openai"})).await;
    let path = assistant(app, json!({"name": "a", "allowed_model_providers": ["openai"]})).await;
    let create = format!("{path}/_create-image");

    let made = app.post(Ada, &create).json(&json!({"prompt": "x"})).expect(200).await;
    let outside = app.post(Ada, &create).json(&json!({"prompt": "x", "model": "builtin"}));

    outside.refused(409, "provider_not_allowed").await;
    let listed = app.get(Ada, "/api/images").expect(200).await;
    assert_eq!(listed.body["data"][0]["provider"], "openai");
    assert_eq!(listed.body["data"][0]["id"], made.body["id"]);
    let assistant_id = listed.body["data"][0]["assistantId"].as_str().unwrap();
    assert!(path.ends_with(assistant_id));
}

pub(crate) async fn lists_of_pictures_have_no_addresses(app: &App) {
    let mut ids = Vec::new();
    for n in 0..3 {
        let created = drawn(app, &n.to_string()).await;
        ids.push(created.id().to_owned());
    }
    ids.reverse();

    let first = app.get(Ada, "/api/images?limit=2").expect(200).await;
    let cursor = first.body["nextCursor"].as_str().unwrap();
    let second = app.get(Ada, &format!("/api/images?limit=2&cursor={cursor}")).expect(200).await;

    assert_eq!(second.body["nextCursor"], Value::Null);
    let pages = [&first, &second].map(|page| page.body["data"].as_array().unwrap().clone());
    let listed: Vec<_> = pages.iter().flatten().map(|image| image["id"].clone()).collect();
    assert_eq!(listed, ids);
    let told = String::from_utf8(first.bytes.clone()).unwrap();
    assert!(!told.contains("url") && !told.contains("/images/"), "{told}");
    let of_ada = format!("/api/images?user={}", Ada.id());
    app.get(Bob, &of_ada).refused(403, "insufficient_role").await;
    assert_eq!(app.get(Bob, "/api/images").expect(200).await.body["data"], json!([]));
    assert_eq!(app.get(Admin, &of_ada).expect(200).await.body["data"][0]["id"], ids[0]);
    assert_eq!(app.get(Stranger, &of_ada).expect(200).await.body["data"], json!([]));
    let foreign = format!("{of_ada}&cursor={cursor}x");
    app.get(Ada, &foreign).refused(400, "bad_cursor").await;
    app.get(Ada, "/api/images?user=ada").refused(400, "validation_failed").await;
}

pub(crate) async fn usage_is_counted_by_day_user_and_model(app: &App) {
    let create = |person| app.post(person, CREATE).json(&json!({"prompt": "x"}));
    let made = create(Ada).expect(200).await;
    create(Ada).expect(200).await;
    create(Bob).expect(200).await;
    app.delete(Ada, &format!("/api/images/{}", made.id())).expect(204).await;

    let all = app.get(Admin, "/api/usage").expect(200).await;
    let own = app.get(Ada, "/api/usage").expect(200).await;

    let counts: Vec<_> =
        all.body["data"].as_array().unwrap().iter().map(|row| &row["count"]).collect();
    assert_eq!(counts, [2, 1]);
    let row = &own.body["data"][0];
    assert_eq!(own.body["data"].as_array().unwrap().len(), 1);
    assert_eq!((&row["userId"], &row["assistantId"]), (&json!(Ada.id()), &Value::Null));
    assert_eq!((&row["kind"], &row["quantity"]), (&json!("image"), &json!(2)));
    let day = row["day"].as_str().unwrap();
    assert!(made.body["createdAt"].as_str().unwrap().starts_with(day));
    let that_day = format!("/api/usage?from={day}&until={day}");
    assert_eq!(app.get(Ada, &that_day).expect(200).await.body, own.body);
    let before = app.get(Ada, "/api/usage?until=2001-01-01").expect(200).await;
    assert_eq!(before.body["data"], json!([]));
    let wrong = app.get(Ada, "/api/usage?from=soon&until=2026-02-30");
    let wrong = wrong.refused(400, "validation_failed").await;
    assert_eq!(wrong.faults(), [("from", "invalid"), ("until", "invalid")]);
}
