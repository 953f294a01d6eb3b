//! `/api/assistants/{id}/tokens`, and the organization's limits of tokens.

use reqwest::Method;
use serde_json::{Value, json};

use super::{value, with};
use crate::{
    App,
    Person::{self, Ada, Admin, Bob, Manager, Stranger},
    assistants,
    request::Reply,
};

async fn made(app: &App, person: Person, path: &str) -> Reply {
    let body = json!({"notes": format!("{person:?}")});
    app.post(person, &format!("{path}/tokens")).json(&body).expect(201).await
}

async fn assistant(app: &App) -> String {
    assistants::made(app, json!({"name": "Support", "access_mode": "organization"})).await
}

pub(crate) async fn a_token_of_an_assistant_is_made_where_the_assistant_is(app: &App) {
    let path = assistant(app).await;
    let other = assistants::made(app, json!({"name": "Other"})).await;

    let created = made(app, Ada, &path).await;

    assert_eq!(created.body["type"], "assistant");
    assert_eq!(created.body["assistantId"], path.rsplit('/').next().unwrap());
    assert!(created.header("cache-control").contains("no-store"));
    let token = value(&created);
    with(app, &token, Method::GET, &path).expect(200).await;
    with(app, &token, Method::GET, &other).refused(404, "not_found").await;
    assert!(app.get(Ada, created.header("location")).expect(200).await.body.get("token").is_none());
    let list = app.get(Ada, &format!("{path}/tokens")).expect(200).await;
    assert_eq!(list.body[0]["username"], Ada.email());
    assert!(!String::from_utf8_lossy(&list.bytes).contains(&token));
    let faulty = app.post(Ada, &format!("{path}/tokens")).json(&json!({"scopes": [], "x": 1}));
    let faulty = faulty.refused(400, "validation_failed").await;
    assert_eq!(faulty.faults(), [("/x", "unknown_field")]);
}

pub(crate) async fn everybody_sees_their_own_tokens_and_managers_all(app: &App) {
    let path = assistant(app).await;
    made(app, Ada, &path).await;
    app.clock.advance(time::Duration::SECOND);
    let bobs = made(app, Bob, &path).await;
    let names = async |person: Person| -> Vec<Value> {
        let list = app.get(person, &format!("{path}/tokens")).expect(200).await;
        list.body.as_array().unwrap().iter().map(|token| token["username"].clone()).collect()
    };

    assert_eq!(names(Bob).await, [Bob.email()]);
    assert_eq!(names(Ada).await, [Bob.email(), Ada.email()]);
    assert_eq!(names(Admin).await, [Bob.email(), Ada.email()]);
    assert_eq!(names(Manager).await, Vec::<Value>::new());

    let (place, token) = (bobs.header("location").to_owned(), value(&bobs));
    app.get(Ada, &place).expect(200).await;
    app.get(Manager, &place).refused(404, "not_found").await;
    app.delete(Manager, &place).refused(404, "not_found").await;
    app.put(Ada, &place).json(&json!({"notes": "x"})).refused(404, "not_found").await;
    with(app, &token, Method::GET, &path).expect(200).await;
    app.delete(Ada, &place).expect(204).await;
    with(app, &token, Method::GET, &path).refused(401, "unauthenticated").await;
    app.delete(Ada, &place).refused(404, "not_found").await;
}

pub(crate) async fn personal_tokens_of_others_are_not_there(app: &App) {
    let path = assistant(app).await;
    let personal = app.post(Bob, "/api/tokens").json(&json!({})).expect(201).await;

    for person in [Ada, Admin, Stranger] {
        app.get(person, personal.header("location")).refused(404, "not_found").await;
        app.delete(person, personal.header("location")).refused(404, "not_found").await;
    }
    let list = app.get(Admin, &format!("{path}/tokens")).expect(200).await;
    assert_eq!(list.body, json!([]));
}

pub(crate) async fn tokens_of_what_is_not_ones_own_are_refused(app: &App) {
    let hidden = assistants::made(app, json!({"name": "Hidden"})).await;
    let global =
        assistants::made(app, json!({"name": "Everywhere", "access_mode": "global"})).await;

    for (person, path, status, code) in [
        (Bob, &hidden, 404, "not_found"),
        (Stranger, &hidden, 404, "not_found"),
        (Stranger, &global, 403, "other_organization"),
    ] {
        let place = format!("{path}/tokens");
        app.get(person, &place).refused(status, code).await;
        app.post(person, &place).json(&json!({})).refused(status, code).await;
    }
}

async fn limit(app: &App, limits: Value) {
    let place = "/api/organization";
    app.patch(Admin, place).json(&json!({ "limits": limits })).expect(200).await;
}

pub(crate) async fn a_user_has_as_many_tokens_as_the_organization_allows(app: &App) {
    let path = assistant(app).await;
    // Everybody has one token already.
    limit(app, json!({"maxTokensPerUser": 2})).await;

    let second = app.post(Ada, "/api/tokens").json(&json!({})).expect(201).await;

    let third = app.post(Ada, "/api/tokens").json(&json!({})).refused(413, "limit_reached").await;
    assert!(third.body["detail"].as_str().unwrap().contains("at most 2"));
    let place = format!("{path}/tokens");
    app.post(Ada, &place).json(&json!({})).refused(413, "limit_reached").await;
    app.post(Bob, "/api/tokens").json(&json!({})).expect(201).await;
    app.delete(Ada, second.header("location")).expect(204).await;
    app.post(Ada, &place).json(&json!({})).expect(201).await;
}

pub(crate) async fn a_token_lasts_as_long_as_the_organization_allows(app: &App) {
    let path = assistant(app).await;
    limit(app, json!({"maxTokenDays": 30})).await;
    let until = |day: &str| json!({"expiresAt": format!("2026-01-{day}T12:00:00Z")});

    for place in ["/api/tokens", &format!("{path}/tokens")] {
        for body in [json!({}), json!({"expiresAt": "2026-02-01T12:00:00Z"})] {
            let refused = app.post(Ada, place).json(&body).refused(400, "validation_failed").await;
            assert_eq!(refused.faults(), [("/expiresAt", "maximum")]);
            assert!(refused.body["detail"].as_str().unwrap().contains("30 days"));
        }
        app.post(Ada, place).json(&until("31")).expect(201).await;
    }
    let made = app.post(Ada, "/api/tokens").json(&until("10")).expect(201).await;
    let place = made.header("location");
    let longer = app.put(Ada, place).json(&json!({"expiresAt": null}));
    longer.refused(400, "validation_failed").await;
    app.put(Ada, place).json(&until("20")).expect(200).await;
}
