//! Who reads and changes files.

use serde_json::json;
use understudy_testkit::BlobFault;

use super::{FORM, assistant, attached, file, names, read, upload};
use crate::{
    App,
    Person::{Ada, Bob, Seatless, Stranger},
    assistants::made,
};

pub(crate) async fn who_may_view_reads_files_and_changes_none(app: &App) {
    let path = assistant(app).await;
    let place = attached(app, &path, "a.txt", b"data").await;
    let contents = format!("{place}/contents");

    for readable in [&format!("{path}/files"), &place, &contents, &format!("{place}/embeddings")] {
        app.get(Bob, readable).expect(200).await;
    }
    for refused in [
        upload(app, Bob, &path, "b.txt", b"b"),
        app.post(Bob, &format!("{path}/files")).json(&json!({"uploadId": "x"})),
        app.put(Bob, &place).json(&json!({"name": "b"})),
        app.put(Bob, &contents).body(FORM, file("b", b"b")),
        app.delete(Bob, &place),
    ] {
        let reply = refused.send().await;
        let code = reply.body["code"].as_str().unwrap();
        assert!(["insufficient_level", "not_found"].contains(&code), "{}", reply.body);
    }
    assert_eq!(read(app, &contents).await.bytes, b"data");
    assert_eq!(names(app, &path).await, ["a.txt"]);
    app.get(Seatless, &contents).refused(403, "ai_seat_required").await;
}

pub(crate) async fn files_of_what_is_invisible_are_not_there(app: &App) {
    let path = made(app, json!({"name": "Secret", "access_mode": "private"})).await;
    let place = attached(app, &path, "a.txt", b"data").await;

    for person in [Bob, Stranger] {
        for there in [path.as_str(), "/api/assistants/asst_00000000000000000000000000000000"] {
            let place = place.replace(&path, there);
            for request in [
                app.get(person, &format!("{there}/files")),
                app.get(person, &place),
                app.get(person, &format!("{place}/contents")),
                app.get(person, &format!("{place}/embeddings")),
                upload(app, person, there, "b.txt", b"b"),
                app.put(person, &place).json(&json!({"name": "b"})),
                app.put(person, &format!("{place}/contents")).body(FORM, file("b", b"b")),
                app.delete(person, &place),
            ] {
                request.refused(404, "not_found").await;
            }
        }
    }
    assert_eq!(names(app, &path).await, ["a.txt"]);
}

pub(crate) async fn a_file_is_reached_through_its_own_assistant_only(app: &App) {
    let path = assistant(app).await;
    let other = made(app, json!({"name": "Other"})).await;
    let place = attached(app, &path, "a.txt", b"data").await;

    app.get(Ada, &place.replace(&path, &other)).refused(404, "not_found").await;
    let contents = format!("{}/contents", place.replace(&path, &other));
    app.get(Ada, &contents).refused(404, "not_found").await;
}

pub(crate) async fn a_read_only_token_uploads_nothing(app: &App) {
    let path = assistant(app).await;
    let token = app.post(Ada, "/api/tokens").json(&json!({"readOnly": true})).expect(201).await;
    let token = token.body["token"].as_str().unwrap().to_owned();
    let with = |method, path: &str| app.anonymous(method, path).header("x-api-key", &token);

    let direct = with(reqwest::Method::POST, &format!("{path}/files/_upload"));
    direct.body(FORM, file("a", b"a")).refused(403, "token_read_only").await;
    let before = with(reqwest::Method::POST, "/api/uploads");
    before.body(FORM, file("a", b"a")).refused(403, "token_read_only").await;
    with(reqwest::Method::GET, &format!("{path}/files")).expect(200).await;
    assert_eq!(app.blobs.count(), 0);
}

pub(crate) async fn a_blob_store_that_fails_leaves_nothing_half_done(app: &App) {
    let path = assistant(app).await;
    let place = attached(app, &path, "a.txt", b"data").await;
    let contents = format!("{place}/contents");
    for fault in [BlobFault::Unavailable, BlobFault::Full] {
        app.blobs.set_fault(Some(fault));
        upload(app, Ada, &path, "b.txt", b"b").refused(503, "unavailable").await;
        let replace = app.put(Ada, &contents).body(FORM, file("b", b"b"));
        replace.refused(503, "unavailable").await;
        let before = app.post(Ada, "/api/uploads").body(FORM, file("b", b"b"));
        before.refused(503, "unavailable").await;
        let download = app.get(Ada, &contents);
        match fault {
            BlobFault::Unavailable => {
                let away = download.refused(503, "unavailable").await;
                assert!(!away.header("retry-after").is_empty());
            }
            BlobFault::Full => drop(download.expect(200).await),
        }
        app.blobs.set_fault(None);
        assert_eq!(names(app, &path).await, ["a.txt"]);
    }
    assert_eq!(read(app, &contents).await.bytes, b"data");
    upload(app, Ada, &path, "b.txt", b"b").expect(201).await;
}
