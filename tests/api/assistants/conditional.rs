//! `ETag`, `If-Match`, `If-None-Match`

use serde_json::json;

use super::made;
use crate::{App, Person::Ada, Person::Bob};

pub(crate) async fn a_state_that_the_caller_has_is_not_sent_again(app: &App) {
    let path = made(app, json!({"name": "Support"})).await;
    let read = app.get(Ada, &path).expect(200).await;
    let known = |tags: &str| app.get(Ada, &path).header("if-none-match", tags);

    let same = known(read.etag()).expect(304).await;
    assert_eq!(same.etag(), read.etag());
    assert_eq!(same.bytes, b"");
    known(&format!("\"other\", W/{}", read.etag())).expect(304).await;
    known("*").expect(304).await;
    known("\"other\"").expect(200).await;
    let faulty = known("no quotes").refused(400, "validation_failed").await;
    assert_eq!(faulty.faults(), [("if-none-match", "invalid")]);

    app.patch(Ada, &path).json(&json!({"temperature": 0.5})).expect(200).await;
    known(read.etag()).expect(200).await;
}

pub(crate) async fn a_write_that_names_another_state_is_refused(app: &App) {
    let path = made(app, json!({"name": "Support"})).await;
    let old = app.get(Ada, &path).expect(200).await.etag().to_owned();
    let body = json!({"temperature": 0.5});
    let put = |tag: &str| app.put(Ada, &path).header("if-match", tag).json(&body);

    put(&format!("W/{old}")).refused(412, "precondition_failed").await;
    let new = put(&old).expect(200).await.etag().to_owned();
    put(&old).refused(412, "precondition_failed").await;
    put(&format!("\"x\", {new}")).expect(200).await;
    put("*").expect(200).await;
    put("junk").refused(400, "validation_failed").await;
    let stale = |request: crate::request::Request| {
        request.header("if-match", &old).refused(412, "precondition_failed")
    };
    stale(app.patch(Ada, &path).json(&body)).await;
    stale(app.delete(Ada, &path)).await;
    stale(app.post(Ada, &format!("{path}/_copy"))).await;
    stale(app.post(Ada, &format!("{path}/_edit"))).await;
    app.get(Ada, &path).expect(200).await;
}

pub(crate) async fn the_tag_of_a_write_is_that_of_the_next_read(app: &App) {
    let path = made(app, json!({"name": "Support"})).await;

    let written = app.put(Ada, &path).json(&json!({"seed": 3})).expect(200).await;

    assert_eq!(app.get(Ada, &path).expect(200).await.etag(), written.etag());
}

pub(crate) async fn what_another_may_see_has_another_tag(app: &App) {
    let path = made(app, json!({"name": "Support", "access_mode": "organization"})).await;
    let own = app.get(Ada, &path).expect(200).await;
    let others = app.get(Bob, &path).expect(200).await;

    assert_ne!(own.etag(), others.etag());
    app.post(Ada, &format!("{path}/_edit")).expect(201).await;
    let own_now = app.get(Ada, &path).expect(200).await;
    assert_ne!(own_now.etag(), own.etag(), "the owner sees that there is a draft");
    assert_eq!(app.get(Bob, &path).expect(200).await.etag(), others.etag());
}
