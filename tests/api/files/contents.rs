//! `/api/assistants/{id}/files/{file}/contents` and `…/embeddings`

use reqwest::Method;
use serde_json::json;
use understudy_domain::Digest;

use super::{FORM, assistant, attached, file, form, part, read, upload};
use crate::{
    App,
    Person::{Ada, Bob},
};

fn hex(bytes: &[u8]) -> String {
    Digest::of(bytes).to_string()
}

pub(crate) async fn contents_come_back_as_they_were_sent(app: &App) {
    let path = assistant(app).await;
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_be_bytes()[3] ^ 0x5a).collect();
    let place = attached(app, &path, "data.bin", &bytes).await;
    let contents = format!("{place}/contents");

    let download = app.get(Ada, &contents).header("accept", "image/png").expect(200).await;

    assert!(download.bytes == bytes, "{} bytes came", download.bytes.len());
    assert_eq!(download.etag(), format!("\"{}\"", hex(&bytes)));
    for (name, value) in [
        ("content-type", "application/octet-stream"),
        ("content-length", "3000000"),
        ("content-encoding", ""),
        ("accept-ranges", "bytes"),
        ("cache-control", "private, no-cache"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox; default-src 'none'"),
        ("cross-origin-resource-policy", "same-origin"),
        ("content-disposition", "attachment; filename=\"data.bin\"; filename*=UTF-8''data.bin"),
    ] {
        assert_eq!(download.header(name), value, "{name}");
    }
    assert!(download.header("repr-digest").starts_with("sha-256=:"));
    let head = app.request(Ada, Method::HEAD, &contents).expect(200).await;
    assert!(head.bytes.is_empty());
    for name in ["etag", "content-length", "content-type", "repr-digest", "content-disposition"] {
        assert_eq!(head.header(name), download.header(name), "{name}");
    }
    let known = app.get(Ada, &contents).header("if-none-match", download.etag());
    let known = known.expect(304).await;
    assert_eq!(
        (known.etag(), known.header("cache-control")),
        (download.etag(), "private, no-cache")
    );
}

pub(crate) async fn an_empty_file_is_a_file(app: &App) {
    let path = assistant(app).await;
    let place = attached(app, &path, "empty.txt", b"").await;

    let download = read(app, &format!("{place}/contents")).await;
    let part = app.get(Ada, &format!("{place}/contents")).header("range", "bytes=0-");
    let part = part.refused(416, "range_not_satisfiable").await;

    assert_eq!(read(app, &place).await.body["size"], 0);
    assert_eq!((download.bytes.len(), download.header("content-length")), (0, "0"));
    assert_eq!(part.header("content-range"), "bytes */0");
}

pub(crate) async fn parts_of_a_file_are_to_be_had(app: &App) {
    let path = assistant(app).await;
    let place = attached(app, &path, "a.txt", b"0123456789").await;
    let contents = format!("{place}/contents");
    let tag = read(app, &contents).await.etag().to_owned();
    for (range, part, told) in [
        ("bytes=0-0", "0", "bytes 0-0/10"),
        ("bytes=2-4", "234", "bytes 2-4/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=-3", "789", "bytes 7-9/10"),
        ("bytes=0-99", "0123456789", "bytes 0-9/10"),
    ] {
        let answer = app.get(Ada, &contents).header("range", range).expect(206).await;
        assert_eq!(answer.bytes, part.as_bytes(), "{range}");
        assert_eq!(answer.header("content-range"), told);
        assert_eq!(answer.header("content-length"), part.len().to_string());
        assert_eq!(answer.etag(), tag);
        assert!(answer.header("repr-digest").starts_with("sha-256=:"));
    }
    for range in ["bytes=0-0,5-6", "bytes=5-2", "bytes=x", "lines=0-1"] {
        let answer = app.get(Ada, &contents).header("range", range).expect(200).await;
        assert_eq!(answer.bytes, b"0123456789", "{range}");
    }
    for range in ["bytes=10-", "bytes=99-100", "bytes=-0"] {
        let answer = app.get(Ada, &contents).header("range", range);
        let answer = answer.refused(416, "range_not_satisfiable").await;
        assert_eq!(answer.header("content-range"), "bytes */10");
    }
    for (state, status) in [(tag.as_str(), 206), ("\"other\"", 200), ("W/\"x\"", 200)] {
        let answer = app.get(Ada, &contents).header("range", "bytes=0-0");
        answer.header("if-range", state).expect(status).await;
    }
    let head = app.request(Ada, Method::HEAD, &contents).header("range", "bytes=0-0");
    assert_eq!(head.expect(200).await.header("content-length"), "10");
}

pub(crate) async fn a_store_that_gives_addresses_is_where_a_download_leads(app: &App) {
    let path = assistant(app).await;
    let place = attached(app, &path, "a.txt", b"data").await;
    let contents = format!("{place}/contents");
    let address = "https://bucket.example.com/blob?signature=x";
    app.blobs.set_address(Some(address.parse().unwrap()));

    let led = app.get(Ada, &contents).expect(307).await;
    let head = app.request(Ada, Method::HEAD, &contents).expect(200).await;

    assert_eq!((led.header("location"), led.header("cache-control")), (address, "no-store"));
    assert_eq!(head.header("content-length"), "4");
    app.get(Ada, &contents).header("if-none-match", head.etag()).expect(304).await;
    app.get(Bob, &format!("{place}x/contents")).refused(404, "not_found").await;
}

pub(crate) async fn what_a_browser_would_run_comes_as_mere_bytes(app: &App) {
    let path = assistant(app).await;
    for (name, bytes, known, told) in [
        ("a.html", "<!doctype html><script>alert(1)</script>", "text/html", ""),
        ("a.txt", "<html><script>alert(1)</script>", "text/html", ""),
        ("a.svg", "<svg onload=\"alert(1)\"/>", "image/svg+xml", ""),
        ("a.xml", "<?xml version=\"1.0\"?><a/>", "application/xml", ""),
        ("a.js", "alert(1)", "text/javascript", ""),
        ("a.csv", "a,b\n", "text/csv", "text/csv; charset=utf-8"),
        ("a.json", "{}", "application/json", "application/json"),
        ("a.pdf", "%PDF-1.7 with 1 images", "application/pdf", "application/pdf"),
        ("a.html", "\u{89}PNG\r\n\u{1a}\n", "application/octet-stream", ""),
    ] {
        let created = upload(app, Ada, &path, name, bytes.as_bytes()).expect(201).await;
        if !told.is_empty() || known != "application/octet-stream" {
            assert_eq!(created.body["contentType"], known, "{name}");
        }
        let download = read(app, &format!("{}/contents", created.header("location"))).await;
        let told = if told.is_empty() { "application/octet-stream" } else { told };
        assert_eq!(download.header("content-type"), told, "{name}");
        assert!(download.header("content-disposition").starts_with("attachment;"));
        assert_eq!(download.bytes, bytes.as_bytes());
    }
}

pub(crate) async fn contents_are_never_compressed(app: &App) {
    let path = assistant(app).await;
    let text = "the same again and again ".repeat(1_000);
    let place = attached(app, &path, "a.txt", text.as_bytes()).await;

    let download = app.get(Ada, &format!("{place}/contents"));
    let download = download.header("accept-encoding", "gzip, br, zstd").expect(200).await;

    assert_eq!(download.header("content-encoding"), "");
    assert_eq!(download.header("content-length"), text.len().to_string());
    assert_eq!(download.bytes, text.as_bytes());
}

pub(crate) async fn replaced_contents_leave_the_file_what_it_was(app: &App) {
    let path = assistant(app).await;
    let created = upload(app, Ada, &path, "a.txt", b"first").expect(201).await;
    let place = created.header("location");
    let contents = format!("{place}/contents");
    app.clock.advance(time::Duration::HOUR);

    let replaced = app.put(Ada, &contents).body(FORM, file("other.png", b"second"));
    let replaced = replaced.expect(200).await;

    for kept in ["id", "name", "createdAt", "createdBy"] {
        assert_eq!(replaced.body[kept], created.body[kept], "{kept}");
    }
    assert_eq!(replaced.body["modifiedAt"], "2026-01-01T13:00:00.123456Z");
    let download = read(app, &contents).await;
    assert_eq!(download.bytes, b"second");
    assert_eq!(replaced.etag(), download.etag(), "it is the tag of what was put there");

    let bare = app.put(Ada, &contents).body("application/octet-stream", "third");
    let bare = bare.header("if-match", download.etag()).expect(200).await;
    assert_eq!(bare.body["size"], 5);
    for stale in [download.etag(), created.etag(), replaced.etag()] {
        let late = app.put(Ada, &contents).body(FORM, file("a", b"late"));
        late.header("if-match", stale).refused(412, "precondition_failed").await;
    }
    let metadata = read(app, place).await;
    let by_file = app.put(Ada, &contents).body(FORM, file("a", b"fourth"));
    by_file.header("if-match", metadata.etag()).expect(200).await;
    assert_eq!(read(app, &contents).await.bytes, b"fourth");
    let none = app.put(Ada, &format!("{path}/files/none/contents"));
    none.body(FORM, file("a", b"x")).refused(404, "not_found").await;
    let text = app.put(Ada, &contents).body("text/plain", "x");
    text.refused(415, "unsupported_media_type").await;
}

pub(crate) async fn images_inside_of_a_file_are_listed_and_shown(app: &App) {
    let path = assistant(app).await;
    let place = attached(app, &path, "a.pdf", b"%PDF with 2 images").await;

    let list = read(app, &format!("{place}/embeddings")).await;
    let again = read(app, &format!("{place}/embeddings")).await;

    assert_eq!(list.body, again.body);
    let images = list.body.as_array().unwrap();
    let places: Vec<_> = images.iter().map(|image| image["place"].clone()).collect();
    assert_eq!(places, [json!("page 1"), json!("page 2")]);
    let first = &images[0];
    assert_eq!((&first["width"], &first["height"]), (&json!(10), &json!(20)));
    let link = first["_links"]["image"]["href"].as_str().unwrap();
    assert_eq!(link, format!("{place}/embeddings/{}/image", first["id"].as_str().unwrap()));
    let image = app.get(Ada, link).header("accept", "image/*").expect(200).await;
    assert_eq!(hex(&image.bytes), first["sha256"].as_str().unwrap());
    for (name, value) in [
        ("content-type", "image/png"),
        ("content-disposition", "inline"),
        ("content-security-policy", "sandbox; default-src 'none'"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(image.header(name), value, "{name}");
    }
    app.get(Ada, link).header("if-none-match", image.etag()).expect(304).await;
    for other in ["emb_00000000000000000000000000000000", "x", "..%2f.."] {
        let other = app.get(Ada, &format!("{place}/embeddings/{other}/image"));
        other.refused(404, "not_found").await;
    }
    let text = attached(app, &path, "a.txt", b"text").await;
    assert_eq!(read(app, &format!("{text}/embeddings")).await.body, json!([]));
    let broken = attached(app, &path, "b.pdf", b"%PDF").await;
    for _ in 0..2 {
        let answer = app.get(Ada, &format!("{broken}/embeddings"));
        answer.refused(400, "invalid_file").await;
    }
}

pub(crate) async fn the_same_upload_has_its_effect_once(app: &App) {
    let path = assistant(app).await;
    let send = |bytes: &[u8]| {
        let body = form(&[part("; name=\"file\"; filename=a.txt", bytes)]);
        let request = app.post(Ada, &format!("{path}/files/_upload"));
        request.header("idempotency-key", "key").body(FORM, body)
    };

    let first = send(b"data").expect(201).await;
    let again = send(b"data").expect(201).await;

    assert_eq!(again.body, first.body);
    assert_eq!(again.header("idempotent-replayed"), "true");
    send(b"other").refused(422, "idempotency_key_reused").await;
    assert_eq!(super::names(app, &path).await.len(), 1);
}
