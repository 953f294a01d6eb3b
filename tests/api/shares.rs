//! `/api/assistants/{id}/owner` and `/api/assistants/{id}/shares`

use serde_json::{Value, json};

use crate::{
    App,
    Person::{self, Ada, Admin, Bob, Manager, Owner, Stranger, Viewer},
    assistants::made,
    request::Reply,
};

/// A private assistant of Ada.
async fn assistant(app: &App) -> String {
    made(app, json!({"name": "Support"})).await
}

async fn share(app: &App, path: &str, whom: &str, level: u8) -> Reply {
    let place = format!("{path}/shares/{whom}");
    app.put(Ada, &place).json(&json!({"accessLevel": level})).send().await
}

/// A team with one admin, and the id of it.
async fn team(app: &App, admin: Person) -> String {
    let team = app.post(Admin, "/api/teams").json(&json!({"name": "Care"})).expect(201).await;
    let member = format!("/api/teams/{}/members/{}", team.id(), admin.id());
    app.put(Admin, &member).json(&json!({"role": "admin"})).expect(201).await;
    team.id().to_owned()
}

pub(crate) async fn a_share_is_given_read_changed_and_taken_back(app: &App) {
    let path = assistant(app).await;
    let id = path.rsplit('/').next().unwrap();
    let place = format!("{path}/shares/{}", Bob.id());

    let given = app.put(Ada, &place).json(&json!({"accessLevel": 1})).expect(201).await;
    assert_eq!(given.header("location"), place);
    let expected = json!({
        "assistantId": id,
        "principalId": Bob.id(),
        "principalType": "user",
        "principalName": Bob.user().name,
        "accessLevel": 1,
        "createdAt": "2026-01-01T12:00:00.123456Z",
        "createdBy": Ada.id(),
    });
    assert_eq!(given.body, expected);
    let read = app.get(Ada, &place).expect(200).await;
    assert_eq!((&read.body, read.etag()), (&given.body, given.etag()));
    app.get(Ada, &place).header("if-none-match", read.etag()).expect(304).await;
    let list = app.get(Ada, &format!("{path}/shares")).expect(200).await;
    assert_eq!(list.body, json!([expected]));

    let mut body = given.body.clone();
    body["accessLevel"] = 2.into();
    let changed = app.put(Ada, &place).json(&body).expect(200).await;
    assert_eq!(changed.body["accessLevel"], 2);
    let stale = app.put(Ada, &place).header("if-match", given.etag()).json(&given.body);
    stale.refused(412, "precondition_failed").await;
    let stale = app.delete(Ada, &place).header("if-match", given.etag());
    stale.refused(412, "precondition_failed").await;
    app.delete(Ada, &place).expect(204).await;
    app.delete(Ada, &place).refused(404, "not_found").await;
    app.get(Ada, &place).refused(404, "not_found").await;
}

pub(crate) async fn sharing_is_no_change_of_the_assistant_but_of_its_state(app: &App) {
    let path = assistant(app).await;
    let before = app.get(Ada, &path).expect(200).await;
    app.clock.advance(time::Duration::SECOND);

    assert_eq!(share(app, &path, &Bob.id(), 1).await.status, 201);

    let after = app.get(Ada, &path).expect(200).await;
    assert_eq!((&before.body["shared"], &after.body["shared"]), (&json!(false), &json!(true)));
    for same in ["version", "updated_at"] {
        assert_eq!(before.body[same], after.body[same], "{same}");
    }
    assert_ne!(before.etag(), after.etag());
}

pub(crate) async fn what_is_given_or_taken_counts_from_the_next_request(app: &App) {
    let path = assistant(app).await;
    let place = format!("{path}/shares/{}", Bob.id());
    let listed = async || -> usize {
        let list = app.get(Bob, "/api/assistants").expect(200).await;
        list.body["data"].as_array().unwrap().len()
    };
    let write = || app.patch(Bob, &path).json(&json!({"seed": 1}));

    assert_eq!(listed().await, 0);
    share(app, &path, &Bob.id(), 1).await;
    app.get(Bob, &path).expect(200).await;
    assert_eq!(listed().await, 1);
    write().refused(403, "insufficient_level").await;
    share(app, &path, &Bob.id(), 2).await;
    write().expect(200).await;
    app.get(Bob, &format!("{path}/shares")).refused(403, "insufficient_level").await;
    share(app, &path, &Bob.id(), 3).await;
    app.get(Bob, &format!("{path}/shares")).expect(200).await;
    app.delete(Ada, &place).expect(204).await;
    app.get(Bob, &path).refused(404, "not_found").await;
    write().refused(404, "not_found").await;
    assert_eq!(listed().await, 0);
}

pub(crate) async fn a_team_has_what_was_shared_with_it(app: &App) {
    let path = assistant(app).await;
    let team = team(app, Bob).await;

    let given = share(app, &path, &format!("team:{team}"), 2).await;

    assert_eq!(given.status, 201, "{}", given.body);
    assert_eq!(given.body["principalType"], "team");
    assert_eq!(given.body["principalName"], "Care");
    app.patch(Bob, &path).json(&json!({"seed": 1})).expect(200).await;
    let list = app.get(Bob, "/api/assistants").expect(200).await;
    assert_eq!(list.body["data"][0]["name"], "Support");
    let member = format!("/api/teams/{team}/members/{}", Bob.id());
    app.delete(Admin, &member).expect(204).await;
    app.get(Bob, &path).refused(404, "not_found").await;
}

pub(crate) async fn nobody_gives_or_takes_a_level_at_or_above_their_own(app: &App) {
    let path = assistant(app).await;
    share(app, &path, &Bob.id(), 3).await;
    share(app, &path, &Manager.id(), 3).await;
    let of = |person: Person| format!("{path}/shares/{}", person.id());
    let put = |who: Person, whom: Person, level: u8| {
        app.put(who, &of(whom)).json(&json!({"accessLevel": level}))
    };

    put(Bob, Viewer, 2).expect(201).await;
    put(Bob, Viewer, 3).refused(403, "insufficient_rank").await;
    put(Bob, Manager, 1).refused(403, "insufficient_rank").await;
    app.delete(Bob, &of(Manager)).refused(403, "insufficient_rank").await;
    put(Viewer, Viewer, 3).refused(403, "insufficient_level").await;
    app.delete(Viewer, &of(Manager)).refused(403, "insufficient_level").await;
    // One's own may be given up.
    app.delete(Viewer, &of(Viewer)).expect(204).await;
    app.delete(Bob, &of(Bob)).expect(204).await;
    app.get(Bob, &path).refused(404, "not_found").await;
    put(Admin, Bob, 3).expect(201).await;
}

pub(crate) async fn faults_of_a_share_are_named(app: &App) {
    let path = assistant(app).await;
    let place = format!("{path}/shares/{}", Bob.id());
    for (body, fault) in [
        (json!({}), ("/accessLevel", "required")),
        (json!({"accessLevel": 0}), ("/accessLevel", "enum")),
        (json!({"accessLevel": 4}), ("/accessLevel", "enum")),
        (json!({"accessLevel": "1"}), ("/accessLevel", "type")),
        (json!({"accessLevel": 1.5}), ("/accessLevel", "type")),
        (json!({"accessLevel": 1, "level": 1}), ("/level", "unknown_field")),
    ] {
        let refused = app.put(Ada, &place).json(&body).refused(400, "validation_failed").await;
        assert_eq!(refused.faults(), [fault], "{body}");
    }
    let absent = "usr_00000000000070008000000000000999";
    for whom in [absent, &Stranger.id(), "team_00000000000070008000000000000999", "nobody"] {
        let unknown = share(app, &path, whom, 1).await;
        assert_eq!(unknown.status, 404, "{whom}: {}", unknown.body);
    }
}

pub(crate) async fn shares_of_those_who_are_gone_are_not_told(app: &App) {
    let path = assistant(app).await;
    share(app, &path, &Bob.id(), 1).await;
    share(app, &path, &Viewer.id(), 1).await;

    app.delete(Admin, &format!("/api/users/{}", Bob.id())).expect(204).await;

    let list = app.get(Ada, &format!("{path}/shares")).expect(200).await;
    assert_eq!(list.body.as_array().unwrap().len(), 1);
    app.get(Ada, &format!("{path}/shares/{}", Bob.id())).refused(404, "not_found").await;
}

pub(crate) async fn affairs_of_an_organization_are_not_for_others(app: &App) {
    let path = made(app, json!({"name": "Everywhere", "access_mode": "global"})).await;
    let share = format!("{path}/shares/{}", Stranger.id());
    let level = json!({"accessLevel": 3});
    let owner = json!({"ownerId": Stranger.id()});

    for request in [
        app.get(Stranger, &format!("{path}/owner")),
        app.put(Stranger, &format!("{path}/owner")).json(&owner),
        app.get(Stranger, &format!("{path}/shares")),
        app.get(Stranger, &share),
        app.put(Stranger, &share).json(&level),
        app.delete(Stranger, &share),
    ] {
        request.refused(403, "other_organization").await;
    }
    let hidden = assistant(app).await;
    for person in [Stranger, Bob] {
        app.get(person, &format!("{hidden}/owner")).refused(404, "not_found").await;
        let place = format!("{hidden}/shares/{}", person.id());
        app.put(person, &place).json(&level).refused(404, "not_found").await;
    }
}

pub(crate) async fn an_assistant_is_given_away(app: &App) {
    let by_admin = app.post(Admin, "/api/assistants").json(&json!({"name": "Given"}));
    let by_admin = by_admin.expect(201).await;
    let path = by_admin.header("location").to_owned();
    let place = format!("{path}/owner");
    let given = app.put(Admin, &place).json(&json!({"ownerId": Bob.id()})).expect(200).await;
    assert_eq!(given.body["owner"], json!({"type": "user", "id": Bob.id()}));
    assert_eq!(given.body["created_by"], Admin.id());

    let owner = app.get(Bob, &place).expect(200).await;
    let expected = json!({
        "ownerId": Bob.id(),
        "ownerType": "user",
        "type": "user",
        "id": Bob.id(),
        "name": Bob.user().name,
    });
    assert_eq!(owner.body, expected);
    app.get(Bob, &place).header("if-none-match", owner.etag()).expect(304).await;
    let stale = app.put(Bob, &place).header("if-match", "\"stale\"").json(&owner.body);
    stale.refused(412, "precondition_failed").await;
    let mut sent_back = owner.body.clone();
    app.put(Bob, &place).header("if-match", owner.etag()).json(&sent_back).expect(200).await;
    sent_back["ownerId"] = Ada.id().into();
    let moved = app.put(Bob, &place).json(&sent_back).expect(200).await;
    assert_eq!(moved.body["permissions"]["read"], false);
    app.get(Bob, &path).refused(404, "not_found").await;
    let by_type = json!({"type": "user", "id": Owner.id()});
    app.put(Ada, &place).json(&by_type).expect(200).await;
    app.get(Ada, &path).refused(404, "not_found").await;
}

pub(crate) async fn giving_to_a_team_needs_rights_on_both_sides(app: &App) {
    let path = assistant(app).await;
    let team = team(app, Bob).await;
    let place = format!("{path}/owner");
    let to_team = json!({"ownerId": format!("team:{team}")});

    app.put(Ada, &place).json(&to_team).refused(403, "insufficient_role").await;
    app.put(Ada, &place).json(&json!({"ownerId": Bob.id()})).expect(200).await;
    let given = app.put(Bob, &place).json(&to_team).expect(200).await;
    assert_eq!(given.body["owner"], json!({"type": "team", "id": team}));
    assert_eq!(given.body["permissions"]["changeOwner"], true);
    let team_path = format!("/api/teams/{team}");
    app.delete(Admin, &team_path).refused(409, "team_owns_assistants").await;
}

pub(crate) async fn faults_of_an_owner_are_named(app: &App) {
    let path = assistant(app).await;
    let place = format!("{path}/owner");
    let disabled = format!("/api/users/{}", Viewer.id());
    app.patch(Admin, &disabled).json(&json!({"disabled": true})).expect(200).await;
    let wrong: Vec<(Value, &[(&str, &str)])> = vec![
        (json!({}), &[("/ownerId", "required")]),
        (json!({"type": "user"}), &[("/ownerId", "required")]),
        (json!({"ownerId": "nobody"}), &[("/ownerId", "invalid")]),
        (json!({"ownerId": 1}), &[("/ownerId", "type")]),
        (json!({"type": "group", "id": Bob.id()}), &[("/id", "invalid")]),
        (json!({"ownerId": Stranger.id()}), &[("/ownerId", "unknown")]),
        (json!({"ownerId": Viewer.id()}), &[("/ownerId", "unknown")]),
        (json!({"ownerId": "usr_00000000000070008000000000000999"}), &[("/ownerId", "unknown")]),
        (json!({"ownerId": Bob.id(), "owner": 1}), &[("/owner", "unknown_field")]),
    ];
    for (body, faults) in wrong {
        let refused = app.put(Ada, &place).json(&body).refused(400, "validation_failed").await;
        assert_eq!(refused.faults(), faults, "{body}");
    }
    share(app, &path, &Bob.id(), 3).await;
    let by_manager = app.put(Bob, &place).json(&json!({"ownerId": Bob.id()}));
    by_manager.refused(403, "insufficient_level").await;
}
