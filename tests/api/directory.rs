//! What an organization's directory does with `/api/users`.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    App, Person,
    Person::{Ada, Admin, Bob, Owner, Stranger},
    request::Reply,
    session::logged_in,
};

fn path(person: Person) -> String {
    format!("/api/users/{}", person.id())
}

fn patch_op(operations: &Value) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations})
}

async fn patched(app: &App, person: Person, operations: &Value) -> Reply {
    app.patch(Admin, &path(person)).json(&patch_op(operations)).expect(200).await
}

pub(crate) async fn an_external_id_is_for_one_user(app: &App) {
    let new = |email: &str| json!({"email": email, "externalId": "x-1"});
    let created = app.post(Admin, "/api/users").json(&new("new@example.org")).expect(201).await;
    assert_eq!(created.body["externalId"], "x-1");

    let again = app.post(Admin, "/api/users").json(&new("newer@example.org"));
    again.refused(409, "external_id_taken").await;
    let taken = app.patch(Admin, &path(Ada)).json(&json!({"externalId": "x-1"}));
    taken.refused(409, "external_id_taken").await;
    let other = app.patch(Stranger, &path(Stranger)).json(&json!({"externalId": "x-1"}));
    other.expect(200).await;

    let none = json!({"externalId": null});
    let location = format!("/api/users/{}", created.id());
    let unlinked = app.patch(Admin, &location).json(&none).expect(200).await;
    assert_eq!(unlinked.body["externalId"], Value::Null);
    app.patch(Admin, &path(Ada)).json(&json!({"externalId": "x-1"})).expect(200).await;
    let long = json!({"externalId": "x".repeat(256)});
    let refused = app.patch(Admin, &path(Bob)).json(&long).refused(400, "validation_failed").await;
    assert_eq!(refused.faults(), [("/externalId", "too_long")]);
}

pub(crate) async fn active_is_the_inverse_of_disabled(app: &App) {
    let read = app.get(Admin, &path(Ada)).expect(200).await;
    assert_eq!((&read.body["active"], &read.body["disabled"]), (&json!(true), &json!(false)));

    let out = app.patch(Admin, &path(Ada)).json(&json!({"active": false})).expect(200).await;
    assert_eq!((&out.body["active"], &out.body["disabled"]), (&json!(false), &json!(true)));
    app.patch(Admin, &path(Ada)).json(&out.body).expect(200).await;
    let both = app.patch(Admin, &path(Ada)).json(&json!({"active": true, "disabled": true}));
    let refused = both.refused(400, "validation_failed").await;
    assert_eq!(refused.faults(), [("/active", "conflict")]);
    let back = app.patch(Admin, &path(Ada)).json(&json!({"active": true, "disabled": false}));
    assert_eq!(back.expect(200).await.body["disabled"], false);
}

pub(crate) async fn a_filter_finds_the_one_user(app: &App) {
    patched(app, Ada, &json!([{"op": "add", "path": "externalId", "value": "a \"b\""}])).await;
    let find = async |filter: &str| {
        let encoded = filter.replace(' ', "%20").replace('"', "%22").replace('\\', "%5C");
        app.get(Admin, &format!("/api/users?total=true&filter={encoded}")).send().await
    };

    let found = find(r#"externalId eq "a \"b\"""#).await;
    assert_eq!(found.body["data"][0]["id"], Ada.id());
    assert_eq!((&found.body["total"], &found.body["nextCursor"]), (&json!(1), &Value::Null));
    let by_name = find(&format!("userName eq \"{}\"", Bob.email().to_uppercase())).await;
    assert_eq!(by_name.body["data"][0]["id"], Bob.id());
    for nobody in [Stranger.email(), "no address".to_owned()] {
        let none = find(&format!("userName eq \"{nobody}\"")).await;
        assert_eq!((&none.body["data"], &none.body["total"]), (&json!([]), &json!(0)));
    }
    for wrong in ["active eq true", "userName sw \"a\"", "userName eq a", "x"] {
        let refused = find(wrong).await;
        assert_eq!((refused.status.as_u16(), refused.faults()), (400, vec![("filter", "invalid")]));
    }
    let with_q = "/api/users?q=a&filter=userName%20eq%20%22a%22";
    app.get(Admin, with_q).refused(400, "validation_failed").await;
    let member = "/api/users?filter=userName%20eq%20%22a%22";
    app.get(Bob, member).refused(403, "insufficient_role").await;
}

pub(crate) async fn a_patch_op_shuts_out_at_once_and_lets_in_again(app: &App) {
    let session = logged_in(app, Ada).await;
    session.get("/api/session").expect(200).await;
    app.get(Ada, "/api/session").expect(200).await;

    let entra = json!([{"op": "Replace", "path": "active", "value": "False"}]);
    let out = patched(app, Ada, &entra).await;

    assert_eq!((&out.body["active"], &out.body["disabled"]), (&json!(false), &json!(true)));
    session.get("/api/session").refused(401, "unauthenticated").await;
    app.get(Ada, "/api/session").refused(401, "unauthenticated").await;

    let body = patch_op(&json!([{"op": "replace", "value": {"active": true}}]));
    let back = app.patch(Admin, &path(Ada));
    let back = back.body("application/scim+json", body.to_string()).expect(200).await;
    assert_eq!(back.body["active"], true);
    app.get(Ada, "/api/session").expect(200).await;
    session.get("/api/session").refused(401, "unauthenticated").await;
}

pub(crate) async fn a_patch_op_writes_names_and_links(app: &App) {
    let reply = patched(
        app,
        Ada,
        &json!([
            {"op": "replace", "path": "userName", "value": "Countess@example.org"},
            {"op": "replace", "path": "name.formatted", "value": "Augusta"},
            {"op": "add", "value": {"externalId": "x-1", "displayName": "Ada King"}},
        ]),
    )
    .await;
    assert_eq!(reply.body["email"], "countess@example.org");
    assert_eq!(reply.body["name"], "Ada King");
    assert_eq!(reply.body["externalId"], "x-1");

    let reply = patched(app, Ada, &json!([{"op": "remove", "path": "externalId"}])).await;
    assert_eq!(reply.body["externalId"], Value::Null);
    let stale = app.patch(Admin, &path(Ada)).header("if-match", "\"stale\"");
    let again = patch_op(&json!([{"op": "remove", "path": "displayName"}]));
    stale.json(&again).refused(412, "precondition_failed").await;
}

pub(crate) async fn what_is_wrong_with_a_patch_op_is_told_by_its_place(app: &App) {
    let operations = json!([
        {"op": "replace", "path": "active", "value": "perhaps"},
        {"op": "replace", "path": "emails[type eq \"work\"].value", "value": "x"},
        {"op": "swap", "path": "active"},
    ]);
    let refused = app.patch(Admin, &path(Ada)).json(&patch_op(&operations));
    let refused = refused.refused(400, "validation_failed").await;
    let expected = [
        ("/Operations/0/value", "type"),
        ("/Operations/1/path", "invalid"),
        ("/Operations/2/op", "invalid"),
    ];
    assert_eq!(refused.faults(), expected);
    let above = patch_op(&json!([{"op": "replace", "path": "active", "value": false}]));
    app.patch(Admin, &path(Owner)).json(&above).refused(403, "insufficient_rank").await;
    app.patch(Owner, &path(Owner)).json(&above).refused(409, "last_owner").await;
}

pub(crate) async fn sessions_of_a_user_are_ended_at_once(app: &App) {
    let sessions = |person: Person| format!("{}/sessions", path(person));
    for who in [Admin, Ada] {
        let (one, other) = (logged_in(app, Ada).await, logged_in(app, Ada).await);
        app.delete(who, &sessions(Ada)).expect(204).await;
        one.get("/api/session").refused(401, "unauthenticated").await;
        other.get("/api/session").refused(401, "unauthenticated").await;
    }

    app.get(Ada, "/api/session").expect(200).await;
    app.delete(Admin, &sessions(Ada)).expect(204).await;
    app.delete(Bob, &sessions(Ada)).refused(403, "insufficient_role").await;
    app.delete(Admin, &sessions(Owner)).refused(403, "insufficient_rank").await;
    app.delete(Admin, &sessions(Stranger)).refused(404, "not_found").await;
    app.anonymous(Method::DELETE, &sessions(Ada)).refused(401, "unauthenticated").await;
}
