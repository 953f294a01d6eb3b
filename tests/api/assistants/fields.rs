//! Every field of an assistant refuses what it cannot be, by name.

use serde_json::{Map, Value, json};
use understudy_domain::assistant::document;

use super::made;
use crate::{App, Person::Ada};

/// The writable fields with their schemas.
fn writable() -> impl Iterator<Item = (&'static String, &'static Value)> {
    let properties = document::schema()["properties"].as_object().unwrap();
    properties.iter().filter(|(_, schema)| schema["readOnly"] != true)
}

/// Values that a schema refuses: another type, another word, too much, too little.
fn refused_by(schema: &Value) -> Vec<Value> {
    let branches = schema["anyOf"].as_array();
    let takes = |kind: &str| {
        let takes = |schema: &Value| match &schema["type"] {
            Value::Array(kinds) => kinds.iter().any(|known| known == kind),
            known => known == kind,
        };
        takes(schema) || branches.is_some_and(|all| all.iter().any(takes))
    };
    let number = takes("number") || takes("integer");
    let mut bad: Vec<Value> = Vec::new();
    let other_kinds = [
        (takes("string"), json!("another kind")),
        (takes("boolean"), json!(true)),
        (number, json!(7)),
        (takes("array"), json!([])),
        (takes("object"), json!({})),
    ];
    bad.extend(other_kinds.into_iter().filter(|(taken, _)| !taken).map(|(_, value)| value));
    if schema["enum"].is_array() {
        bad.push(json!("no such word"));
    }
    let bound = |name: &str| schema[name].as_f64();
    bad.extend(bound("minimum").map(|least| json!(least - 1.0)));
    bad.extend(bound("maximum").filter(|most| *most < 1e15).map(|most| json!(most + 1.0)));
    if takes("integer") && !takes("number") {
        bad.push(json!(1.5));
    }
    if let Some(most) = schema["maxLength"].as_u64() {
        bad.push("x".repeat(usize::try_from(most).unwrap() + 1).into());
    }
    if schema["minLength"] == 1 {
        bad.push(json!(""));
    }
    if schema["pattern"].is_string() {
        bad.push(json!("no such pattern!\u{7f}"));
    }
    if let Some(most) = schema["maxItems"].as_u64() {
        let items = (0..=most).map(|n| Value::from(format!("item-{n}")));
        bad.push(items.collect());
    }
    if takes("array") {
        bad.push(json!([true, {"no": "item"}]));
    }
    bad
}

pub(crate) async fn every_field_refuses_what_it_cannot_be_by_name(app: &App) {
    for (field, schema) in writable() {
        let values = refused_by(schema);
        assert!(values.len() >= 4, "{field} has too few wrong values: {values:?}");
        for value in values {
            let mut body = json!({"name": "Support"});
            body[field] = value.clone();
            let shown: String = value.to_string().chars().take(80).collect();
            let reply = app.post(Ada, "/api/assistants").json(&body).expect(400).await;
            assert_eq!(reply.body["code"], "validation_failed", "{field}: {shown}");
            let faults = reply.faults();
            let here = |pointer: &str| pointer.split('/').nth(1) == Some(field.as_str());
            assert!(
                !faults.is_empty() && faults.iter().all(|(pointer, _)| here(pointer)),
                "{field}: {shown}: {faults:?}"
            );
        }
    }
}

pub(crate) async fn all_faults_are_told_at_once_and_nothing_is_applied(app: &App) {
    let path = made(app, json!({"name": "Support"})).await;
    let before = app.get(Ada, &path).expect(200).await;
    let mut body = Map::new();
    let mut expected: Vec<String> = vec!["/no_such_field".to_owned()];
    for (field, _) in writable().filter(|(field, _)| *field != "suggestions") {
        body.insert(field.clone(), if field == "logit_bias" { json!("x") } else { json!(-7.5) });
        expected.push(format!("/{field}"));
    }
    body.insert("no_such_field".to_owned(), json!(1));
    // These take any number in their range.
    for (field, wrong) in [("temperature", 9.5), ("top_p", 9.5)] {
        body.insert(field.to_owned(), json!(wrong));
    }
    let body = Value::Object(body);

    for request in [app.put(Ada, &path), app.patch(Ada, &path), app.post(Ada, "/api/assistants")] {
        let reply = request.json(&body).refused(400, "validation_failed").await;
        let told: Vec<&str> = reply.faults().iter().map(|(pointer, _)| *pointer).collect();
        for pointer in &expected {
            assert!(told.contains(&pointer.as_str()), "{pointer} is not in {told:?}");
        }
    }
    assert_eq!(app.get(Ada, &path).expect(200).await.body, before.body);
}

pub(crate) async fn fields_that_only_the_server_sets_are_ignored(app: &App) {
    let path = made(app, json!({"name": "Support"})).await;
    let before = app.get(Ada, &path).expect(200).await;
    let properties = document::schema()["properties"].as_object().unwrap();
    let read_only = properties.iter().filter(|(_, schema)| schema["readOnly"] == true);
    let body: Map<String, Value> =
        read_only.map(|(name, _)| (name.clone(), json!("another"))).collect();
    assert!(body.len() >= 15);

    let after = app.put(Ada, &path).json(&Value::Object(body)).expect(200).await;

    assert_eq!(after.body, before.body);
}

pub(crate) async fn faults_between_fields_are_told_where_they_are(app: &App) {
    let mcp = |server: Value| json!({"name": "x", "tool_configurations": {"mcpTools": [server]}});
    let cases = [
        (json!({"name": "  "}), "/name", "too_short"),
        (json!({}), "/name", "required"),
        (json!({"name": "a\nb"}), "/name", "pattern"),
        (
            json!({"name": "x", "default_model_key": "gpt-4oo"}),
            "/default_model_key",
            "unknown_model",
        ),
        (
            json!({"name": "x", "access_users": ["usr_00000000000000000000000000000099"]}),
            "/access_users/0",
            "unknown",
        ),
        (json!({"name": "x", "top_p": 1, "topP": 1}), "/topP", "duplicate_field"),
        (json!({"name": "x", "icon_type": "emoji", "icon_data": "no"}), "/icon_data", "invalid"),
        (mcp(json!({"serverLabel": "a"})), "/tool_configurations/mcpTools/0", "required"),
        (json!({"name": "x", "metadata": {"a": "x\u{0}y"}}), "/metadata/a", "control_character"),
    ];
    for (body, pointer, code) in cases {
        let reply = app.post(Ada, "/api/assistants").json(&body);
        let reply = reply.refused(400, "validation_failed").await;
        let faults = reply.faults();
        assert!(faults.iter().any(|(at, _)| at.starts_with(pointer)), "{body}: {faults:?}");
        if ["required", "unknown", "duplicate_field", "unknown_model"].contains(&code)
            && pointer.matches('/').count() < 3
        {
            assert!(faults.iter().any(|(_, told)| *told == code), "{body}: {faults:?}");
        }
    }
}
