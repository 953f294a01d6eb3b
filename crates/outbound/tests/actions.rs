//! Requests of custom skills and automations to services of this machine.

#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use std::time::Duration;

use understudy_domain::{
    Secret,
    ports::{ActionAnswer, ActionCaller, ActionRequest, ToolError},
};
use understudy_outbound::{Outbound, OutboundOptions};
use understudy_testkit::{Reply, Upstream};

fn outbound() -> Outbound {
    let allowed_networks = vec!["127.0.0.1/32".parse().unwrap()];
    Outbound::new(OutboundOptions { allowed_networks }).unwrap()
}

/// A request with time enough for a slow machine.
fn request(method: &str, url: String) -> ActionRequest {
    let timeout = Duration::from_mins(1);
    let (method, headers) = (method.to_owned(), Vec::new());
    ActionRequest { method, url, headers, body: None, timeout, max_bytes: 1_000 }
}

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

async fn called(request: &ActionRequest) -> Result<ActionAnswer, ToolError> {
    outbound().call(request).await
}

#[tokio::test]
async fn a_request_arrives_as_it_was_made_and_its_answer_comes_back() {
    let reply = Reply::new(422, "no").with("content-type", "text/plain");
    let service = Upstream::always(reply).await.unwrap();
    let wish = ActionRequest {
        headers: vec![("X-Key".to_owned(), secret("sesame"))],
        body: Some(("application/json".to_owned(), secret("{\"a\":1}"))),
        ..request("PATCH", service.url("/orders/a%2Fb?c=%20"))
    };

    let answer = called(&wish).await.unwrap();

    let content_type = Some("text/plain".to_owned());
    assert_eq!(answer, ActionAnswer { status: 422, content_type, body: "no".into() });
    let asked = service.asked().remove(0);
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("PATCH", "/orders/a%2Fb?c=%20"));
    assert_eq!(asked.header("x-key"), Some("sesame"));
    assert_eq!(asked.header("content-type"), Some("application/json"));
    assert_eq!(asked.body, b"{\"a\":1}");
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let elsewhere = Upstream::always(Reply::new(200, "followed")).await.unwrap();
    let reply = Reply::new(307, "").with("location", &elsewhere.url("/"));
    let service = Upstream::always(reply).await.unwrap();

    let answer = called(&request("POST", service.url("/"))).await.unwrap();

    assert_eq!(answer.status, 307);
    assert_eq!(elsewhere.asked(), []);
}

#[tokio::test]
async fn what_must_not_be_sent_is_not_sent() {
    let service = Upstream::answering("127.0.0.2", |_| Reply::new(200, "inside")).await.unwrap();
    let inside = request("GET", service.url("/"));
    let header = |name: &str, value: &str| ActionRequest {
        headers: vec![(name.to_owned(), secret(value))],
        ..request("GET", service.url("/").replace("127.0.0.2", "127.0.0.1"))
    };

    for wish in [
        inside,
        request("GET", "file:///etc/passwd".to_owned()),
        request("GET", "no address".to_owned()),
        request("CONNECT", service.url("/")),
        header("X-A", "a\r\nHost: b"),
        header("X-A", "a\nb"),
        header("X A", "b"),
        header("Host", "elsewhere"),
    ] {
        let refused = called(&wish).await.unwrap_err();
        assert!(matches!(refused, ToolError::NotAllowed(_)), "{wish:?}: {refused:?}");
    }
    assert_eq!(service.asked(), []);
}

#[tokio::test]
async fn nothing_was_done_where_nobody_listens() {
    let gone = Upstream::always(Reply::new(200, "")).await.unwrap();
    let url = gone.url("/");
    drop(gone);

    let unreached = called(&request("POST", url)).await.unwrap_err();

    assert!(matches!(unreached, ToolError::Unreachable(_)), "{unreached:?}");
}

#[tokio::test]
async fn it_is_not_known_what_was_done_when_an_answer_does_not_come_whole() {
    let slow = Upstream::always(Reply::Stall(Vec::new())).await.unwrap();
    let wish =
        ActionRequest { timeout: Duration::from_millis(50), ..request("POST", slow.url("/")) };
    assert_eq!(called(&wish).await.unwrap_err(), ToolError::TimedOut);

    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc".to_vec();
    let cut = Upstream::always(Reply::Raw(cut)).await.unwrap();
    let garbled = called(&request("POST", cut.url("/"))).await.unwrap_err();
    assert!(matches!(garbled, ToolError::Garbled(_)), "{garbled:?}");

    let endless = Reply::Endless(b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b'x'; 600]);
    let endless = Upstream::always(endless).await.unwrap();
    let large = called(&request("POST", endless.url("/"))).await.unwrap_err();
    assert_eq!(large, ToolError::TooLarge { limit: 1_000 });
}
