//! `/api/rules/{id}/attachments` and `/api/assistants/{id}/rules`

use serde_json::{Value, json};

use super::{made, rule};
use crate::{
    App,
    Person::{Ada, Admin, Bob, Seatless, Stranger},
    assistants,
};

async fn ids(app: &App, path: &str) -> Value {
    app.get(Ada, path).expect(200).await.body["rule_ids"].clone()
}

pub(crate) async fn a_rule_is_attached_to_things_of_its_scope(app: &App) {
    let created = made(app, rule("everywhere")).await;
    let all = format!("{}/attachments", created.header("location"));
    let organization = created.body["organizationId"].as_str().unwrap();
    let assistant = assistants::made(app, json!({"name": "Support"})).await;
    let assistant = app.get(Ada, &assistant).expect(200).await;
    let things = [
        ("assistant", assistant.id()),
        ("model", "gpt-4o"),
        ("organization", organization),
        ("user", &Ada.id()),
        ("vector_store", "vs_abc"),
    ];
    for (kind, entity) in things {
        let place = format!("{all}/{kind}/{entity}");
        let body = json!({"priority": 70, "characterLimit": 100});
        let attached = app.put(Admin, &place).json(&body).expect(201).await;
        assert_eq!(attached.header("location"), place);
        let expected = json!({
            "ruleId": created.id(),
            "entityType": kind,
            "entityId": entity,
            "priority": 70,
            "characterLimit": 100,
            "isActive": true,
            "attachedAt": attached.body["attachedAt"],
            "attachedBy": Admin.id(),
        });
        assert_eq!(attached.body, expected);
        let read = app.get(Admin, &place).expect(200).await;
        assert_eq!((&read.body, read.etag()), (&attached.body, attached.etag()));
        let off = app.put(Admin, &place).header("if-match", read.etag());
        let off = off.json(&json!({"isActive": false})).expect(200).await;
        assert_eq!((&off.body["isActive"], &off.body["priority"]), (&json!(false), &json!(70)));
        let stale = app.put(Admin, &place).header("if-match", read.etag()).json(&json!({}));
        stale.refused(412, "precondition_failed").await;
    }
    let listed = app.get(Admin, &all).expect(200).await;
    let mut kinds: Vec<_> =
        listed.body.as_array().unwrap().iter().map(|one| &one["entityType"]).collect();
    kinds.sort_by_key(|kind| kind.as_str());
    assert_eq!(kinds, ["assistant", "model", "organization", "user", "vector_store"]);
    for (kind, entity) in things {
        let place = format!("{all}/{kind}/{entity}");
        app.delete(Admin, &place).expect(204).await;
        app.delete(Admin, &place).refused(404, "not_found").await;
        app.get(Admin, &place).refused(404, "not_found").await;
    }
    assert_eq!(app.get(Admin, &all).expect(200).await.body, json!([]));
}

pub(crate) async fn a_rule_is_attached_to_what_is_there_and_fits_its_scope(app: &App) {
    let mut body = rule("for models");
    body["scope"] = json!("model");
    let created = made(app, body).await;
    let all = format!("{}/attachments", created.header("location"));
    let put = |place: &str| app.put(Admin, &format!("{all}/{place}"));

    let ada = format!("user/{}", Ada.id());
    let wrong = put(&ada).refused(400, "validation_failed").await;
    assert_eq!(wrong.faults(), [("entityType", "scope")]);
    let path = assistants::made(app, json!({"name": "Support"})).await;
    let id = app.get(Ada, &path).expect(200).await.id().to_owned();
    let wrong = put(&format!("assistant/{id}")).refused(400, "validation_failed").await;
    assert_eq!(wrong.faults(), [("entityType", "scope")]);
    let faulty = json!({"priority": 0, "characterLimit": 99, "colour": 1, "isActive": 1});
    let wrong = put("model/gpt-4o").json(&faulty).refused(400, "validation_failed").await;
    assert_eq!(wrong.faults(), [("/colour", "unknown_field"), ("/isActive", "type")]);
    let faulty = json!({"priority": 101, "characterLimit": 50_001});
    let wrong = put("model/gpt-4o").json(&faulty).refused(400, "validation_failed").await;
    assert_eq!(wrong.faults(), [("/characterLimit", "range"), ("/priority", "range")]);
    put("model/gpt-4o").expect(201).await;

    let everywhere = made(app, rule("everywhere")).await;
    let all = format!("{}/attachments", everywhere.header("location"));
    let stranger = format!("user/{}", Stranger.id());
    for place in [
        "model/gpt-nought",
        "vector_store/abc",
        "vector_store/vs_",
        "team/x",
        "user/nobody",
        "organization/org_00000000000000000000000000000000",
        "assistant/nobody",
        &stranger,
    ] {
        app.put(Admin, &format!("{all}/{place}")).refused(404, "not_found").await;
    }
    let nowhere = "/api/rules/rule_00000000000000000000000000000000/attachments/model/gpt-4o";
    app.put(Admin, nowhere).refused(404, "not_found").await;
    app.put(Ada, &format!("{all}/model/gpt-4o")).refused(403, "insufficient_role").await;
    app.put(Stranger, &format!("{all}/model/gpt-4o")).refused(404, "not_found").await;
}

pub(crate) async fn an_assistant_has_rules_in_its_drafts_and_versions(app: &App) {
    let created = made(app, rule("Tone")).await;
    let path = assistants::made(app, json!({"name": "Support"})).await;
    let live = app.get(Ada, &path).expect(200).await.id().to_owned();
    let draft = app.post(Ada, &format!("{path}/_edit")).expect(201).await;
    let own = format!("/api/assistants/{}", draft.id());
    let place = format!("{own}/rules/{}", created.id());

    let attached = app.put(Ada, &place).json(&json!({"priority": 9})).expect(201).await;
    assert_eq!(attached.header("location"), place);
    let expected = json!({
        "ruleId": created.id(),
        "assistantId": draft.id(),
        "priority": 9,
        "characterLimit": 50_000,
        "isActive": true,
        "attachedAt": attached.body["attachedAt"],
        "attachedBy": Ada.id(),
        "rule": {"id": created.id(), "name": "Tone", "category": "custom", "isActive": true},
    });
    assert_eq!(attached.body, expected);
    assert_eq!(app.get(Ada, &place).expect(200).await.body, expected);
    assert_eq!(app.get(Ada, &format!("{own}/rules")).expect(200).await.body, json!([expected]));
    assert_eq!(app.get(Ada, &format!("{path}/rules")).expect(200).await.body, json!([]));
    let diff = app.get(Ada, &format!("{path}/draft/_diff")).expect(200).await;
    assert!(!diff.body["changes"].as_array().unwrap().is_empty());
    app.post(Ada, &format!("{path}/draft/_commit")).expect(200).await;

    let listed = app.get(Ada, &format!("{path}/rules")).expect(200).await;
    assert_eq!(
        (&listed.body[0]["assistantId"], &listed.body[0]["priority"]),
        (&json!(live), &json!(9))
    );
    assert_eq!(ids(app, &path).await, json!([created.id()]));
    let place = format!("{path}/rules/{}", created.id());
    let changed = app.put(Ada, &place).json(&json!({"isActive": false})).expect(200).await;
    assert_eq!((&changed.body["isActive"], &changed.body["priority"]), (&json!(false), &json!(9)));
    app.delete(Ada, &place).expect(204).await;
    app.delete(Ada, &place).refused(404, "not_found").await;
    let versions = app.get(Ada, &format!("{path}/versions")).expect(200).await;
    assert_eq!(versions.body.as_array().unwrap().len(), 4);
}

pub(crate) async fn rules_of_an_assistant_are_for_its_editors(app: &App) {
    let created = made(app, rule("Tone")).await;
    let hidden = made(app, json!({"name": "hidden", "content": "x"})).await;
    let open = json!({"name": "Open", "access_mode": "organization"});
    let path = assistants::made(app, open).await;
    let place = format!("{path}/rules/{}", created.id());

    app.get(Bob, &format!("{path}/rules")).refused(403, "insufficient_level").await;
    app.put(Bob, &place).refused(403, "insufficient_level").await;
    app.delete(Bob, &place).refused(403, "insufficient_level").await;
    app.put(Seatless, &place).refused(403, "ai_seat_required").await;
    app.put(Stranger, &place).refused(404, "not_found").await;
    let unseen = format!("{path}/rules/{}", hidden.id());
    app.put(Ada, &unseen).refused(404, "not_found").await;
    app.put(Ada, &format!("{path}/rules/nothing")).refused(404, "not_found").await;
    app.put(Admin, &unseen).expect(201).await;
    let listed = app.get(Ada, &format!("{path}/rules")).expect(200).await;
    assert_eq!(listed.body[0]["rule"], Value::Null);
}

pub(crate) async fn the_set_of_rules_is_replaced_as_a_field(app: &App) {
    let [a, b] = [made(app, rule("a")).await, made(app, rule("b")).await];
    let hidden = made(app, json!({"name": "hidden", "content": "x"})).await;
    let body = json!({"name": "Support", "rule_ids": [b.id(), a.id()]});
    let path = assistants::made(app, body).await;
    assert_eq!(ids(app, &path).await, json!([b.id(), a.id()]));

    app.patch(Ada, &path).json(&json!({"rule_ids": [a.id(), b.id()]})).expect(200).await;
    assert_eq!(ids(app, &path).await, json!([a.id(), b.id()]));
    let nobody = "rule_00000000000000000000000000000000";
    let wrong = json!({"rule_ids": [a.id(), nobody, hidden.id()]});
    let wrong = app.put(Ada, &path).json(&wrong).refused(400, "validation_failed").await;
    assert_eq!(wrong.faults(), [("/rule_ids/1", "unknown"), ("/rule_ids/2", "unknown")]);
    app.put(Ada, &path).json(&json!({"rule_ids": []})).expect(200).await;
    assert_eq!(ids(app, &path).await, json!([]));
}

pub(crate) async fn a_rule_that_is_attached_is_deleted_by_force_only(app: &App) {
    let created = made(app, rule("doomed")).await;
    let place = created.header("location");
    let body = json!({"name": "Support", "rule_ids": [created.id()]});
    let path = assistants::made(app, body).await;
    app.post(Ada, &format!("{path}/_edit")).expect(201).await;
    app.put(Admin, &format!("{place}/attachments/model/gpt-4o")).expect(201).await;

    let refused = app.delete(Admin, place).refused(409, "rule_attached").await;
    assert!(refused.body["detail"].as_str().unwrap().contains("3 things"));
    app.delete(Admin, &format!("{place}?force=maybe")).refused(400, "validation_failed").await;
    app.delete(Admin, &format!("{place}?force=true")).expect(204).await;

    assert_eq!(ids(app, &path).await, json!([]));
    assert_eq!(ids(app, &format!("{path}/draft")).await, json!([]));
    let version = app.get(Ada, &format!("{path}/versions/1")).expect(200).await;
    assert!(version.bytes.windows(37).any(|text| text == created.id().as_bytes()));
    app.get(Admin, place).refused(404, "not_found").await;
}
