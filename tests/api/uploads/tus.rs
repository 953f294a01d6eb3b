//! The tus protocol on `/api/uploads`.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::{
    App,
    Person::{Ada, Bob},
    files::{assistant, read},
    request::{Reply, Request},
};

const BYTES: &str = "application/offset+octet-stream";
/// Of `hello world`.
const SHA1: &str = "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=";
const SHA256: &str = "sha256 uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=";

/// A request that speaks tus.
fn tus(app: &App, method: Method, path: &str) -> Request {
    app.request(Ada, method, path).header("tus-resumable", "1.0.0")
}

/// Where the upload is that begins.
async fn begun(app: &App, length: usize) -> String {
    let begin = tus(app, Method::POST, "/api/uploads").header("upload-length", &length.to_string());
    begin.expect(201).await.header("location").to_owned()
}

fn next(app: &App, place: &str, offset: usize, bytes: &[u8]) -> Request {
    let request = tus(app, Method::PATCH, place).header("upload-offset", &offset.to_string());
    request.body(BYTES, bytes)
}

async fn head(app: &App, place: &str) -> Reply {
    tus(app, Method::HEAD, place).expect(200).await
}

pub(crate) async fn what_is_spoken_is_told_to_anybody(app: &App) {
    for path in ["/api/uploads", "/api/uploads/upl_00000000000000000000000000000000"] {
        let told = app.anonymous(Method::OPTIONS, path).expect(204).await;
        for (name, value) in [
            ("tus-version", "1.0.0"),
            ("tus-max-size", "5368709120"),
            ("tus-checksum-algorithm", "sha1,sha256"),
            (
                "tus-extension",
                "creation,creation-with-upload,creation-defer-length,termination,checksum,expiration",
            ),
        ] {
            assert_eq!(told.header(name), value);
        }
    }
}

pub(crate) async fn an_upload_goes_on_where_it_broke_off(app: &App) {
    let path = assistant(app).await;
    let begin = tus(app, Method::POST, "/api/uploads").header("upload-length", "11");
    let metadata = "filename bm90ZXMubWQ=,filetype dGV4dC9odG1s,secret";
    let created = begin.header("upload-metadata", metadata).expect(201).await;
    let place = created.header("location").to_owned();
    assert_eq!(created.header("tus-resumable"), "1.0.0");
    assert_eq!(created.header("upload-expires"), "Fri, 02 Jan 2026 12:00:00 GMT");
    assert_eq!(created.body["complete"], false);
    assert_eq!(created.body["sha256"], Value::Null);

    let first = next(app, &place, 0, b"hello ").expect(204).await;
    assert_eq!((first.header("upload-offset"), first.header("tus-resumable")), ("6", "1.0.0"));
    let state = head(app, &place).await;
    for (name, value) in [
        ("upload-offset", "6"),
        ("upload-length", "11"),
        ("upload-metadata", metadata),
        ("cache-control", "private, no-store"),
        ("upload-expires", "Fri, 02 Jan 2026 12:00:00 GMT"),
    ] {
        assert_eq!(state.header(name), value);
    }
    let early = app.post(Ada, &format!("{path}/files")).json(&json!({"uploadId": created.id()}));
    early.refused(409, "upload_incomplete").await;
    let last = next(app, &place, 6, b"world").expect(204).await;
    assert_eq!(last.header("upload-offset"), "11");

    let whole = read(app, &place).await;
    assert_eq!((&whole.body["complete"], &whole.body["size"]), (&json!(true), &json!(11)));
    assert_eq!(
        (&whole.body["name"], &whole.body["contentType"]),
        (&json!("notes.md"), &json!("text/markdown"))
    );
    let attach = app.post(Ada, &format!("{path}/files")).json(&json!({"uploadId": created.id()}));
    let attached = attach.expect(201).await;
    let contents = read(app, &format!("{}/contents", attached.header("location"))).await;
    assert_eq!(contents.bytes, b"hello world");
    tus(app, Method::HEAD, &place).expect(404).await;
}

pub(crate) async fn many_pieces_come_out_in_order(app: &App) {
    let path = assistant(app).await;
    let place = begun(app, 500).await;
    let bytes: Vec<u8> = (0..250_u8).flat_map(|n| [n, n.wrapping_mul(7)]).collect();
    for (index, piece) in bytes.chunks(10).enumerate() {
        next(app, &place, index * 10, piece).expect(204).await;
    }

    let id = place.rsplit('/').next().unwrap();
    let attach = app.post(Ada, &format!("{path}/files")).json(&json!({"uploadId": id}));
    let attached = attach.expect(201).await;

    let contents = read(app, &format!("{}/contents", attached.header("location"))).await;
    assert!(contents.bytes == bytes);
}

pub(crate) async fn the_first_bytes_may_come_with_the_beginning(app: &App) {
    let begin = |length: &str, checksum: &str, bytes: &str| {
        let request = tus(app, Method::POST, "/api/uploads").header("upload-length", length);
        let request = request.header("upload-checksum", checksum);
        request.body(BYTES, bytes)
    };

    let whole = begin("11", SHA256, "hello world").expect(201).await;
    let part = begin("20", SHA1, "hello world").expect(201).await;

    assert_eq!((whole.header("upload-offset"), &whole.body["complete"]), ("11", &json!(true)));
    assert_eq!((part.header("upload-offset"), &part.body["complete"]), ("11", &json!(false)));
    begin("20", SHA1, "hello").refused(460, "checksum_mismatch").await;
    begin("5", SHA1, "hello world").refused(413, "body_too_large").await;
    let empty = tus(app, Method::POST, "/api/uploads").header("upload-length", "0");
    assert_eq!(empty.expect(201).await.body["complete"], true);
}

pub(crate) async fn a_beginning_that_is_repeated_with_a_key_is_one(app: &App) {
    let begin = |length: &str| {
        let request = tus(app, Method::POST, "/api/uploads").header("upload-length", length);
        request.header("idempotency-key", "key")
    };

    let first = begin("5").expect(201).await;
    let again = begin("5").expect(201).await;

    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!(again.header("tus-resumable"), "1.0.0");
    begin("6").refused(422, "idempotency_key_reused").await;
}

pub(crate) async fn a_length_may_be_told_later(app: &App) {
    let begin = tus(app, Method::POST, "/api/uploads").header("upload-defer-length", "1");
    let place = begin.expect(201).await.header("location").to_owned();
    next(app, &place, 0, b"hello ").expect(204).await;
    let state = head(app, &place).await;
    assert_eq!((state.header("upload-defer-length"), state.header("upload-length")), ("1", ""));

    let short = next(app, &place, 6, b"").header("upload-length", "5");
    short.refused(400, "validation_failed").await;
    next(app, &place, 6, b"world").header("upload-length", "11").expect(204).await;

    assert_eq!(read(app, &place).await.body["complete"], true);
}

pub(crate) async fn another_version_is_refused_with_the_one_that_is_spoken(app: &App) {
    let place = begun(app, 5).await;
    let speak = |method: Method, path: &str| {
        app.request(Ada, method, path).header("tus-resumable", "0.2.2").header("upload-length", "5")
    };
    for request in [
        speak(Method::POST, "/api/uploads"),
        speak(Method::PATCH, &place).header("upload-offset", "0").body(BYTES, "hello"),
        speak(Method::DELETE, &place),
        app.request(Ada, Method::PATCH, &place).header("upload-offset", "0").body(BYTES, "hello"),
    ] {
        let refused = request.refused(412, "tus_version").await;
        assert_eq!(refused.header("tus-version"), "1.0.0");
        assert_eq!(refused.header("tus-resumable"), "1.0.0");
    }
    let state = speak(Method::HEAD, &place).expect(412).await;
    assert_eq!(state.header("tus-version"), "1.0.0");
    assert_eq!(head(app, &place).await.header("upload-offset"), "0");
}

pub(crate) async fn bytes_for_another_place_are_refused(app: &App) {
    let place = begun(app, 11).await;
    next(app, &place, 0, b"hello ").expect(204).await;

    for offset in [0, 5, 7, 11, 12] {
        next(app, &place, offset, b"world").refused(409, "wrong_offset").await;
    }
    next(app, &place, 6, b"world and more").refused(413, "body_too_large").await;
    assert_eq!(head(app, &place).await.header("upload-offset"), "6");
    next(app, &place, 6, b"world").expect(204).await;
    let done = next(app, &place, 11, b"").expect(204).await;
    assert_eq!(done.header("upload-offset"), "11");
}

pub(crate) async fn of_bytes_with_another_checksum_nothing_is_kept(app: &App) {
    let place = begun(app, 22).await;
    let wrong = next(app, &place, 0, b"hello_world").header("upload-checksum", SHA256);
    let wrong = wrong.refused(460, "checksum_mismatch").await;
    assert_eq!(wrong.header("tus-resumable"), "1.0.0");
    assert_eq!(head(app, &place).await.header("upload-offset"), "0");

    next(app, &place, 0, b"hello world").header("upload-checksum", SHA256).expect(204).await;
    next(app, &place, 11, b"hello world").header("upload-checksum", SHA1).expect(204).await;

    for checksum in ["md5 XrY7u+Ae7tCTyyK7j1rNww==", "sha1", "sha1 !", "sha1 AAAA", ""] {
        let faulty = next(app, &place, 22, b"").header("upload-checksum", checksum);
        let faulty = faulty.refused(400, "validation_failed").await;
        assert_eq!(faulty.faults(), [("upload-checksum", "invalid")]);
    }
}

pub(crate) async fn headers_that_make_no_sense_are_named(app: &App) {
    let place = begun(app, 5).await;
    let many = format!("a {}", "YQ==".repeat(1_100));
    for (name, value) in [
        ("upload-length", "-1"),
        ("upload-length", "five"),
        ("upload-length", ""),
        ("upload-length", "99999999999999999999"),
        ("upload-metadata", "filename !"),
        ("upload-metadata", "a,a"),
        ("upload-metadata", "filename /w=="),
        ("upload-metadata", &many),
    ] {
        let begin = tus(app, Method::POST, "/api/uploads").header(name, value);
        let begin =
            if name == "upload-length" { begin } else { begin.header("upload-length", "5") };
        let faulty = begin.refused(400, "validation_failed").await;
        assert_eq!(faulty.faults(), [(name, "invalid")], "{value}");
    }
    for begin in [
        tus(app, Method::POST, "/api/uploads"),
        tus(app, Method::POST, "/api/uploads").header("upload-defer-length", "2"),
        tus(app, Method::POST, "/api/uploads")
            .header("upload-defer-length", "1")
            .header("upload-length", "5"),
    ] {
        let faulty = begin.refused(400, "validation_failed").await;
        assert_eq!(faulty.faults(), [("upload-length", "required")]);
    }
    let placeless = tus(app, Method::PATCH, &place).body(BYTES, "hello");
    let placeless = placeless.refused(400, "validation_failed").await;
    assert_eq!(placeless.faults(), [("upload-offset", "required")]);
    let kind = tus(app, Method::PATCH, &place).header("upload-offset", "0");
    kind.body("text/plain", "hello").refused(415, "unsupported_media_type").await;
    assert_eq!(head(app, &place).await.header("upload-offset"), "0");
}

pub(crate) async fn other_methods_may_be_meant_by_post(app: &App) {
    let place = begun(app, 5).await;
    let post = |meant: &str| {
        let request = tus(app, Method::POST, &place).header("upload-offset", "0");
        request.header("x-http-method-override", meant)
    };

    let sent = post("PATCH").body(BYTES, "hello").expect(204).await;

    assert_eq!(sent.header("upload-offset"), "5");
    let other = post("PUT").refused(405, "method_not_allowed").await;
    assert!(other.header("allow").contains("PATCH"));
    post("DELETE").expect(204).await;
    tus(app, Method::HEAD, &place).expect(404).await;
}

pub(crate) async fn an_upload_by_pieces_is_its_senders_alone(app: &App) {
    let place = begun(app, 5).await;
    let bob = |method: Method| app.request(Bob, method, &place).header("tus-resumable", "1.0.0");

    bob(Method::HEAD).expect(404).await;
    let bytes = bob(Method::PATCH).header("upload-offset", "0").body(BYTES, "hello");
    bytes.refused(404, "not_found").await;
    bob(Method::DELETE).refused(404, "not_found").await;
    assert_eq!(head(app, &place).await.header("upload-offset"), "0");
}

/// Sends the first bytes of a piece of a hundred, and hangs up.
async fn break_off(app: &App, place: &str, extra: &str) {
    let address = app.address.strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "PATCH {place} HTTP/1.1\r\nhost: x\r\nx-api-key: {}\r\ntus-resumable: 1.0.0\r\n\
         upload-offset: 0\r\ncontent-type: {BYTES}\r\ncontent-length: 100\r\n{extra}\r\n",
        Ada.token(),
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(&[7; 40]).await.unwrap();
}

pub(crate) async fn bytes_stay_when_their_sender_hangs_up(app: &App) {
    let place = begun(app, 100).await;
    let doubtful = begun(app, 100).await;

    break_off(app, &doubtful, &format!("upload-checksum: {SHA1}\r\n")).await;
    break_off(app, &place, "").await;

    let mut asked = 0;
    while head(app, &place).await.header("upload-offset") != "40" {
        asked += 1;
        assert!(asked < 10_000, "the bytes are lost");
    }
    next(app, &place, 40, &[7; 60]).expect(204).await;
    assert_eq!(read(app, &place).await.body["complete"], true);
    assert_eq!(head(app, &doubtful).await.header("upload-offset"), "0");
}

pub(crate) async fn of_pieces_for_one_place_at_once_one_stays(app: &App) {
    let place = begun(app, 6).await;

    let pieces = (0..8_u8).map(|n| next(app, &place, 0, &[n; 3]).send());
    let replies = futures_util::future::join_all(pieces).await;

    assert_eq!(replies.iter().filter(|reply| reply.status == 204).count(), 1);
    assert_eq!(replies.iter().filter(|reply| reply.status == 409).count(), 7);
    assert_eq!(head(app, &place).await.header("upload-offset"), "3");
}
