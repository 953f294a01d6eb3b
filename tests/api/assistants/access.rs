//! Who may do what with an assistant.

use reqwest::Method;
use serde_json::{Value, json};

use super::made;
use crate::{
    App,
    Person::{self, Ada, Admin, Bob, Manager, Owner, Seatless, Stranger, Viewer},
};

/// Every operation on one assistant, with what it needs.
fn operations(path: &str) -> Vec<(Method, String, Needs)> {
    use Needs::{Edit, Manage, View};
    let at = |tail: &str| format!("{path}{tail}");
    vec![
        (Method::GET, at(""), View),
        (Method::POST, at("/_edit"), Edit),
        (Method::GET, at("/draft"), Edit),
        (Method::PUT, at("/draft"), Edit),
        (Method::PATCH, at("/draft"), Edit),
        (Method::GET, at("/draft/_diff"), Edit),
        (Method::POST, at("/draft/_commit"), Edit),
        (Method::GET, at("/versions"), Edit),
        (Method::GET, at("/versions/1"), Edit),
        (Method::GET, at("/versions/1/_diff?against=live"), Edit),
        (Method::POST, at("/versions/1/_restore"), Edit),
        (Method::DELETE, at("/draft"), Edit),
        (Method::PUT, at(""), Edit),
        (Method::PATCH, at(""), Edit),
        (Method::POST, at("/_set-default"), Manage),
        (Method::DELETE, at(""), Manage),
    ]
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Needs {
    View,
    Edit,
    Manage,
}

fn body_of(method: &Method) -> Value {
    if *method == Method::PUT || *method == Method::PATCH { json!({"seed": 1}) } else { json!({}) }
}

/// Asks for everything and expects to be let in up to a level.
async fn allowed_up_to(app: &App, person: Person, path: &str, level: Needs) {
    for (method, path, needs) in operations(path) {
        let mut request = app.request(person, method.clone(), &path);
        if method != Method::GET && method != Method::DELETE {
            request = request.json(&body_of(&method));
        }
        if needs <= level {
            let reply = request.send().await;
            assert!(reply.status.is_success(), "{person:?} {method} {path}: {}", reply.body);
        } else {
            request.refused(403, "insufficient_level").await;
        }
    }
}

pub(crate) async fn a_viewer_reads_and_changes_nothing(app: &App) {
    let path = made(app, json!({"name": "Support", "access_mode": "organization"})).await;

    allowed_up_to(app, Bob, &path, Needs::View).await;

    let read = app.get(Bob, &path).expect(200).await;
    let expected = json!({"read": true, "write": false, "share": false, "delete": false, "changeOwner": false});
    assert_eq!(read.body["permissions"], expected);
}

pub(crate) async fn an_editor_changes_content_but_not_the_policy(app: &App) {
    let body = json!({"name": "Support", "editable_by_users": [Bob.id()]});
    let path = made(app, body).await;

    allowed_up_to(app, Bob, &path, Needs::Edit).await;

    for field in [
        json!({"access_mode": "public"}),
        json!({"api_enabled": false}),
        json!({"is_default": true}),
    ] {
        app.patch(Bob, &path).json(&field).refused(403, "insufficient_level").await;
    }
}

pub(crate) async fn the_owner_and_administrators_may_do_everything(app: &App) {
    for person in [Ada, Admin, Owner] {
        let path = made(app, json!({"name": format!("For {person:?}")})).await;
        allowed_up_to(app, person, &path, Needs::Manage).await;
    }
}

pub(crate) async fn what_is_invisible_answers_as_if_it_were_not_there(app: &App) {
    let path = made(app, json!({"name": "Support"})).await;
    let absent = "/api/assistants/asst_00000000000070008000000000000999";

    for person in [Bob, Manager, Stranger] {
        let hidden = operations(&path).into_iter().zip(operations(absent));
        for ((method, path, _), (_, absent, _)) in hidden {
            let ask = async |path: &str| {
                let mut request = app.request(person, method.clone(), path);
                if method != Method::GET && method != Method::DELETE {
                    request = request.json(&body_of(&method));
                }
                let reply = request.header("x-request-id", "same").refused(404, "not_found").await;
                let mut body = reply.body;
                body.as_object_mut().unwrap().remove("instance");
                let mut names: Vec<String> =
                    reply.headers.keys().map(ToString::to_string).collect();
                names.sort();
                (body, names)
            };
            assert_eq!(ask(&path).await, ask(&absent).await, "{person:?} {method} {path}");
        }
    }
}

pub(crate) async fn without_a_seat_nothing_of_assistants_is_told(app: &App) {
    let path = made(app, json!({"name": "Support", "access_mode": "organization"})).await;
    let absent = "/api/assistants/none";

    for path in [path.as_str(), absent, "/api/assistants"] {
        app.get(Seatless, path).refused(403, "ai_seat_required").await;
    }
    for (method, path, _) in operations(&path) {
        let mut request = app.request(Seatless, method.clone(), &path);
        if method != Method::GET && method != Method::DELETE {
            request = request.json(&body_of(&method));
        }
        request.refused(403, "ai_seat_required").await;
    }
    let create = app.post(Seatless, "/api/assistants").json(&json!({"name": "x"}));
    create.refused(403, "ai_seat_required").await;
}

pub(crate) async fn viewers_of_the_organization_make_nothing(app: &App) {
    let create = app.post(Viewer, "/api/assistants").json(&json!({"name": "x"}));

    create.refused(403, "insufficient_role").await;
}

pub(crate) async fn other_organizations_see_global_ones_only_and_without_names(app: &App) {
    let body = json!({"name": "Everywhere", "access_mode": "global", "access_users": [Bob.id()]});
    let path = made(app, body).await;

    let seen = app.get(Stranger, &path).expect(200).await;

    assert_eq!(seen.body["access_users"], json!([]));
    app.get(Stranger, "/api/assistants/everywhere").refused(404, "not_found").await;
    app.patch(Stranger, &path).json(&json!({"seed": 1})).refused(403, "insufficient_level").await;
}

pub(crate) async fn api_tokens_do_not_reach_what_is_closed_to_them(app: &App) {
    let path = made(app, json!({"name": "Support", "api_enabled": false})).await;

    app.get(Ada, &path).refused(403, "api_disabled").await;
    let list = app.get(Ada, "/api/assistants").expect(200).await;
    assert_eq!(list.body["data"], json!([]));

    let session = crate::session::logged_in(app, Ada).await;
    session.get(&path).expect(200).await;
    let list = session.get("/api/assistants").expect(200).await;
    assert_eq!(list.body["data"].as_array().unwrap().len(), 1);
}

pub(crate) async fn access_that_is_taken_away_is_gone_with_the_next_request(app: &App) {
    let path = made(app, json!({"name": "Support", "access_mode": "organization"})).await;
    app.get(Bob, &path).expect(200).await;

    app.patch(Ada, &path).json(&json!({"access_mode": "private"})).expect(200).await;
    app.get(Bob, &path).refused(404, "not_found").await;

    app.patch(Admin, &format!("/api/users/{}", Ada.id()))
        .json(&json!({"aiSeat": false}))
        .expect(200)
        .await;
    app.get(Ada, &path).refused(403, "ai_seat_required").await;
    app.patch(Admin, &format!("/api/users/{}", Ada.id()))
        .json(&json!({"disabled": true}))
        .expect(200)
        .await;
    app.get(Ada, &path).refused(401, "unauthenticated").await;
}
