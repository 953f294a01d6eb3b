//! Webhooks over HTTP, and what their receivers get.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use understudy_domain::{
    ports::Clock,
    usecases::webhooks::{deliver, fan_out},
};
use understudy_outbound::{Outbound, OutboundOptions, Webhooks};
use understudy_testkit::{Reply, Upstream};

use crate::{
    App,
    Person::{Admin, Manager, Owner, Stranger},
    assistants::made,
    request::Reply as Answer,
};

const ALL: &str = "/api/webhooks";
const MASK: &str = "********";

/// Who sends to receivers on this machine.
fn sender() -> Webhooks {
    let allowed_networks = vec!["127.0.0.1/32".parse().unwrap()];
    let outbound = Outbound::new(OutboundOptions { allowed_networks }).unwrap();
    Webhooks::new(Arc::new(outbound)).with_deadline(Duration::from_secs(1))
}

/// Takes every step that there is to take now.
async fn work(app: &App) {
    let services = app.services();
    let (deps, webhooks) = (app.deps(), services.store.webhooks());
    loop {
        for behind in webhooks.behind(10).await.unwrap() {
            fan_out(deps, behind).await.unwrap();
        }
        let due = webhooks.due(app.clock.now(), 10).await.unwrap();
        if due.is_empty() {
            return;
        }
        for due in due {
            deliver(deps, &*services.vault, &sender(), due).await.unwrap();
        }
    }
}

/// A webhook that wants to be told of new assistants.
async fn hook(app: &App, url: &str) -> Answer {
    let new = json!({"url": url, "events": ["assistant.created"]});
    app.post(Admin, ALL).json(&new).expect(201).await
}

async fn deliveries(app: &App, hook: &Answer) -> Value {
    let path = format!("{}/deliveries", hook.header("location"));
    app.get(Admin, &path).expect(200).await.body["data"].clone()
}

pub(crate) async fn a_webhook_is_made_read_changed_and_removed(app: &App) {
    let new = json!({"url": "https://example.com/hook?a=b", "description": "x"});
    let made = app.post(Admin, ALL).json(&new).expect(201).await;
    let path = made.header("location").to_owned();
    assert_eq!(path, format!("{ALL}/{}", made.id()));
    assert_eq!((&made.body["enabled"], &made.body["events"]), (&json!(true), &json!([])));

    let read = app.get(Admin, &path).expect(200).await;
    assert_eq!(read.etag(), made.etag());
    assert_eq!(read.body["secret"], MASK);
    app.get(Admin, &path).header("if-none-match", made.etag()).expect(304).await;
    let back = app.patch(Admin, &path).json(&read.body).expect(200).await;
    assert_eq!(back.body, read.body);
    let change = json!({"events": ["assistant.*"], "description": null});
    let changed = app.patch(Admin, &path).header("if-match", read.etag()).json(&change);
    let changed = changed.expect(200).await;
    assert_eq!(changed.body["events"], json!(["assistant.*"]));
    let late = app.delete(Admin, &path).header("if-match", read.etag());
    late.refused(412, "precondition_failed").await;
    assert_eq!(app.get(Admin, ALL).expect(200).await.body, json!([changed.body]));

    app.delete(Admin, &path).header("if-match", changed.etag()).expect(204).await;
    app.delete(Admin, &path).refused(404, "not_found").await;
}

pub(crate) async fn webhooks_are_administered_by_administrators(app: &App) {
    let hook = hook(app, "https://example.com/").await;
    let path = hook.header("location");

    app.get(Manager, ALL).refused(403, "insufficient_role").await;
    app.get(Manager, path).refused(403, "insufficient_role").await;
    for path in [path.to_owned(), format!("{path}/deliveries")] {
        app.get(Stranger, &path).refused(404, "not_found").await;
    }
    app.post(Stranger, &format!("{path}/_test")).refused(404, "not_found").await;
    app.get(Owner, path).expect(200).await;
}

pub(crate) async fn faults_of_a_webhook_are_named_at_once(app: &App) {
    let wrong = json!({"url": "http://example.com", "events": ["x"], "secret": "s", "colour": 1});
    let refused = app.post(Admin, ALL).json(&wrong).refused(400, "validation_failed").await;
    assert_eq!(refused.faults(), [("/colour", "unknown_field")]);
    let wrong = json!({"url": "http://example.com", "events": ["x"], "secret": "s"});
    let refused = app.post(Admin, ALL).json(&wrong).refused(400, "validation_failed").await;

    let expected = [("/events/0", "invalid"), ("/secret", "invalid"), ("/url", "invalid")];
    assert_eq!(refused.faults(), expected);
}

pub(crate) async fn the_secret_of_a_webhook_is_shown_once(app: &App) {
    let new = json!({"url": "https://example.com/"});
    let create = || app.post(Admin, ALL).header("idempotency-key", "once").json(&new);
    let made = create().expect(201).await;
    assert!(made.body["secret"].as_str().unwrap().starts_with("whsec_"));
    let again = create().expect(409).await;
    assert_eq!(again.body["code"], "shown_once");
    assert_eq!(again.header("location"), made.header("location"));

    let rotate = format!("{}/_rotate-secret", made.header("location"));
    let rotated = app.post(Admin, &rotate).json(&json!({})).expect(200).await;

    assert_ne!(rotated.body["secret"], made.body["secret"]);
    assert_ne!(rotated.etag(), made.etag());
    let log = app.get(Admin, "/api/events").expect(200).await.body.to_string();
    assert!(log.contains("webhook.secret_rotated") && !log.contains("whsec_"));
}

pub(crate) async fn a_receiver_is_told_what_happened(app: &App) {
    let upstream = Upstream::always(Reply::new(200, "thanks")).await.unwrap();
    let hook = hook(app, &upstream.url("/hook")).await;
    let path = made(app, json!({"name": "Support"})).await;

    work(app).await;

    let asked = upstream.asked().remove(0);
    let event = &app.get(Admin, "/api/events?limit=1").expect(200).await.body["data"][0];
    assert_eq!(asked.header("webhook-id"), event["id"].as_str());
    assert!(asked.header("webhook-signature").unwrap().starts_with("v1,"));
    assert!(asked.header("webhook-timestamp").unwrap().parse::<i64>().is_ok());
    let body: Value = serde_json::from_slice(&asked.body).unwrap();
    assert_eq!(body["type"], "assistant.created");
    assert_eq!(body["timestamp"], event["at"]);
    assert_eq!(body["data"]["seq"], event["seq"]);
    assert!(path.ends_with(body["data"]["target"].as_str().unwrap()));
    let delivery = &deliveries(app, &hook).await[0];
    assert_eq!((&delivery["state"], &delivery["eventId"]), (&json!("delivered"), &event["id"]));
    assert_eq!(delivery["attempts"][0]["status"], 200);
    assert_eq!(delivery["nextAttemptAt"], Value::Null);
}

pub(crate) async fn a_receiver_that_misbehaves_is_tried_again(app: &App) {
    let failing = Upstream::always(Reply::new(500, "")).await.unwrap();
    let away = Reply::new(302, "").with("location", "http://10.0.0.1/");
    let redirecting = Upstream::always(away).await.unwrap();
    let hanging = Upstream::always(Reply::Stall(Vec::new())).await.unwrap();
    let mut hooks = Vec::new();
    for (url, said) in [
        (failing.url("/"), "answered 500"),
        (redirecting.url("/"), "redirects are not followed"),
        (hanging.url("/"), "did not answer in time"),
        ("https://10.0.0.1/".to_owned(), "not on the public internet"),
    ] {
        hooks.push((hook(app, &url).await, said));
    }
    made(app, json!({"name": "Support"})).await;

    work(app).await;

    for (hook, said) in &hooks {
        let delivery = &deliveries(app, hook).await[0];
        let error = delivery["attempts"][0]["error"].as_str().unwrap();
        assert!(error.contains(said), "{error}");
        assert_eq!(delivery["state"], "pending");
        assert!(delivery["nextAttemptAt"].is_string());
        let seen = app.get(Admin, hook.header("location")).expect(200).await;
        assert!(seen.body["failingSince"].is_string() && seen.body["enabled"] == true);
    }
    assert_eq!(redirecting.asked().len(), 1);
}

pub(crate) async fn a_delivery_is_made_once_more_on_request(app: &App) {
    let upstream = Upstream::always(Reply::new(204, "")).await.unwrap();
    let hook = hook(app, &upstream.url("/")).await;
    made(app, json!({"name": "Support"})).await;
    work(app).await;
    let id = deliveries(app, &hook).await[0]["id"].as_str().unwrap().to_owned();
    let path = hook.header("location");

    let replay = format!("{path}/deliveries/{id}/_replay");
    let queued = app.post(Admin, &replay).json(&json!({})).expect(202).await;
    assert_eq!(queued.body["state"], "pending");
    work(app).await;

    let asked = upstream.asked();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0].header("webhook-id"), asked[1].header("webhook-id"));
    app.patch(Admin, path).json(&json!({"enabled": false})).expect(200).await;
    app.post(Admin, &replay).refused(409, "webhook_disabled").await;
    let test = format!("{path}/_test");
    app.post(Admin, &test).refused(409, "webhook_disabled").await;
    let other = self::hook(app, "https://example.com/").await;
    let elsewhere = format!("{}/deliveries/{id}/_replay", other.header("location"));
    app.post(Admin, &elsewhere).refused(404, "not_found").await;
}

pub(crate) async fn a_test_is_sent_to_the_webhook(app: &App) {
    let upstream = Upstream::always(Reply::new(204, "")).await.unwrap();
    let hook = hook(app, &upstream.url("/")).await;

    let test = format!("{}/_test", hook.header("location"));
    let tested = app.post(Admin, &test).json(&json!({})).expect(202).await;
    work(app).await;

    let asked = upstream.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].header("webhook-id"), tested.body["eventId"].as_str());
    let page = format!("{}/deliveries?limit=1", hook.header("location"));
    let page = app.get(Admin, &page).expect(200).await;
    assert_eq!(page.body["data"][0]["action"], "webhook.tested");
    assert_eq!(page.body["nextCursor"], Value::Null);
}
