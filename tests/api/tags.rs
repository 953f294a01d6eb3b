//! `/api/tags` and `/api/assistants/{id}/tags`

use serde_json::{Value, json};

use crate::{
    App,
    Person::{Ada, Admin, Bob, Manager, Stranger, Viewer},
    assistants::made,
    request::Reply,
};

async fn tag(app: &App, name: &str) -> Reply {
    app.post(Ada, "/api/tags").json(&json!({"name": name})).expect(201).await
}

fn names(reply: &Reply) -> Vec<&str> {
    reply.body.as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect()
}

pub(crate) async fn a_tag_is_made_read_changed_and_deleted(app: &App) {
    let body = json!({"name": " Support ", "color": "#2E7D32"});
    let created = app.post(Ada, "/api/tags").json(&body).expect(201).await;
    let place = created.header("location").to_owned();
    let expected = json!({
        "id": created.id(),
        "name": "Support",
        "color": "#2e7d32",
        "createdAt": "2026-01-01T12:00:00.123456Z",
        "updatedAt": "2026-01-01T12:00:00.123456Z",
    });
    assert_eq!(created.body, expected);
    let read = app.get(Viewer, &place).expect(200).await;
    assert_eq!((&read.body, read.etag()), (&created.body, created.etag()));
    app.get(Viewer, &place).header("if-none-match", read.etag()).expect(304).await;

    let mut body = created.body.clone();
    body["name"] = "Sales".into();
    let changed = app.put(Manager, &place).json(&body).expect(200).await;
    assert_eq!(
        (&changed.body["name"], &changed.body["color"]),
        (&json!("Sales"), &json!("#2e7d32"))
    );
    let stale = app.put(Manager, &place).header("if-match", created.etag()).json(&json!({}));
    stale.refused(412, "precondition_failed").await;
    let plain = app.put(Manager, &place).json(&json!({"color": null})).expect(200).await;
    assert_eq!(plain.body["color"], "");
    app.delete(Admin, &place).expect(204).await;
    app.delete(Admin, &place).refused(404, "not_found").await;
    app.get(Viewer, &place).refused(404, "not_found").await;
}

pub(crate) async fn tags_are_listed_by_name(app: &App) {
    for name in ["beta", "Alpha", "gamma"] {
        tag(app, name).await;
    }
    let all = app.get(Viewer, "/api/tags").expect(200).await;
    assert_eq!(names(&all), ["Alpha", "beta", "gamma"]);
    let one = app.get(Viewer, "/api/tags?name=ALPHA").expect(200).await;
    assert_eq!(names(&one), ["Alpha"]);
    let none = app.get(Viewer, "/api/tags?name=alph").expect(200).await;
    assert_eq!(none.body, json!([]));
    assert_eq!(app.get(Stranger, "/api/tags").expect(200).await.body, json!([]));
}

pub(crate) async fn members_make_tags_and_managers_administer_them(app: &App) {
    let made = tag(app, "Support").await;
    let place = made.header("location");
    let new = json!({"name": "New"});

    app.post(Viewer, "/api/tags").json(&new).refused(403, "insufficient_role").await;
    app.put(Ada, place).json(&new).refused(403, "insufficient_role").await;
    app.delete(Ada, place).refused(403, "insufficient_role").await;
    for request in
        [app.get(Stranger, place), app.put(Stranger, place).json(&new), app.delete(Stranger, place)]
    {
        request.refused(404, "not_found").await;
    }
    app.post(Bob, "/api/tags").json(&json!({"name": "support"})).refused(409, "name_taken").await;
    let other = tag(app, "Other").await;
    let clash = app.put(Manager, other.header("location")).json(&json!({"name": "SUPPORT"}));
    clash.refused(409, "name_taken").await;
    app.post(Stranger, "/api/tags").json(&json!({"name": "Support"})).expect(201).await;
}

pub(crate) async fn faults_of_a_tag_are_named_at_once(app: &App) {
    let body = json!({"color": 1, "size": 2});
    let refused = app.post(Ada, "/api/tags").json(&body).refused(400, "validation_failed").await;
    let expected = [("/color", "type"), ("/name", "required"), ("/size", "unknown_field")];
    assert_eq!(refused.faults(), expected);
    let body = json!({"name": "x".repeat(101), "color": "green"});
    let refused = app.post(Ada, "/api/tags").json(&body).refused(400, "validation_failed").await;
    assert_eq!(refused.faults(), [("/color", "invalid"), ("/name", "invalid")]);
}

pub(crate) async fn a_tag_is_put_on_an_assistant_and_taken_off(app: &App) {
    let path = made(app, json!({"name": "Support", "access_mode": "organization"})).await;
    let made = tag(app, "Care").await;
    let place = format!("{path}/tags/{}", made.id());
    let before = app.get(Ada, &path).expect(200).await;

    app.get(Ada, &place).refused(404, "not_found").await;
    let attached = app.put(Ada, &place).expect(201).await;
    assert_eq!((&attached.body, attached.header("location")), (&made.body, place.as_str()));
    app.put(Ada, &place).json(&made.body).expect(200).await;
    let list = app.get(Bob, &format!("{path}/tags")).expect(200).await;
    assert_eq!(list.body, json!([made.body]));
    let read = app.get(Bob, &place).expect(200).await;
    app.get(Bob, &place).header("if-none-match", read.etag()).expect(304).await;
    let after = app.get(Bob, &path).expect(200).await;
    assert_eq!(after.body["tags"], json!([made.id()]));
    assert_eq!(after.body["version"], before.body["version"]);

    app.put(Bob, &place).refused(403, "insufficient_level").await;
    app.delete(Bob, &place).refused(403, "insufficient_level").await;
    app.delete(Ada, &place).expect(204).await;
    app.delete(Ada, &place).refused(404, "not_found").await;
    app.put(Ada, &place).expect(201).await;
    app.delete(Manager, made.header("location")).expect(204).await;
    assert_eq!(app.get(Ada, &path).expect(200).await.body["tags"], json!([]));
    app.put(Ada, &place).refused(404, "not_found").await;
}

pub(crate) async fn assistants_are_listed_by_tag(app: &App) {
    let one = made(app, json!({"name": "One"})).await;
    made(app, json!({"name": "Two"})).await;
    let care = tag(app, "Care").await;
    tag(app, "Empty").await;
    app.put(Ada, &format!("{one}/tags/{}", care.id())).expect(201).await;
    let listed = async |tag: &str| -> Vec<Value> {
        let list = app.get(Ada, &format!("/api/assistants?tag={tag}&total=true")).expect(200).await;
        let rows = list.body["data"].as_array().unwrap();
        assert_eq!(list.body["total"], rows.len());
        rows.iter().map(|row| row["name"].clone()).collect()
    };

    assert_eq!(listed("care").await, ["One"]);
    assert_eq!(listed(care.id()).await, ["One"]);
    assert_eq!(listed("Empty").await, Vec::<Value>::new());
    assert_eq!(listed("unknown").await, Vec::<Value>::new());
    app.delete(Ada, &format!("{one}/tags/{}", care.id())).expect(204).await;
    assert_eq!(listed("care").await, Vec::<Value>::new());
}

pub(crate) async fn tags_of_a_global_assistant_are_its_organizations_own(app: &App) {
    let path = made(app, json!({"name": "Everywhere", "access_mode": "global"})).await;
    let care = tag(app, "Care").await;
    let place = format!("{path}/tags/{}", care.id());
    app.put(Ada, &place).expect(201).await;

    for request in [
        app.get(Stranger, &format!("{path}/tags")),
        app.get(Stranger, &place),
        app.put(Stranger, &place),
        app.delete(Stranger, &place),
    ] {
        request.refused(403, "other_organization").await;
    }
    let seen = app.get(Stranger, &path).expect(200).await;
    assert_eq!(seen.body["tags"], json!([]));
    for tag in [care.id(), "care"] {
        let list = app.get(Stranger, &format!("/api/assistants?tag={tag}")).expect(200).await;
        assert_eq!(list.body["data"], json!([]), "{tag}");
    }
}
