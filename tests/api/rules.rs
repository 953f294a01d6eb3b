//! `/api/rules`

pub(crate) mod attachments;

use serde_json::{Value, json};

use crate::{
    App,
    Person::{Ada, Admin, Manager, Owner, Stranger},
    request::Reply,
};

pub(crate) const ALL: &str = "/api/rules";

pub(crate) fn rule(name: &str) -> Value {
    json!({"name": name, "content": format!("The text of {name}."), "isPublic": true})
}

/// A new rule.
pub(crate) async fn made(app: &App, body: Value) -> Reply {
    app.post(Admin, ALL).json(&body).expect(201).await
}

fn names(list: &Reply) -> Vec<&str> {
    list.body["data"].as_array().unwrap().iter().map(|r| r["name"].as_str().unwrap()).collect()
}

pub(crate) async fn a_rule_is_made_read_changed_and_deleted(app: &App) {
    let created = made(app, json!({"name": " Tone ", "content": "Be kind. 🙂"})).await;
    assert!(created.id().starts_with("rule_"));
    let path = created.header("location").to_owned();
    assert_eq!(path, format!("{ALL}/{}", created.id()));
    let expected = json!({
        "id": created.id(),
        "organizationId": created.body["organizationId"],
        "name": "Tone",
        "description": null,
        "content": "Be kind. 🙂",
        "contentLength": 10,
        "category": "custom",
        "ruleType": "behavior",
        "scope": "organization",
        "applyMode": "always",
        "isPublic": false,
        "isActive": true,
        "version": 1,
        "createdBy": Admin.id(),
        "createdAt": created.body["createdAt"],
        "updatedAt": created.body["updatedAt"],
    });
    assert_eq!(created.body, expected);
    let read = app.get(Owner, &path).expect(200).await;
    assert_eq!((&read.body, read.etag()), (&created.body, created.etag()));
    app.get(Admin, &path).header("if-none-match", read.etag()).expect(304).await;

    let change = json!({"category": "safety", "rule_type": "guardrails", "description": "For all"});
    let changed = app.put(Admin, &path).json(&change).expect(200).await;
    assert_eq!((&changed.body["version"], &changed.body["name"]), (&json!(2), &json!("Tone")));
    assert_eq!(changed.body["ruleType"], "guardrails");
    // What was read can be sent back, and changes nothing.
    let same = app.put(Admin, &path).json(&changed.body).expect(200).await;
    assert_eq!(same.body, changed.body);
    let stale = app.put(Admin, &path).header("if-match", read.etag()).json(&json!({}));
    stale.refused(412, "precondition_failed").await;
    let cleared = app.put(Admin, &path).json(&json!({"description": null})).expect(200).await;
    assert_eq!(cleared.body["description"], Value::Null);
    let stale = app.delete(Admin, &path).header("if-match", changed.etag());
    stale.refused(412, "precondition_failed").await;
    app.delete(Admin, &path).header("if-match", cleared.etag()).expect(204).await;
    app.delete(Admin, &path).refused(404, "not_found").await;
    app.get(Admin, &path).refused(404, "not_found").await;
}

pub(crate) async fn rules_are_listed_in_pages_by_name(app: &App) {
    for (name, category) in [("b", "safety"), ("C", "safety"), ("a", "custom"), ("É", "safety")] {
        let mut rule = rule(name);
        rule["category"] = json!(category);
        rule["content"] = json!("ä".repeat(300));
        made(app, rule).await;
    }
    let list = |query: &str| app.get(Ada, &format!("{ALL}{query}"));

    let first = list("?limit=3&total=true").expect(200).await;
    assert_eq!(names(&first), ["a", "b", "C"]);
    assert_eq!(first.body["total"], 4);
    let item = &first.body["data"][0];
    assert_eq!(item["contentPreview"], "ä".repeat(200));
    assert_eq!((&item["contentLength"], item.get("content")), (&json!(300), None));
    let cursor = first.body["nextCursor"].as_str().unwrap();
    let rest = list(&format!("?limit=3&cursor={cursor}")).expect(200).await;
    assert_eq!(names(&rest), ["É"]);
    assert_eq!((&rest.body["nextCursor"], rest.body.get("total")), (&Value::Null, None));

    assert_eq!(names(&list("?category=safety").expect(200).await), ["b", "C", "É"]);
    assert_eq!(names(&list("?q=É").expect(200).await), ["É"]);
    assert_eq!(names(&list("?isActive=false").expect(200).await), [""; 0]);
    assert_eq!(names(&list("?rule_type=behavior&limit=1").expect(200).await), ["a"]);
    list(&format!("?q=b&cursor={cursor}")).refused(400, "bad_cursor").await;
    let wrong = list("?category=x&ruleType=x&isActive=x&limit=0&colour=x");
    let wrong = wrong.refused(400, "validation_failed").await;
    let pointers: Vec<_> = wrong.faults().into_iter().map(|(pointer, _)| pointer).collect();
    assert_eq!(pointers, ["category", "colour", "isActive", "limit", "ruleType"]);
}

pub(crate) async fn faults_of_a_rule_are_named_at_once(app: &App) {
    let wrong = json!({
        "content": 1, "category": "x", "ruleType": "x", "scope": "global", "applyMode": "x",
        "isPublic": "yes", "colour": 1,
    });
    let wrong = app.post(Admin, ALL).json(&wrong).refused(400, "validation_failed").await;
    assert_eq!(
        wrong.faults(),
        [
            ("/applyMode", "enum"),
            ("/category", "enum"),
            ("/colour", "unknown_field"),
            ("/content", "type"),
            ("/isPublic", "type"),
            ("/name", "required"),
            ("/ruleType", "enum"),
            ("/scope", "enum"),
        ]
    );
    let inner = json!({
        "name": "x".repeat(256), "content": " ", "description": "x".repeat(5_001),
    });
    let inner = app.post(Admin, ALL).json(&inner).refused(400, "validation_failed").await;
    assert_eq!(
        inner.faults(),
        [("/content", "invalid"), ("/description", "invalid"), ("/name", "invalid")]
    );
    let longest = json!({"name": "long", "content": "🙂".repeat(50_000)});
    let longest = made(app, longest).await;
    assert_eq!(longest.body["contentLength"], 50_000);
    let longer = json!({"content": "x".repeat(50_001)});
    let longer = app.put(Admin, longest.header("location")).json(&longer);
    assert_eq!(longer.refused(400, "validation_failed").await.faults(), [("/content", "invalid")]);
    app.post(Admin, ALL).json(&rule("LONG")).refused(409, "name_taken").await;
}

pub(crate) async fn the_same_rule_is_made_once(app: &App) {
    let make = || app.post(Admin, ALL).header("idempotency-key", "k").json(&rule("once"));

    let first = make().expect(201).await;
    let second = make().expect(201).await;

    assert_eq!(first.body, second.body);
}

pub(crate) async fn rules_are_administered_by_administrators_and_public_ones_read_by_all(
    app: &App,
) {
    let hidden = made(app, json!({"name": "hidden", "content": "x"})).await;
    let hidden = hidden.header("location");
    let public = made(app, rule("public")).await;
    let public = public.header("location");

    for person in [Ada, Manager] {
        app.get(person, public).expect(200).await;
        app.get(person, hidden).refused(404, "not_found").await;
        assert_eq!(names(&app.get(person, ALL).expect(200).await), ["public"]);
        app.post(person, ALL).json(&rule("x")).refused(403, "insufficient_role").await;
        app.put(person, public).json(&json!({})).refused(403, "insufficient_role").await;
        app.delete(person, public).refused(403, "insufficient_role").await;
        let attachments = app.get(person, &format!("{public}/attachments"));
        attachments.refused(403, "insufficient_role").await;
    }
    assert_eq!(names(&app.get(Owner, ALL).expect(200).await), ["hidden", "public"]);
    for path in [public, hidden] {
        app.get(Stranger, path).refused(404, "not_found").await;
        app.put(Stranger, path).json(&json!({})).refused(404, "not_found").await;
        app.delete(Stranger, path).refused(404, "not_found").await;
        app.delete(Stranger, &format!("{path}?force=true")).refused(404, "not_found").await;
    }
    assert_eq!(names(&app.get(Stranger, ALL).expect(200).await), [""; 0]);
}
