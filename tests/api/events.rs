//! The audit log over HTTP: in pages, and as a stream.

use reqwest::{Method, Response};
use serde_json::{Value, json};
use understudy_http_api::Streams;
use understudy_tests::TestStore;

use crate::{
    App, Options,
    Person::{self, Ada, Admin, Bob, Manager, Owner, Stranger},
    assistants::made,
};

/// An event stream that is being followed.
struct Followed {
    response: Response,
    text: String,
}

impl Followed {
    /// Opens one, as somebody, from the event behind the one with this id.
    async fn open(app: &App, person: Person, path: &str, last: Option<&str>) -> Self {
        let request = app.client.get(format!("{}{path}", app.address));
        let request = request
            .header("authorization", format!("Bearer {}", person.token()))
            .header("accept", "text/event-stream")
            .header("accept-encoding", "gzip, br, zstd");
        let request =
            last.into_iter().fold(request, |request, id| request.header("last-event-id", id));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert!(!response.headers().contains_key("content-encoding"));
        Self { response, text: String::new() }
    }

    /// The next part of it, up to an empty line; `None` at its end.
    async fn part(&mut self) -> Option<String> {
        loop {
            if let Some((part, rest)) = self.text.split_once("\n\n") {
                let (part, rest) = (part.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(part);
            }
            let chunk = self.response.chunk().await.unwrap()?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The next event: its name, its id and its data.
    async fn event(&mut self) -> Option<(String, String, Value)> {
        loop {
            let part = self.part().await?;
            let field = |name: &str| {
                let line = part.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
                line.unwrap_or_default().to_owned()
            };
            if part.starts_with("event: ") {
                let data = serde_json::from_str(&field("data")).unwrap();
                return Some((field("event"), field("id"), data));
            }
        }
    }
}

fn seqs(body: &Value) -> Vec<u64> {
    body["data"].as_array().unwrap().iter().map(|event| event["seq"].as_u64().unwrap()).collect()
}

async fn several(app: &App, names: &[&str]) -> Vec<String> {
    let mut paths = Vec::new();
    for name in names {
        paths.push(made(app, json!({"name": name})).await);
    }
    paths
}

pub(crate) async fn events_are_paged_newest_first(app: &App) {
    several(app, &["a", "b", "c", "d", "e"]).await;

    let first = app.get(Admin, "/api/events?limit=3").expect(200).await;
    let cursor = first.body["nextCursor"].as_str().unwrap();
    made(app, json!({"name": "f"})).await;
    let path = format!("/api/events?limit=3&cursor={cursor}");
    let second = app.get(Admin, &path).expect(200).await;

    assert_eq!(seqs(&first.body), [5, 4, 3]);
    assert_eq!(seqs(&second.body), [2, 1]);
    assert_eq!(second.body["nextCursor"], Value::Null);
    let elsewhere = format!("/api/events?action=x&cursor={cursor}");
    app.get(Admin, &elsewhere).refused(400, "bad_cursor").await;
}

pub(crate) async fn an_event_tells_who_did_what_from_where(app: &App) {
    let path = made(app, json!({"name": "a"})).await;
    let id = path.rsplit('/').next().unwrap();
    let change = app.patch(Ada, &path).header("x-request-id", "my-request");
    change.json(&json!({"name": "b"})).expect(200).await;

    let page = app.get(Admin, "/api/events?limit=1").expect(200).await;

    let event = &page.body["data"][0];
    assert_eq!(event["action"], "assistant.updated");
    assert_eq!(event["actor"]["id"], Ada.id());
    assert_eq!(event["actor"]["name"], Ada.user().name);
    assert!(event["token"].as_str().unwrap().starts_with("tok_"));
    assert_eq!(event["address"], "127.0.0.1");
    assert_eq!(event["requestId"], "my-request");
    assert_eq!((&event["target"], &event["assistantId"]), (&json!(id), &json!(id)));
    assert_eq!((&event["before"]["/name"], &event["after"]["/name"]), (&json!("a"), &json!("b")));
    assert_eq!(event["hash"].as_str().unwrap().len(), 64);
}

pub(crate) async fn events_are_filtered(app: &App) {
    let paths = several(app, &["a", "b"]).await;
    app.delete(Ada, &paths[0]).expect(204).await;
    app.post(Admin, "/api/tags").json(&json!({"name": "t"})).expect(201).await;
    let id = paths[0].rsplit('/').next().unwrap();
    let ada = Ada.id();

    for (query, expected) in [
        ("action=assistant.*".to_owned(), vec![3, 2, 1]),
        ("action=assistant.deleted".to_owned(), vec![3]),
        (format!("target={id}"), vec![3, 1]),
        (format!("assistant={id}"), vec![3, 1]),
        (format!("actor={ada}&action=*"), vec![3, 2, 1]),
        ("from=2999-01-01T00:00:00Z".to_owned(), vec![]),
        ("until=2999-01-01T00:00:00Z&limit=1".to_owned(), vec![4]),
    ] {
        let page = app.get(Admin, &format!("/api/events?{query}")).expect(200).await;
        assert_eq!(seqs(&page.body), expected, "{query}");
    }
    let wrong = "/api/events?actor=x&from=yesterday&limit=0&colour=red&after=1";
    let refused = app.get(Admin, wrong).refused(400, "validation_failed").await;
    let named: Vec<_> = refused.faults().into_iter().map(|(at, _)| at).collect();
    assert_eq!(named, ["actor", "after", "colour", "from", "limit"]);
}

pub(crate) async fn the_log_is_for_administrators_and_editors(app: &App) {
    let path = made(app, json!({"name": "a", "access_mode": "global"})).await;
    let draft = app.post(Ada, &format!("{path}/_edit")).json(&json!({})).expect(201).await;
    let of_draft = format!("/api/assistants/{}/events", draft.id());
    let log = format!("{path}/events");

    for person in [Ada, Admin, Owner] {
        let page = app.get(person, &log).expect(200).await;
        assert_eq!(page.body["data"].as_array().unwrap().len(), 2);
        assert_eq!(app.get(person, &of_draft).expect(200).await.body, page.body);
    }
    app.get(Bob, &log).refused(403, "insufficient_level").await;
    app.get(Bob, &of_draft).refused(404, "not_found").await;
    app.get(Stranger, &log).refused(403, "other_organization").await;
    app.get(Manager, "/api/events").refused(403, "insufficient_role").await;
    assert_eq!(seqs(&app.get(Stranger, "/api/events").expect(200).await.body), [0_u64; 0]);
}

pub(crate) async fn a_stream_tells_what_comes_and_goes_on_where_it_broke_off(app: &App) {
    several(app, &["old"]).await;
    let mut stream = Followed::open(app, Admin, "/api/events?follow=true", None).await;
    assert!(stream.part().await.unwrap().starts_with("retry: "));

    several(app, &["a"]).await;
    let (name, last, data) = stream.event().await.unwrap();
    assert_eq!((name.as_str(), last.as_str()), ("assistant.created", "2"));
    assert_eq!((&data["seq"], &data["after"]["name"]), (&json!(2), &json!("a")));
    drop(stream);
    several(app, &["b", "c"]).await;
    let path = "/api/events?follow=true&after=0";
    let mut stream = Followed::open(app, Admin, path, Some(&last)).await;
    several(app, &["d"]).await;

    for expected in ["3", "4", "5"] {
        assert_eq!(stream.event().await.unwrap().1, expected);
    }
    let mut whole = Followed::open(app, Admin, path, None).await;
    for expected in ["1", "2", "3", "4", "5"] {
        assert_eq!(whole.event().await.unwrap().1, expected);
    }
}

pub(crate) async fn a_stream_of_an_assistant_has_its_events_only(app: &App) {
    let paths = several(app, &["mine", "other"]).await;
    let path = format!("{}/events?follow=true", paths[0]);
    let mut stream = Followed::open(app, Ada, &path, None).await;

    for path in [&paths[1], &paths[0]] {
        app.patch(Ada, path).json(&json!({"description": "new"})).expect(200).await;
    }

    let (name, id, _) = stream.event().await.unwrap();
    assert_eq!((name.as_str(), id.as_str()), ("assistant.updated", "4"));
}

pub(crate) async fn a_silent_stream_has_a_heartbeat(app: &App) {
    let mut stream = Followed::open(app, Admin, "/api/events?follow=true", None).await;

    loop {
        let part = stream.part().await.unwrap();
        assert!(!part.starts_with("event: "), "{part}");
        if part.starts_with(": ") {
            break;
        }
    }
}

pub(crate) async fn a_stream_ends_when_its_right_is_taken_away(app: &App) {
    let mut by_role = Followed::open(app, Admin, "/api/events?follow=true&action=x", None).await;
    let user = format!("/api/users/{}", Admin.id());
    app.patch(Owner, &user).json(&json!({"role": "member"})).expect(200).await;
    let (name, _, problem) = by_role.event().await.unwrap();
    assert_eq!((name.as_str(), &problem["code"]), ("error", &json!("insufficient_role")));
    assert_eq!(by_role.part().await, None);

    let mut by_token = Followed::open(app, Owner, "/api/events?follow=true&action=x", None).await;
    let tokens = app.get(Owner, "/api/tokens").expect(200).await;
    let token = format!("/api/tokens/{}", tokens.body[0]["id"].as_str().unwrap());
    app.delete(Owner, &token).expect(204).await;
    let (name, _, problem) = by_token.event().await.unwrap();
    assert_eq!((name.as_str(), &problem["code"]), ("error", &json!("unauthenticated")));
    assert_eq!(by_token.part().await, None);
}

pub(crate) async fn a_stream_is_asked_for_as_one(app: &App) {
    let json = app.get(Admin, "/api/events?follow=true").header("accept", "application/json");
    json.refused(406, "not_acceptable").await;
    let stream = app.get(Admin, "/api/events").header("accept", "text/event-stream");
    stream.refused(406, "not_acceptable").await;
    let nowhere = app.get(Admin, "/api/events?follow=true").header("last-event-id", "x");
    let refused = nowhere.refused(400, "validation_failed").await;
    assert_eq!(refused.faults(), [("last-event-id", "invalid")]);
    app.get(Bob, "/api/events?follow=true").refused(403, "insufficient_role").await;
    app.request(Admin, Method::HEAD, "/api/events?follow=true").expect(200).await;
}

pub(crate) async fn streams_end_with_the_server(store: TestStore) {
    let streams = Streams::default();
    let app = App::with(store, Options { streams: streams.clone(), ..Options::default() }).await;
    let mut stream = Followed::open(&app, Admin, "/api/events?follow=true", None).await;
    assert!(stream.part().await.is_some());

    streams.end();

    let (name, _, _) = stream.event().await.unwrap();
    assert_eq!(name, "end");
    assert_eq!(stream.part().await, None);
    app.stop().await;
}
