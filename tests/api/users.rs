//! `/api/users`

use serde_json::{Value, json};

use crate::{
    App, Person,
    Person::{Ada, Admin, Bob, Manager, Owner, Stranger},
};

fn path(person: Person) -> String {
    format!("/api/users/{}", person.id())
}

pub(crate) async fn a_user_is_made_read_changed_and_deleted(app: &App) {
    let body = json!({"email": "New@Example.com", "name": "New", "role": "manager", "departments": ["Sales"], "ai_seat": true});
    let created = app.post(Admin, "/api/users").json(&body).expect(201).await;
    let path = created.header("location").to_owned();

    assert_eq!(created.body["email"], "new@example.com");
    assert_eq!(created.body["aiSeat"], true);
    assert_eq!(created.body["hasPassword"], false);
    let read = app.get(Admin, &path).expect(200).await;
    assert_eq!((&read.body, read.etag()), (&created.body, created.etag()));
    let sent_back = app.patch(Admin, &path).json(&read.body).expect(200).await;
    assert_eq!(sent_back.body["name"], "New");
    let changed = app.patch(Admin, &path).json(&json!({"name": "Newer"})).expect(200).await;
    assert_eq!(
        (&changed.body["name"], &changed.body["role"]),
        (&json!("Newer"), &json!("manager"))
    );
    let stale =
        app.patch(Admin, &path).header("if-match", created.etag()).json(&json!({"name": "x"}));
    stale.refused(412, "precondition_failed").await;
    app.delete(Admin, &path).expect(204).await;
    app.delete(Admin, &path).refused(404, "not_found").await;
    app.get(Admin, &path).refused(404, "not_found").await;
}

pub(crate) async fn users_are_listed_in_pages_by_address(app: &App) {
    let list = |query: &str| app.get(Admin, &format!("/api/users{query}"));
    let emails = |body: &Value| -> Vec<String> {
        let rows = body["data"].as_array().unwrap();
        rows.iter().map(|user| user["email"].as_str().unwrap().to_owned()).collect()
    };

    let first = list("?limit=4&total=true").expect(200).await;
    let cursor = first.body["nextCursor"].as_str().unwrap();
    let second = list(&format!("?limit=4&cursor={cursor}")).expect(200).await;

    assert_eq!(first.body["total"], 7);
    let all = [emails(&first.body), emails(&second.body)].concat();
    assert_eq!(all, (1..=7).map(|n| format!("user{n}@example.com")).collect::<Vec<_>>());
    assert_eq!(second.body["nextCursor"], Value::Null);
    assert_eq!(emails(&list("?q=USER3").expect(200).await.body), ["user3@example.com"]);
    list(&format!("?q=x&cursor={cursor}")).refused(400, "bad_cursor").await;
    list("?cursor=x").refused(400, "bad_cursor").await;
    list("?sort=name").refused(400, "validation_failed").await;
}

pub(crate) async fn faults_of_a_user_are_named_at_once(app: &App) {
    let types = json!({"name": 1, "role": "king", "departments": "Sales", "aiSeat": "yes", "password": 1, "colour": 1});
    let reply = app.post(Admin, "/api/users").json(&types).refused(400, "validation_failed").await;
    let expected = [
        ("/aiSeat", "type"),
        ("/colour", "unknown_field"),
        ("/departments", "type"),
        ("/email", "required"),
        ("/name", "type"),
        ("/password", "type"),
        ("/role", "invalid"),
    ];
    assert_eq!(reply.faults(), expected);

    let values =
        json!({"email": "no address", "name": "a\nb", "departments": [""], "password": "short"});
    let reply = app.post(Admin, "/api/users").json(&values).refused(400, "validation_failed").await;
    let told: Vec<&str> = reply.faults().iter().map(|(pointer, _)| *pointer).collect();
    assert_eq!(told, ["/departments/0", "/email", "/name", "/password"]);
}

pub(crate) async fn an_address_is_taken_in_the_whole_installation(app: &App) {
    for person in [Ada, Stranger] {
        let taken = app.post(Admin, "/api/users").json(&json!({"email": person.email()}));
        taken.refused(409, "email_taken").await;
    }
    let patch = app.patch(Admin, &path(Ada)).json(&json!({"email": Bob.email()}));
    patch.refused(409, "email_taken").await;
}

pub(crate) async fn users_are_administered_by_administrators(app: &App) {
    app.get(Ada, "/api/users").refused(403, "insufficient_role").await;
    app.get(Manager, &path(Ada)).refused(403, "insufficient_role").await;
    app.post(Ada, "/api/users")
        .json(&json!({"email": "x@y"}))
        .refused(403, "insufficient_role")
        .await;
    app.delete(Ada, &path(Bob)).refused(403, "insufficient_role").await;
    app.get(Ada, &path(Ada)).expect(200).await;
    app.patch(Ada, &path(Ada)).json(&json!({"name": "Countess"})).expect(200).await;
    for own in [json!({"role": "owner"}), json!({"aiSeat": false})] {
        let reply = app.patch(Ada, &path(Ada)).json(&own).expect(403).await;
        assert!(reply.body["code"].as_str().unwrap().starts_with("insufficient_"));
    }
    app.get(Admin, &path(Stranger)).refused(404, "not_found").await;
    app.get(Admin, "/api/users/nobody").refused(404, "not_found").await;
}

pub(crate) async fn nobody_touches_a_rank_at_or_above_their_own(app: &App) {
    let as_owner = json!({"email": "x@example.com", "role": "owner"});
    app.post(Admin, "/api/users").json(&as_owner).refused(403, "insufficient_rank").await;
    app.patch(Admin, &path(Owner))
        .json(&json!({"name": "x"}))
        .refused(403, "insufficient_rank")
        .await;
    app.patch(Admin, &path(Ada))
        .json(&json!({"role": "admin"}))
        .refused(403, "insufficient_rank")
        .await;
    app.delete(Admin, &path(Owner)).refused(403, "insufficient_rank").await;
    app.patch(Owner, &path(Admin)).json(&json!({"role": "member"})).expect(200).await;
    app.get(Admin, "/api/users").refused(403, "insufficient_role").await;
}

pub(crate) async fn the_last_owner_stays(app: &App) {
    app.delete(Owner, &path(Owner)).refused(409, "last_owner").await;
    app.patch(Owner, &path(Owner)).json(&json!({"role": "admin"})).refused(409, "last_owner").await;
    app.get(Owner, "/api/users").expect(200).await;
}
