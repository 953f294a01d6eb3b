//! `/api/session`

use reqwest::Method;
use serde_json::json;

use crate::{
    App, PASSWORD,
    Person::{self, Ada, Admin, Stranger},
    request::{Reply, Request},
};

/// Somebody who is logged in.
pub(crate) struct Session<'a> {
    app: &'a App,
    pub(crate) jwt: String,
    pub(crate) cookie: String,
    pub(crate) csrf: String,
}

impl Session<'_> {
    pub(crate) fn get(&self, path: &str) -> Request {
        self.with_jwt(Method::GET, path)
    }

    pub(crate) fn with_jwt(&self, method: Method, path: &str) -> Request {
        self.app.anonymous(method, path).header("authorization", &format!("Bearer {}", self.jwt))
    }

    fn with_cookie(&self, method: Method, path: &str) -> Request {
        self.app.anonymous(method, path).header("cookie", &self.cookie)
    }
}

pub(crate) async fn logged_in(app: &App, person: Person) -> Session<'_> {
    let reply = log_in(app, &person.email(), PASSWORD).expect(200).await;
    let cookie = reply.header("set-cookie").split(';').next().unwrap().to_owned();
    let text = |name: &str| reply.body[name].as_str().unwrap().to_owned();
    Session { app, jwt: text("token"), cookie, csrf: text("csrfToken") }
}

fn log_in(app: &App, email: &str, password: &str) -> Request {
    let body = json!({"email": email, "password": password});
    app.anonymous(Method::POST, "/api/session").json(&body)
}

pub(crate) async fn a_log_in_gives_a_jwt_and_a_cookie_that_scripts_cannot_read(app: &App) {
    let reply = log_in(app, &Ada.email().to_uppercase(), PASSWORD).expect(200).await;

    let cookie = reply.header("set-cookie");
    assert!(cookie.starts_with("understudy_session="), "{cookie}");
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=43200"] {
        assert!(cookie.contains(attribute), "{attribute} is not in {cookie}");
    }
    assert!(!cookie.contains("Secure"), "the public address is not TLS");
    assert_eq!(reply.body["user"]["id"], Ada.id());
    assert_eq!(reply.body["expiresAt"], "2026-01-01T12:15:00.123456Z");
    assert!(!reply.header("ratelimit").is_empty());
    assert_eq!(reply.header("cache-control"), "private, no-store");
}

pub(crate) async fn which_part_was_wrong_is_not_told(app: &App) {
    let wrong = log_in(app, &Ada.email(), "wrong").refused(401, "unauthenticated").await;
    let unknown = log_in(app, "nobody@example.com", PASSWORD).refused(401, "unauthenticated").await;
    let no_address = log_in(app, "no address", PASSWORD).refused(401, "unauthenticated").await;

    let detail = |reply: &Reply| reply.body["detail"].clone();
    assert_eq!(detail(&wrong), detail(&unknown));
    assert_eq!(detail(&wrong), detail(&no_address));
}

pub(crate) async fn log_ins_to_one_account_are_limited(app: &App) {
    for _ in 0..10 {
        log_in(app, &Ada.email(), "wrong").refused(401, "unauthenticated").await;
    }

    let refused = log_in(app, &Ada.email(), PASSWORD).refused(429, "too_many_requests").await;

    assert!(refused.header("retry-after").parse::<u32>().unwrap() > 0);
    assert!(refused.header("ratelimit").contains("r=0"));
    log_in(app, &Admin.email(), PASSWORD).expect(200).await;
}

pub(crate) async fn a_jwt_acts_for_fifteen_minutes_and_a_session_for_twelve_hours(app: &App) {
    let session = logged_in(app, Ada).await;
    session.get("/api/session").expect(200).await;

    app.clock.advance(time::Duration::minutes(15));
    session.get("/api/session").refused(401, "unauthenticated").await;
    let refreshed = session
        .with_cookie(Method::POST, "/api/session/_refresh")
        .header("x-csrf-token", &session.csrf)
        .expect(200)
        .await;
    let jwt = refreshed.body["token"].as_str().unwrap().to_owned();
    let session = Session { jwt, ..session };
    session.get("/api/session").expect(200).await;

    app.clock.advance(time::Duration::hours(12));
    session.with_cookie(Method::GET, "/api/session").refused(401, "unauthenticated").await;
}

pub(crate) async fn a_write_by_cookie_needs_its_csrf_token(app: &App) {
    let session = logged_in(app, Ada).await;
    let write =
        || session.with_cookie(Method::POST, "/api/assistants").json(&json!({"name": "Support"}));

    let read = session.with_cookie(Method::GET, "/api/session").expect(200).await;
    assert_eq!(read.body["csrfToken"], session.csrf);
    write().refused(403, "csrf_failed").await;
    write().header("x-csrf-token", &"0".repeat(64)).refused(403, "csrf_failed").await;
    write().header("x-csrf-token", &session.csrf).expect(201).await;
}

pub(crate) async fn a_log_out_ends_cookie_and_jwt(app: &App) {
    let session = logged_in(app, Ada).await;
    let log_out = || {
        session.with_cookie(Method::DELETE, "/api/session").header("x-csrf-token", &session.csrf)
    };

    let gone = log_out().expect(204).await;

    assert!(gone.header("set-cookie").contains("Max-Age=0"));
    session.get("/api/session").refused(401, "unauthenticated").await;
    session.with_cookie(Method::GET, "/api/session").refused(401, "unauthenticated").await;
    log_out().refused(401, "unauthenticated").await;
    app.delete(Ada, "/api/session").refused(404, "not_found").await;
}

pub(crate) async fn a_new_password_ends_the_sessions(app: &App) {
    let session = logged_in(app, Ada).await;

    let change = json!({"password": "another horse battery staple"});
    app.patch(Admin, &format!("/api/users/{}", Ada.id())).json(&change).expect(200).await;

    session.get("/api/session").refused(401, "unauthenticated").await;
    log_in(app, &Ada.email(), PASSWORD).refused(401, "unauthenticated").await;
    log_in(app, &Ada.email(), "another horse battery staple").expect(200).await;
}

pub(crate) async fn one_is_told_who_one_is(app: &App) {
    let reply = app.get(Ada, "/api/session").expect(200).await;

    assert_eq!(reply.body["user"]["id"], Ada.id());
    assert_eq!(reply.body["organization"]["name"], "Organization 1");
    assert_eq!(reply.body["role"], "member");
    assert_eq!(reply.body["aiSeat"], true);
    assert_eq!(reply.body["permissions"], json!(["assistants:create", "tokens:create"]));
    assert_eq!(reply.body["token"]["notes"], "Token 3");
    let stranger = app.get(Stranger, "/api/session").expect(200).await;
    assert_eq!(stranger.body["organization"]["name"], "Organization 2");
}

pub(crate) async fn every_way_of_showing_a_token_is_the_same(app: &App) {
    let ask = || app.anonymous(Method::GET, "/api/session");
    let token = Ada.token();

    ask().header("authorization", &format!("bearer {token}")).expect(200).await;
    ask().header("x-api-key", &token).expect(200).await;
    let both =
        ask().header("x-api-key", &token).header("authorization", &format!("Bearer {token}"));
    both.expect(200).await;
}

pub(crate) async fn what_is_no_good_credential_is_refused_with_a_challenge(app: &App) {
    let ask = || app.anonymous(Method::GET, "/api/session");
    let none = ask().refused(401, "unauthenticated").await;
    assert_eq!(none.header("www-authenticate"), "Bearer realm=\"understudy\"");
    let unknown = understudy_domain::TokenText::from_random([99; 32]).expose().clone();
    let mut mistyped = Ada.token();
    mistyped.replace_range(10..11, "z");

    for (name, value) in [
        ("authorization", format!("Bearer {unknown}")),
        ("authorization", format!("Bearer {mistyped}")),
        ("authorization", "Bearer".to_owned()),
        ("authorization", "Bearer eyJhbGciOiJub25lIn0.e30.".to_owned()),
        ("authorization", format!("Basic {}", Ada.token())),
        ("x-api-key", "junk".to_owned()),
        ("x-api-key", String::new()),
        ("cookie", "understudy_session=junk".to_owned()),
        ("cookie", format!("understudy_session={}", "a".repeat(64))),
    ] {
        let refused = ask().header(name, &value).refused(401, "unauthenticated").await;
        assert!(refused.header("www-authenticate").contains("invalid_token"), "{name}: {value}");
    }
}

pub(crate) async fn credentials_that_contradict_each_other_are_refused(app: &App) {
    let ask = || app.anonymous(Method::GET, "/api/session");
    let bearer = |person: Person| format!("Bearer {}", person.token());
    let session = logged_in(app, Ada).await;
    let twice = ask().header("authorization", &bearer(Ada)).header("authorization", &bearer(Admin));

    for request in [
        ask().header("authorization", &bearer(Ada)).header("x-api-key", &Admin.token()),
        ask().header("authorization", &bearer(Ada)).header("cookie", &session.cookie),
        ask().header("x-api-key", &Ada.token()).header("cookie", &session.cookie),
        twice,
    ] {
        request.refused(401, "conflicting_credentials").await;
    }
}

pub(crate) async fn a_credential_in_the_query_is_none(app: &App) {
    let path = format!("/api/session?access_token={}", Ada.token());

    app.anonymous(Method::GET, &path).expect(401).await;
}

pub(crate) async fn one_is_known_before_the_body_is_looked_at(app: &App) {
    for (method, path) in [
        (Method::POST, "/api/assistants"),
        (Method::PATCH, "/api/assistants/x"),
        (Method::POST, "/api/tokens"),
        (Method::POST, "/api/users"),
    ] {
        let junk = app.anonymous(method, path).body("text/plain", "junk");
        junk.refused(401, "unauthenticated").await;
    }
}

pub(crate) async fn too_many_unknown_tokens_shut_an_address_but_not_known_tokens(app: &App) {
    app.get(Ada, "/api/session").expect(200).await;
    let unknown = |n: u8| {
        let text = understudy_domain::TokenText::from_random([100 + n; 32]).expose().clone();
        app.anonymous(Method::GET, "/api/session").header("x-api-key", &text)
    };
    for n in 0..60 {
        unknown(n).refused(401, "unauthenticated").await;
    }

    let shut = unknown(61).refused(429, "too_many_requests").await;

    assert!(shut.header("retry-after").parse::<u32>().unwrap() > 0);
    app.get(Ada, "/api/session").expect(200).await;
}

pub(crate) async fn faults_of_a_log_in_are_named(app: &App) {
    let post = || app.anonymous(Method::POST, "/api/session");

    let faulty = post().json(&json!({"email": 1, "user": "x"}));
    let faulty = faulty.refused(400, "validation_failed").await;
    let expected = [("/email", "type"), ("/password", "required"), ("/user", "unknown_field")];
    assert_eq!(faulty.faults(), expected);
    post().refused(400, "validation_failed").await;
}
