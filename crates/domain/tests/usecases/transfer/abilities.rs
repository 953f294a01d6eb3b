//! Skills, secrets and rules in exports and imports.

use serde_json::{Value, json};
use understudy_domain::{
    Secret, UserId,
    assistant::content::SkillType,
    rule::{ApplyMode, RuleCategory, RuleScope, RuleType},
    usecases::{
        Error,
        rules::{CreateRule, create_rule},
        secrets::{NewSecret, SecretChange, add_secret, update_secret},
        skills::{NewSkill, add_skill, list_skills, remove_skill},
    },
};

use super::{document, export, import};
use crate::stage::{Stage, caller, id_of};

const ORIGIN: &str = "https://api.example.com";

async fn rule(stage: &Stage, name: &str, is_public: bool) -> String {
    let rule = CreateRule {
        name: name.to_owned(),
        description: None,
        content: "Be kind.".to_owned(),
        category: RuleCategory::Custom,
        kind: RuleType::Behavior,
        scope: RuleScope::Organization,
        apply_mode: ApplyMode::Always,
        is_public,
        is_active: true,
    };
    create_rule(stage.deps(), &caller(2), rule).await.unwrap().id.to_string()
}

async fn add(stage: &Stage, id: &str, kind: SkillType, name: &str, data: Value) {
    let new = NewSkill {
        kind,
        name: Some(name.to_owned()),
        description: Some("what for".to_owned()),
        data: data.as_object().unwrap().clone(),
        dataset_id: (kind == SkillType::DatasetQuery).then(|| "ds_1".to_owned()),
        enabled: true,
    };
    add_skill(stage.deps(), &caller(4), id, new).await.unwrap();
}

/// An assistant of user 4 with all that these tests are about.
async fn able(stage: &Stage) -> String {
    let rule = rule(stage, "Tone", true).await;
    let input = json!({"name": "x", "rule_ids": [rule]});
    let id = id_of(&stage.create(&caller(4), input).await.unwrap());
    let secret = NewSecret {
        name: "KEY".to_owned(),
        value: Secret::new("CNRY".to_owned()),
        description: Some("what for".to_owned()),
        origins: vec![ORIGIN.to_owned()],
        shared: true,
    };
    add_secret(stage.deps(), &stage.vault, &caller(4), &id, secret).await.unwrap();
    let data = json!({
        "method": "POST",
        "url": format!("{ORIGIN}/{{{{id}}}}"),
        "headers": {"Authorization": "Bearer {{secrets.KEY}}"},
        "inputSchema": {"type": "object", "properties": {"id": {"type": "string"}}},
    });
    add(stage, &id, SkillType::Custom, "Orders", data).await;
    add(stage, &id, SkillType::WebSearch, "Web", json!({"maxResults": 3})).await;
    id
}

fn list<'a>(document: &'a Value, name: &str) -> Vec<&'a Value> {
    document[name].as_array().unwrap().iter().collect()
}

/// The document as another assistant's.
fn of_another(mut document: Value) -> Value {
    document["externalId"] = "elsewhere".into();
    document
}

/// The document without ids, which another assistant has of its own.
fn without_ids(mut document: Value) -> Value {
    document.as_object_mut().unwrap().remove("externalId");
    document["assistant"].as_object_mut().unwrap().remove("name");
    for name in ["skills", "secrets"] {
        for item in document[name].as_array_mut().unwrap() {
            item.as_object_mut().unwrap().remove("id");
        }
    }
    document
}

#[tokio::test]
async fn an_export_has_skills_names_of_secrets_and_rules_and_no_value() {
    let stage = Stage::set().await;
    let id = able(&stage).await;

    let export = export(&stage, &caller(4), &id).await;
    let document = document(&export);

    let names: Vec<_> = list(&document, "skills").iter().map(|skill| &skill["name"]).collect();
    assert_eq!(names, ["Orders", "Web"]);
    let secret = &document["secrets"][0];
    assert_eq!((&secret["name"], &secret["value"]), (&json!("secrets/KEY"), &Value::Null));
    assert_eq!((&secret["origins"], &secret["shared"]), (&json!([ORIGIN]), &json!(true)));
    let rule = &document["rules"][0];
    assert_eq!((&rule["name"], &rule["priority"]), (&json!("Tone"), &json!(50)));
    let text = String::from_utf8(export.document).unwrap();
    assert!(!text.contains("CNRY") && !text.contains("sealed_"), "{text}");
}

#[tokio::test]
async fn an_export_that_is_imported_at_home_changes_nothing() {
    let stage = Stage::set().await;
    let id = able(&stage).await;
    let before = export(&stage, &caller(4), &id).await;
    let tag = stage.patch(&caller(4), &id, json!({})).await.unwrap().etag();

    let same = import(&stage, &caller(4), &before, document(&before)).await.unwrap();

    assert_eq!(same.assistant.etag(), tag);
    assert_eq!(same.report.secrets, Vec::<String>::new());
    assert_eq!(export(&stage, &caller(4), &id).await, before);
}

#[tokio::test]
async fn what_was_removed_since_comes_back_under_its_id() {
    let stage = Stage::set().await;
    let id = able(&stage).await;
    let before = export(&stage, &caller(4), &id).await;
    let skills = list_skills(stage.deps(), &caller(4), &id).await.unwrap();
    let none = understudy_domain::usecases::Precondition::None;
    remove_skill(stage.deps(), &caller(4), &id, skills[1].skill.id, none).await.unwrap();

    import(&stage, &caller(4), &before, document(&before)).await.unwrap();

    assert_eq!(document(&export(&stage, &caller(4), &id).await), document(&before));
}

#[tokio::test]
async fn another_assistant_has_skills_and_secrets_of_its_own() {
    let stage = Stage::set().await;
    let id = able(&stage).await;
    let original = export(&stage, &caller(4), &id).await;
    let arriving = of_another(document(&original));

    let made = import(&stage, &caller(6), &original, arriving.clone()).await.unwrap();

    assert_eq!(made.report.secrets, ["secrets/KEY"]);
    assert_eq!(made.report.dropped, []);
    let content = &made.assistant.record.assistant.content;
    assert_eq!(content.secrets[0].value, None);
    assert_eq!(content.skills[0].created_by, caller(6).actor.user);
    let own = export(&stage, &caller(6), &id_of(&made.assistant)).await;
    assert_eq!(without_ids(document(&own)), without_ids(document(&original)));
    let ids = |document: &Value| document["skills"][0]["id"].clone();
    assert_ne!(ids(&document(&own)), ids(&document(&original)));
    let again = import(&stage, &caller(6), &original, arriving).await.unwrap();
    assert!(!again.created);
    assert_eq!(again.assistant.etag(), made.assistant.etag(), "the same import changes nothing");
}

#[tokio::test]
async fn a_stored_value_stays_for_the_same_name_and_origins_only() {
    let stage = Stage::set().await;
    let id = able(&stage).await;
    let original = export(&stage, &caller(4), &id).await;
    let arriving = of_another(document(&original));
    let made = import(&stage, &caller(6), &original, arriving.clone()).await.unwrap();
    let copy = id_of(&made.assistant);
    let secret = made.assistant.record.assistant.content.secrets[0].id;
    let value = Some(Some(Secret::new("theirs".to_owned())));
    let change = SecretChange { value, ..SecretChange::default() };
    let them = caller(6);
    update_secret(stage.deps(), &stage.vault, &them, &copy, secret, change).await.unwrap();

    let kept = import(&stage, &them, &original, arriving.clone()).await.unwrap();
    assert_eq!(kept.report.secrets, Vec::<String>::new());
    assert!(kept.assistant.record.assistant.content.secrets[0].value.is_some());

    let mut elsewhere = arriving;
    elsewhere["secrets"][0]["origins"] = json!([ORIGIN, "https://evil.example"]);
    let dropped = import(&stage, &them, &original, elsewhere.clone()).await.unwrap();
    assert_eq!(dropped.report.secrets, ["secrets/KEY"]);
    assert_eq!(dropped.assistant.record.assistant.content.secrets[0].value, None);

    elsewhere["secrets"][0]["value"] = "given".into();
    let given = import(&stage, &them, &original, elsewhere).await.unwrap();
    assert_eq!(given.report.secrets, Vec::<String>::new());
    assert!(given.assistant.record.assistant.content.secrets[0].value.is_some());
}

#[tokio::test]
async fn a_rule_is_found_by_id_or_by_name_or_is_told_as_left_out() {
    let stage = Stage::set().await;
    let (tone, hidden) = (rule(&stage, "Tone", true).await, rule(&stage, "Hidden", false).await);
    let id = id_of(&stage.create(&caller(4), json!({"name": "x"})).await.unwrap());
    let original = export(&stage, &caller(4), &id).await;
    let mut arriving = document(&original);
    arriving["rules"] = json!([
        {"id": "rule_of_another_kind", "name": "tone", "priority": 7},
        {"id": hidden, "name": "Hidden"},
        {"id": tone, "name": "Other"},
        {"id": "rule_00000000000000000000000000000000", "name": "Nobody"},
    ]);

    let done = import(&stage, &caller(4), &original, arriving.clone()).await.unwrap();

    let rules = &done.assistant.record.assistant.content.rules;
    assert_eq!(rules.len(), 1);
    assert_eq!((rules[0].rule_id.to_string(), rules[0].priority), (tone.clone(), 7));
    let dropped: Vec<_> = done.report.dropped.iter().map(|drop| drop.pointer.as_str()).collect();
    assert_eq!(dropped, ["/rules/1", "/rules/2", "/rules/3"]);
    assert_eq!(
        (done.report.mapped[0].from.as_str(), &done.report.mapped[0].to),
        ("rule_of_another_kind", &tone)
    );
    let by_admin = import(&stage, &caller(2), &original, arriving).await.unwrap();
    assert_eq!(by_admin.assistant.record.assistant.content.rules.len(), 2);
}

#[tokio::test]
async fn skills_without_their_dataset_or_files_are_left_out_and_told() {
    let stage = Stage::set().await;
    let id = able(&stage).await;
    add(&stage, &id, SkillType::DatasetQuery, "Sales", json!({})).await;
    let original = export(&stage, &caller(4), &id).await;
    let mut arriving = of_another(document(&original));
    let gone = "file_00000000000000000000000000000000";
    let files = json!({"type": "file-analysis", "name": "Files", "data": {"fileIds": [gone]}});
    arriving["skills"].as_array_mut().unwrap().push(files);

    let done = import(&stage, &caller(6), &original, arriving).await.unwrap();

    let dropped: Vec<_> = done.report.dropped.iter().map(|drop| drop.pointer.as_str()).collect();
    assert_eq!(dropped, ["/skills/2", "/skills/3/data/fileIds/0", "/skills/3"]);
    assert_eq!(done.assistant.record.assistant.content.skills.len(), 2);
}

#[tokio::test]
async fn everything_wrong_with_skills_secrets_and_rules_is_told_where_it_is() {
    let stage = Stage::set().await;
    let id = able(&stage).await;
    let original = export(&stage, &caller(4), &id).await;
    let mut arriving = document(&original);
    arriving["secrets"][0]["name"] = "secrets/1".into();
    arriving["secrets"][0]["origins"] = json!(["http://example.com"]);
    arriving["skills"][1]["data"] = json!({"maxResults": 99});
    arriving["skills"].as_array_mut().unwrap().push(json!({"type": "dance", "name": "x"}));
    arriving["rules"][0]["priority"] = 0.into();

    let faults = match import(&stage, &caller(4), &original, arriving).await {
        Err(Error::Invalid(faults)) => faults,
        other => panic!("expected faults, got {other:?}"),
    };

    let mut told: Vec<_> =
        faults.iter().map(|fault| (fault.pointer.as_str(), fault.code)).collect();
    told.sort_unstable();
    let expected = [
        ("/rules/0/priority", "maximum"),
        ("/secrets/0/name", "pattern"),
        ("/secrets/0/origins/0", "origin"),
        ("/skills/0/data/headers/Authorization", "unknown_placeholder"),
        ("/skills/1/data/maxResults", "maximum"),
        ("/skills/2/type", "enum"),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_document_older_than_skills_leaves_them_as_they_are() {
    let stage = Stage::set().await;
    let id = able(&stage).await;
    let original = export(&stage, &caller(4), &id).await;
    let mut arriving = document(&original);
    for name in ["skills", "rules", "secrets"] {
        arriving.as_object_mut().unwrap().remove(name);
    }

    import(&stage, &caller(4), &original, arriving).await.unwrap();

    assert_eq!(export(&stage, &caller(4), &id).await, original);
    let owner: UserId = caller(4).actor.user;
    assert_eq!(
        list_skills(stage.deps(), &caller(4), &id).await.unwrap()[0].skill.created_by,
        owner
    );
}
