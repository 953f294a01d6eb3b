//! Streams on which nothing happens, until the right to them is gone.

use reqwest::Method;
use serde_json::{Value, json};
use understudy_testkit::{Fault, ModelUpstream, Tap, Turn};

use super::{assistant, streams::Followed, upstream};
use crate::{
    App,
    Person::{self, Ada, Admin, Bob, Manager, Stranger, Viewer},
    session::logged_in,
};

/// Makes the next answer one that says nothing.
fn fall_silent(upstream: &ModelUpstream) {
    upstream.answer(Turn::chunks(["one ", "two"]).with_fault(Fault::SlowDrip(Tap::shut())));
}

/// Somebody asks by this `Authorization`, and is told nothing but that it began; with
/// where it is followed from the last that was told.
async fn asked(app: &App, upstream: &ModelUpstream, who: &str, helper: &str) -> (Followed, String) {
    fall_silent(upstream);
    let (path, body) = (format!("{helper}/responses"), json!({"input": "x", "stream": true}));
    let how = (who, Method::POST);
    let mut stream = Followed::open_as(&app.address, app, how, &path, Some(&body)).await;
    let begun = stream.until("response.created").await.pop().unwrap();
    let place = format!(
        "/api/responses/{}/events?after={}",
        begun["response_id"].as_str().unwrap(),
        begun["sequence"]
    );
    (stream, place)
}

fn by_token(person: Person) -> String {
    format!("Bearer {}", person.token())
}

/// With what problem a stream ends; nothing happens on it before.
async fn end_of(mut stream: Followed) -> String {
    let mut last = String::new();
    while let Some(part) = stream.part().await {
        let nothing = part.starts_with(": ") || part.starts_with("retry: ");
        assert!(nothing || part.starts_with("event: error"), "{part}");
        last = part;
    }
    let data = last.split_once("\ndata: ").unwrap().1;
    let problem: Value = serde_json::from_str(data).unwrap();
    problem["code"].as_str().unwrap().to_owned()
}

/// Takes rights away one after the other, so that those who keep theirs are judged more
/// than once meanwhile.
pub(crate) async fn silent_streams_end_as_the_rights_to_them_do(app: &App) {
    let upstream = upstream(app).await;
    let provider = json!({
        "name": "Theirs", "kind": "openai-compatible", "baseUrl": upstream.openai_url(),
        "apiKey": "sk-test", "models": ["gpt-4o"],
    });
    app.post(Stranger, "/api/providers").json(&provider).expect(201).await;
    let shared = assistant(app, json!({"name": "Shared", "access_mode": "private"})).await;
    let share = format!("{shared}/shares/{}", Bob.id());
    app.put(Ada, &share).json(&json!({"accessLevel": 1})).expect(201).await;
    let global = assistant(app, json!({"access_mode": "global"})).await;
    let session = logged_in(app, Manager).await;
    let replica = app.replica();

    let (_first, place) = asked(app, &upstream, &by_token(Bob), &shared).await;
    let how = (Bob, Method::GET);
    let by_share = Followed::open(&replica.address, app, how, &place, None).await;
    let by_token = asked(app, &upstream, &by_token(Viewer), &global).await.0;
    let jwt = format!("Bearer {}", session.jwt);
    let by_session = asked(app, &upstream, &jwt, &global).await.0;
    let from_abroad = format!("Bearer {}", Stranger.token());
    let from_abroad = asked(app, &upstream, &from_abroad, &global).await.0;

    app.delete(Ada, &share).expect(204).await;
    assert_eq!(end_of(by_share).await, "not_found");

    let tokens = app.get(Viewer, "/api/tokens").expect(200).await;
    let token = format!("/api/tokens/{}", tokens.body[0]["id"].as_str().unwrap());
    app.delete(Viewer, &token).expect(204).await;
    assert_eq!(end_of(by_token).await, "unauthenticated");

    let within = json!({"access_mode": "organization"});
    app.patch(Ada, &global).json(&within).expect(200).await;
    assert_eq!(end_of(from_abroad).await, "not_found");

    let manager = format!("/api/users/{}", Manager.id());
    app.patch(Admin, &manager).json(&json!({"aiSeat": false})).expect(200).await;
    assert_eq!(end_of(by_session).await, "unauthenticated");
    replica.stop().await;
}

pub(crate) async fn a_silent_stream_ends_when_its_credential_has_lapsed(app: &App) {
    let upstream = upstream(app).await;
    let helper = assistant(app, json!({})).await;
    let session = logged_in(app, Manager).await;
    let jwt = format!("Bearer {}", session.jwt);
    let (by_jwt, place) = asked(app, &upstream, &jwt, &helper).await;
    let made = json!({"type": "personal", "expiresAt": "2026-01-01T13:00:00Z"});
    let made = app.post(Bob, "/api/tokens").json(&made).expect(201).await;
    let token = format!("Bearer {}", made.body["token"].as_str().unwrap());
    let by_token = asked(app, &upstream, &token, &helper).await.0;

    app.clock.advance(time::Duration::minutes(15));
    assert_eq!(end_of(by_jwt).await, "unauthenticated");
    let again = logged_in(app, Manager).await;
    let jwt = format!("Bearer {}", again.jwt);
    let how = (jwt.as_str(), Method::GET);
    let _followed = Followed::open_as(&app.address, app, how, &place, None).await;

    app.clock.advance(time::Duration::hours(1));
    assert_eq!(end_of(by_token).await, "unauthenticated");
}
