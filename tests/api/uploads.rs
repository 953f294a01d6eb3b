//! `/api/uploads`

pub(crate) mod tus;
pub(crate) mod tuspy;

use serde_json::{Value, json};

use crate::{
    App,
    Person::{Ada, Admin, Bob, Seatless, Stranger},
    files::{FORM, assistant, file, form, names, part, read},
    request::{Reply, Request},
};

/// The upload of a whole file.
fn upload(app: &App, name: &str, bytes: &[u8]) -> Request {
    app.post(Ada, "/api/uploads").body(FORM, file(name, bytes))
}

/// The attachment of an upload to an assistant.
fn attach(app: &App, person: crate::Person, path: &str, upload: &Reply) -> Request {
    let body = json!({"uploadId": upload.body["uploadId"]});
    app.post(person, &format!("{path}/files")).json(&body)
}

pub(crate) async fn an_upload_waits_to_be_attached(app: &App) {
    let path = assistant(app).await;

    let sent = upload(app, "a.csv", b"a,b\n").expect(201).await;

    let place = sent.header("location");
    assert_eq!(place, format!("/api/uploads/{}", sent.id()));
    let expected = json!({
        "uploadId": sent.id(),
        "id": sent.id(),
        "name": "a.csv",
        "contentType": "text/csv",
        "size": 4,
        "sha256": sent.body["sha256"],
        "offset": 4,
        "length": 4,
        "complete": true,
        "expiresAt": "2026-01-02T12:00:00.123456Z",
    });
    assert_eq!(sent.body, expected);
    assert_eq!(sent.body["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(read(app, place).await.body, sent.body);
    attach(app, Ada, &path, &sent).expect(201).await;
    assert_eq!(names(app, &path).await, ["a.csv"]);
    app.get(Ada, place).refused(404, "not_found").await;
}

pub(crate) async fn the_name_of_an_upload_may_stand_beside_it(app: &App) {
    let body = form(&[part("; name=file", b"data"), part("; name=name", "é.txt".as_bytes())]);

    let sent = app.post(Ada, "/api/uploads").body(FORM, body).expect(201).await;
    let nameless = form(&[part("; name=file", b"data")]);
    let nameless = app.post(Ada, "/api/uploads").body(FORM, nameless).expect(201).await;

    assert_eq!(sent.body["name"], "é.txt");
    assert_eq!(nameless.body["name"], Value::Null);
}

pub(crate) async fn an_upload_is_its_senders_alone(app: &App) {
    let path = assistant(app).await;
    let sent = upload(app, "a.txt", b"data").expect(201).await;
    let place = sent.header("location");

    for other in [Bob, Admin, Stranger] {
        app.get(other, place).refused(404, "not_found").await;
        app.delete(other, place).refused(404, "not_found").await;
        let own = crate::assistants::made(app, json!({"name": format!("Of {other:?}")})).await;
        attach(app, Admin, &own, &sent).refused(404, "not_found").await;
    }
    attach(app, Ada, &path, &sent).expect(201).await;
}

pub(crate) async fn an_upload_is_gone_after_a_day(app: &App) {
    let path = assistant(app).await;
    let sent = upload(app, "a.txt", b"data").expect(201).await;
    app.clock.advance(time::Duration::hours(23));
    read(app, sent.header("location")).await;

    app.clock.advance(time::Duration::hours(2));

    app.get(Ada, sent.header("location")).refused(404, "not_found").await;
    attach(app, Ada, &path, &sent).refused(404, "not_found").await;
}

pub(crate) async fn an_upload_is_ended_once(app: &App) {
    let sent = upload(app, "a.txt", b"data").expect(201).await;

    app.delete(Ada, sent.header("location")).expect(204).await;

    app.delete(Ada, sent.header("location")).refused(404, "not_found").await;
    app.get(Ada, "/api/uploads/x").refused(404, "not_found").await;
}

pub(crate) async fn uploads_are_for_those_with_a_seat(app: &App) {
    let before = app.blobs.count();
    let sent = app.post(Seatless, "/api/uploads").body(FORM, file("a.txt", b"data"));
    sent.refused(403, "ai_seat_required").await;
    let begun = app.post(Seatless, "/api/uploads").header("tus-resumable", "1.0.0");
    begun.header("upload-length", "1").refused(403, "ai_seat_required").await;
    assert_eq!(app.blobs.count(), before);
}

pub(crate) async fn of_many_who_attach_an_upload_one_gets_it(app: &App) {
    let path = assistant(app).await;
    let sent = upload(app, "a.txt", b"data").expect(201).await;

    let attempts = (0..8).map(|_| attach(app, Ada, &path, &sent).send());
    let replies = futures_util::future::join_all(attempts).await;

    let made = replies.iter().filter(|reply| reply.status == 201).count();
    assert_eq!(made, 1);
    assert!(replies.iter().all(|reply| [201, 404, 409].contains(&reply.status.as_u16())));
    assert_eq!(names(app, &path).await.len(), 1);
}
