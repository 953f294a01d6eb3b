//! `/api/assistants/{id}/files`

pub(crate) mod access;
pub(crate) mod contents;
pub(crate) mod forms;
pub(crate) mod lives;

use serde_json::{Value, json};

use crate::{
    App,
    Person::{self, Ada},
    assistants::made,
    request::{Reply, Request},
};

/// The media type of the forms of these tests.
pub(crate) const FORM: &str = "multipart/form-data; boundary=xx";

/// The SHA-256 of `# Notes`.
const SHA256: &str = "360aa5ebfa18efd19f60eb2432c11d53e21586ff3a392ca246980970de15f0c4";

/// A part of a form; `disposition` is what stands behind `form-data`.
pub(crate) fn part(disposition: &str, data: &[u8]) -> Vec<u8> {
    let head = format!("--xx\r\ncontent-disposition: form-data{disposition}\r\n\r\n");
    [head.as_bytes(), data, b"\r\n"].concat()
}

/// A form of these parts.
pub(crate) fn form(parts: &[Vec<u8>]) -> Vec<u8> {
    [&parts.concat()[..], b"--xx--\r\n"].concat()
}

/// A form with a file that is called `name`, as browsers write it.
pub(crate) fn file(name: &str, bytes: &[u8]) -> Vec<u8> {
    form(&[part(&format!("; name=\"file\"; filename=\"{name}\""), bytes)])
}

/// An assistant that everybody of the organization sees, and its path.
pub(crate) async fn assistant(app: &App) -> String {
    made(app, json!({"name": "Support", "access_mode": "organization"})).await
}

/// The upload of a file to the assistant at `path`.
pub(crate) fn upload(app: &App, person: Person, path: &str, name: &str, bytes: &[u8]) -> Request {
    app.post(person, &format!("{path}/files/_upload")).body(FORM, file(name, bytes))
}

/// Where the file is that an upload made.
pub(crate) async fn attached(app: &App, path: &str, name: &str, bytes: &[u8]) -> String {
    upload(app, Ada, path, name, bytes).expect(201).await.header("location").to_owned()
}

/// The names of the files of the assistant at `path`.
pub(crate) async fn names(app: &App, path: &str) -> Vec<String> {
    let list = app.get(Ada, &format!("{path}/files")).expect(200).await;
    let name = |file: &Value| file["name"].as_str().unwrap().to_owned();
    list.body.as_array().unwrap().iter().map(name).collect()
}

pub(crate) async fn read(app: &App, path: &str) -> Reply {
    app.get(Ada, path).expect(200).await
}

pub(crate) async fn a_file_is_uploaded_read_changed_and_deleted(app: &App) {
    let path = assistant(app).await;

    let created = upload(app, Ada, &path, "notes.md", b"# Notes").expect(201).await;
    let place = created.header("location").to_owned();
    let found = read(app, &place).await;

    assert_eq!(place, format!("{path}/files/{}", created.id()));
    assert_eq!(found.body, created.body);
    assert_eq!(found.etag(), created.etag());
    let expected = json!({
        "id": created.id(),
        "assistantId": path.rsplit('/').next().unwrap(),
        "name": "notes.md",
        "description": null,
        "contentType": "text/markdown",
        "size": 7,
        "sha256": SHA256,
        "createdAt": "2026-01-01T12:00:00.123456Z",
        "createdBy": Ada.id(),
        "modifiedAt": "2026-01-01T12:00:00.123456Z",
        "_links": {
            "self": {"href": place},
            "contents": {"href": format!("{place}/contents")},
            "embeddings": {"href": format!("{place}/embeddings")},
        },
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&created.body[name], value, "{name}");
    }
    let again = app.get(Ada, &place).header("if-none-match", found.etag());
    again.expect(304).await;
    assert_eq!(read(app, &format!("{path}/files/notes.md")).await.body, created.body);

    app.clock.advance(time::Duration::HOUR);
    let change = json!({"name": "Notes.md", "description": "What we know"});
    let changed = app.put(Ada, &place).json(&change).expect(200).await;
    assert_eq!(changed.body["name"], "Notes.md");
    assert_eq!(changed.body["description"], "What we know");
    assert_eq!(changed.body["modifiedAt"], "2026-01-01T13:00:00.123456Z");
    assert_ne!(changed.etag(), created.etag());
    let same = app.put(Ada, &place).json(&changed.body).expect(200).await;
    assert_eq!(same.body, changed.body, "what was read may be sent back");
    let cleared = app.put(Ada, &place).json(&json!({"description": null})).expect(200).await;
    assert_eq!(cleared.body["description"], Value::Null);

    let stale = app.delete(Ada, &place).header("if-match", created.etag());
    stale.refused(412, "precondition_failed").await;
    app.delete(Ada, &place).header("if-match", cleared.etag()).expect(204).await;
    app.delete(Ada, &place).refused(404, "not_found").await;
    app.get(Ada, &place).refused(404, "not_found").await;
    assert!(names(app, &path).await.is_empty());
}

pub(crate) async fn files_are_listed_as_they_were_attached(app: &App) {
    let path = assistant(app).await;
    for name in ["b.txt", "a.txt", "b.txt"] {
        attached(app, &path, name, name.as_bytes()).await;
    }

    assert_eq!(names(app, &path).await, ["b.txt", "a.txt", "b.txt"]);
    let of_two = app.get(Ada, &format!("{path}/files/b.txt"));
    of_two.refused(404, "not_found").await;
    assert_eq!(app.blobs.count(), 2, "the same bytes are kept once");
}

pub(crate) async fn faults_of_what_is_said_of_a_file_are_named_at_once(app: &App) {
    let path = assistant(app).await;
    let place = attached(app, &path, "a.txt", b"a").await;

    let change = json!({"name": 1, "description": 2, "colour": "red"});
    let faulty = app.put(Ada, &place).json(&change).refused(400, "validation_failed").await;
    let expected = [("/colour", "unknown_field"), ("/description", "type"), ("/name", "type")];
    assert_eq!(faulty.faults(), expected);
    for (change, fault) in [
        (json!({"name": " "}), ("/name", "required")),
        (json!({"name": "a\nb"}), ("/name", "pattern")),
        (json!({"name": "é".repeat(256)}), ("/name", "too_long")),
        (json!({"description": "é".repeat(1_001)}), ("/description", "too_long")),
    ] {
        let faulty = app.put(Ada, &place).json(&change).refused(400, "validation_failed").await;
        assert_eq!(faulty.faults(), [fault]);
    }
}

/// As a receiver of RFC 6266 reads the name to save a file under.
fn saved_as(disposition: &str) -> String {
    let encoded = disposition.rsplit_once("filename*=UTF-8''").unwrap().1;
    let mut bytes = Vec::new();
    let mut rest = encoded.bytes();
    while let Some(byte) = rest.next() {
        assert!(byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~%".contains(&byte), "{disposition}");
        if byte == b'%' {
            let digits = [rest.next().unwrap(), rest.next().unwrap()];
            let digits = str::from_utf8(&digits).unwrap();
            bytes.push(u8::from_str_radix(digits, 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// As RFC 8187 writes a text, nothing of it as it is.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |text, byte| text + &format!("%{byte:02X}"))
}

pub(crate) async fn names_come_back_as_they_were_sent(app: &App) {
    let path = assistant(app).await;
    let (long, longer) = ("é".repeat(255), "é".repeat(256));
    for (sent, kept) in [
        ("../../etc/passwd", "../../etc/passwd"),
        ("/etc/passwd", "/etc/passwd"),
        (r"C:\Windows\win.ini", r"C:\Windows\win.ini"),
        (r"\\server\share", r"\\server\share"),
        ("CON", "CON"),
        ("nul.txt", "nul.txt"),
        ("trailing...", "trailing..."),
        (" spaced ", "spaced"),
        ("\u{202e}gpj.exe", "\u{202e}gpj.exe"),
        ("😀.txt", "😀.txt"),
        ("e\u{301}.txt", "e\u{301}.txt"),
        ("a;b.txt", "a;b.txt"),
        ("a\"b\".txt", "a\"b\".txt"),
        ("a'b.txt", "a'b.txt"),
        ("50%0d%0a.txt", "50%0d%0a.txt"),
        ("%00", "%00"),
        ("<script>", "<script>"),
        ("a\r\nset-cookie: x", "a\u{fffd}\u{fffd}set-cookie: x"),
        ("a\0b", "a\u{fffd}b"),
        ("a\u{7f}b", "a\u{fffd}b"),
        (".", "."),
        ("..", ".."),
        ("", "file"),
        ("\n", "\u{fffd}"),
        (long.as_str(), long.as_str()),
        (longer.as_str(), long.as_str()),
    ] {
        let exact = encoded(sent);
        let disposition = format!("; name=file; filename=x; filename*=UTF-8''{exact}");
        let body = form(&[part(&disposition, b"data")]);
        let created = app.post(Ada, &format!("{path}/files/_upload")).body(FORM, body);
        let created = created.expect(201).await;
        assert_eq!(created.body["name"], kept, "{sent:?}");
        let place = created.header("location");
        let download = read(app, &format!("{place}/contents")).await;
        assert_eq!(saved_as(download.header("content-disposition")), kept);
        assert_eq!(download.header("set-cookie"), "");
        app.delete(Ada, place).expect(204).await;
    }
    // 4096 bytes, not encoded.
    let name = "n".repeat(4_096);
    let created = upload(app, Ada, &path, &name, b"").expect(201).await;
    assert_eq!(created.body["name"], name[..255]);
}

pub(crate) async fn an_upload_is_attached_once(app: &App) {
    let path = assistant(app).await;
    let sent = app.post(Ada, "/api/uploads").body(FORM, file("a.txt", b"abc")).expect(201).await;
    let attach = json!({"upload_id": sent.body["uploadId"], "name": "b.txt"});

    let created = app.post(Ada, &format!("{path}/files")).json(&attach).expect(201).await;

    assert_eq!(created.body["name"], "b.txt");
    assert_eq!(created.body["sha256"], sent.body["sha256"]);
    assert_eq!(read(app, created.header("location")).await.body, created.body);
    let again = app.post(Ada, &format!("{path}/files")).json(&attach);
    again.refused(404, "not_found").await;
    let faulty = app.post(Ada, &format!("{path}/files")).json(&json!({"name": 1, "file": 1}));
    let faulty = faulty.refused(400, "validation_failed").await;
    let expected = [("/file", "unknown_field"), ("/name", "type"), ("/uploadId", "required")];
    assert_eq!(faulty.faults(), expected);
    let unknown = app.post(Ada, &format!("{path}/files")).json(&json!({"uploadId": "../x"}));
    unknown.refused(404, "not_found").await;
}
