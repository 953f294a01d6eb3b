//! `/api/assistants`

pub(crate) mod access;
pub(crate) mod conditional;
pub(crate) mod drafts;
pub(crate) mod fields;
pub(crate) mod list;
pub(crate) mod races;
pub(crate) mod versions;

use serde_json::{Value, json};

use crate::{
    App,
    Person::{Ada, Admin, Bob, Manager, Viewer},
};

/// Makes an assistant and tells its path.
pub(crate) async fn made(app: &App, body: Value) -> String {
    let created = app.post(Ada, "/api/assistants").json(&body).expect(201).await;
    created.header("location").to_owned()
}

/// The example object of the seed, with rules that exist here.
pub(crate) async fn seed_with_rules(app: &App) -> Value {
    let mut seed = seed_example();
    for (index, name) in ["Professional tone", "Safety guidelines"].iter().enumerate() {
        let rule = json!({"name": name, "content": "Always.", "isPublic": true});
        let rule = app.post(Admin, "/api/rules").json(&rule).expect(201).await;
        seed["rule_ids"][index] = rule.body["id"].clone();
    }
    seed["tool_configurations"]["streamlineTools"] = json!(automations(app).await);
    seed
}

/// The ids of two automations.
pub(crate) async fn automations(app: &App) -> Vec<Value> {
    let mut ids = Vec::new();
    for name in ["Tickets", "Letters"] {
        let new = json!({"name": name, "url": "https://example.com/"});
        let made = app.post(Admin, "/api/automations").json(&new).expect(201).await;
        ids.push(made.body["id"].clone());
    }
    ids
}

/// The example object of the seed.
pub(crate) fn seed_example() -> Value {
    json!({
        "id": "asst_customer_support_001",
        "organization_id": "org_xyz789",
        "created_by": "user_abc123",
        "created_at": 1_728_057_600,
        "updated_at": 1_728_057_600,
        "deleted_at": null,
        "name": "Customer Support Assistant",
        "avatar_id": "avt_support_green",
        "icon_type": "emoji",
        "icon_data": "💬",
        "default_model_key": "gpt-4o",
        "allowed_model_providers": ["openai", "anthropic"],
        "instructions": "You are a helpful customer support assistant. Always be polite, empathetic, and solution-oriented. Prioritize customer satisfaction and provide clear, actionable guidance.",
        "tool_configurations": {
            "systemTools": {
                "webSearch": {"mode": "auto", "sources": true},
                "fileSearch": {"mode": "on", "results": true},
                "codeInterpreter": {"mode": "off"}
            },
            "mcpTools": [],
            "streamlineTools": ["automation_abc123", "automation_def456"]
        },
        "system_message": null,
        "context_strategy": "auto",
        "max_tool_calls": 10,
        "parallel_tool_calls": true,
        "reasoning": null,
        "service_tier": "default",
        "store_responses": true,
        "temperature": 0.7,
        "frequency_penalty": 0.0,
        "presence_penalty": 0.0,
        "text_config": null,
        "top_logprobs": 0,
        "top_p": 1.0,
        "access_mode": "organization",
        "access_departments": [],
        "access_users": [],
        "editable_by_users": [],
        "visible_in_chat_to_users": [],
        "editable_by_roles": ["admin", "manager"],
        "visible_to_roles": ["member", "admin"],
        "vector_store_ids": ["vs_abc123", "vs_def456"],
        "api_enabled": true,
        "is_active": true,
        "metadata": {"department": "customer_success", "version": "2.1"},
        "rule_ids": ["rule_professional_tone", "rule_safety_guidelines"]
    })
}

pub(crate) async fn the_seeds_example_is_created_and_reads_back_field_for_field(app: &App) {
    let sent = seed_with_rules(app).await;

    let created = app.post(Ada, "/api/assistants").json(&sent).expect(201).await;
    let read = app.get(Ada, created.header("location")).expect(200).await;

    assert_eq!(read.body, created.body);
    assert_eq!(read.etag(), created.etag());
    let set_by_the_server = ["id", "organization_id", "created_by", "created_at", "updated_at"];
    for (name, value) in sent.as_object().unwrap() {
        if !set_by_the_server.contains(&name.as_str()) && name != "tool_configurations" {
            assert_eq!(&read.body[name], value, "{name}");
        }
    }
    let (sent, read) = (&sent["tool_configurations"], &read.body["tool_configurations"]);
    assert_eq!(read["mcpTools"], sent["mcpTools"]);
    assert_eq!(read["streamlineTools"], sent["streamlineTools"]);
    for (tool, settings) in sent["systemTools"].as_object().unwrap() {
        for (name, value) in settings.as_object().unwrap() {
            assert_eq!(&read["systemTools"][tool][name], value, "{tool}.{name}");
        }
    }
}

pub(crate) async fn an_assistant_is_put_back_as_it_was_read(app: &App) {
    let created =
        app.post(Ada, "/api/assistants").json(&seed_with_rules(app).await).expect(201).await;
    let path = created.header("location");
    app.clock.advance(time::Duration::HOUR);
    let changed = app.patch(Ada, path).json(&json!({"temperature": 0.1})).expect(200).await;

    let again = app.put(Ada, path).json(&changed.body).expect(200).await;
    let back = app.put(Ada, path).json(&created.body).expect(200).await;

    assert_eq!(again.body, changed.body, "what changes nothing leaves no trace");
    let timeless = |body: &Value| {
        let mut body = body.clone();
        for name in ["updated_at", "version"] {
            body.as_object_mut().unwrap().remove(name);
        }
        body
    };
    assert_eq!(timeless(&back.body), timeless(&created.body));
    assert_eq!(back.body["version"], 3);
    app.get(Admin, path).expect(200).await;
}

pub(crate) async fn what_is_not_named_has_its_default(app: &App) {
    let created =
        app.post(Ada, "/api/assistants").json(&json!({"name": " Support "})).expect(201).await;

    let body = &created.body;
    assert_eq!(body["name"], "Support");
    assert_eq!(body["slug"], "support");
    assert_eq!(body["default_model_key"], "gpt-4o");
    assert_eq!(body["access_mode"], "private");
    assert_eq!(body["version"], 1);
    assert_eq!(body["created_by"], Ada.id());
    assert_eq!(body["owner"], json!({"type": "user", "id": Ada.id()}));
    assert_eq!(created.header("location"), format!("/api/assistants/{}", created.id()));
}

pub(crate) async fn id_uuid_and_slug_name_the_same_assistant(app: &App) {
    let path = made(app, json!({"name": "Support"})).await;
    let by_id = app.get(Ada, &path).expect(200).await;
    let hex = by_id.id().strip_prefix("asst_").unwrap();
    let uuid = uuid::Uuid::parse_str(hex).unwrap().hyphenated().to_string();

    for reference in [uuid.as_str(), "support"] {
        let read = app.get(Ada, &format!("/api/assistants/{reference}")).expect(200).await;
        assert_eq!(read.body, by_id.body);
    }
}

pub(crate) async fn head_answers_as_get_without_a_body(app: &App) {
    let path = made(app, json!({"name": "Support"})).await;
    let read = app.get(Ada, &path).expect(200).await;

    let head = app.request(Ada, reqwest::Method::HEAD, &path).expect(200).await;

    assert_eq!(head.etag(), read.etag());
    assert_eq!(head.bytes, b"");
    assert_eq!(head.header("content-length"), read.header("content-length"));
    let missing = app.request(Ada, reqwest::Method::HEAD, "/api/assistants/none").expect(404);
    assert_eq!(missing.await.bytes, b"");
}

pub(crate) async fn put_replaces_what_it_names_and_patch_reaches_into_it(app: &App) {
    let metadata = json!({"a": "1", "b": "2"});
    let path = made(app, json!({"name": "Support", "metadata": metadata, "seed": 7})).await;

    let change = json!({"metadata": {"b": null, "c": "3"}, "seed": null});
    let patched = app
        .patch(Ada, &path)
        .body("application/merge-patch+json", change.to_string())
        .expect(200)
        .await;
    assert_eq!(patched.body["metadata"], json!({"a": "1", "c": "3"}));
    assert_eq!(patched.body["seed"], Value::Null);
    assert_eq!(patched.body["name"], "Support");

    let put = app.put(Ada, &path).json(&json!({"metadata": {"z": "9"}})).expect(200).await;
    assert_eq!(put.body["metadata"], json!({"z": "9"}));
    assert_eq!(put.body["name"], "Support");
}

pub(crate) async fn either_casing_is_understood(app: &App) {
    let body = json!({
        "name": "Support",
        "topP": 0.5,
        "stop_sequences": ["END"],
        "toolConfigurations": {"system_tools": {"web_search": {"mode": "off"}}},
    });

    let created = app.post(Ada, "/api/assistants").json(&body).expect(201).await;

    assert_eq!(created.body["top_p"], 0.5);
    assert_eq!(created.body["stopSequences"], json!(["END"]));
    let tools = &created.body["tool_configurations"]["systemTools"];
    assert_eq!(tools["webSearch"]["mode"], "off");
}

pub(crate) async fn names_and_slugs_are_unique_in_the_organization(app: &App) {
    made(app, json!({"name": "Support", "slug": "help"})).await;
    let post = |body: Value| app.post(Bob, "/api/assistants").json(&body);

    post(json!({"name": "SUPPORT"})).refused(409, "name_taken").await;
    post(json!({"name": "Other", "slug": "help"})).refused(409, "slug_taken").await;
    let elsewhere = app.post(crate::Person::Stranger, "/api/assistants");
    elsewhere.json(&json!({"name": "Support", "slug": "help"})).expect(201).await;
    let slugs = ["sales", "sales-2"];
    for (name, slug) in ["Sales!", "Sales?"].iter().zip(slugs) {
        assert_eq!(post(json!({"name": name})).expect(201).await.body["slug"], slug);
    }
}

pub(crate) async fn a_deleted_assistant_is_gone_until_it_is_restored(app: &App) {
    let path = made(app, json!({"name": "Support"})).await;
    let restore = format!("{path}/_restore");

    app.post(Ada, &restore).refused(409, "not_deleted").await;
    app.delete(Ada, &path).expect(204).await;
    app.delete(Ada, &path).refused(404, "not_found").await;
    app.get(Ada, &path).refused(404, "not_found").await;
    app.put(Ada, &path).json(&json!({"name": "x"})).refused(404, "not_found").await;
    app.post(Bob, &restore).refused(404, "not_found").await;
    let restored = app.post(Ada, &restore).expect(200).await;
    assert_eq!(restored.body["deleted_at"], Value::Null);
    app.get(Ada, &path).expect(200).await;

    app.delete(Ada, &path).expect(204).await;
    app.clock.advance(time::Duration::days(31));
    app.post(Ada, &restore).refused(404, "not_found").await;
}

pub(crate) async fn a_copy_is_private_and_its_makers_own(app: &App) {
    let path = made(app, json!({"name": "Support", "access_mode": "organization"})).await;
    let copy = format!("{path}/_copy");

    let first = app.post(Bob, &copy).expect(201).await;
    let named = app.post(Bob, &copy).json(&json!({"name": "Mine"})).expect(201).await;

    assert_eq!(first.body["name"], "Support (copy)");
    assert_eq!(first.body["access_mode"], "private");
    assert_eq!(first.body["owner"]["id"], Bob.id());
    assert_eq!(named.body["name"], "Mine");
    app.post(Viewer, &copy).refused(403, "insufficient_role").await;
    app.post(Bob, &copy).refused(409, "name_taken").await;
    let unknown = app.post(Bob, &copy).json(&json!({"colour": 1}));
    let unknown = unknown.refused(400, "validation_failed").await;
    assert_eq!(unknown.faults(), [("/colour", "unknown_field")]);
}

pub(crate) async fn one_assistant_is_the_default(app: &App) {
    let first = made(app, json!({"name": "First", "access_mode": "organization"})).await;
    let second = made(app, json!({"name": "Second", "access_mode": "organization"})).await;

    app.post(Manager, &format!("{first}/_set-default")).refused(403, "insufficient_level").await;
    app.post(Admin, &format!("{first}/_set-default")).expect(200).await;
    app.post(Admin, &format!("{second}/_set-default")).expect(200).await;
    assert_eq!(app.get(Ada, &first).expect(200).await.body["is_default"], false);
    assert_eq!(app.get(Ada, &second).expect(200).await.body["is_default"], true);
    app.patch(Ada, &first).json(&json!({"is_active": false})).expect(200).await;
    let inactive = app.post(Admin, &format!("{first}/_set-default"));
    inactive.refused(409, "assistant_inactive").await;
}

pub(crate) async fn write_only_values_come_back_masked_and_stay_when_sent_back(app: &App) {
    let server = json!({
        "serverLabel": "wiki",
        "serverUrl": "https://wiki.example.org/mcp",
        "authorization": "canary-authorization",
        "headers": {"X-Key": "canary-header"},
    });
    let body = json!({"name": "Support", "tool_configurations": {"mcpTools": [server]}});
    let created = app.post(Ada, "/api/assistants").json(&body).expect(201).await;
    let path = created.header("location").to_owned();

    let again = app.put(Ada, &path).json(&created.body).expect(200).await;
    let version = app.get(Ada, &format!("{path}/versions/1")).expect(200).await;

    for reply in [&created, &again, &version] {
        assert!(!String::from_utf8_lossy(&reply.bytes).contains("canary"));
    }
    let tool = &created.body["tool_configurations"]["mcpTools"][0];
    assert_eq!(tool["authorization"], "********");
    assert_eq!(tool["headers"], json!({"X-Key": "********"}));
    assert_eq!(again.body["version"], 1, "sending masks back changes nothing");
}
