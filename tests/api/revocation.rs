//! What is taken away is gone with the next request, on whichever server.

use reqwest::Method;
use serde_json::json;

use crate::{
    App,
    Person::{self, Ada, Admin, Bob},
    app::Replica,
    assistants::made,
    request::Request,
    session::{Session, logged_in},
};

/// Somebody's request to another server on the same store.
fn ask(app: &App, replica: &Replica, person: Person, path: &str) -> Request {
    let request = Request::new(&app.client, &replica.address, Method::GET, path);
    request.header("authorization", &format!("Bearer {}", person.token()))
}

fn with_jwt(app: &App, replica: &Replica, session: &Session<'_>, path: &str) -> Request {
    let request = Request::new(&app.client, &replica.address, Method::GET, path);
    request.header("authorization", &format!("Bearer {}", session.jwt))
}

fn with_cookie(app: &App, replica: &Replica, session: &Session<'_>, path: &str) -> Request {
    let request = Request::new(&app.client, &replica.address, Method::GET, path);
    request.header("cookie", &session.cookie)
}

pub(crate) async fn a_share_that_is_taken_away_is_gone_on_every_server(app: &App) {
    let other = app.replica();
    let path = made(app, json!({"name": "Support"})).await;
    let share = format!("{path}/shares/{}", Bob.id());
    app.put(Ada, &share).json(&json!({"accessLevel": 2})).expect(201).await;
    ask(app, &other, Bob, &path).expect(200).await;
    ask(app, &other, Bob, &format!("{path}/versions")).expect(200).await;

    app.put(Ada, &share).json(&json!({"accessLevel": 1})).expect(200).await;
    ask(app, &other, Bob, &format!("{path}/versions")).refused(403, "insufficient_level").await;
    app.delete(Ada, &share).expect(204).await;

    ask(app, &other, Bob, &path).refused(404, "not_found").await;
    let list = ask(app, &other, Bob, "/api/assistants").expect(200).await;
    assert_eq!(list.body["data"], json!([]));
    other.stop().await;
}

pub(crate) async fn a_team_that_one_left_gives_nothing_on_every_server(app: &App) {
    let other = app.replica();
    let path = made(app, json!({"name": "Support"})).await;
    let team = app.post(Admin, "/api/teams").json(&json!({"name": "Help"})).expect(201).await;
    let member = format!("{}/members/{}", team.header("location"), Bob.id());
    app.put(Admin, &member).json(&json!({"role": "member"})).expect(201).await;
    let share = format!("{path}/shares/{}", team.id());
    app.put(Ada, &share).json(&json!({"accessLevel": 1})).expect(201).await;
    ask(app, &other, Bob, &path).expect(200).await;

    app.delete(Admin, &member).expect(204).await;

    ask(app, &other, Bob, &path).refused(404, "not_found").await;
    other.stop().await;
}

pub(crate) async fn a_seat_that_is_taken_away_is_gone_on_every_server(app: &App) {
    let other = app.replica();
    let path = made(app, json!({"name": "Support", "access_mode": "organization"})).await;
    ask(app, &other, Bob, &path).expect(200).await;

    let user = format!("/api/users/{}", Bob.id());
    app.patch(Admin, &user).json(&json!({"aiSeat": false})).expect(200).await;

    ask(app, &other, Bob, &path).refused(403, "ai_seat_required").await;
    other.stop().await;
}

pub(crate) async fn a_role_that_is_taken_away_ends_sessions_on_every_server(app: &App) {
    let other = app.replica();
    let session = logged_in(app, Admin).await;
    with_jwt(app, &other, &session, "/api/users").expect(200).await;
    with_cookie(app, &other, &session, "/api/users").expect(200).await;

    let user = format!("/api/users/{}", Admin.id());
    app.patch(Person::Owner, &user).json(&json!({"role": "member"})).expect(200).await;

    with_jwt(app, &other, &session, "/api/users").refused(401, "unauthenticated").await;
    with_cookie(app, &other, &session, "/api/users").refused(401, "unauthenticated").await;
    ask(app, &other, Admin, "/api/users").refused(403, "insufficient_role").await;
    other.stop().await;
}

pub(crate) async fn a_token_that_is_revoked_is_unknown_on_every_server(app: &App) {
    let other = app.replica();
    let made = app.post(Bob, "/api/tokens").json(&json!({"type": "personal"})).expect(201).await;
    let (path, text) = (made.header("location"), made.body["token"].as_str().unwrap());
    let asked = || {
        let request = Request::new(&app.client, &other.address, Method::GET, "/api/session");
        request.header("authorization", &format!("Bearer {text}"))
    };
    asked().expect(200).await;

    app.delete(Bob, path).expect(204).await;

    asked().refused(401, "unauthenticated").await;
    other.stop().await;
}

pub(crate) async fn a_session_that_is_ended_is_unknown_on_every_server(app: &App) {
    let other = app.replica();
    let session = logged_in(app, Bob).await;
    with_jwt(app, &other, &session, "/api/session").expect(200).await;

    session.with_jwt(Method::DELETE, "/api/session").expect(204).await;

    with_jwt(app, &other, &session, "/api/session").refused(401, "unauthenticated").await;
    with_cookie(app, &other, &session, "/api/session").refused(401, "unauthenticated").await;
    other.stop().await;
}

pub(crate) async fn who_is_shut_out_is_unknown_on_every_server(app: &App) {
    let other = app.replica();
    let session = logged_in(app, Bob).await;
    ask(app, &other, Bob, "/api/session").expect(200).await;

    let user = format!("/api/users/{}", Bob.id());
    app.patch(Admin, &user).json(&json!({"disabled": true})).expect(200).await;

    ask(app, &other, Bob, "/api/session").refused(401, "unauthenticated").await;
    with_jwt(app, &other, &session, "/api/session").refused(401, "unauthenticated").await;
    other.stop().await;
}
