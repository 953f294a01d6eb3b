//! Files as content: drafts, versions and copies carry them.

use serde_json::json;

use super::{FORM, assistant, attached, file, names, read};
use crate::{
    App,
    Person::{Ada, Bob},
};

pub(crate) async fn a_draft_carries_files_and_its_commit_brings_them_live(app: &App) {
    let path = assistant(app).await;
    let kept = attached(app, &path, "kept.txt", b"kept").await;
    let draft = app.post(Ada, &format!("{path}/_edit")).expect(201).await;
    let draft = format!("/api/assistants/{}", draft.id());

    let same = kept.replace(&path, &draft);
    assert_eq!(read(app, &format!("{same}/contents")).await.bytes, b"kept");
    attached(app, &draft, "new.txt", b"new").await;
    app.put(Ada, &format!("{same}/contents")).body(FORM, file("x", b"changed")).expect(200).await;
    assert_eq!(names(app, &path).await, ["kept.txt"]);
    assert_eq!(read(app, &format!("{kept}/contents")).await.bytes, b"kept");
    app.get(Bob, &format!("{draft}/files")).refused(404, "not_found").await;

    app.post(Ada, &format!("{path}/draft/_commit")).expect(200).await;

    assert_eq!(names(app, &path).await, ["kept.txt", "new.txt"]);
    assert_eq!(read(app, &format!("{kept}/contents")).await.bytes, b"changed");
    app.get(Ada, &format!("{draft}/files")).refused(404, "not_found").await;
}

pub(crate) async fn a_discarded_draft_takes_its_files_along(app: &App) {
    let path = assistant(app).await;
    let draft = app.post(Ada, &format!("{path}/_edit")).expect(201).await;
    attached(app, &format!("/api/assistants/{}", draft.id()), "new.txt", b"new").await;

    app.delete(Ada, &format!("{path}/draft")).expect(204).await;

    assert!(names(app, &path).await.is_empty());
}

pub(crate) async fn a_restored_version_brings_a_file_back(app: &App) {
    let path = assistant(app).await;
    let place = attached(app, &path, "a.txt", b"precious").await;
    let version = read(app, &path).await.body["version"].clone();
    app.delete(Ada, &place).expect(204).await;

    let restore = format!("{path}/versions/{version}/_restore");
    app.post(Ada, &restore).json(&json!({})).send().await;
    app.post(Ada, &format!("{path}/draft/_commit")).expect(200).await;

    assert_eq!(read(app, &format!("{place}/contents")).await.bytes, b"precious");
}

pub(crate) async fn a_copy_has_the_files(app: &App) {
    let path = assistant(app).await;
    let place = attached(app, &path, "a.txt", b"shared").await;

    let copy = app.post(Bob, &format!("{path}/_copy")).expect(201).await;
    app.delete(Ada, &place).expect(204).await;

    let copy = copy.header("location");
    let list = app.get(Bob, &format!("{copy}/files")).expect(200).await;
    let link = list.body[0]["_links"]["contents"]["href"].as_str().unwrap();
    assert_eq!(app.get(Bob, link).expect(200).await.bytes, b"shared");
    app.get(Ada, link).refused(404, "not_found").await;
}
