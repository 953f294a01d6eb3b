//! `/api/assistants/{id}/_edit` and `/api/assistants/{id}/draft`

use serde_json::{Value, json};

use super::made;
use crate::{
    App,
    Person::{Ada, Admin, Bob},
};

pub(crate) async fn a_draft_is_made_once_and_found_again(app: &App) {
    let path = made(app, json!({"name": "Support"})).await;
    let edit = format!("{path}/_edit");

    let created = app.post(Ada, &edit).expect(201).await;
    let found = app.post(Ada, &edit).expect(200).await;

    assert_eq!(found.id(), created.id());
    assert_eq!(created.header("location"), format!("/api/assistants/{}", created.id()));
    let live = app.get(Ada, &path).expect(200).await;
    assert_eq!(created.body["editing_id"], live.body["id"]);
    assert_eq!(live.body["draft_id"], created.body["id"]);
    let own = format!("/api/assistants/{}", created.id());
    assert_eq!(app.get(Ada, &own).expect(200).await.body, created.body);
    let of_draft = app.post(Ada, &format!("{own}/_edit"));
    of_draft.refused(400, "validation_failed").await;
}

pub(crate) async fn nothing_of_a_draft_shows_before_its_commit(app: &App) {
    let path = made(app, json!({"name": "Support", "access_mode": "organization"})).await;
    let before = app.get(Bob, &path).expect(200).await;
    let draft = app.post(Ada, &format!("{path}/_edit")).expect(201).await;
    let own = format!("/api/assistants/{}", draft.id());

    app.put(Ada, &own).json(&json!({"name": "Changed"})).expect(200).await;
    app.patch(Ada, &format!("{path}/draft")).json(&json!({"seed": 5})).expect(200).await;

    assert_eq!(app.get(Bob, &path).expect(200).await.body, before.body);
    app.get(Bob, &own).refused(404, "not_found").await;
    app.get(Bob, &format!("{path}/draft")).refused(403, "insufficient_level").await;
    let list = app.get(Admin, "/api/assistants").expect(200).await;
    assert_eq!(list.body["data"].as_array().unwrap().len(), 1);
    assert_eq!(list.body["data"][0]["name"], "Support");
    let draft = app.get(Ada, &format!("{path}/draft")).expect(200).await;
    assert_eq!((&draft.body["name"], &draft.body["seed"]), (&json!("Changed"), &json!(5)));
}

pub(crate) async fn a_commit_makes_the_drafts_content_live(app: &App) {
    let path = made(app, json!({"name": "Support", "instructions": "one\ntwo\n"})).await;
    app.post(Ada, &format!("{path}/_edit")).expect(201).await;
    let change = json!({"instructions": "one\nthree\n", "temperature": 0.25});
    app.put(Ada, &format!("{path}/draft")).json(&change).expect(200).await;

    let diff = app.get(Ada, &format!("{path}/draft/_diff")).expect(200).await;
    let commit = app.post(Ada, &format!("{path}/draft/_commit"));
    let live = commit.json(&json!({"message": "More sober"})).expect(200).await;

    let changes = diff.body["changes"].as_array().unwrap();
    let mut pointers: Vec<_> = changes.iter().map(|c| c["pointer"].as_str().unwrap()).collect();
    pointers.sort_unstable();
    assert_eq!(pointers, ["/instructions", "/temperature"]);
    assert!(diff.body.to_string().contains("-two\\n+three"), "{}", diff.body);
    assert_eq!(live.body["temperature"], 0.25);
    assert_eq!(live.body["version"], 2);
    assert_eq!(live.body["draft_id"], Value::Null);
    assert_eq!(app.get(Ada, &path).expect(200).await.body, live.body);
    let version = app.get(Ada, &format!("{path}/versions/2")).expect(200).await;
    assert_eq!(version.body["message"], "More sober");
    for (verb, tail) in [("GET", ""), ("DELETE", ""), ("GET", "/_diff"), ("POST", "/_commit")] {
        let verb = verb.parse().unwrap();
        app.request(Ada, verb, &format!("{path}/draft{tail}")).refused(404, "not_found").await;
    }
}

pub(crate) async fn a_discarded_draft_leaves_the_live_assistant_as_it_was(app: &App) {
    let path = made(app, json!({"name": "Support"})).await;
    app.post(Ada, &format!("{path}/_edit")).expect(201).await;
    app.put(Ada, &format!("{path}/draft")).json(&json!({"seed": 1})).expect(200).await;

    app.delete(Ada, &format!("{path}/draft")).expect(204).await;

    app.delete(Ada, &format!("{path}/draft")).refused(404, "not_found").await;
    assert_eq!(app.get(Ada, &path).expect(200).await.body["seed"], Value::Null);
}

pub(crate) async fn what_only_one_side_changed_is_merged(app: &App) {
    let path = made(app, json!({"name": "Support"})).await;
    app.post(Ada, &format!("{path}/_edit")).expect(201).await;
    app.put(Ada, &format!("{path}/draft")).json(&json!({"temperature": 0.25})).expect(200).await;
    app.put(Ada, &path).json(&json!({"seed": 9})).expect(200).await;

    let live = app.post(Ada, &format!("{path}/draft/_commit")).expect(200).await;

    assert_eq!((&live.body["temperature"], &live.body["seed"]), (&json!(0.25), &json!(9)));
}

pub(crate) async fn what_both_sides_changed_is_a_conflict_with_three_values(app: &App) {
    let path = made(app, json!({"name": "Support", "seed": 1})).await;
    app.post(Ada, &format!("{path}/_edit")).expect(201).await;
    app.put(Ada, &format!("{path}/draft")).json(&json!({"seed": 2})).expect(200).await;
    app.put(Ada, &path).json(&json!({"seed": 3})).expect(200).await;
    let commit = format!("{path}/draft/_commit");

    let refused = app.post(Ada, &commit).refused(409, "merge_conflict").await;
    let expected = json!([{"pointer": "/seed", "base": 1, "live": 3, "draft": 2}]);
    assert_eq!(refused.body["conflicts"], expected);
    assert_eq!(app.get(Ada, &path).expect(200).await.body["seed"], 3, "nothing was changed");

    let wrong = app.post(Ada, &commit).json(&json!({"on_conflict": "both"}));
    let wrong = wrong.refused(400, "validation_failed").await;
    assert_eq!(wrong.faults(), [("/on_conflict", "enum")]);
    let live = app.post(Ada, &commit).json(&json!({"onConflict": "draft"})).expect(200).await;
    assert_eq!(live.body["seed"], 2);
}

pub(crate) async fn a_commit_heeds_the_state_of_the_live_assistant(app: &App) {
    let path = made(app, json!({"name": "Support"})).await;
    app.post(Ada, &format!("{path}/_edit")).expect(201).await;
    let tag = app.get(Ada, &path).expect(200).await.etag().to_owned();
    app.put(Ada, &path).json(&json!({"seed": 3})).expect(200).await;
    let commit = || app.post(Ada, &format!("{path}/draft/_commit"));

    commit().header("if-match", &tag).refused(412, "precondition_failed").await;
    commit().expect(200).await;
}

pub(crate) async fn the_policy_is_no_part_of_a_draft(app: &App) {
    let path = made(app, json!({"name": "Support"})).await;
    app.post(Ada, &format!("{path}/_edit")).expect(201).await;
    let put = |body: Value| app.put(Ada, &format!("{path}/draft")).json(&body);

    put(json!({"access_mode": "public"})).refused(400, "validation_failed").await;
    put(json!({"slug": "another"})).refused(400, "validation_failed").await;
    let draft = app.get(Ada, &format!("{path}/draft")).expect(200).await;
    put(draft.body.clone()).expect(200).await;
}

pub(crate) async fn a_message_is_a_text_of_bounded_length(app: &App) {
    let path = made(app, json!({"name": "Support"})).await;
    app.post(Ada, &format!("{path}/_edit")).expect(201).await;
    let commit = |body: Value| app.post(Ada, &format!("{path}/draft/_commit")).json(&body);

    let faulty = commit(json!({"message": 7, "colour": 1, "on_conflict": true}));
    let faulty = faulty.refused(400, "validation_failed").await;
    let expected = [("/colour", "unknown_field"), ("/message", "type"), ("/onConflict", "type")];
    assert_eq!(faulty.faults(), expected);
    let long = commit(json!({"message": "x".repeat(1001)}));
    assert_eq!(long.refused(400, "validation_failed").await.faults(), [("/message", "too_long")]);
    commit(json!({"message": "x".repeat(1000)})).expect(200).await;
}
