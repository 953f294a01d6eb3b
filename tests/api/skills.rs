//! `/api/assistants/{id}/skills`

use serde_json::{Value, json};

use crate::{
    App,
    Person::{Ada, Bob, Stranger},
    assistants::made,
    files::{assistant, attached, read},
    request::{Reply, Request},
};

const ORIGIN: &str = "https://api.example.com";

pub(crate) fn add(app: &App, path: &str, body: &Value) -> Request {
    app.post(Ada, &format!("{path}/skills")).json(body)
}

/// A skill that calls a service with the secret `KEY`.
pub(crate) fn custom() -> Value {
    json!({
        "type": "custom",
        "name": "Change an order",
        "description": "Changes an order of a customer.",
        "data": {
            "method": "PATCH",
            "url": format!("{ORIGIN}/orders/{{{{id}}}}"),
            "query": {"note": "{{input.note}}"},
            "headers": {"Authorization": "Bearer {{secrets.KEY}}"},
            "body": {"note": "{{note}}"},
            "inputSchema": {
                "type": "object",
                "properties": {"id": {"type": "string"}, "note": {"type": "string"}},
                "required": ["id"],
            },
        },
    })
}

/// The assistant at `path` gets the secret that [`custom`] uses.
pub(crate) async fn with_secret(app: &App, path: &str) -> Reply {
    let body = json!({"name": "KEY", "value": "CNRY-api-key", "origins": [ORIGIN]});
    app.post(Ada, &format!("{path}/secrets")).json(&body).expect(201).await
}

async fn names(app: &App, path: &str) -> Vec<Value> {
    let list = read(app, &format!("{path}/skills")).await;
    list.body.as_array().unwrap().iter().map(|skill| skill["name"].clone()).collect()
}

pub(crate) async fn a_skill_is_added_read_changed_and_removed(app: &App) {
    let path = assistant(app).await;
    let body = json!({
        "type": "web-search",
        "name": " Search ",
        "data": {"max_results": 3, "allowedDomains": ["example.com"]},
        "datasourceId": null,
    });

    let added = add(app, &path, &body).expect(201).await;

    assert!(added.id().starts_with("skl_"));
    let place = format!("{path}/skills/{}", added.id());
    assert_eq!(added.header("location"), place);
    let expected = json!({
        "id": added.id(),
        "assistantId": path.rsplit('/').next().unwrap(),
        "type": "web-search",
        "name": "Search",
        "description": null,
        "data": {"maxResults": 3, "allowedDomains": ["example.com"]},
        "datasetId": null,
        "dataset": null,
        "enabled": true,
        "createdAt": "2026-01-01T12:00:00.123456Z",
        "updatedAt": "2026-01-01T12:00:00.123456Z",
        "createdBy": Ada.id(),
    });
    assert_eq!(added.body, expected);
    let found = read(app, &place).await;
    assert_eq!((&found.body, found.etag()), (&added.body, added.etag()));
    app.get(Ada, &place).header("if-none-match", found.etag()).expect(304).await;

    // What was read can be sent back, and changes nothing.
    let same = app.put(Ada, &place).json(&found.body).expect(200).await;
    assert_eq!((&same.body, same.etag()), (&found.body, found.etag()));
    let change = json!({"data": {}, "enabled": false, "description": "For news"});
    let changed = app.put(Ada, &place).header("if-match", same.etag()).json(&change);
    let changed = changed.expect(200).await;
    assert_eq!((&changed.body["name"], &changed.body["data"]), (&json!("Search"), &json!({})));
    assert_eq!(
        (&changed.body["enabled"], &changed.body["description"]),
        (&json!(false), &json!("For news"))
    );
    let stale = app.put(Ada, &place).header("if-match", same.etag()).json(&change);
    stale.refused(412, "precondition_failed").await;
    app.delete(Ada, &place)
        .header("if-match", same.etag())
        .refused(412, "precondition_failed")
        .await;

    app.delete(Ada, &place).expect(204).await;
    app.delete(Ada, &place).refused(404, "not_found").await;
    app.get(Ada, &place).refused(404, "not_found").await;
    app.get(Ada, &format!("{place}/driver")).refused(404, "not_found").await;
    assert_eq!(names(app, &path).await, Vec::<Value>::new());
}

pub(crate) async fn faults_of_a_skill_are_named_at_once(app: &App) {
    let path = assistant(app).await;
    let long = "x".repeat(256);
    let body = json!({
        "type": "code-execution",
        "name": long,
        "description": "x".repeat(1_001),
        "data": {"language": "cobol", "timeoutSeconds": 121, "colour": "red"},
        "datasetId": "ds_1",
    });
    let faulty = add(app, &path, &body).refused(400, "validation_failed").await;
    let expected = [
        ("/data/colour", "unknown_field"),
        ("/data/language", "enum"),
        ("/data/timeoutSeconds", "maximum"),
        ("/datasetId", "contradiction"),
        ("/description", "too_long"),
        ("/name", "too_long"),
    ];
    assert_eq!(faulty.faults(), expected);

    let body = json!({"type": "dance", "data": [], "reportId": "r", "colour": 1, "enabled": "yes"});
    let faulty = add(app, &path, &body).refused(400, "validation_failed").await;
    let expected = [
        ("/colour", "unknown_field"),
        ("/data", "type"),
        ("/enabled", "type"),
        ("/reportId", "not_supported"),
        ("/type", "enum"),
    ];
    assert_eq!(faulty.faults(), expected);
    let faulty = add(app, &path, &json!({})).refused(400, "validation_failed").await;
    assert_eq!(faulty.faults(), [("/type", "required")]);
    let query = json!({"type": "dataset-query"});
    let faulty = add(app, &path, &query).refused(400, "validation_failed").await;
    assert_eq!(faulty.faults(), [("/datasetId", "required")]);
    assert_eq!(names(app, &path).await, Vec::<Value>::new());
}

pub(crate) async fn faults_of_a_custom_skill_tell_what_would_be_right(app: &App) {
    let path = assistant(app).await;
    let mut body = custom();
    let faulty = add(app, &path, &body).refused(400, "validation_failed").await;
    assert_eq!(faulty.faults(), [("/data/headers/Authorization", "unknown_placeholder")]);
    let secret = json!({"name": "KEY", "value": "k", "origins": ["https://other.example.com"]});
    app.post(Ada, &format!("{path}/secrets")).json(&secret).expect(201).await;
    let faulty = add(app, &path, &body).refused(400, "validation_failed").await;
    assert_eq!(faulty.faults(), [("/data/headers/Authorization", "secret_origin")]);
    let message = faulty.body["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("add `https://api.example.com`"), "{message}");

    body["data"]["url"] = "https://{{id}}.example.com/{{secrets.KEY}}".into();
    body["data"]["headers"] = json!({"Host": "x", "Authorization": "Bearer abc", "X": "{{notes}}"});
    let faulty = add(app, &path, &body).refused(400, "validation_failed").await;
    let expected = [
        ("/data/headers/Authorization", "credential"),
        ("/data/headers/Host", "header"),
        ("/data/headers/X", "unknown_placeholder"),
        ("/data/url", "placeholder_in_host"),
        ("/data/url", "secret_in_url"),
    ];
    assert_eq!(faulty.faults(), expected);
    let errors = faulty.body["errors"].as_array().unwrap();
    let unknown = errors.iter().find(|fault| fault["pointer"] == "/data/headers/X").unwrap();
    assert!(unknown["message"].as_str().unwrap().contains("did you mean `{{note}}`?"), "{unknown}");
}

pub(crate) async fn a_driver_is_the_tool_that_the_model_sees(app: &App) {
    let path = assistant(app).await;
    with_secret(app, &path).await;
    let file = attached(app, &path, "a.txt", b"a").await;
    let file = file.rsplit('/').next().unwrap();
    let skills = [
        (
            json!({"type": "dataset-query", "datasetId": "ds_1"}),
            "dataset-query",
            json!(["question"]),
        ),
        (json!({"type": "web-search"}), "web-search", json!(["query"])),
        (json!({"type": "code-execution"}), "code-execution", json!(["code"])),
        (
            json!({"type": "file-analysis", "data": {"fileIds": [file]}}),
            "file-analysis",
            json!(["question"]),
        ),
        (custom(), "Change_an_order", json!(["id"])),
    ];
    for (body, name, required) in skills {
        let added = add(app, &path, &body).expect(201).await;
        let driver = read(app, &format!("{}/driver", added.header("location"))).await.body;
        assert_eq!(driver["id"], body["type"]);
        assert_eq!(driver["name"], added.body["name"]);
        assert_eq!(driver["description"], added.body["description"]);
        let tool = &driver["toolDefinition"];
        assert_eq!((&tool["type"], &tool["name"]), (&json!("function"), &json!(name)));
        assert_eq!(tool["parameters"]["type"], "object");
        assert_eq!(tool["parameters"]["required"], required);
        for hidden in ["example.com", "Authorization", "secrets", "CNRY"] {
            assert!(!driver.to_string().contains(hidden), "{driver}");
        }
    }
}

pub(crate) async fn who_may_view_reads_skills_without_where_they_go(app: &App) {
    let path = assistant(app).await;
    with_secret(app, &path).await;
    let place = add(app, &path, &custom()).expect(201).await.header("location").to_owned();

    let seen = app.get(Bob, &place).expect(200).await;
    app.get(Bob, &format!("{path}/skills")).expect(200).await;
    app.get(Bob, &format!("{place}/driver")).expect(200).await;

    let data = seen.body["data"].as_object().unwrap();
    assert_eq!(data.keys().collect::<Vec<_>>(), ["inputSchema", "method"]);
    app.put(Bob, &place).json(&json!({"enabled": false})).refused(403, "insufficient_level").await;
    app.delete(Bob, &place).refused(403, "insufficient_level").await;
    let body = json!({"type": "web-search"});
    let add = app.post(Bob, &format!("{path}/skills")).json(&body);
    add.refused(403, "insufficient_level").await;
}

pub(crate) async fn skills_of_what_is_invisible_are_not_there(app: &App) {
    let path = made(app, json!({"name": "Secret", "access_mode": "private"})).await;
    let place = add(app, &path, &json!({"type": "web-search"})).expect(201).await;
    let place = place.header("location").to_owned();

    let body = json!({"type": "web-search", "name": "x"});
    for person in [Bob, Stranger] {
        for request in [
            app.get(person, &place),
            app.get(person, &format!("{place}/driver")),
            app.put(person, &place).json(&json!({"enabled": false})),
            app.delete(person, &place),
            app.get(person, &format!("{path}/skills")),
            app.post(person, &format!("{path}/skills")).json(&body),
        ] {
            request.refused(404, "not_found").await;
        }
    }
}

pub(crate) async fn names_of_skills_are_unique_as_names_of_tools(app: &App) {
    let path = assistant(app).await;
    let search = |name: &str| json!({"type": "web-search", "name": name});
    add(app, &path, &search("Find news")).expect(201).await;

    add(app, &path, &search("Find news")).refused(409, "name_taken").await;
    add(app, &path, &search("Find: news!")).refused(409, "name_taken").await;
    let other = add(app, &path, &search("Other")).expect(201).await;
    let change = app.put(Ada, other.header("location")).json(&json!({"name": "Find_news"}));
    change.refused(409, "name_taken").await;
    let keyed = || add(app, &path, &search("Once")).header("idempotency-key", "k");
    let first = keyed().expect(201).await;
    assert_eq!(keyed().expect(201).await.body, first.body);
}

pub(crate) async fn a_drafts_skills_show_when_it_is_committed(app: &App) {
    let path = assistant(app).await;
    with_secret(app, &path).await;
    let live = add(app, &path, &json!({"type": "web-search", "name": "Web"})).expect(201).await;
    let draft = app.post(Ada, &format!("{path}/_edit")).expect(201).await;
    let draft = format!("/api/assistants/{}", draft.id());

    let added = add(app, &draft, &custom()).expect(201).await;
    assert!(added.header("location").starts_with(&draft));
    app.delete(Ada, &format!("{draft}/skills/{}", live.id())).expect(204).await;

    assert_eq!(names(app, &path).await, ["Web"]);
    app.get(Ada, &format!("{path}/skills/{}", added.id())).refused(404, "not_found").await;
    app.get(Bob, &format!("{draft}/skills")).refused(404, "not_found").await;
    let diff = read(app, &format!("{path}/draft/_diff")).await;
    let changed: Vec<&Value> =
        diff.body["changes"].as_array().unwrap().iter().map(|change| &change["pointer"]).collect();
    assert_eq!(changed, ["/skills/0", "/skills/0"]);
    app.post(Ada, &format!("{path}/draft/_commit")).expect(200).await;
    assert_eq!(names(app, &path).await, ["Change an order"]);
    read(app, &format!("{path}/skills/{}", added.id())).await;
}

pub(crate) async fn there_are_a_hundred_skills_at_most(app: &App) {
    let path = assistant(app).await;
    for _ in 0..100 {
        add(app, &path, &json!({"type": "web-search"})).expect(201).await;
    }
    let refused = add(app, &path, &json!({"type": "web-search"}));
    refused.refused(413, "limit_reached").await;
}

pub(crate) async fn a_copy_has_the_skills_and_elsewhere_those_without_datasets(app: &App) {
    let path = made(app, json!({"name": "Support", "access_mode": "global"})).await;
    with_secret(app, &path).await;
    add(app, &path, &custom()).expect(201).await;
    add(app, &path, &json!({"type": "dataset-query", "datasetId": "ds_1"})).expect(201).await;

    let copy = app.post(Ada, &format!("{path}/_copy")).expect(201).await;
    let foreign = app.post(Stranger, &format!("{path}/_copy")).expect(201).await;

    assert_eq!(names(app, copy.header("location")).await, ["Change an order", "dataset-query"]);
    let there =
        app.get(Stranger, &format!("{}/skills", foreign.header("location"))).expect(200).await;
    assert_eq!(there.body.as_array().unwrap().len(), 1);
    let secrets = app.get(Stranger, &format!("{}/secrets", foreign.header("location")));
    let secrets = secrets.expect(200).await.body;
    assert_eq!((&secrets[0]["name"], &secrets[0]["value"]), (&json!("KEY"), &Value::Null));
}
