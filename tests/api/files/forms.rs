//! Forms that are not what they should be.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{FORM, assistant, file, form, names, part};
use crate::{App, Options, Person::Ada};

pub(crate) async fn a_form_that_is_none_is_told_what_is_expected(app: &App) {
    let path = assistant(app).await;
    let whole = part("; name=file; filename=a.txt", b"data");
    let nameless = part("; filename=a.txt", b"data");
    let unknown = part("; name=attachment; filename=a.txt", b"data");
    let name = part("; name=name", b"b.txt");
    let cut = &form(std::slice::from_ref(&whole))[..60];
    let fat_head = part(&format!("; name=file; filename=\"{}\"", "a".repeat(1 << 20)), b"");
    let parts: Vec<Vec<u8>> = (0..100_000).map(|_| part("; name=name", b"")).collect();
    let cases: [(&str, &[u8], u16, &str); 15] = [
        (FORM, b"", 400, "malformed_multipart"),
        (FORM, b"data", 400, "malformed_multipart"),
        (FORM, cut, 400, "malformed_multipart"),
        (FORM, &form(&[nameless]), 400, "malformed_multipart"),
        (FORM, &form(&[fat_head]), 400, "malformed_multipart"),
        (FORM, &form(&[]), 400, "validation_failed"),
        (FORM, &form(&[unknown]), 400, "validation_failed"),
        (FORM, &form(std::slice::from_ref(&name)), 400, "validation_failed"),
        (FORM, &form(&[whole.clone(), whole.clone()]), 400, "validation_failed"),
        (FORM, &form(&parts), 400, "validation_failed"),
        ("multipart/form-data", &form(std::slice::from_ref(&whole)), 400, "malformed_multipart"),
        (
            "multipart/form-data; boundary=yy",
            &form(std::slice::from_ref(&whole)),
            400,
            "malformed_multipart",
        ),
        (
            "multipart/mixed; boundary=xx",
            &form(std::slice::from_ref(&whole)),
            415,
            "unsupported_media_type",
        ),
        ("application/json", b"{\"file\": \"/etc/passwd\"}", 415, "unsupported_media_type"),
        ("application/x-www-form-urlencoded", b"file=x", 415, "unsupported_media_type"),
    ];
    for (kind, body, status, code) in cases {
        let sent = app.post(Ada, &format!("{path}/files/_upload")).body(kind, body);
        let refused = sent.refused(status, code).await;
        if status == 415 {
            assert_eq!(refused.header("accept"), "multipart/form-data");
        }
        if code == "validation_failed" {
            let message = refused.body["errors"][0]["message"].as_str().unwrap();
            assert!(message.contains("`file`") || message.contains("twice"), "{message}");
        }
    }
    let packed = app.post(Ada, &format!("{path}/files/_upload")).body(FORM, file("a", b"x"));
    packed.header("content-encoding", "gzip").refused(415, "unsupported_media_type").await;
    assert!(names(app, &path).await.is_empty());
    assert_eq!(app.blobs.count(), 0, "nothing of it was kept");

    let named = form(&[name, whole]);
    let created = app.post(Ada, &format!("{path}/files/_upload")).body(FORM, named);
    assert_eq!(created.expect(201).await.body["name"], "b.txt");
}

pub(crate) async fn an_upload_that_breaks_off_leaves_nothing(app: &App) {
    let path = assistant(app).await;
    let address = app.address.strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(address).await.unwrap();
    let body = file("a.txt", b"data");
    let head = format!(
        "POST {path}/files/_upload HTTP/1.1\r\nhost: x\r\nx-api-key: {}\r\n\
         content-type: {FORM}\r\ncontent-length: {}\r\n\r\n",
        Ada.token(),
        body.len() + 1_000,
    );
    socket.write_all(&[head.as_bytes(), &body].concat()).await.unwrap();
    socket.shutdown().await.unwrap();
    // The connection ends when the server is done with it.
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();

    assert!(!String::from_utf8_lossy(&answer).contains("201"), "{answer:?}");
    assert!(names(app, &path).await.is_empty());
    assert_eq!(app.blobs.count(), 0);
}

pub(crate) async fn a_file_that_is_too_large_is_refused(store: understudy_tests::TestStore) {
    let app = App::with(store, Options { max_file_bytes: 1_000_000, ..Options::default() }).await;
    let path = assistant(&app).await;
    let upload = |size: usize| {
        let body = file("a.bin", &vec![7; size]);
        app.post(Ada, &format!("{path}/files/_upload")).body(FORM, body)
    };

    upload(1_000_001).refused(413, "body_too_large").await;
    upload(2_000_000).refused(413, "body_too_large").await;
    assert_eq!(app.blobs.count(), 0);
    upload(1_000_000).expect(201).await;
    let announced = app.post(Ada, "/api/uploads").header("tus-resumable", "1.0.0");
    announced.header("upload-length", "1000001").refused(413, "body_too_large").await;
    app.stop().await;
}
