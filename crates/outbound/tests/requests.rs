//! Requests to servers of this machine, which stand for the outside when their
//! address is excepted and for the inside when it is not.

#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use std::{
    collections::VecDeque,
    io,
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use understudy_domain::Secret;
use understudy_outbound::{
    Body, Method, Names, Outbound, OutboundError, OutboundOptions, OutboundRequest,
    OutboundResponse, Pace, Why,
};
use understudy_testkit::{Asked, Reply, Upstream};

/// Stands for the outside.
const OUTSIDE: &str = "127.0.0.1";
/// Stands for the inside.
const INSIDE: &str = "127.0.0.2";

/// Answers one question after the other with what is written down.
#[derive(Default)]
struct Script(Mutex<VecDeque<Vec<IpAddr>>>, Mutex<usize>);

impl Script {
    fn of(answers: &[&[&str]]) -> Arc<Self> {
        let parsed = answers.iter().map(|addresses| addresses.iter().map(|a| a.parse().unwrap()));
        Arc::new(Self(Mutex::new(parsed.map(Iterator::collect).collect()), Mutex::new(0)))
    }

    fn asked(&self) -> usize {
        *self.1.lock().unwrap()
    }
}

#[async_trait]
impl Names for Script {
    async fn lookup(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        *self.1.lock().unwrap() += 1;
        self.0.lock().unwrap().pop_front().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

fn options() -> OutboundOptions {
    OutboundOptions { allowed_networks: vec!["127.0.0.1/32".parse().unwrap()] }
}

fn outbound() -> Outbound {
    Outbound::new(options()).unwrap()
}

/// A request with time enough for a slow machine.
fn get(url: &str) -> OutboundRequest {
    OutboundRequest::new(Method::GET, url.parse().unwrap(), Duration::from_mins(1), 1_000)
}

fn post(url: &str) -> OutboundRequest {
    OutboundRequest::new(Method::POST, url.parse().unwrap(), Duration::from_mins(1), 1_000)
}

async fn send(request: OutboundRequest) -> Result<OutboundResponse, OutboundError> {
    outbound().send(&request).await
}

async fn always(reply: Reply) -> Upstream {
    Upstream::always(reply).await.unwrap()
}

fn redirect(status: u16, to: &str) -> Reply {
    Reply::new(status, "").with("location", to)
}

fn why(result: Result<OutboundResponse, OutboundError>) -> Why {
    match result {
        Err(OutboundError::NotAllowed { why }) => why,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn an_answer_of_any_status_comes_back_whole() {
    let upstream = always(Reply::new(418, "short and stout").with("x-pot", "tea")).await;

    let answer = send(get(&upstream.url("/pot?x=1")).header("accept", "text/plain")).await.unwrap();

    assert_eq!(answer.status, 418);
    assert_eq!(answer.headers["x-pot"], "tea");
    assert_eq!(answer.body, "short and stout");
    let asked = &upstream.asked()[0];
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("GET", "/pot?x=1"));
    assert_eq!(asked.header("accept"), Some("text/plain"));
    assert_eq!(asked.header("accept-encoding"), Some("identity"));
    assert!(asked.header("user-agent").unwrap().starts_with("understudy/"));
}

#[tokio::test]
async fn bodies_and_forms_arrive() {
    let upstream = always(Reply::new(200, "")).await;

    let bytes = post(&upstream.url("/")).body(Body::Bytes("{}".into()));
    let form = post(&upstream.url("/"))
        .body(Body::Form(vec![("prompt".to_owned(), "a fox\r\n--x".to_owned())]));
    send(bytes).await.unwrap();
    send(form).await.unwrap();

    let asked = upstream.asked();
    assert_eq!(asked[0].body, b"{}");
    assert!(asked[1].header("content-type").unwrap().starts_with("multipart/form-data; boundary="));
    let body = String::from_utf8(asked[1].body.clone()).unwrap();
    assert!(body.contains("name=\"prompt\"\r\n\r\na fox\r\n--x\r\n"), "{body}");
}

#[tokio::test]
async fn literals_of_the_inside_are_refused_before_a_packet_is_sent() {
    let inside = Upstream::answering(INSIDE, |_| Reply::new(200, "secret")).await.unwrap();
    let port = inside.address().port();

    for host in ["127.0.0.2", "2130706434", "0x7f.2", "0177.2", "127.2", "[::ffff:7f00:2]"] {
        for scheme in ["http", "https"] {
            let refused = send(get(&format!("{scheme}://{host}:{port}/"))).await;
            assert!(matches!(why(refused), Why::Private { .. }), "{scheme}://{host}");
        }
    }
    assert_eq!(inside.asked(), []);
}

#[tokio::test]
async fn redirects_to_the_inside_are_not_followed() {
    let inside = Upstream::answering(INSIDE, |_| Reply::new(200, "secret")).await.unwrap();
    let port = inside.address().port();

    for status in [301, 302, 303, 307, 308] {
        for host in ["127.0.0.2", "2130706434", "[::ffff:7f00:2]", "127.0.0.2."] {
            let outside = always(redirect(status, &format!("//{host}:{port}/"))).await;
            let refused = send(get(&outside.url("/"))).await;
            assert!(matches!(why(refused), Why::Private { .. }), "{status} to {host}");
        }
    }
    assert_eq!(inside.asked(), []);
}

#[tokio::test]
async fn redirects_to_other_schemes_and_to_credentials_are_not_followed() {
    for (to, expected) in [
        ("file:///etc/passwd", Why::Scheme),
        ("ftp://127.0.0.1/", Why::Scheme),
        ("http://user:pw@127.0.0.1/", Why::Credentials),
    ] {
        let outside = always(redirect(302, to)).await;
        assert_eq!(why(send(get(&outside.url("/"))).await), expected, "{to}");
    }
}

#[tokio::test]
async fn five_redirects_are_followed_and_six_are_not() {
    let steps = |asked: &Asked| match asked.path.trim_start_matches('/').parse() {
        Ok(0) => Reply::new(200, "there"),
        Ok(left) => redirect(302, &format!("/{}", left - 1_u32)),
        Err(_) => Reply::new(400, ""),
    };
    let upstream = Upstream::answering(OUTSIDE, steps).await.unwrap();

    assert_eq!(send(get(&upstream.url("/5"))).await.unwrap().body, "there");
    let refused = send(get(&upstream.url("/6"))).await;
    assert!(matches!(why(refused), Why::Redirects { .. }));
}

#[tokio::test]
async fn what_was_posted_is_fetched_or_posted_again_as_the_redirect_says() {
    for (status, method, body) in [
        (301, "GET", ""),
        (302, "GET", ""),
        (303, "GET", ""),
        (307, "POST", "x"),
        (308, "POST", "x"),
    ] {
        let answer = move |asked: &Asked| match asked.path.as_str() {
            "/" => redirect(status, "/next"),
            _ => Reply::new(200, ""),
        };
        let upstream = Upstream::answering(OUTSIDE, answer).await.unwrap();

        send(post(&upstream.url("/")).body(Body::Bytes("x".into()))).await.unwrap();

        let next = &upstream.asked()[1];
        assert_eq!(next.method, method, "{status}");
        assert_eq!(next.body, body.as_bytes(), "{status}");
    }
}

#[tokio::test]
async fn another_origin_sees_no_credentials_and_the_same_one_does() {
    let stranger = always(Reply::new(200, "")).await;
    let to = stranger.url("/there");
    let answer = move |asked: &Asked| match asked.path.as_str() {
        "/" => redirect(307, "/same"),
        _ => redirect(307, &to),
    };
    let known = Upstream::answering(OUTSIDE, answer).await.unwrap();

    let key = Secret::new("sesame".to_owned());
    let request = get(&known.url("/"))
        .header("authorization", "Bearer sesame")
        .header("x-goog-api-key", "sesame")
        .header("accept", "image/png")
        .secret_header("x-api-key", key.clone())
        .secret_header("range", key);
    send(request).await.unwrap();

    let same = &known.asked()[1];
    assert_eq!(same.header("authorization"), Some("Bearer sesame"));
    assert_eq!(same.header("x-api-key"), Some("sesame"));
    let strange = &stranger.asked()[0];
    assert_eq!(strange.header("accept"), Some("image/png"));
    assert!(!format!("{strange:?}").contains("sesame"), "{strange:?}");
}

#[tokio::test]
async fn a_name_that_leads_inside_the_second_time_is_refused_the_second_time() {
    let upstream = always(Reply::new(200, "outside")).await;
    let inside = Upstream::answering(INSIDE, |_| Reply::new(200, "secret")).await.unwrap();
    let names = Script::of(&[&[OUTSIDE], &[INSIDE]]);
    let outbound = Outbound::with_names(options(), Arc::<Script>::clone(&names)).unwrap();
    let url = |of: &Upstream| format!("http://rebinding.example:{}/", of.address().port());

    let first = outbound.send(&get(&url(&upstream))).await.unwrap();
    assert_eq!((first.body.as_ref(), names.asked()), (&b"outside"[..], 1));

    let second = outbound.send(&get(&url(&inside))).await;
    assert!(matches!(why(second), Why::Private { .. }));
    assert_eq!((inside.asked().len(), names.asked()), (0, 2));
}

#[tokio::test]
async fn a_name_with_one_address_inside_is_not_reached_at_all() {
    let upstream = always(Reply::new(200, "")).await;
    let port = upstream.address().port();
    for inward in [INSIDE, "169.254.169.254", "::1", "::ffff:7f00:1", "64:ff9b::7f00:1"] {
        let names = Script::of(&[&[OUTSIDE, inward]]);
        let outbound = Outbound::with_names(options(), names).unwrap();
        let refused = outbound.send(&get(&format!("http://mixed.example:{port}/"))).await;
        assert!(matches!(why(refused), Why::Private { .. }), "{inward}");
    }
    assert_eq!(upstream.asked(), []);
}

#[tokio::test]
async fn plain_http_to_a_public_address_behind_a_name_is_refused() {
    let outbound = Outbound::with_names(options(), Script::of(&[&["1.1.1.1"]])).unwrap();

    assert_eq!(why(outbound.send(&get("http://public.example/")).await), Why::Unencrypted);
}

#[tokio::test]
async fn a_name_without_addresses_and_a_port_without_a_server_are_told_apart() {
    let nobody = Outbound::with_names(options(), Script::of(&[])).unwrap();
    let empty = Outbound::with_names(options(), Script::of(&[&[]])).unwrap();
    let closed = Upstream::answering(OUTSIDE, |_| Reply::Stall(Vec::new())).await.unwrap();
    let url = closed.url("/");
    drop(closed);

    for outbound in [nobody, empty] {
        let error = outbound.send(&get("http://nowhere.example/")).await.unwrap_err();
        assert!(matches!(error, OutboundError::Resolve { .. }), "{error:?}");
        assert!(error.is_unsent());
    }
    let until_closed = async {
        // The listener goes when its task has ended.
        loop {
            match send(get(&url)).await {
                Err(error) if error.is_unsent() => break error,
                _ => tokio::task::yield_now().await,
            }
        }
    };
    let error = until_closed.await;
    assert!(matches!(error, OutboundError::Connect { .. }), "{error:?}");
}

#[tokio::test]
async fn https_is_not_spoken_with_somebody_who_cannot() {
    let upstream = always(Reply::new(200, "")).await;
    let url = upstream.url("/").replace("http://", "https://");

    let error = send(get(&url)).await.unwrap_err();

    assert!(matches!(error, OutboundError::Connect { .. }), "{error:?}");
}

#[tokio::test]
async fn an_answer_of_the_limit_passes_and_one_byte_more_does_not() {
    let fits = always(Reply::new(200, vec![b'x'; 1_000])).await;
    let announced = always(Reply::new(200, vec![b'x'; 1_001])).await;
    let head = "HTTP/1.1 200 OK\r\n\r\n".to_owned();
    let unannounced = always(Reply::Raw((head + &"x".repeat(1_001)).into_bytes())).await;

    assert_eq!(send(get(&fits.url("/"))).await.unwrap().body.len(), 1_000);
    for upstream in [announced, unannounced] {
        let error = send(get(&upstream.url("/"))).await.unwrap_err();
        assert!(matches!(error, OutboundError::TooLarge { limit: 1_000, .. }), "{error:?}");
    }
}

#[tokio::test]
async fn an_endless_answer_ends_at_the_limit() {
    let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let piece = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
    let upstream = always(Reply::Endless(head.to_vec(), piece.into_bytes())).await;

    let error = send(get(&upstream.url("/"))).await.unwrap_err();

    assert!(matches!(error, OutboundError::TooLarge { .. }), "{error:?}");
}

#[tokio::test]
async fn endless_headers_are_no_answer() {
    let upstream =
        always(Reply::Endless(b"HTTP/1.1 200 OK\r\n".to_vec(), b"x-more: again\r\n".to_vec()))
            .await;

    let error = send(get(&upstream.url("/"))).await.unwrap_err();

    assert!(matches!(error, OutboundError::Protocol { .. }), "{error:?}");
}

#[tokio::test]
async fn a_compressed_answer_is_never_opened() {
    let bomb = Reply::new(200, [0x1f, 0x8b, 8, 0, 0, 0, 0, 0]).with("content-encoding", "gzip");
    let upstream = always(bomb).await;

    let error = send(get(&upstream.url("/"))).await.unwrap_err();

    assert!(matches!(error, OutboundError::Protocol { .. }), "{error:?}");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error() {
    let cut = Reply::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".to_vec());
    let nonsense = Reply::Raw(b"220 ready for mail\r\n".to_vec());
    for reply in [cut, nonsense, Reply::Raw(Vec::new())] {
        let upstream = always(reply).await;
        let error = send(get(&upstream.url("/"))).await.unwrap_err();
        assert!(matches!(error, OutboundError::Protocol { .. }), "{error:?}");
        assert!(!error.is_unsent());
    }
}

#[tokio::test]
async fn an_answer_may_keep_its_asker_waiting_for_its_head_and_its_pieces_only_so_long() {
    let (soon, late) = (Duration::from_millis(50), Duration::from_mins(1));
    let begun = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello".to_vec();
    for (stall, head, piece) in [(Vec::new(), soon, late), (begun, late, soon)] {
        let upstream = always(Reply::Stall(stall)).await;
        let request = get(&upstream.url("/")).paced(Pace { head, piece });
        let error = send(request).await.unwrap_err();
        assert!(matches!(error, OutboundError::TimedOut { .. }), "{error:?}");
    }

    let upstream = always(Reply::new(200, "hello")).await;
    let patient = get(&upstream.url("/")).paced(Pace { head: late, piece: late });
    assert_eq!(send(patient.clone()).await.unwrap().body, "hello");
    // However patient, the whole has its own time.
    let stalled = always(Reply::Stall(Vec::new())).await;
    let request = get(&stalled.url("/")).paced(Pace { head: late, piece: late }).within(soon);
    let error = send(request).await.unwrap_err();
    assert!(matches!(error, OutboundError::TimedOut { .. }), "{error:?}");
}

#[tokio::test]
async fn the_deadline_ends_the_wait_for_the_head_and_for_the_body() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n".to_vec();
    let silent = always(Reply::Stall(Vec::new())).await;
    let slow = always(Reply::Stall(head)).await;

    for upstream in [silent, slow] {
        let url = upstream.url("/").parse().unwrap();
        let request = OutboundRequest::new(Method::GET, url, Duration::from_millis(50), 1_000);
        let error = send(request).await.unwrap_err();
        assert!(matches!(error, OutboundError::TimedOut { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn an_open_answer_comes_piece_by_piece() {
    let upstream = always(Reply::new(200, "abc").with("x-a", "b")).await;

    let outbound = outbound();
    let mut answer = outbound.open(&get(&upstream.url("/"))).await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.headers()["x-a"]), (200, &"b".parse().unwrap()));
    let mut read = Vec::new();
    while let Some(chunk) = answer.chunk().await.unwrap() {
        read.extend_from_slice(&chunk);
    }
    assert_eq!(read, b"abc");
}

#[tokio::test]
async fn headers_of_the_connection_and_values_with_line_ends_are_refused() {
    let upstream = always(Reply::new(200, "")).await;

    for name in ["Host", "cookie", "Transfer-Encoding", "connection", "no name"] {
        let refused = send(get(&upstream.url("/")).header(name, "x")).await;
        assert!(matches!(why(refused), Why::Header(_)), "{name}");
    }
    let key = Secret::new("sesame\r\nx-more: 1".to_owned());
    let refused = why(send(get(&upstream.url("/")).secret_header("x-api-key", key)).await);
    assert!(matches!(refused, Why::HeaderValue(_)));
    assert!(!refused.to_string().contains("sesame"));
    assert_eq!(upstream.asked(), []);
}

#[tokio::test]
async fn no_error_tells_the_query_or_a_key() {
    let upstream = always(Reply::Raw(Vec::new())).await;
    let request = get(&upstream.url("/path?token=sesame"))
        .secret_header("x-api-key", Secret::new("sesame".to_owned()));

    let shown = format!("{request:?}");
    let error = send(request).await.unwrap_err();

    assert!(!shown.contains("sesame"), "{shown}");
    assert!(!format!("{error} {error:?}").contains("sesame"), "{error:?}");
}
