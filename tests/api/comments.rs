//! `/api/assistants/{id}/comments` and `/api/comments`

use serde_json::{Value, json};

use crate::{
    App,
    Person::{self, Ada, Bob, Manager, Owner, Stranger, Viewer},
    assistants::made,
    request::Reply,
};

/// An assistant of Ada that everybody in the organization sees.
async fn assistant(app: &App) -> String {
    made(app, json!({"name": "Support", "access_mode": "organization"})).await
}

async fn says(app: &App, person: Person, path: &str, message: &str) -> Reply {
    app.clock.advance(time::Duration::SECOND);
    let place = format!("{path}/comments");
    app.post(person, &place).json(&json!({"message": message})).expect(201).await
}

fn messages(reply: &Reply) -> Vec<&str> {
    let all = reply.body.as_array().unwrap();
    all.iter().map(|comment| comment["message"].as_str().unwrap()).collect()
}

pub(crate) async fn a_comment_is_written_read_changed_and_deleted(app: &App) {
    let path = assistant(app).await;
    let body = json!({"message": "Could it be friendlier?", "pointer": "/instructions"});
    let written = app.post(Bob, &format!("{path}/comments")).json(&body).expect(201).await;
    let place = written.header("location").to_owned();
    let expected = json!({
        "id": written.id(),
        "assistantId": path.rsplit('/').next().unwrap(),
        "parentId": null,
        "userId": Bob.id(),
        "user": {"id": Bob.id(), "name": Bob.user().name},
        "message": "Could it be friendlier?",
        "pointer": "/instructions",
        "resolved": false,
        "resolvedAt": null,
        "resolvedBy": null,
        "replies": 0,
        "unread": false,
        "createdAt": "2026-01-01T12:00:00.123456Z",
        "updatedAt": "2026-01-01T12:00:00.123456Z",
        "_links": {"self": {"href": place}, "replies": {"href": format!("{place}/replies")}},
    });
    assert_eq!(written.body, expected);
    let read = app.get(Bob, &place).expect(200).await;
    assert_eq!((&read.body, read.etag()), (&written.body, written.etag()));
    app.get(Bob, &place).header("if-none-match", read.etag()).expect(304).await;
    assert_eq!(app.get(Ada, &place).expect(200).await.body["unread"], true);

    let mut body = written.body.clone();
    body["message"] = "Shorter?".into();
    let changed = app.put(Bob, &place).json(&body).expect(200).await;
    assert_eq!(
        (&changed.body["message"], &changed.body["pointer"]),
        (&json!("Shorter?"), &json!("/instructions"))
    );
    let stale = app.put(Bob, &place).header("if-match", written.etag()).json(&body);
    stale.refused(412, "precondition_failed").await;
    app.put(Ada, &place).json(&body).refused(403, "not_the_author").await;
    app.delete(Manager, &place).refused(403, "insufficient_level").await;
    app.delete(Bob, &place).expect(204).await;
    app.delete(Bob, &place).refused(404, "not_found").await;
    app.get(Bob, &place).refused(404, "not_found").await;
}

pub(crate) async fn comments_are_listed_in_order_and_part_by_part(app: &App) {
    let path = assistant(app).await;
    let mut ids = Vec::new();
    for message in ["One", "Two", "Three", "Four"] {
        ids.push(says(app, Bob, &path, message).await.id().to_owned());
    }
    let settle = format!("/api/comments/{}/_resolve", ids[1]);
    app.post(Ada, &settle).expect(200).await;
    let list = async |query: &str| -> Vec<String> {
        let reply = app.get(Viewer, &format!("{path}/comments?{query}")).expect(200).await;
        messages(&reply).iter().map(ToString::to_string).collect()
    };

    assert_eq!(list("").await, ["Four", "Three", "Two", "One"]);
    assert_eq!(list("sort=createdAt&limit=3").await, ["One", "Two", "Three"]);
    assert_eq!(list(&format!("sort=createdAt&after={}", ids[1])).await, ["Three", "Four"]);
    assert_eq!(list(&format!("limit=1&after={}", ids[1])).await, ["One"]);
    assert_eq!(list("resolved=true").await, ["Two"]);
    assert_eq!(list("resolved=false&limit=2").await, ["Four", "Three"]);
    let wrong = app.get(Ada, &format!("{path}/comments?sort=x&limit=201&after=y&resolved=1&q=z"));
    let wrong = wrong.refused(400, "validation_failed").await;
    let at: Vec<&str> = wrong.faults().iter().map(|(at, _)| *at).collect();
    assert_eq!(at, ["after", "limit", "q", "resolved", "sort"]);
}

pub(crate) async fn comments_have_replies_and_replies_have_none(app: &App) {
    let path = assistant(app).await;
    let first = says(app, Bob, &path, "Why?").await;
    let replies = format!("/api/comments/{}/replies", first.id());
    let body = json!({"message": "Because."});

    let reply = app.post(Viewer, &replies).json(&body).expect(201).await;
    assert_eq!(reply.body["parentId"], first.id());
    assert_eq!(reply.body["assistantId"], first.body["assistantId"]);
    assert!(reply.body["_links"].get("replies").is_none());
    let list = app.get(Ada, &replies).expect(200).await;
    assert_eq!(messages(&list), ["Because."]);
    let all = app.get(Ada, &format!("{path}/comments")).expect(200).await;
    assert_eq!((messages(&all), &all.body[0]["replies"]), (vec!["Why?"], &json!(1)));
    let nested = format!("{}/replies", reply.header("location"));
    let refused = app.post(Bob, &nested).json(&body).refused(400, "validation_failed").await;
    assert_eq!(refused.faults(), [("", "reply_to_reply")]);
    assert_eq!(app.get(Bob, &nested).expect(200).await.body, json!([]));
    let pointed = json!({"message": "x", "pointer": "/name"});
    let refused = app.post(Bob, &replies).json(&pointed).refused(400, "validation_failed").await;
    assert_eq!(refused.faults(), [("/pointer", "contradiction")]);

    app.delete(Ada, first.header("location")).expect(204).await;
    app.get(Viewer, reply.header("location")).refused(404, "not_found").await;
}

pub(crate) async fn a_comment_is_settled_and_opened_again(app: &App) {
    let path = assistant(app).await;
    let made = says(app, Bob, &path, "Why?").await;
    let place = format!("/api/comments/{}/_resolve", made.id());

    app.post(Viewer, &place).refused(403, "insufficient_level").await;
    let settled = app.post(Ada, &place).json(&json!({})).expect(200).await;
    assert_eq!(
        (&settled.body["resolved"], &settled.body["resolvedBy"]),
        (&json!(true), &json!(Ada.id()))
    );
    assert_eq!(settled.body["updatedAt"], made.body["updatedAt"]);
    let open = app.post(Bob, &place).json(&json!({"resolved": false})).expect(200).await;
    assert_eq!((&open.body["resolved"], &open.body["resolvedAt"]), (&json!(false), &Value::Null));
    let stale = app.post(Bob, &place).header("if-match", settled.etag());
    stale.refused(412, "precondition_failed").await;
    let faulty = app.post(Bob, &place).json(&json!({"resolved": 1, "x": 1}));
    let faulty = faulty.refused(400, "validation_failed").await;
    assert_eq!(faulty.faults(), [("/resolved", "type"), ("/x", "unknown_field")]);
    let reply = format!("/api/comments/{}/replies", made.id());
    let reply = app.post(Bob, &reply).json(&json!({"message": "x"})).expect(201).await;
    let reply = format!("{}/_resolve", reply.header("location"));
    app.post(Bob, &reply).refused(400, "validation_failed").await;
}

pub(crate) async fn what_others_wrote_is_unread_until_it_is_marked(app: &App) {
    let path = assistant(app).await;
    let first = says(app, Ada, &path, "One").await;
    says(app, Bob, &path, "Own").await;
    says(app, Ada, &path, "Two").await;
    let (unread, read) = (format!("{path}/comments/_unread"), format!("{path}/comments/_read"));
    let told = |reply: &Reply| (reply.body["count"].clone(), reply.body["readUntil"].clone());

    let before = app.get(Bob, &unread).expect(200).await;
    assert_eq!(told(&before), (json!(2), Value::Null));
    let until = json!({"until": first.body["createdAt"]});
    let some = app.post(Bob, &read).json(&until).expect(200).await;
    assert_eq!(told(&some), (json!(1), first.body["createdAt"].clone()));
    let list = app.get(Bob, &format!("{path}/comments?sort=createdAt")).expect(200).await;
    let marks: Vec<&Value> = list.body.as_array().unwrap().iter().map(|c| &c["unread"]).collect();
    assert_eq!(marks, [false, false, true]);
    let all = app.post(Bob, &read).expect(200).await;
    assert_eq!(all.body["count"], 0);
    let back = app.post(Bob, &read).json(&until).expect(200).await;
    assert_eq!(told(&back), told(&all));
    let wrong = app.post(Bob, &read).json(&json!({"until": "yesterday"}));
    let wrong = wrong.refused(400, "validation_failed").await;
    assert_eq!(wrong.faults(), [("/until", "invalid")]);
    assert_eq!(app.get(Ada, &unread).expect(200).await.body["count"], 1);
}

pub(crate) async fn faults_of_a_comment_are_named_at_once(app: &App) {
    let path = assistant(app).await;
    let place = format!("{path}/comments");
    let wrong: Vec<(Value, &[(&str, &str)])> = vec![
        (
            json!({"pointer": 1, "colour": 1}),
            &[("/colour", "unknown_field"), ("/message", "required"), ("/pointer", "type")],
        ),
        (
            json!({"message": " ", "pointer": "/nothing"}),
            &[("/message", "required"), ("/pointer", "pointer")],
        ),
        (json!({"message": "x".repeat(10_001)}), &[("/message", "too_long")]),
        (json!({"message": "a\rb"}), &[("/message", "pattern")]),
        (json!({"message": "x", "pointer": "instructions"}), &[("/pointer", "pointer")]),
    ];
    for (body, faults) in wrong {
        let refused = app.post(Bob, &place).json(&body).refused(400, "validation_failed").await;
        assert_eq!(refused.faults(), faults, "{body}");
    }
    assert_eq!(app.get(Ada, &place).expect(200).await.body, json!([]));
}

pub(crate) async fn comments_are_there_for_whoever_sees_the_assistant(app: &App) {
    let path = assistant(app).await;
    let made = says(app, Bob, &path, "Hello").await;
    let place = made.header("location").to_owned();
    let other = crate::assistants::made(app, json!({"name": "Other"})).await;
    let hidden = async |person: Person, place: &str| {
        for request in [
            app.get(person, place),
            app.put(person, place).json(&json!({"message": "x"})),
            app.get(person, &format!("{place}/replies")),
            app.post(person, &format!("{place}/replies")).json(&json!({"message": "x"})),
            app.post(person, &format!("{place}/_resolve")),
            app.delete(person, place),
        ] {
            request.refused(404, "not_found").await;
        }
    };

    hidden(Stranger, &place).await;
    hidden(Ada, "/api/comments/cmt_00000000000070008000000000000999").await;
    app.get(Bob, &format!("{other}/comments")).refused(404, "not_found").await;
    let list = app.get(Ada, &format!("{other}/comments")).expect(200).await;
    assert_eq!(list.body, json!([]));
    app.patch(Ada, &path).json(&json!({"access_mode": "private"})).expect(200).await;
    hidden(Bob, &place).await;
    app.get(Owner, &place).expect(200).await;
}

pub(crate) async fn comments_on_a_global_assistant_are_its_organizations_own(app: &App) {
    let path = made(app, json!({"name": "Everywhere", "access_mode": "global"})).await;
    let made = says(app, Bob, &path, "Hello").await;

    for request in [
        app.get(Stranger, &format!("{path}/comments")),
        app.post(Stranger, &format!("{path}/comments")).json(&json!({"message": "x"})),
        app.get(Stranger, &format!("{path}/comments/_unread")),
        app.post(Stranger, &format!("{path}/comments/_read")),
    ] {
        request.refused(403, "other_organization").await;
    }
    app.get(Stranger, made.header("location")).refused(404, "not_found").await;
}

pub(crate) async fn the_same_comment_with_one_key_is_written_once(app: &App) {
    let path = assistant(app).await;
    let place = format!("{path}/comments");
    let write = || {
        let body = json!({"message": "Once"});
        app.post(Bob, &place).header("idempotency-key", "k1").json(&body)
    };

    let first = write().expect(201).await;
    let again = write().expect(201).await;

    assert_eq!(first.body, again.body);
    let list = app.get(Bob, &place).expect(200).await;
    assert_eq!(messages(&list), ["Once"]);
}

pub(crate) async fn comments_through_a_drafts_id_are_the_live_ones(app: &App) {
    let path = assistant(app).await;
    let draft = app.post(Ada, &format!("{path}/_edit")).expect(201).await;
    let draft = format!("/api/assistants/{}", draft.id());

    let written = says(app, Ada, &draft, "On the draft").await;

    assert_eq!(written.body["assistantId"], path.rsplit('/').next().unwrap());
    let list = app.get(Bob, &format!("{path}/comments")).expect(200).await;
    assert_eq!(messages(&list), ["On the draft"]);
    app.get(Bob, &format!("{draft}/comments")).refused(404, "not_found").await;
    app.post(Ada, &format!("{path}/draft/_commit")).expect(200).await;
    app.get(Bob, written.header("location")).expect(200).await;
}
