//! `/api/teams`

use serde_json::{Value, json};

use crate::{
    App,
    Person::{Ada, Admin, Bob, Stranger},
};

async fn made(app: &App, name: &str) -> String {
    let created = app.post(Admin, "/api/teams").json(&json!({"name": name})).expect(201).await;
    created.header("location").to_owned()
}

pub(crate) async fn a_team_is_made_read_renamed_and_deleted(app: &App) {
    let path = made(app, "Care").await;
    let read = app.get(Admin, &path).expect(200).await;
    assert_eq!((&read.body["name"], &read.body["members"]), (&json!("Care"), &json!([])));

    let renamed = app.patch(Admin, &path).json(&json!({"name": "Customer care"})).expect(200).await;
    assert_eq!(renamed.body["name"], "Customer care");
    let stale = app.patch(Admin, &path).header("if-match", read.etag()).json(&json!({"name": "x"}));
    stale.refused(412, "precondition_failed").await;
    app.patch(Admin, &path).json(&renamed.body).expect(200).await;
    app.delete(Admin, &path).expect(204).await;
    app.delete(Admin, &path).refused(404, "not_found").await;
}

pub(crate) async fn members_come_and_go(app: &App) {
    let path = made(app, "Care").await;
    let ada = format!("{path}/members/{}", Ada.id());

    let joined = app.put(Admin, &ada).json(&json!({"role": "admin"})).expect(201).await;
    assert_eq!(joined.body["members"], json!([{"userId": Ada.id(), "role": "admin"}]));
    app.put(Admin, &ada).json(&json!({"role": "admin"})).expect(200).await;
    let bob = format!("{path}/members/{}", Bob.id());
    app.put(Ada, &bob).json(&json!({"role": "member"})).expect(201).await;
    app.patch(Bob, &path).json(&json!({"name": "x"})).refused(403, "insufficient_role").await;
    app.delete(Ada, &bob).expect(204).await;
    app.delete(Ada, &bob).refused(404, "not_found").await;
    app.get(Bob, &path).refused(404, "not_found").await;
    for nobody in [Stranger.id(), "nobody".to_owned()] {
        let put =
            app.put(Admin, &format!("{path}/members/{nobody}")).json(&json!({"role": "member"}));
        put.refused(404, "not_found").await;
    }
    let faulty = app.put(Admin, &bob).json(&json!({"role": "king", "since": 1}));
    let faulty = faulty.refused(400, "validation_failed").await;
    assert_eq!(faulty.faults(), [("/role", "invalid"), ("/since", "unknown_field")]);
    let missing = app.put(Admin, &bob).json(&json!({})).refused(400, "validation_failed").await;
    assert_eq!(missing.faults(), [("/role", "required")]);
}

pub(crate) async fn a_change_of_members_heeds_the_state_of_the_team(app: &App) {
    let path = made(app, "Care").await;
    let old = app.get(Admin, &path).expect(200).await.etag().to_owned();
    let member = |id: String| app.put(Admin, &format!("{path}/members/{id}"));
    let role = json!({"role": "member"});

    member(Ada.id()).header("if-match", &old).json(&role).expect(201).await;
    let stale = member(Bob.id()).header("if-match", &old).json(&role);
    stale.refused(412, "precondition_failed").await;
}

pub(crate) async fn names_are_unique_and_bounded(app: &App) {
    made(app, "Care").await;
    let post = |body: Value| app.post(Admin, "/api/teams").json(&body);

    post(json!({"name": "CARE"})).refused(409, "name_taken").await;
    app.post(Stranger, "/api/teams").json(&json!({"name": "Care"})).expect(201).await;
    for name in [json!(""), json!("x".repeat(256)), json!("a\tb"), json!(7), Value::Null] {
        let reply = post(json!({"name": name})).refused(400, "validation_failed").await;
        assert_eq!(reply.faults()[0].0, "/name");
    }
}

pub(crate) async fn everybody_sees_their_own_teams(app: &App) {
    let care = made(app, "Care").await;
    made(app, "Board").await;
    let ada = format!("{care}/members/{}", Ada.id());
    app.put(Admin, &ada).json(&json!({"role": "member"})).expect(201).await;
    let names = async |person| -> Vec<String> {
        let reply = app.get(person, "/api/teams").expect(200).await;
        let all = reply.body.as_array().unwrap();
        all.iter().map(|team| team["name"].as_str().unwrap().to_owned()).collect()
    };

    assert_eq!(names(Admin).await, ["Board", "Care"]);
    assert_eq!(names(Ada).await, ["Care"]);
    assert_eq!(names(Bob).await, Vec::<String>::new());
    app.post(Ada, "/api/teams").json(&json!({"name": "x"})).refused(403, "insufficient_role").await;
    let session = app.get(Ada, "/api/session").expect(200).await;
    assert_eq!(session.body["teams"][0]["name"], "Care");
}
