//! `/api/assistants/{id}/references`

use serde_json::{Value, json};

use crate::{
    App,
    Person::{Ada, Bob},
    assistants::made,
    files::{assistant, attached, read},
    request::Request,
};

fn add(app: &App, path: &str, kind: &str, target: &str) -> Request {
    let body = json!({"targetId": target, "targetType": kind});
    app.post(Ada, &format!("{path}/references")).json(&body)
}

pub(crate) async fn a_reference_is_added_read_and_removed(app: &App) {
    let path = assistant(app).await;
    let other = made(app, json!({"name": "Other"})).await;
    let other = other.rsplit('/').next().unwrap();
    let file = attached(app, &path, "a.txt", b"a").await;
    let file = file.rsplit('/').next().unwrap();
    let url = "https://example.com/a%2Fb/c?d=e&f=%20#g";
    let targets = [
        ("assistant", other),
        ("dataset", "ds_sales"),
        ("file", file),
        ("url", url),
        ("vector_store", "vs_abc123"),
    ];
    for (kind, target) in targets {
        let added = add(app, &path, kind, target).expect(201).await;
        let expected = json!({
            "targetId": target,
            "targetType": kind,
            "description": null,
            "createdAt": "2026-01-01T12:00:00.123456Z",
            "createdBy": Ada.id(),
        });
        assert_eq!(added.body, expected);
        let found = read(app, added.header("location")).await;
        assert_eq!((&found.body, found.etag()), (&added.body, added.etag()), "{target}");
        let known = app.get(Ada, added.header("location"));
        known.header("if-none-match", found.etag()).expect(304).await;
        add(app, &path, kind, target).refused(409, "reference_exists").await;
    }
    let list = read(app, &format!("{path}/references")).await;
    let listed: Vec<&str> = list
        .body
        .as_array()
        .unwrap()
        .iter()
        .map(|reference| reference["targetId"].as_str().unwrap())
        .collect();
    assert_eq!(listed, targets.map(|(_, target)| target));

    let place = format!("{path}/references/ds_sales");
    app.delete(Ada, &place).expect(204).await;
    app.delete(Ada, &place).refused(404, "not_found").await;
    app.get(Ada, &place).refused(404, "not_found").await;
    let described =
        json!({"target_id": "ds_sales", "target_type": "dataset", "description": "Sold"});
    let again = app.post(Ada, &format!("{path}/references")).json(&described).expect(201).await;
    assert_eq!(again.body["description"], "Sold");
}

pub(crate) async fn faults_of_a_reference_are_named(app: &App) {
    let path = assistant(app).await;
    let secret = json!({"name": "Secret", "access_mode": "private"});
    let secret = app.post(Bob, "/api/assistants").json(&secret).expect(201).await;
    let long = format!("https://example.com/{}", "a".repeat(2_048));
    let own = path.rsplit('/').next().unwrap();
    for (kind, target, fault) in [
        ("folder", "x", ("/targetType", "enum")),
        ("assistant", "asst_00000000000000000000000000000000", ("/targetId", "unknown")),
        ("assistant", secret.id(), ("/targetId", "unknown")),
        ("assistant", own, ("/targetId", "self")),
        ("file", "file_00000000000000000000000000000000", ("/targetId", "unknown")),
        ("url", "ftp://example.com", ("/targetId", "url")),
        ("url", "javascript:alert(1)", ("/targetId", "url")),
        ("url", "https://user:password@example.com", ("/targetId", "url")),
        ("url", "/relative", ("/targetId", "url")),
        ("url", &long, ("/targetId", "too_long")),
        ("dataset", "sales", ("/targetId", "id")),
        ("vector_store", "vs_../x", ("/targetId", "id")),
    ] {
        let faulty = add(app, &path, kind, target).refused(400, "validation_failed").await;
        assert_eq!(faulty.faults(), [fault], "{kind} {target}");
    }
    let body = json!({"targetType": 1, "colour": "red"});
    let faulty = app.post(Ada, &format!("{path}/references")).json(&body);
    let faulty = faulty.refused(400, "validation_failed").await;
    let expected =
        [("/colour", "unknown_field"), ("/targetId", "required"), ("/targetType", "type")];
    assert_eq!(faulty.faults(), expected);
    assert_eq!(read(app, &format!("{path}/references")).await.body, json!([]));
}

pub(crate) async fn who_may_view_reads_references_and_changes_none(app: &App) {
    let path = assistant(app).await;
    let place = add(app, &path, "dataset", "ds_a").expect(201).await.header("location").to_owned();

    app.get(Bob, &place).expect(200).await;
    app.get(Bob, &format!("{path}/references")).expect(200).await;
    app.delete(Bob, &place).refused(403, "insufficient_level").await;
    let body = json!({"targetId": "ds_b", "targetType": "dataset"});
    let add = app.post(Bob, &format!("{path}/references")).json(&body);
    add.refused(403, "insufficient_level").await;
}

pub(crate) async fn references_of_what_is_invisible_are_not_there(app: &App) {
    let path = made(app, json!({"name": "Secret", "access_mode": "private"})).await;
    let place = add(app, &path, "dataset", "ds_a").expect(201).await.header("location").to_owned();

    let body = json!({"targetId": "ds_b", "targetType": "dataset"});
    for request in [
        app.get(Bob, &place),
        app.delete(Bob, &place),
        app.get(Bob, &format!("{path}/references")),
        app.post(Bob, &format!("{path}/references")).json(&body),
    ] {
        request.refused(404, "not_found").await;
    }
}

pub(crate) async fn a_draft_carries_references_and_its_commit_brings_them_live(app: &App) {
    let path = assistant(app).await;
    add(app, &path, "dataset", "ds_a").expect(201).await;
    let draft = app.post(Ada, &format!("{path}/_edit")).expect(201).await;
    let draft = format!("/api/assistants/{}", draft.id());
    let targets = async |path: &str| -> Vec<Value> {
        let list = read(app, &format!("{path}/references")).await;
        list.body.as_array().unwrap().iter().map(|one| one["targetId"].clone()).collect()
    };

    add(app, &draft, "dataset", "ds_b").expect(201).await;
    app.delete(Ada, &format!("{draft}/references/ds_a")).expect(204).await;
    assert_eq!(targets(&path).await, ["ds_a"]);
    app.post(Ada, &format!("{path}/draft/_commit")).expect(200).await;

    assert_eq!(targets(&path).await, ["ds_b"]);
}
