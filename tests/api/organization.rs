//! `/api/organization`, and what its settings do elsewhere

use serde_json::{Value, json};

use crate::{
    App,
    Person::{Ada, Admin, Manager, Owner, Seatless, Stranger, Viewer},
    files::{FORM, file},
    request::Reply,
};

const ONE: &str = "/api/organization";

async fn set(app: &App, settings: Value) -> Reply {
    app.patch(Admin, ONE).json(&settings).expect(200).await
}

pub(crate) async fn settings_are_read_and_changed(app: &App) {
    let read = app.get(Ada, ONE).expect(200).await;
    let none = json!({
        "maxAssistants": null,
        "maxUsers": null,
        "maxTokensPerUser": null,
        "maxTokenDays": null,
        "maxStorageBytes": null,
    });
    assert_eq!(read.body["limits"], none);
    assert_eq!(
        (&read.body["defaultModelKey"], &read.body["allowedProviders"]),
        (&json!("gpt-4o"), &Value::Null)
    );
    app.get(Viewer, ONE).header("if-none-match", read.etag()).expect(304).await;

    let change = json!({
        "name": "Ours",
        "default_model_key": "gpt-5",
        "allowedProviders": ["openai", "anthropic"],
        "limits": {"maxUsers": 100, "maxStorageBytes": 0},
    });
    let changed = app.patch(Admin, ONE).header("if-match", read.etag()).json(&change);
    let changed = changed.expect(200).await;
    assert_eq!(changed.body["name"], "Ours");
    assert_eq!(
        (&changed.body["limits"]["maxUsers"], &changed.body["limits"]["maxAssistants"]),
        (&json!(100), &Value::Null)
    );
    assert_eq!(app.get(Seatless, ONE).expect(200).await.body, changed.body);
    let stale = app.patch(Admin, ONE).header("if-match", read.etag()).json(&change);
    stale.refused(412, "precondition_failed").await;
    // What was read can be sent back.
    let same = set(app, changed.body.clone()).await;
    assert_eq!((&same.body, same.etag()), (&changed.body, changed.etag()));
    let partial = set(app, json!({"limits": {"maxUsers": null, "maxTokenDays": 30}})).await;
    assert_eq!(
        (&partial.body["limits"]["maxUsers"], &partial.body["limits"]["maxTokenDays"]),
        (&Value::Null, &json!(30))
    );
    assert_eq!(partial.body["limits"]["maxStorageBytes"], 0);
    let free = set(app, json!({"limits": null, "allowedProviders": null})).await;
    assert_eq!((&free.body["limits"], &free.body["allowedProviders"]), (&none, &Value::Null));
}

pub(crate) async fn faults_of_settings_are_named_at_once(app: &App) {
    let wrong = json!({
        "name": 1,
        "allowedProviders": "openai",
        "colour": 1,
        "limits": {"maxUsers": -1, "maxTokenDays": 1.5, "maxDogs": 3},
    });
    let wrong = app.patch(Admin, ONE).json(&wrong).refused(400, "validation_failed").await;
    assert_eq!(
        wrong.faults(),
        [
            ("/allowedProviders", "type"),
            ("/colour", "unknown_field"),
            ("/limits/maxDogs", "unknown_field"),
            ("/limits/maxTokenDays", "type"),
            ("/limits/maxUsers", "type"),
            ("/name", "type"),
        ]
    );
    let inner = json!({
        "name": " ",
        "defaultModelKey": "claude-3-5-sonnet",
        "allowedProviders": ["openai", "acme", "openai"],
        "limits": {"maxUsers": 0, "maxAssistants": 0},
    });
    let inner = app.patch(Admin, ONE).json(&inner).refused(400, "validation_failed").await;
    assert_eq!(
        inner.faults(),
        [
            ("/allowedProviders/1", "unknown_provider"),
            ("/allowedProviders/2", "duplicate_item"),
            ("/defaultModelKey", "provider_not_allowed"),
            ("/limits/maxUsers", "range"),
            ("/name", "invalid"),
        ]
    );
}

pub(crate) async fn the_organization_is_changed_by_its_administrators(app: &App) {
    let change = json!({"name": "Mine"});
    for person in [Ada, Manager, Viewer] {
        app.patch(person, ONE).json(&change).refused(403, "insufficient_role").await;
    }
    app.patch(Stranger, ONE).json(&change).expect(200).await;
    assert_ne!(app.get(Owner, ONE).expect(200).await.body["name"], "Mine");
}

pub(crate) async fn limits_of_assistants_and_users_are_kept(app: &App) {
    let make = |name: &str| app.post(Ada, "/api/assistants").json(&json!({ "name": name }));
    let first = make("first").expect(201).await.header("location").to_owned();
    set(app, json!({"limits": {"maxAssistants": 1, "maxUsers": 7}})).await;

    let refused = make("second").refused(413, "limit_reached").await;
    assert!(refused.body["detail"].as_str().unwrap().contains("1 assistants"));
    app.post(Ada, &format!("{first}/_copy")).refused(413, "limit_reached").await;
    let archive = app.get(Ada, &format!("{first}/_export")).header("accept", "*/*");
    let archive = archive.expect(200).await.bytes;
    let import =
        app.post(Stranger, "/api/assistants/_import").body("application/zip", archive.clone());
    import.expect(201).await;
    app.delete(Ada, &first).expect(204).await;
    make("second").expect(201).await;
    let import = app.post(Ada, "/api/assistants/_import").body("application/zip", archive);
    import.refused(413, "limit_reached").await;
    app.post(Ada, &format!("{first}/_restore")).refused(413, "limit_reached").await;
    let user = json!({"email": "new@example.org"});
    app.post(Admin, "/api/users").json(&user).refused(413, "limit_reached").await;
    // What is another organization's limit binds nobody here.
    app.post(Stranger, "/api/assistants").json(&json!({"name": "theirs"})).expect(201).await;
    set(app, json!({"limits": null})).await;
    app.post(Ada, &format!("{first}/_restore")).expect(200).await;
    app.post(Admin, "/api/users").json(&user).expect(201).await;
}

pub(crate) async fn the_limit_of_bytes_is_kept_wherever_they_come_in(app: &App) {
    let made = app.post(Ada, "/api/assistants").json(&json!({"name": "x"})).expect(201).await;
    let path = made.header("location").to_owned();
    let upload =
        |bytes: &'static [u8]| app.post(Ada, "/api/uploads").body(FORM, file("a.txt", bytes));
    upload(b"12345").expect(201).await;
    set(app, json!({"limits": {"maxStorageBytes": 5}})).await;

    upload(b"12345").expect(201).await;
    let refused = upload(b"6").refused(413, "limit_reached").await;
    assert!(refused.body["detail"].as_str().unwrap().contains("5 bytes"));
    let attached = app.post(Ada, &format!("{path}/files/_upload"));
    attached.body(FORM, file("b.txt", b"other")).refused(413, "limit_reached").await;
    let drawn = app.post(Ada, "/api/_create-image").json(&json!({"prompt": "x"}));
    drawn.refused(413, "limit_reached").await;
    let tus = app.post(Ada, "/api/uploads").header("tus-resumable", "1.0.0");
    let tus = tus.header("upload-length", "3").expect(201).await;
    let piece = app.patch(Ada, tus.header("location")).header("tus-resumable", "1.0.0");
    let piece = piece.header("upload-offset", "0").body("application/offset+octet-stream", "abc");
    piece.refused(413, "limit_reached").await;
    set(app, json!({"limits": {"maxStorageBytes": null}})).await;
    upload(b"6").expect(201).await;
}

pub(crate) async fn models_of_providers_that_are_not_allowed_are_refused(app: &App) {
    let path = crate::assistants::made(app, json!({"name": "before"})).await;
    let settings = json!({
        "allowedProviders": ["anthropic"], "defaultModelKey": "claude-3-5-sonnet",
    });
    set(app, settings).await;

    let made = app.post(Ada, "/api/assistants").json(&json!({"name": "after"})).expect(201).await;
    assert_eq!(made.body["default_model_key"], "claude-3-5-sonnet");
    let wrong = json!({"name": "wrong", "default_model_key": "gpt-4o"});
    let change = json!({"default_model_key": "gpt-5"});
    for request in [
        app.post(Ada, "/api/assistants").json(&wrong),
        app.put(Ada, &path).json(&change),
        app.patch(Ada, &path).json(&change),
        app.post(Ada, &format!("{path}/_copy")),
    ] {
        let refused = request.refused(400, "validation_failed").await;
        assert_eq!(refused.faults(), [("/default_model_key", "provider_not_allowed")]);
    }
    // What was there before may stay, and everything else can be changed.
    let read = app.get(Ada, &path).expect(200).await;
    app.put(Ada, &path).json(&read.body).expect(200).await;
    app.patch(Ada, &path).json(&json!({"welcome": "hello"})).expect(200).await;
    let drawn = app.post(Ada, "/api/_create-image").json(&json!({"prompt": "x"}));
    drawn.refused(409, "provider_not_allowed").await;
    let drawn = app.post(Ada, &format!("{path}/_create-image")).json(&json!({"prompt": "x"}));
    drawn.refused(409, "provider_not_allowed").await;
}
