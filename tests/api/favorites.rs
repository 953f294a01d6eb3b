//! `/api/assistants/{id}/favorite`

use serde_json::{Value, json};

use crate::{
    App,
    Person::{self, Ada, Bob, Stranger},
    assistants::made,
};

pub(crate) async fn a_favourite_is_marked_read_and_unmarked(app: &App) {
    let path = made(app, json!({"name": "Support", "access_mode": "organization"})).await;
    let place = format!("{path}/favorite");
    let none = json!({"favorited": false, "favoritedAt": null});
    let marked = json!({"favorited": true, "favoritedAt": "2026-01-01T12:00:00.123456Z"});

    let before = app.get(Ada, &place).expect(200).await;
    assert_eq!(before.body, none);
    let first = app.put(Ada, &place).expect(201).await;
    assert_eq!((&first.body, first.header("location")), (&marked, place.as_str()));
    app.clock.advance(time::Duration::SECOND);
    let again = app.put(Ada, &place).json(&marked).expect(200).await;
    assert_eq!((&again.body, again.etag()), (&marked, first.etag()));
    app.get(Ada, &place).header("if-none-match", first.etag()).expect(304).await;
    app.put(Ada, &place).json(&json!({"stars": 5})).refused(400, "validation_failed").await;
    assert_eq!(app.get(Bob, &place).expect(200).await.body, none, "it is Ada's own");
    let stale = app.delete(Ada, &place).header("if-match", before.etag());
    stale.refused(412, "precondition_failed").await;
    app.delete(Ada, &place).expect(204).await;
    app.delete(Ada, &place).refused(404, "not_found").await;
    assert_eq!(app.get(Ada, &place).expect(200).await.body, none);
}

pub(crate) async fn favourites_are_listed_for_whoever_marked_them(app: &App) {
    let one = made(app, json!({"name": "One", "access_mode": "organization"})).await;
    made(app, json!({"name": "Two", "access_mode": "organization"})).await;
    app.put(Ada, &format!("{one}/favorite")).expect(201).await;
    let listed = async |person: Person, query: &str| -> Vec<Value> {
        let list = app.get(person, &format!("/api/assistants?sort=name&{query}")).expect(200).await;
        list.body["data"].as_array().unwrap().iter().map(|row| row["name"].clone()).collect()
    };

    assert_eq!(listed(Ada, "favorite=true").await, ["One"]);
    assert_eq!(listed(Ada, "favorite=false").await, ["One", "Two"]);
    assert_eq!(listed(Bob, "favorite=true").await, Vec::<Value>::new());
    let wrong = app.get(Ada, "/api/assistants?favorite=1");
    let wrong = wrong.refused(400, "validation_failed").await;
    assert_eq!(wrong.faults(), [("favorite", "invalid")]);
    app.patch(Ada, &one).json(&json!({"access_mode": "private"})).expect(200).await;
    assert_eq!(listed(Ada, "favorite=true").await, ["One"]);
}

pub(crate) async fn whoever_sees_an_assistant_may_mark_it(app: &App) {
    let hidden = made(app, json!({"name": "Hidden"})).await;
    let global = made(app, json!({"name": "Everywhere", "access_mode": "global"})).await;

    for person in [Bob, Stranger] {
        for request in [
            app.get(person, &format!("{hidden}/favorite")),
            app.put(person, &format!("{hidden}/favorite")),
            app.delete(person, &format!("{hidden}/favorite")),
        ] {
            request.refused(404, "not_found").await;
        }
    }
    app.put(Stranger, &format!("{global}/favorite")).expect(201).await;
    let list = app.get(Stranger, "/api/assistants?favorite=true").expect(200).await;
    assert_eq!(list.body["data"][0]["name"], "Everywhere");
    // What is not to be seen any more is not listed, marked or not.
    app.patch(Ada, &global).json(&json!({"access_mode": "private"})).expect(200).await;
    let list = app.get(Stranger, "/api/assistants?favorite=true").expect(200).await;
    assert_eq!(list.body["data"], json!([]));
}

pub(crate) async fn a_read_only_token_marks_nothing(app: &App) {
    let path = made(app, json!({"name": "Support"})).await;
    let token = app.post(Ada, "/api/tokens").json(&json!({"readOnly": true})).expect(201).await;
    let shown = format!("Bearer {}", token.body["token"].as_str().unwrap());
    let place = format!("{path}/favorite");

    let mark = app.anonymous(reqwest::Method::PUT, &place).header("authorization", &shown);
    mark.refused(403, "token_read_only").await;
    let read = app.anonymous(reqwest::Method::GET, &place).header("authorization", &shown);
    read.expect(200).await;
}
