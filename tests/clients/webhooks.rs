//! Messages to webhooks as a receiver checks them that others wrote: the Python
//! package `standardwebhooks`.

use std::{process::Command, sync::Arc, time::Duration};

use serde_json::{Map, Value, json};
use understudy_crypto::SystemClock;
use understudy_domain::{
    Secret,
    ports::{Clock, WebhookFailure, WebhookMessage, WebhookSender},
};
use understudy_outbound::{Outbound, OutboundOptions, Webhooks};
use understudy_testkit::{Asked, Reply, Upstream};
use understudy_tests::tools::python;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const BODY: &str = r#"{"type":"assistant.updated","data":{"before":"Größe","after":null}}"#;

/// Says `good`, or why the message is not.
const SCRIPT: &str = r#"
import json, sys
from standardwebhooks import Webhook, WebhookVerificationError

secret, headers, body = sys.argv[1:]
try:
    Webhook(secret).verify(body, json.loads(headers))
    print("good")
except WebhookVerificationError as error:
    print(error)
"#;

fn webhooks(allowed: &[&str]) -> Webhooks {
    let allowed_networks = allowed.iter().map(|network| network.parse().unwrap()).collect();
    Webhooks::new(Arc::new(Outbound::new(OutboundOptions { allowed_networks }).unwrap()))
}

fn message(url: String) -> WebhookMessage {
    WebhookMessage {
        url,
        secret: Secret::new(SECRET.to_owned()),
        id: "evt_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90".to_owned(),
        at: SystemClock.now(),
        body: BODY.into(),
    }
}

/// What the receiver says of a message that came.
fn verified(secret: &str, asked: &Asked, body: &str) -> String {
    let headers: Map<String, Value> =
        asked.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let headers = Value::Object(headers).to_string();
    let run = Command::new(python()).args(["-c", SCRIPT, secret, &headers, body]).output();
    let run = run.unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn a_receiver_that_we_did_not_write_finds_the_signature_right() {
    let upstream = Upstream::always(Reply::new(200, "ok")).await.unwrap();

    let status = webhooks(&["127.0.0.1/32"]).send(&message(upstream.url("/hook?a=b"))).await;

    assert_eq!(status, Ok(200));
    let asked = upstream.asked().remove(0);
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/hook?a=b"));
    assert_eq!(asked.header("content-type"), Some("application/json"));
    let body = String::from_utf8(asked.body.clone()).unwrap();
    assert_eq!(body, BODY);
    assert_eq!(verified(SECRET, &asked, &body), "good");
    assert_eq!(
        verified(SECRET, &asked, &body.replace("null", "true")),
        "No matching signature found"
    );
    let other = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    assert_eq!(verified(other, &asked, &body), "No matching signature found");
}

#[tokio::test]
async fn whatever_a_receiver_answers_is_its_answer() {
    let webhooks = webhooks(&["127.0.0.1/32"]);
    for status in [204, 302, 307, 410, 500] {
        let reply = Reply::new(status, "").with("location", "http://10.0.0.1/");
        let upstream = Upstream::always(reply.with("content-encoding", "gzip")).await.unwrap();

        assert_eq!(webhooks.send(&message(upstream.url("/"))).await, Ok(status));
        assert_eq!(upstream.asked().len(), 1);
    }
}

#[tokio::test]
async fn an_answer_without_end_is_cut_short() {
    let head = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    let upstream = Upstream::always(Reply::Endless(head, vec![b'x'; 8_192])).await.unwrap();

    let sent = webhooks(&["127.0.0.1/32"]).send(&message(upstream.url("/"))).await;

    assert_eq!(sent, Ok(200));
}

#[tokio::test]
async fn a_receiver_that_hangs_is_left() {
    let upstream = Upstream::always(Reply::Stall(Vec::new())).await.unwrap();
    let webhooks = webhooks(&["127.0.0.1/32"]).with_deadline(Duration::from_millis(200));

    let sent = webhooks.send(&message(upstream.url("/"))).await;

    assert_eq!(sent, Err(WebhookFailure::TimedOut));
}

#[tokio::test]
async fn nothing_is_sent_to_the_inside_of_a_network() {
    let upstream = Upstream::always(Reply::new(200, "")).await.unwrap();

    for url in [upstream.url("/"), "https://10.0.0.1/".to_owned(), "https://localhost/".to_owned()]
    {
        let sent = webhooks(&[]).send(&message(url.clone())).await;
        assert!(matches!(sent, Err(WebhookFailure::Unreachable(_))), "{url}: {sent:?}");
    }
    assert!(upstream.asked().is_empty());
}
