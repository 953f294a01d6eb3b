//! Answers as they come.

use reqwest::{Method, Response};
use serde_json::{Value, json};
use understudy_testkit::{Cut, Fault, Tap, Turn};

use super::{assistant, upstream};
use crate::{
    App,
    Person::{self, Ada, Bob},
};

/// A stream of a response that is being followed.
pub(crate) struct Followed {
    response: Response,
    text: String,
}

impl Followed {
    /// Sends a request whose answer is a stream.
    pub(crate) async fn open(
        address: &str,
        app: &App,
        (person, method): (Person, Method),
        path: &str,
        body: Option<&Value>,
    ) -> Self {
        let who = format!("Bearer {}", person.token());
        Self::open_as(address, app, (&who, method), path, body).await
    }

    /// The same with whatever `Authorization`.
    pub(crate) async fn open_as(
        address: &str,
        app: &App,
        (who, method): (&str, Method),
        path: &str,
        body: Option<&Value>,
    ) -> Self {
        let request = app.client.request(method, format!("{address}{path}"));
        let request = request.header("authorization", who).header("accept", "text/event-stream");
        let request = body.into_iter().fold(request, reqwest::RequestBuilder::json);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new() }
    }

    /// The next part of it, up to an empty line; `None` at its end.
    pub(crate) async fn part(&mut self) -> Option<String> {
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

    /// The next event; `None` behind `[DONE]`.
    pub(crate) async fn event(&mut self) -> Option<Value> {
        loop {
            let part = self.part().await.unwrap();
            if part == "data: [DONE]" {
                assert_eq!(self.part().await, None, "something follows the end");
                return None;
            }
            let field =
                |name: &str| part.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
            if let Some(data) = field("data") {
                let data: Value = serde_json::from_str(data).unwrap();
                assert_eq!(field("event"), data["event"].as_str());
                assert_eq!(field("id").map(str::to_owned), Some(data["sequence"].to_string()));
                return Some(data);
            }
        }
    }

    /// All that is left of it.
    pub(crate) async fn rest(mut self) -> Vec<Value> {
        let mut events = Vec::new();
        while let Some(event) = self.event().await {
            events.push(event);
        }
        events
    }

    /// The events up to the first of this name, it included.
    pub(crate) async fn until(&mut self, name: &str) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            let event = self.event().await.unwrap();
            let is_it = event["event"] == name;
            events.push(event);
            if is_it {
                return events;
            }
        }
    }
}

async fn asked(app: &App, person: Person, helper: &str, body: Value) -> Followed {
    let path = format!("{helper}/responses");
    Followed::open(&app.address, app, (person, Method::POST), &path, Some(&body)).await
}

fn names(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["event"].as_str().unwrap()).collect()
}

fn text_of(events: &[Value]) -> String {
    let deltas = events.iter().filter(|event| event["event"] == "response.content_delta");
    deltas.map(|event| event["delta"].as_str().unwrap()).collect()
}

pub(crate) async fn an_answer_comes_piece_by_piece(app: &App) {
    let upstream = upstream(app).await;
    upstream.answer(Turn::chunks(["Good", " morning", "."]));
    let helper = assistant(app, json!({})).await;

    let events = asked(app, Bob, &helper, json!({"input": "Hello"})).await.rest().await;

    let names = names(&events);
    assert_eq!(names[..2], ["response.processing", "response.created"]);
    assert_eq!(names.last(), Some(&"response.completed"));
    assert_eq!(text_of(&events), "Good morning.");
    let sequences: Vec<_> =
        events.iter().map(|event| event["sequence"].as_u64().unwrap()).collect();
    assert!(sequences.is_sorted_by(|a, b| a < b) && sequences[0] == 1, "{sequences:?}");
    let last = events.last().unwrap();
    assert_eq!(last["output_text"], "Good morning.");
    assert_eq!(last["status"], "completed");
    assert!(last["usage"]["output_tokens"].as_u64().unwrap() > 0);
}

pub(crate) async fn stream_in_the_request_wins_over_the_assistant(app: &App) {
    let _upstream = upstream(app).await;
    let streaming = assistant(app, json!({"streaming": true})).await;
    let path = format!("{streaming}/responses");

    let usual = app.post(Ada, &path).json(&json!({"input": "x"})).expect(200).await;
    let whole =
        app.post(Ada, &path).json(&json!({"input": "x", "stream": false})).expect(200).await;

    assert_eq!(usual.header("content-type"), "text/event-stream");
    assert_eq!(whole.body["status"], "completed");
    let unwanted = app.post(Ada, &path).header("accept", "application/json");
    unwanted.json(&json!({"input": "x", "stream": true})).refused(406, "not_acceptable").await;
}

pub(crate) async fn a_stream_is_resumed_on_any_server_without_loss_or_repetition(app: &App) {
    let upstream = upstream(app).await;
    let tap = Tap::shut();
    upstream
        .answer(Turn::chunks(["one ", "two ", "three"]).with_fault(Fault::SlowDrip(tap.clone())));
    let helper = assistant(app, json!({})).await;
    let mut first = asked(app, Bob, &helper, json!({"input": "Count"})).await;
    tap.let_through(2);
    let before = first.until("response.content_delta").await;
    let id = before[1]["response_id"].as_str().unwrap().to_owned();
    drop(first);

    tap.open();
    let after = before.last().unwrap()["sequence"].as_u64().unwrap();
    let path = format!("/api/responses/{id}/events?after={after}");
    let replica = app.replica();
    for address in [&app.address, &replica.address] {
        let rest = Followed::open(address, app, (Bob, Method::GET), &path, None).await.rest().await;
        assert_eq!(text_of(&before) + &text_of(&rest), "one two three");
        assert_eq!(rest[0]["sequence"], after + 1);
        assert_eq!(names(&rest).last(), Some(&"response.completed"));
    }
    let again = format!("/api/responses/{id}/events");
    let all = Followed::open(&replica.address, app, (Bob, Method::GET), &again, None).await;
    assert_eq!(text_of(&all.rest().await), "one two three");
    replica.stop().await;
}

pub(crate) async fn what_does_not_outlive_its_connection_ends_with_it(app: &App) {
    let upstream = upstream(app).await;
    let tap = Tap::shut();
    upstream.answer(Turn::chunks(["one ", "two"]).with_fault(Fault::SlowDrip(tap.clone())));
    let helper = assistant(app, json!({})).await;
    let body = json!({"input": "Count", "background": false, "store": false});
    let mut stream = asked(app, Bob, &helper, body).await;
    tap.let_through(2);
    stream.until("response.content_delta").await;

    drop(stream);

    upstream.wait_for_abandoned(1).await;
}

pub(crate) async fn a_provider_that_breaks_off_ends_the_stream_with_one_failure(app: &App) {
    let upstream = upstream(app).await;
    upstream.answer(Turn::chunks(["one ", "two"]).with_fault(Fault::CutAfter(Cut::Events(2))));
    let helper = assistant(app, json!({})).await;

    let events = asked(app, Bob, &helper, json!({"input": "Count"})).await.rest().await;

    let names = names(&events);
    assert_eq!(names.last(), Some(&"response.failed"));
    assert_eq!(names.iter().filter(|name| **name == "response.completed").count(), 0);
    let last = events.last().unwrap();
    assert_eq!((&last["status"], last["message"].is_string()), (&json!("failed"), true));
}

pub(crate) async fn a_response_is_cancelled_by_its_user(app: &App) {
    let upstream = upstream(app).await;
    let tap = Tap::shut();
    upstream.answer(Turn::chunks(["one ", "two"]).with_fault(Fault::SlowDrip(tap.clone())));
    let helper = assistant(app, json!({})).await;
    let mut stream = asked(app, Bob, &helper, json!({"input": "Count"})).await;
    tap.let_through(2);
    let before = stream.until("response.content_delta").await;
    let created = &before[1];
    let id = created["response_id"].as_str().unwrap();
    let thread = created["thread_id"].as_str().unwrap();
    let busy = json!({"input": "More", "thread_id": thread});
    app.post(Bob, &format!("{helper}/responses")).json(&busy).refused(409, "thread_busy").await;
    app.delete(Bob, &format!("/api/threads/{thread}")).refused(409, "thread_busy").await;

    let cancel = format!("/api/responses/{id}/_cancel");
    let done = app.post(Bob, &cancel).json(&json!({})).expect(200).await;

    assert_eq!(done.body["cancel_mode"], "quick_edit", "{}", done.body);
    assert_eq!(done.body["response"]["status"], "cancelled");
    assert_eq!(names(&stream.rest().await).last(), Some(&"response.cancelled"));
    app.post(Bob, &cancel).json(&json!({})).refused(409, "not_running").await;
    let said = app.get(Bob, &format!("/api/threads/{thread}/messages")).expect(200).await;
    assert_eq!(said.body["data"], json!([]));
}

pub(crate) async fn a_stream_ends_when_the_right_to_it_does(app: &App) {
    let upstream = upstream(app).await;
    let tap = Tap::shut();
    upstream.answer(Turn::chunks(["one ", "two"]).with_fault(Fault::SlowDrip(tap.clone())));
    let helper = assistant(app, json!({})).await;
    let mut stream = asked(app, Bob, &helper, json!({"input": "Count"})).await;
    tap.let_through(2);
    stream.until("response.content_delta").await;

    let bob = format!("/api/users/{}", Bob.id());
    app.patch(Person::Owner, &bob).json(&json!({"disabled": true})).expect(200).await;

    let mut last = String::new();
    while let Some(part) = stream.part().await {
        last = part;
    }
    assert!(last.starts_with("event: error") && last.contains("unauthenticated"), "{last}");
}
