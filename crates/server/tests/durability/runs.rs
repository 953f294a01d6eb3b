//! `kill -9` of a server that answers: what waits for approval goes on once it is
//! approved, and what was in the middle of speaking comes to one end.

use serde_json::json;
use understudy_testkit::{Fault, Tap, Turn};

use crate::{
    servers::{clock, clock_calls, clock_in, freely, having, noon},
    service::{Kept, Service},
};

#[tokio::test]
async fn sqlite_goes_on_with_a_call_that_waited_for_approval() {
    go_on(Kept::Sqlite).await;
}

#[tokio::test]
async fn postgres_goes_on_with_a_call_that_waited_for_approval() {
    go_on(Kept::Postgres).await;
}

async fn go_on(kept: Kept) {
    let mut service = Service::configured(kept, clock_in).await;
    let upstream = service.recorded().await;
    let helper = service.assistant(having([clock(json!({"requireApproval": "always"}))])).await;
    upstream.answer(Turn::tool_call("clock__convert_time", noon()));
    let paused = service.ask(&helper, "When is noon in Tokyo?").await.end().await;
    let response = format!("/api/responses/{}", paused.response());
    assert_eq!(paused.last()["status"], "requires_approval");

    service.kill();
    service.restart();

    let read = service.get(&response).await;
    assert_eq!(read["approvals"], paused.last()["approvals"]);
    let pending = service.pending(paused.response()).await;
    let [(approval, shown)] = pending.as_slice() else { panic!("{pending:?}") };
    assert_eq!((&shown["name"], &shown["arguments"]), (&json!("convert_time"), &noon()));
    assert_eq!(clock_calls(&service), []);
    upstream.answer(Turn::chunks(["It is ", "nine."]));
    service.post(approval, &json!({"approve": true}), 200).await;
    let heard = service.follow(paused.response(), paused.reached()).await.end().await;

    assert_eq!(heard.last()["status"], "completed", "{heard:#?}");
    assert_eq!(
        (heard.text().as_str(), heard.last()["output_text"].as_str()),
        ("It is nine.", Some("It is nine."))
    );
    assert_eq!(heard.0[0]["sequence"].as_u64(), Some(paused.reached() + 1));
    let asked: Vec<_> =
        upstream.requests().into_iter().filter(|request| request.api.is_some()).collect();
    assert_eq!(asked.len(), 2);
    assert!(asked[1].tool_results()[0].contains("21:00"), "{}", asked[1].body);

    // What is over stays over, whatever becomes of the server.
    service.kill();
    service.restart();
    service.post(approval, &json!({"approve": true}), 409).await;
    let again = service.follow(paused.response(), 0).await.end().await;
    // If its last event was not stored yet, it is told anew, under another number.
    assert_eq!(again.last()["output_text"], heard.last()["output_text"]);
    assert_eq!(service.get(&response).await["output_text"], "It is nine.");
    assert_eq!(clock_calls(&service), [("convert_time".to_owned(), noon())]);
}

#[tokio::test]
async fn sqlite_brings_an_answer_that_was_cut_off_to_one_end() {
    cut_off(Kept::Sqlite).await;
}

#[tokio::test]
async fn postgres_brings_an_answer_that_was_cut_off_to_one_end() {
    cut_off(Kept::Postgres).await;
}

async fn cut_off(kept: Kept) {
    let mut service = Service::configured(kept, clock_in).await;
    let upstream = service.recorded().await;
    let helper = service.assistant(having([clock(freely())])).await;
    let tap = Tap::shut();
    upstream.answer(Turn::tool_call("clock__convert_time", noon()));
    let counting = Turn::chunks(["one ", "two ", "three"]);
    upstream.answer(counting.with_fault(Fault::SlowDrip(tap.clone())));
    let mut stream = service.ask(&helper, "When is noon in Tokyo?").await;
    tap.let_through(2);
    let created = stream.until("response.created").await;
    stream.until("response.content_delta").await;
    let response = created["response_id"].as_str().unwrap().to_owned();

    service.kill();
    upstream.wait_for_abandoned(1).await;
    service.restart();
    // It ends as soon as the time is over in which its server would have told that it
    // still works on it.
    let heard = service.follow(&response, stream.reached()).await.end().await;

    let last = heard.last();
    assert_eq!((&last["event"], &last["code"]), (&json!("response.failed"), &json!("interrupted")));
    let read = service.get(&format!("/api/responses/{response}")).await;
    assert_eq!(read["status"], "failed");
    assert_eq!(read["error"]["code"], "interrupted");
    // What was told in the last moment may be lost; of the rest nothing is.
    let again = service.follow(&response, 0).await.end().await;
    let kept = again.text();
    assert!("one ".starts_with(&kept), "{kept}");
    assert_eq!((&read["output_text"], &last["output_text"]), (&json!(kept), &json!(kept)));
    assert_eq!(again.last(), last);
    // Nothing was done twice, nobody was asked again, and the thread is free.
    assert_eq!(clock_calls(&service), [("convert_time".to_owned(), noon())]);
    upstream.answer(Turn::text("Gladly."));
    let body = json!({"input": "Go on", "stream": true, "thread_id": created["thread_id"]});
    let next = service.stream(&format!("{helper}/responses"), &body).await.end().await;
    assert_eq!(next.text(), "Gladly.");
    let asked: Vec<_> =
        upstream.requests().into_iter().filter(|request| request.api.is_some()).collect();
    assert_eq!(asked.len(), 3);
    assert!(asked[2].mentions("When is noon in Tokyo?"), "{}", asked[2].body);
}
