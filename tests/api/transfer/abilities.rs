//! Skills, secrets and rules in exports and imports.

use serde_json::{Value, json};

use super::{altered, document, export, import};
use crate::{
    App,
    Person::{Ada, Stranger},
    assistants::made,
    rules,
    skills::{add, custom, with_secret},
};

/// An assistant with a skill, its secret and a rule.
async fn able(app: &App) -> String {
    let rule = rules::made(app, rules::rule("Tone")).await;
    let path = made(app, json!({"name": "Able", "rule_ids": [rule.id()]})).await;
    with_secret(app, &path).await;
    add(app, &path, &custom()).expect(201).await;
    path
}

pub(crate) async fn skills_and_rules_come_along_and_secrets_by_name(app: &App) {
    let path = able(app).await;
    let archive = export(app, &path).await;

    let named = document(&archive);
    assert!(!named.to_string().contains("CNRY"), "{named}");
    assert_eq!(named["secrets"][0]["name"], "secrets/KEY");
    assert_eq!(named["rules"][0]["name"], "Tone");
    let same = import(app, Ada, &archive).expect(200).await.body;
    assert_eq!(same["report"]["secrets"], json!([]));
    assert_eq!(export(app, &path).await, archive, "what is here already stays as it is");

    let there = import(app, Stranger, &archive).expect(201).await;
    let report = &there.body["report"];
    assert_eq!(report["secrets"], json!(["secrets/KEY"]));
    assert_eq!(report["dropped"][0]["pointer"], "/rules/0");
    let place = there.header("location").to_owned();
    let skills = app.get(Stranger, &format!("{place}/skills")).expect(200).await.body;
    assert_eq!(skills[0]["data"], custom()["data"]);
    let secrets = app.get(Stranger, &format!("{place}/secrets")).expect(200).await.body;
    assert_eq!(secrets[0]["value"], Value::Null);
    let first = export_of(app, &place).await;
    import(app, Stranger, &archive).expect(200).await;
    assert_eq!(export_of(app, &place).await, first, "the second import changes nothing");
}

async fn export_of(app: &App, path: &str) -> Value {
    let request = app.get(Stranger, &format!("{path}/_export")).header("accept", "application/zip");
    document(&request.expect(200).await.bytes)
}

pub(crate) async fn a_secret_may_be_filled_in_before_an_import(app: &App) {
    let path = able(app).await;
    let archive = altered(&export(app, &path).await, |document| {
        document["secrets"][0]["value"] = "theirs".into();
    });

    let there = import(app, Stranger, &archive).expect(201).await;

    assert_eq!(there.body["report"]["secrets"], json!([]));
    let secrets = format!("{}/secrets", there.header("location"));
    let secrets = app.get(Stranger, &secrets).expect(200).await.body;
    assert_eq!(secrets[0]["value"], "********");
    assert!(!there.body.to_string().contains("theirs"));
}
