//! `/api/assistants/{id}/icon`, `/api/icons` and `/api/avatars`

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::{
    App,
    Person::{Ada, Bob, Manager, Owner, Seatless, Stranger},
    assistants::made,
    request::{Reply, Request},
};

pub(crate) const PNG: &[u8] = b"\x89PNG\r\n\x1a\n one";
const OTHER: &[u8] = b"\x89PNG\r\n\x1a\n two";
const SVG: &[u8] = b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>";

/// A request with a form of one file.
pub(crate) fn with_file(request: Request, part: &str, bytes: &[u8]) -> Request {
    let head = format!(
        "--edge\r\nContent-Disposition: form-data; name=\"{part}\"; filename=\"a\"\r\n\r\n"
    );
    let body = [head.as_bytes(), bytes, b"\r\n--edge--\r\n"].concat();
    request.body("multipart/form-data; boundary=edge", body)
}

async fn upload(app: &App, path: &str, bytes: &[u8]) -> Reply {
    with_file(app.put(Ada, &format!("{path}/icon")), "icon", bytes).expect(200).await
}

async fn icon(app: &App, path: &str, tail: &str) -> Reply {
    app.get(Ada, &format!("{path}{tail}")).header("accept", "image/*").expect(200).await
}

fn data_url(bytes: &[u8]) -> String {
    format!("data:image/png;base64,{}", BASE64_STANDARD.encode(bytes))
}

fn starts_with(reply: &Reply, kind: &str, head: &[u8]) {
    assert_eq!(reply.header("content-type"), kind);
    assert!(reply.bytes.starts_with(head), "{:?}", &reply.bytes[..8]);
}

pub(crate) async fn an_icon_comes_in_the_form_that_is_asked_for(app: &App) {
    let path = made(app, json!({"name": "Support", "icon": "star"})).await;

    starts_with(&icon(app, &path, "/icon").await, "image/svg+xml", b"<svg");
    starts_with(&icon(app, &path, "/icon?size=64").await, "image/png", PNG.split_at(8).0);
    starts_with(&icon(app, &path, "/favicon.ico").await, "image/x-icon", b"\0\0\x01\0");
    upload(app, &path, PNG).await;
    starts_with(&icon(app, &path, "/icon").await, "image/png", PNG.split_at(8).0);
    upload(app, &path, SVG).await;
    starts_with(&icon(app, &path, "/icon").await, "image/svg+xml", b"<svg");
    for wrong in ["15", "1025", "-1", "x", ""] {
        let refused = app.get(Ada, &format!("{path}/icon?size={wrong}"));
        let refused = refused.refused(400, "validation_failed").await;
        assert_eq!(refused.faults(), [("size", "invalid")]);
    }
}

pub(crate) async fn an_icon_that_the_caller_has_is_not_sent_again(app: &App) {
    let path = made(app, json!({"name": "Support"})).await;
    let again = async |tail: &str, tag: &str| {
        app.get(Ada, &format!("{path}{tail}")).header("if-none-match", tag).send().await
    };
    let mut tags = std::collections::HashSet::new();
    for tail in ["/icon", "/icon?size=16", "/icon?size=17", "/favicon.ico"] {
        let shown = icon(app, &path, tail).await;
        assert_eq!(shown.header("cache-control"), "private, no-cache");
        assert_eq!(shown.bytes, icon(app, &path, tail).await.bytes);
        let same = again(tail, shown.etag()).await;
        assert_eq!((same.status.as_u16(), same.bytes.len()), (304, 0));
        assert_eq!(same.header("cache-control"), "private, no-cache");
        assert!(tags.insert(shown.etag().to_owned()), "{tail} has the tag of another form");
    }

    let before = icon(app, &path, "/icon").await;
    upload(app, &path, PNG).await;

    assert_eq!(again("/icon", before.etag()).await.status, 200);
}

pub(crate) async fn icons_have_safe_headers(app: &App) {
    let path = made(app, json!({"name": "Zoë \"quoted\"; é"})).await;
    upload(app, &path, SVG).await;

    let shown = icon(app, &path, "/icon").await;

    let policy = "sandbox; default-src 'none'; style-src 'unsafe-inline'";
    assert_eq!(shown.header("content-security-policy"), policy);
    assert_eq!(shown.header("x-content-type-options"), "nosniff");
    assert_eq!(shown.header("cross-origin-resource-policy"), "same-origin");
    assert_eq!(shown.header("content-disposition"), "inline; filename=\"zoe-quoted-e.svg\"");
}

pub(crate) async fn an_upload_tells_the_assistant_as_it_is_now(app: &App) {
    let path = made(app, json!({"name": "Support"})).await;
    let put = |part: &str| with_file(app.put(Ada, &format!("{path}/icon")), part, PNG);

    let shown = put("file").expect(200).await;

    assert_eq!(shown.body["icon_type"], "upload");
    let read = app.get(Ada, &path).expect(200).await;
    assert_eq!((shown.etag(), &shown.body), (read.etag(), &read.body));
    put("icon").header("if-match", "\"0-0-0-4h\"").refused(412, "precondition_failed").await;
    put("icon").header("if-match", read.etag()).expect(200).await;
}

pub(crate) async fn what_is_no_icon_is_refused_and_changes_nothing(app: &App) {
    let path = made(app, json!({"name": "Support"})).await;
    let place = format!("{path}/icon");
    let before = app.get(Ada, &path).expect(200).await;

    with_file(app.put(Ada, &place), "icon", b"no picture").refused(415, "unsupported_file").await;
    let large = [PNG, &vec![0; 5 * 1024 * 1024]].concat();
    with_file(app.put(Ada, &place), "icon", &large).refused(413, "body_too_large").await;
    let other = with_file(app.put(Ada, &place), "picture", PNG);
    assert_eq!(
        other.refused(400, "validation_failed").await.faults(),
        [("/picture", "unknown_field")]
    );
    let empty = app.put(Ada, &place).body("multipart/form-data; boundary=edge", "--edge--\r\n");
    assert_eq!(empty.refused(400, "validation_failed").await.faults(), [("/icon", "required")]);
    let cut = app.put(Ada, &place).body("multipart/form-data; boundary=edge", "--edge\r\n");
    cut.refused(400, "malformed_multipart").await;
    app.put(Ada, &place).body("image/png", PNG).refused(415, "unsupported_media_type").await;

    assert_eq!(app.get(Ada, &path).expect(200).await.body, before.body);
}

pub(crate) async fn a_removed_icon_leaves_the_default(app: &App) {
    let path = made(app, json!({"name": "Support"})).await;
    let default = icon(app, &path, "/icon").await;
    let place = format!("{path}/icon");
    app.delete(Ada, &place).refused(404, "not_found").await;
    upload(app, &path, PNG).await;

    let stale = app.delete(Ada, &place).header("if-match", "\"0-0-0-4h\"");
    stale.refused(412, "precondition_failed").await;
    app.delete(Ada, &place).expect(204).await;

    assert_eq!(icon(app, &path, "/icon").await.bytes, default.bytes);
    app.delete(Ada, &place).refused(404, "not_found").await;
}

pub(crate) async fn a_drafts_icon_shows_when_it_is_committed(app: &App) {
    let path = made(app, json!({"name": "Support"})).await;
    let before = icon(app, &path, "/icon").await;
    let draft = app.post(Ada, &format!("{path}/_edit")).expect(201).await;
    let draft = format!("/api/assistants/{}", draft.id());

    upload(app, &draft, PNG).await;

    let drafted = icon(app, &draft, "/icon").await;
    assert_ne!(drafted.bytes, before.bytes);
    assert_eq!(icon(app, &path, "/icon").await.bytes, before.bytes);
    app.post(Ada, &format!("{path}/draft/_commit")).expect(200).await;
    assert_eq!(icon(app, &path, "/icon").await.bytes, drafted.bytes);
}

pub(crate) async fn a_restored_version_brings_its_icon_back(app: &App) {
    let path = made(app, json!({"name": "Support"})).await;
    upload(app, &path, PNG).await;
    let first = icon(app, &path, "/icon").await;
    upload(app, &path, OTHER).await;
    assert_ne!(icon(app, &path, "/icon").await.bytes, first.bytes);

    app.post(Ada, &format!("{path}/versions/2/_restore")).expect(201).await;
    app.post(Ada, &format!("{path}/draft/_commit")).expect(200).await;

    assert_eq!(icon(app, &path, "/icon").await.bytes, first.bytes);
}

pub(crate) async fn a_copy_has_the_icon_of_its_original(app: &App) {
    let path = made(app, json!({"name": "Support", "access_mode": "global"})).await;
    upload(app, &path, SVG).await;
    let shown = icon(app, &path, "/icon").await;

    for person in [Bob, Stranger] {
        let copy = app.post(person, &format!("{path}/_copy")).expect(201).await;
        let place = format!("{}/icon", copy.header("location"));
        assert_eq!(app.get(person, &place).expect(200).await.bytes, shown.bytes);
    }
}

pub(crate) async fn an_icon_is_the_same_however_it_comes(app: &App) {
    let path = made(app, json!({"name": "a"})).await;
    upload(app, &path, PNG).await;
    let by_file = icon(app, &path, "/icon").await;
    for (name, data) in [("b", data_url(PNG)), ("c", BASE64_STANDARD.encode(PNG))] {
        let other = made(app, json!({"name": name})).await;
        let input = json!({"icon_type": "upload", "icon_data": data});
        let put = app.put(Ada, &other).json(&input).expect(200).await;

        assert_eq!(icon(app, &other, "/icon").await.bytes, by_file.bytes);
        let again = app.put(Ada, &other).json(&put.body).expect(200).await;
        assert_eq!((again.etag(), &again.body), (put.etag(), &put.body));
    }
}

pub(crate) async fn emoji_and_icons_of_the_library_are_drawn(app: &App) {
    let path = made(app, json!({"name": "Support"})).await;
    let mut drawn = vec![icon(app, &path, "/icon").await.bytes];
    for input in [
        json!({"icon_type": "emoji", "icon_data": "💬"}),
        json!({"icon_type": "icon", "icon_data": "icon_star"}),
        json!({"icon_type": "default", "icon_data": null, "avatar_id": "avt_support_green"}),
        json!({"icon": "heart"}),
    ] {
        app.put(Ada, &path).json(&input).expect(200).await;
        let bytes = icon(app, &path, "/icon").await.bytes;
        assert!(!drawn.contains(&bytes), "{input} looks like another");
        drawn.push(bytes);
    }
}

pub(crate) async fn an_icon_is_for_those_who_see_the_assistant(app: &App) {
    let path = made(app, json!({"name": "Support"})).await;
    let nowhere = format!("/api/assistants/asst_{}", "0".repeat(32));
    for tail in ["/icon", "/favicon.ico"] {
        let hidden = app.get(Bob, &format!("{path}{tail}")).refused(404, "not_found").await;
        let absent = app.get(Bob, &format!("{nowhere}{tail}")).refused(404, "not_found").await;
        assert_eq!(hidden.body["detail"], absent.body["detail"]);
        app.get(Stranger, &format!("{path}{tail}")).refused(404, "not_found").await;
        app.get(Seatless, &format!("{path}{tail}")).refused(403, "ai_seat_required").await;
        let anonymous = app.anonymous(reqwest::Method::GET, &format!("{path}{tail}"));
        anonymous.refused(401, "unauthenticated").await;
    }
    let place = format!("{path}/icon");
    with_file(app.put(Bob, &place), "icon", PNG).refused(404, "not_found").await;
    app.put(Ada, &path).json(&json!({"access_mode": "organization"})).expect(200).await;
    app.get(Bob, &place).expect(200).await;
    with_file(app.put(Bob, &place), "icon", PNG).refused(403, "insufficient_level").await;
    app.delete(Bob, &place).refused(403, "insufficient_level").await;
}

pub(crate) async fn the_libraries_are_for_everybody_who_is_known(app: &App) {
    let icons = app.get(Seatless, "/api/icons?q=STAR").expect(200).await;
    let star = json!({"id": "icon_star", "name": "star", "url": "/api/icons/star.svg"});
    assert!(icons.body.as_array().unwrap().contains(&star), "{}", icons.body);
    assert!(
        icons
            .body
            .as_array()
            .unwrap()
            .iter()
            .all(|icon| icon["name"].as_str().unwrap().contains("star"))
    );
    assert!(app.get(Owner, "/api/icons").expect(200).await.body.as_array().unwrap().len() > 100);

    let drawing = app.get(Seatless, "/api/icons/star.svg").expect(200).await;
    starts_with(&drawing, "image/svg+xml", b"<svg");
    let again = app.get(Seatless, "/api/icons/star.svg").header("if-none-match", drawing.etag());
    again.expect(304).await;
    app.get(Owner, "/api/icons/no-such-icon.svg").refused(404, "not_found").await;

    let avatars = app.get(Manager, "/api/avatars?q=support").expect(200).await;
    let green = avatars.body.as_array().unwrap().iter().find(|a| a["id"] == "avt_support_green");
    let green: &Value = green.unwrap();
    assert_eq!(green["isActive"], true);
    let place = green["imageUrl"].as_str().unwrap();
    starts_with(&app.get(Manager, place).expect(200).await, "image/svg+xml", b"<svg");
    let sized = app.get(Manager, &format!("{place}?size=32")).expect(200).await;
    starts_with(&sized, "image/png", b"\x89PNG");
    app.get(Manager, "/api/avatars/avt_none").refused(404, "not_found").await;
    app.anonymous(reqwest::Method::GET, "/api/icons").refused(401, "unauthenticated").await;
}
