//! Skills: what they may be, and what the model sees of them.

use serde_json::{Value, json};
use understudy_domain::{
    SkillId,
    assistant::content::SkillType,
    usecases::{
        Caller, Conflict, Error, Precondition, Result,
        files::add_file,
        rules::{CreateRule, create_rule, delete_rule},
        skills::{
            MAX_SKILLS, NewSkill, SkillChange, SkillView, add_skill, list_skills, remove_skill,
            update_skill, view_driver, view_skill,
        },
        versions::restore_version,
    },
};

use crate::stage::{Stage, caller, id_of, named, received};

#[expect(clippy::needless_pass_by_value, reason = "tests read better with values in place")]
fn skill(kind: SkillType, data: Value) -> NewSkill {
    NewSkill {
        kind,
        name: None,
        description: None,
        data: data.as_object().unwrap().clone(),
        dataset_id: None,
        enabled: true,
    }
}

fn search(name: &str) -> NewSkill {
    NewSkill { name: Some(name.to_owned()), ..skill(SkillType::WebSearch, json!({})) }
}

fn custom() -> NewSkill {
    let data = json!({
        "method": "POST",
        "url": "https://api.example.com/orders/{{id}}",
        "headers": {"X-Secret-Header": "plain"},
        "inputSchema": {"type": "object", "properties": {"id": {"type": "string"}}},
    });
    NewSkill { name: Some("Find orders".to_owned()), ..skill(SkillType::Custom, data) }
}

async fn add(stage: &Stage, who: &Caller, id: &str, new: NewSkill) -> Result<SkillView> {
    add_skill(stage.deps(), who, id, new).await
}

fn faults<T: std::fmt::Debug>(result: Result<T>) -> Vec<(String, &'static str)> {
    match result {
        Err(Error::Invalid(faults)) => {
            faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
        }
        other => panic!("expected faults, got {other:?}"),
    }
}

#[tokio::test]
async fn a_skill_is_added_changed_in_parts_and_removed_once() {
    let stage = Stage::set().await;
    let me = caller(4);
    let id = id_of(&stage.create(&me, named("x")).await.unwrap());
    let added = add(&stage, &me, &id, search(" Search the web ")).await.unwrap();
    assert_eq!(added.skill.name, "Search the web");
    let one = added.skill.id;

    let change = SkillChange { enabled: Some(false), ..SkillChange::default() };
    let changed = update_skill(stage.deps(), &me, &id, one, change).await.unwrap();

    assert!(!changed.skill.enabled);
    assert_eq!(changed.skill.name, added.skill.name);
    let outdated = SkillChange {
        precondition: Precondition::OneOf(vec![added.etag()]),
        ..SkillChange::default()
    };
    let outdated = update_skill(stage.deps(), &me, &id, one, outdated).await;
    assert!(matches!(outdated, Err(Error::PreconditionFailed)), "{outdated:?}");
    remove_skill(stage.deps(), &me, &id, one, Precondition::None).await.unwrap();
    let again = remove_skill(stage.deps(), &me, &id, one, Precondition::None).await;
    assert!(matches!(again, Err(Error::NotFound("skill"))), "{again:?}");
}

#[tokio::test]
async fn skills_differ_in_their_names_as_tools() {
    let stage = Stage::set().await;
    let me = caller(4);
    let id = id_of(&stage.create(&me, named("x")).await.unwrap());
    add(&stage, &me, &id, search("Search the web")).await.unwrap();
    let other = add(&stage, &me, &id, search("Other")).await.unwrap().skill.id;

    let taken = |result: &Result<SkillView>| {
        matches!(result, Err(Error::Conflict(Conflict::Taken { what: "name" })))
    };
    assert!(taken(&add(&stage, &me, &id, search("Search_the_web")).await));
    let change = SkillChange { name: Some("Search: the web".to_owned()), ..SkillChange::default() };
    assert!(taken(&update_skill(stage.deps(), &me, &id, other, change).await));
}

#[tokio::test]
async fn a_skill_without_a_name_is_called_by_its_type() {
    let stage = Stage::set().await;
    let me = caller(4);
    let id = id_of(&stage.create(&me, named("x")).await.unwrap());

    for name in ["web-search", "web-search-2", "web-search-3"] {
        let added = add(&stage, &me, &id, skill(SkillType::WebSearch, json!({}))).await.unwrap();
        assert_eq!(added.skill.name, name);
    }
}

#[tokio::test]
async fn a_skill_of_files_names_files_of_the_assistant() {
    let stage = Stage::set().await;
    let me = caller(4);
    let id = id_of(&stage.create(&me, named("x")).await.unwrap());
    let bytes = received(&stage, &me, b"1").await;
    let file = add_file(stage.deps(), &me, &id, None, bytes).await.unwrap().entry.id.to_string();
    let nobody = "file_00000000000000000000000000000000";

    let data = json!({"fileIds": [file, nobody]});
    let refused = add(&stage, &me, &id, skill(SkillType::FileAnalysis, data)).await;
    assert_eq!(faults(refused), [("/data/fileIds/1".to_owned(), "unknown")]);

    let data = json!({"fileIds": [file]});
    let added = add(&stage, &me, &id, skill(SkillType::FileAnalysis, data)).await.unwrap();
    let driver = view_driver(stage.deps(), &me, &id, added.skill.id).await.unwrap();
    let of_file = &driver.tool_definition.parameters["properties"]["fileId"]["enum"];
    assert_eq!(of_file, &json!([file]));
}

#[tokio::test]
async fn a_dataset_is_for_skills_that_ask_one() {
    let stage = Stage::set().await;
    let me = caller(4);
    let id = id_of(&stage.create(&me, named("x")).await.unwrap());
    let with = |kind, dataset: Option<&str>| NewSkill {
        dataset_id: dataset.map(str::to_owned),
        ..skill(kind, json!({}))
    };

    for (kind, dataset, code) in [
        (SkillType::DatasetQuery, None, "required"),
        (SkillType::DatasetQuery, Some("sales"), "id"),
        (SkillType::WebSearch, Some("ds_sales"), "contradiction"),
    ] {
        let refused = add(&stage, &me, &id, with(kind, dataset)).await;
        assert_eq!(faults(refused), [("/datasetId".to_owned(), code)]);
    }
    add(&stage, &me, &id, with(SkillType::DatasetQuery, Some("ds_sales"))).await.unwrap();
}

#[tokio::test]
async fn a_driver_and_those_who_only_view_see_no_address_and_no_header() {
    let stage = Stage::set().await;
    let input = json!({"name": "x", "access_mode": "organization"});
    let id = id_of(&stage.create(&caller(4), input).await.unwrap());
    let one: SkillId = add(&stage, &caller(4), &id, custom()).await.unwrap().skill.id;

    let driver = view_driver(stage.deps(), &caller(5), &id, one).await.unwrap();
    let viewed = view_skill(stage.deps(), &caller(5), &id, one).await.unwrap();

    assert_eq!(driver.tool_definition.name, "Find_orders");
    for text in
        [serde_json::to_string(&driver).unwrap(), serde_json::to_string(&viewed.skill).unwrap()]
    {
        assert!(!text.contains("example.com") && !text.contains("X-Secret"), "{text}");
    }
    let whole = view_skill(stage.deps(), &caller(4), &id, one).await.unwrap();
    assert_eq!(whole.skill.data["url"], "https://api.example.com/orders/{{id}}");
    assert_ne!(whole.etag(), viewed.etag());
    let refused = add(&stage, &caller(5), &id, custom()).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
}

#[tokio::test]
async fn there_are_a_hundred_skills_at_most() {
    let stage = Stage::set().await;
    let me = caller(4);
    let id = id_of(&stage.create(&me, named("x")).await.unwrap());
    for number in 0..MAX_SKILLS {
        add(&stage, &me, &id, search(&format!("search {number}"))).await.unwrap();
    }

    let refused = add(&stage, &me, &id, search("one more")).await;

    assert!(matches!(refused, Err(Error::TooMany { limit: MAX_SKILLS, .. })), "{refused:?}");
}

#[tokio::test]
async fn skills_of_one_tool_name_from_both_sides_are_refused_at_the_commit() {
    let stage = Stage::set().await;
    let me = caller(4);
    let id = id_of(&stage.create(&me, named("x")).await.unwrap());
    let draft = id_of(&stage.open(&me, &id).await.unwrap().0);
    add(&stage, &me, &draft, search("The web")).await.unwrap();
    add(&stage, &me, &id, search("The_web")).await.unwrap();

    match stage.commit(&me, &id).await {
        Err(Error::Conflict(Conflict::MergeInvalid(faults))) => {
            assert_eq!(faults[0].pointer, "/skills/1/name");
        }
        other => panic!("expected an invalid merge, got {other:?}"),
    }
    assert_eq!(list_skills(stage.deps(), &me, &id).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_restored_version_tells_of_rules_that_are_gone() {
    let stage = Stage::set().await;
    let (me, admin) = (caller(4), caller(2));
    let rule = CreateRule {
        name: "Tone".to_owned(),
        description: None,
        content: "Be kind.".to_owned(),
        category: understudy_domain::rule::RuleCategory::Custom,
        kind: understudy_domain::rule::RuleType::Behavior,
        scope: understudy_domain::rule::RuleScope::Organization,
        apply_mode: understudy_domain::rule::ApplyMode::Always,
        is_public: true,
        is_active: true,
    };
    let rule = create_rule(stage.deps(), &admin, rule).await.unwrap().id;
    let input = json!({"name": "x", "rule_ids": [rule.to_string()]});
    let id = id_of(&stage.create(&me, input).await.unwrap());
    stage.put(&me, &id, json!({"rule_ids": []})).await.unwrap();
    delete_rule(stage.deps(), &admin, rule, (Precondition::None, false)).await.unwrap();

    let refused = restore_version(stage.deps(), &me, &id, 1, false).await;
    let dropped = restore_version(stage.deps(), &me, &id, 1, true).await.unwrap();

    match refused {
        Err(Error::Conflict(Conflict::Missing(gone))) => assert_eq!(gone, [rule.to_string()]),
        other => panic!("expected the missing rule, got {other:?}"),
    }
    assert_eq!(dropped.record.assistant.content.rules, []);
}
