//! `/api/session/oidc`

use reqwest::Method;
use serde_json::{Value, json};
use understudy_domain::ports::ExternalIdentity;
use understudy_tests::TestStore;

use crate::{
    App, Options,
    Person::{Ada, Admin, Owner},
    request::{Reply, Request},
};

const CALLBACK: &str = "/api/session/oidc/callback";

/// Somebody whom the provider knows by this subject and address.
fn known(subject: &str, email: &str) -> ExternalIdentity {
    let Value::Object(claims) = json!({"groups": ["staff"]}) else { panic!("it is an object") };
    ExternalIdentity {
        subject: subject.to_owned(),
        email: Some(email.to_owned()),
        email_verified: true,
        name: Some("Grace".to_owned()),
        claims,
    }
}

/// The value of a cookie that an answer sets; empty when it clears it.
fn cookie(reply: &Reply, name: &str) -> String {
    let all = reply.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap());
    let wanted = format!("{name}=");
    let mut found = all.filter_map(|cookie| cookie.strip_prefix(&wanted));
    found.next().unwrap().split(';').next().unwrap().to_owned()
}

fn begin(app: &App) -> Request {
    app.anonymous(Method::GET, "/api/session/oidc?returnTo=/there")
}

/// What a browser brings back that has begun: state, and cookie.
async fn begun(app: &App) -> (String, String) {
    let reply = begin(app).expect(303).await;
    let (_, state) = reply.header("location").split_once("state=").unwrap();
    (state.to_owned(), format!("understudy_login={}", cookie(&reply, "understudy_login")))
}

fn back(app: &App, (state, cookie): &(String, String), code: &str) -> Request {
    let path = format!("{CALLBACK}?code={code}&state={state}&iss=x");
    app.anonymous(Method::GET, &path).header("cookie", cookie)
}

/// Logs somebody in, as the provider tells of them.
async fn log_in(app: &App, who: ExternalIdentity) -> Request {
    app.identity.knows("code", who);
    back(app, &begun(app).await, "code")
}

pub(crate) async fn the_ways_to_log_in_are_told(app: &App) {
    let reply = app.anonymous(Method::GET, "/api/session/methods").expect(200).await;

    assert_eq!(reply.body, json!({"password": true, "oidc": true, "name": "identity.example"}));
}

pub(crate) async fn without_a_provider_there_is_no_log_in_by_one(store: TestStore) {
    let app = App::with(store, Options::default()).await;

    let methods = app.anonymous(Method::GET, "/api/session/methods").expect(200).await;
    assert_eq!(methods.body, json!({"password": true, "oidc": false, "name": null}));
    begin(&app).refused(404, "not_found").await;
    app.anonymous(Method::GET, CALLBACK).refused(404, "not_found").await;
    app.stop().await;
}

pub(crate) async fn a_log_in_goes_to_the_provider_and_comes_back_with_a_session(app: &App) {
    let begun = begin(app).header("host", "evil.example").expect(303).await;
    let expected = "http://127.0.0.1:8080/api/session/oidc/callback";
    assert_eq!(app.identity.redirects(), [expected], "whatever the host is called");
    let set = begun.header("set-cookie");
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/api/session/oidc", "Max-Age=600"] {
        assert!(set.contains(attribute), "{attribute} is not in {set}");
    }

    let done = log_in(app, known("sub-1", "Grace@example.org")).await.expect(303).await;

    assert_eq!(done.header("location"), "/there");
    assert_eq!(cookie(&done, "understudy_login"), "");
    let session = format!("understudy_session={}", cookie(&done, "understudy_session"));
    let by_cookie = |method, path: &str| app.anonymous(method, path).header("cookie", &session);
    let me = by_cookie(Method::GET, "/api/session").expect(200).await;
    assert_eq!(me.body["user"]["email"], "grace@example.org");
    assert_eq!(me.body["user"]["externalId"], "sub-1");
    assert_eq!(me.body["user"]["hasPassword"], false);
    assert_eq!(me.body["role"], "member");
    let write = by_cookie(Method::POST, "/api/assistants").json(&json!({"name": "Support"}));
    write.header("x-csrf-token", me.body["csrfToken"].as_str().unwrap()).expect(201).await;
}

pub(crate) async fn a_return_that_was_not_begun_in_the_browser_is_refused(app: &App) {
    app.identity.knows("code", known("sub-1", "grace@example.org"));
    let (mine, other) = (begun(app).await, begun(app).await);
    let mixed = (mine.0.clone(), other.1);
    let none = (mine.0.clone(), "other=1".to_owned());
    let junk = (mine.0.clone(), "understudy_login=junk".to_owned());
    let stateless = (String::new(), mine.1.clone());

    for bad in [mixed, none, junk, stateless] {
        let refused = back(app, &bad, "code").refused(403, "login_refused").await;
        assert_eq!(cookie(&refused, "understudy_login"), "");
    }
    let said_no = app
        .anonymous(Method::GET, &format!("{CALLBACK}?error=access_denied&state={}", mine.0))
        .header("cookie", &mine.1);
    said_no.refused(403, "login_refused").await;
    back(app, &mine, "another").refused(403, "login_refused").await;
    app.clock.advance(time::Duration::minutes(10));
    back(app, &mine, "code").refused(403, "login_refused").await;
}

pub(crate) async fn a_log_in_goes_on_to_paths_of_this_host_only(app: &App) {
    for elsewhere in ["https://evil.example/", "//evil.example", "/%5Cevil.example", "there", ""] {
        let path = format!("/api/session/oidc?returnTo={elsewhere}");
        let refused = app.anonymous(Method::GET, &path).refused(400, "validation_failed").await;
        assert_eq!(refused.faults(), [("returnTo", "invalid")], "{elsewhere}");
    }
    app.anonymous(Method::GET, "/api/session/oidc").expect(303).await;
}

pub(crate) async fn an_account_is_linked_by_an_administrator_and_never_by_its_address(app: &App) {
    let ada = || known("sub-ada", &Ada.email());
    log_in(app, ada()).await.refused(409, "account_not_linked").await;

    let link = json!({"externalId": "sub-ada"});
    app.patch(Admin, &format!("/api/users/{}", Ada.id())).json(&link).expect(200).await;

    let done = log_in(app, ada()).await.expect(303).await;
    let session = format!("understudy_session={}", cookie(&done, "understudy_session"));
    let me = app.anonymous(Method::GET, "/api/session").header("cookie", &session);
    assert_eq!(me.expect(200).await.body["user"]["id"], Ada.id());
    let owners = json!({"externalId": "sub-owner"});
    let owner = format!("/api/users/{}", Owner.id());
    app.patch(Admin, &owner).json(&owners).refused(403, "insufficient_rank").await;
}

pub(crate) async fn what_a_person_cannot_help_is_not_told(app: &App) {
    let unverified = ExternalIdentity { email_verified: false, ..known("sub-1", "x@example.org") };
    let told = log_in(app, unverified).await.refused(403, "login_refused").await;
    assert!(told.body["detail"].as_str().unwrap().contains("verified e-mail address"));

    let out = json!({"externalId": "sub-ada", "disabled": true});
    app.patch(Admin, &format!("/api/users/{}", Ada.id())).json(&out).expect(200).await;
    let ada = log_in(app, known("sub-ada", &Ada.email())).await;
    let disabled = ada.refused(403, "login_refused").await;
    assert!(!disabled.body.to_string().contains("disabled"), "{}", disabled.body);
}

pub(crate) async fn a_provider_that_is_away_is_told_as_that(app: &App) {
    let begun = begun(app).await;
    app.identity.go_away();

    begin(app).refused(502, "provider_failed").await;
    back(app, &begun, "code").refused(502, "provider_failed").await;
}

pub(crate) async fn two_first_log_ins_at_once_make_one_user(app: &App) {
    let mut ways = Vec::new();
    for code in ["a", "b", "c"] {
        app.identity.knows(code, known("sub-1", "grace@example.org"));
        ways.push(back(app, &begun(app).await, code));
    }
    let [a, b, c] = <[Request; 3]>::try_from(ways).unwrap_or_else(|_| panic!("there are three"));

    tokio::join!(a.expect(303), b.expect(303), c.expect(303));

    let found = app.get(Admin, "/api/users?q=grace&total=true").expect(200).await;
    assert_eq!(found.body["total"], 1);
}
