//! `/api/assistants/{id}/secrets`

use serde_json::{Value, json};

use crate::{
    App,
    Person::{Ada, Bob, Stranger},
    assistants::made,
    files::{assistant, read},
    request::Request,
    skills,
};

const HERE: &str = "https://api.example.com";
const THERE: &str = "https://other.example.com";

fn add(app: &App, path: &str, body: &Value) -> Request {
    app.post(Ada, &format!("{path}/secrets")).json(body)
}

pub(crate) async fn a_secret_is_added_read_changed_and_removed(app: &App) {
    let path = assistant(app).await;
    let body = json!({
        "name": "API_KEY",
        "value": "CNRY-one",
        "description": "Of the shop",
        "origins": ["https://API.example.com:443/"],
    });

    let added = add(app, &path, &body).expect(201).await;

    assert!(added.id().starts_with("sec_"));
    let place = format!("{path}/secrets/{}", added.id());
    assert_eq!(added.header("location"), place);
    let expected = json!({
        "id": added.id(),
        "assistantId": path.rsplit('/').next().unwrap(),
        "name": "API_KEY",
        "description": "Of the shop",
        "value": "********",
        "origins": [HERE],
        "shared": false,
        "createdAt": "2026-01-01T12:00:00.123456Z",
        "updatedAt": "2026-01-01T12:00:00.123456Z",
        "createdBy": Ada.id(),
    });
    assert_eq!(added.body, expected);
    let found = read(app, &place).await;
    assert_eq!((&found.body, found.etag()), (&added.body, added.etag()));
    app.get(Ada, &place).header("if-none-match", found.etag()).expect(304).await;
    assert_eq!(read(app, &format!("{path}/secrets")).await.body, json!([added.body]));

    // What was read can be sent back, and changes nothing.
    let same = app.put(Ada, &place).json(&found.body).expect(200).await;
    assert_eq!((&same.body, same.etag()), (&found.body, found.etag()));
    let change = json!({"value": "CNRY-two", "shared": true, "description": null});
    let changed =
        app.put(Ada, &place).header("if-match", same.etag()).json(&change).expect(200).await;
    assert_eq!(
        (&changed.body["shared"], &changed.body["value"]),
        (&json!(true), &json!("********"))
    );
    assert_ne!(changed.etag(), same.etag(), "another value is another state");
    let stale = app.put(Ada, &place).header("if-match", same.etag()).json(&change);
    stale.refused(412, "precondition_failed").await;
    let cleared = app.put(Ada, &place).json(&json!({"value": null})).expect(200).await;
    assert_eq!(cleared.body["value"], Value::Null);
    let again = app.put(Ada, &place).json(&cleared.body).expect(200).await;
    assert_eq!(again.body, cleared.body);

    app.delete(Ada, &place).expect(204).await;
    app.delete(Ada, &place).refused(404, "not_found").await;
    app.get(Ada, &place).refused(404, "not_found").await;
}

pub(crate) async fn faults_of_a_secret_are_named_at_once(app: &App) {
    let path = assistant(app).await;
    let body = json!({
        "name": "with space",
        "value": "********",
        "description": "x".repeat(1_001),
        "origins": [HERE, "http://example.com", "https://user@example.com", "https://example.com/x"],
    });
    let faulty = add(app, &path, &body).refused(400, "validation_failed").await;
    let expected = [
        ("/description", "too_long"),
        ("/name", "pattern"),
        ("/origins/1", "origin"),
        ("/origins/2", "origin"),
        ("/origins/3", "origin"),
        ("/value", "nothing_to_keep"),
    ];
    assert_eq!(faulty.faults(), expected);
    let body = json!({"value": 1, "origins": "x", "shared": "no", "colour": 1});
    let faulty = add(app, &path, &body).refused(400, "validation_failed").await;
    let expected = [
        ("/colour", "unknown_field"),
        ("/name", "required"),
        ("/origins", "type"),
        ("/shared", "type"),
        ("/value", "type"),
    ];
    assert_eq!(faulty.faults(), expected);
    let origins: Vec<String> = (0..11).map(|n| format!("https://{n}.example.com")).collect();
    let many = json!({"name": "KEY", "value": "", "origins": origins});
    let faulty = add(app, &path, &many).refused(400, "validation_failed").await;
    assert_eq!(faulty.faults(), [("/origins", "too_many"), ("/value", "length")]);
    let long = json!({"name": "KEY", "value": "é".repeat(4_097)});
    let faulty = add(app, &path, &long).refused(400, "validation_failed").await;
    assert_eq!(faulty.faults(), [("/value", "length")]);
    let most = json!({"name": "KEY", "value": "é".repeat(4_096)});
    add(app, &path, &most).expect(201).await;
    add(app, &path, &most).refused(409, "name_taken").await;
}

pub(crate) async fn a_secret_goes_nowhere_that_it_was_not_given_for(app: &App) {
    let path = assistant(app).await;
    let body = json!({"name": "KEY", "value": "k", "origins": [HERE]});
    let place = add(app, &path, &body).expect(201).await.header("location").to_owned();
    let put = |body: Value| app.put(Ada, &place).json(&body);

    for body in
        [json!({"origins": [HERE, THERE]}), json!({"origins": [THERE], "value": "********"})]
    {
        let faulty = put(body).refused(400, "validation_failed").await;
        assert_eq!(faulty.faults(), [("/origins", "value_required")]);
        let message = faulty.body["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains(THERE), "{message}");
    }
    put(json!({"origins": [HERE, THERE], "value": "again"})).expect(200).await;
    let fewer = put(json!({"origins": [THERE], "name": "OTHER"})).expect(200).await;
    assert_eq!((&fewer.body["value"], &fewer.body["name"]), (&json!("********"), &json!("OTHER")));
}

pub(crate) async fn a_secret_that_skills_use_stays(app: &App) {
    let path = assistant(app).await;
    let secret = skills::with_secret(app, &path).await;
    let place = secret.header("location");
    let skill = skills::add(app, &path, &skills::custom()).expect(201).await;

    let refused = app.delete(Ada, place).refused(409, "secret_in_use").await;
    assert!(refused.body["detail"].as_str().unwrap().contains("Change an order"));
    for body in [json!({"name": "OTHER"}), json!({"origins": []})] {
        app.put(Ada, place).json(&body).refused(409, "secret_in_use").await;
    }
    app.put(Ada, place).json(&json!({"value": "other", "shared": true})).expect(200).await;
    app.delete(Ada, skill.header("location")).expect(204).await;
    app.delete(Ada, place).expect(204).await;
}

pub(crate) async fn secrets_are_for_editors(app: &App) {
    let path = assistant(app).await;
    let place = skills::with_secret(app, &path).await.header("location").to_owned();
    let hidden = made(app, json!({"name": "Secret", "access_mode": "private"})).await;
    let secret = skills::with_secret(app, &hidden).await.header("location").to_owned();
    let body = json!({"name": "B", "value": "b"});
    let requests = |person, path: &str, place: &str| {
        [
            app.get(person, &format!("{path}/secrets")),
            app.post(person, &format!("{path}/secrets")).json(&body),
            app.get(person, place),
            app.put(person, place).json(&json!({"shared": true})),
            app.delete(person, place),
        ]
    };

    for request in requests(Bob, &path, &place) {
        request.refused(403, "insufficient_level").await;
    }
    for person in [Bob, Stranger] {
        for request in requests(person, &hidden, &secret) {
            request.refused(404, "not_found").await;
        }
    }
}

pub(crate) async fn a_value_shows_nowhere(app: &App) {
    let path = assistant(app).await;
    let secret = skills::with_secret(app, &path).await;
    skills::add(app, &path, &skills::custom()).expect(201).await;
    let draft = app.post(Ada, &format!("{path}/_edit")).expect(201).await;
    let draft = format!("/api/assistants/{}", draft.id());
    let change = json!({"value": "CNRY-other"});
    app.put(Ada, &format!("{draft}/secrets/{}", secret.id())).json(&change).expect(200).await;

    let diff = read(app, &format!("{path}/draft/_diff")).await;
    let changes = diff.body["changes"].as_array().unwrap();
    let change = changes.iter().find(|change| change["pointer"] == "/secrets/0/value").unwrap();
    assert_eq!((&change["before"], &change["after"]), (&json!("********"), &json!("********")));
    for place in [
        path.clone(),
        draft.clone(),
        format!("{path}/secrets"),
        format!("{path}/skills"),
        format!("{path}/draft/_diff"),
        format!("{path}/versions/2"),
        format!("{path}/versions/2/_diff?against=draft"),
    ] {
        let text = read(app, &place).await.body.to_string();
        assert!(!text.contains("CNRY") && !text.contains("sealed_"), "{place}: {text}");
    }
}

pub(crate) async fn a_drafts_secret_shows_when_it_is_committed(app: &App) {
    let path = assistant(app).await;
    let draft = app.post(Ada, &format!("{path}/_edit")).expect(201).await;
    let draft = format!("/api/assistants/{}", draft.id());

    let added = skills::with_secret(app, &draft).await;

    assert_eq!(read(app, &format!("{path}/secrets")).await.body, json!([]));
    app.post(Ada, &format!("{path}/draft/_commit")).expect(200).await;
    let live = read(app, &format!("{path}/secrets/{}", added.id())).await;
    assert_eq!(live.body["value"], "********");
    // It is sealed for the live assistant, so it can still be opened and bound anew.
    let renamed = app.put(Ada, &format!("{path}/secrets/{}", added.id()));
    renamed.json(&json!({"name": "OTHER"})).expect(200).await;
}
