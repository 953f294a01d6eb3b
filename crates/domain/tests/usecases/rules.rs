use serde_json::json;
use understudy_domain::{
    Rule, RuleId,
    ports::Store,
    rule::{ApplyMode, RuleCategory, RuleScope, RuleType},
    usecases::{
        Conflict, Denied, Error, Precondition, Result,
        rules::{
            AttachRule, CreateRule, ListRules, RuleSubject, UpdateRule, attach_rule,
            attach_to_assistant, create_rule, delete_rule, detach_from_assistant, effective_rules,
            list_assistant_rules, list_attachments, list_rules, update_rule, view_rule,
        },
    },
};
use understudy_testkit::sample;

use crate::stage::{Stage, caller, faults, id_of, named, seen};

/// A public rule.
pub fn rule(name: &str) -> CreateRule {
    CreateRule {
        name: name.to_owned(),
        description: None,
        content: format!("the text of {name}"),
        category: RuleCategory::Custom,
        kind: RuleType::Behavior,
        scope: RuleScope::Organization,
        apply_mode: ApplyMode::Always,
        is_public: true,
        is_active: true,
    }
}

async fn made(stage: &Stage, command: CreateRule) -> Rule {
    create_rule(stage.deps(), &caller(2), command).await.unwrap()
}

fn with(priority: i32) -> AttachRule {
    AttachRule { priority: Some(priority), ..AttachRule::default() }
}

async fn delete(stage: &Stage, id: RuleId, force: bool) -> Result<()> {
    delete_rule(stage.deps(), &caller(2), id, (Precondition::None, force)).await
}

async fn rule_ids(stage: &Stage, id: &str) -> serde_json::Value {
    let view =
        understudy_domain::usecases::assistants::view_assistant(stage.deps(), &caller(1), id)
            .await
            .unwrap();
    seen(&view)["rule_ids"].clone()
}

#[tokio::test]
async fn only_administrators_write_rules_and_see_those_that_are_not_public() {
    let stage = Stage::set().await;
    let hidden = made(&stage, CreateRule { is_public: false, ..rule("hidden") }).await;
    let open = made(&stage, rule("open")).await;
    let (deps, me) = (stage.deps(), caller(4));

    let refused = create_rule(deps, &me, rule("mine")).await;
    assert!(matches!(refused, Err(Error::Forbidden(Denied::Role(_)))));
    let refused = update_rule(deps, &me, open.id, UpdateRule::default()).await;
    assert!(matches!(refused, Err(Error::Forbidden(Denied::Role(_)))));
    assert!(matches!(view_rule(deps, &me, hidden.id).await, Err(Error::NotFound("rule"))));
    assert_eq!(view_rule(deps, &me, open.id).await.unwrap(), open);
    let all = ListRules { limit: 10, count: true, ..ListRules::default() };
    let own = list_rules(deps, &me, all.clone()).await.unwrap();
    assert_eq!((own.rows.len(), own.total), (1, Some(1)));
    assert_eq!(list_rules(deps, &caller(2), all).await.unwrap().rows.len(), 2);
}

#[tokio::test]
async fn a_change_counts_and_a_change_of_nothing_does_not() {
    let stage = Stage::set().await;
    let before = made(&stage, rule("a")).await;
    let change =
        |content: &str| UpdateRule { content: Some(content.to_owned()), ..UpdateRule::default() };

    let same = update_rule(stage.deps(), &caller(2), before.id, change("the text of a")).await;
    let other = update_rule(stage.deps(), &caller(2), before.id, change("other")).await.unwrap();
    let late =
        UpdateRule { precondition: Precondition::OneOf(vec!["1".to_owned()]), ..change("third") };
    let late = update_rule(stage.deps(), &caller(2), before.id, late).await;

    assert_eq!(same.unwrap(), before);
    assert_eq!((other.version, other.content.as_str()), (2, "other"));
    assert!(matches!(late, Err(Error::PreconditionFailed)));
}

#[tokio::test]
async fn the_rules_of_an_assistant_are_replaced_as_a_set_that_keeps_what_is_known() {
    let stage = Stage::set().await;
    let me = caller(4);
    let [a, b] = [made(&stage, rule("a")).await, made(&stage, rule("b")).await];
    let hidden = made(&stage, CreateRule { is_public: false, ..rule("hidden") }).await;
    let for_models = made(&stage, CreateRule { scope: RuleScope::Model, ..rule("m") }).await;
    let input = json!({"name": "x", "rule_ids": [b.id, a.id]});
    let id = id_of(&stage.create(&me, input).await.unwrap());
    assert_eq!(rule_ids(&stage, &id).await, json!([b.id, a.id]));

    attach_to_assistant(stage.deps(), &me, &id, a.id, with(90)).await.unwrap();
    let unknown: RuleId = sample::id(99);
    let wrong = json!({"rule_ids": [a.id, hidden.id, unknown, for_models.id]});
    let wrong = stage.put(&me, &id, wrong).await;
    assert_eq!(faults(wrong), ["/rule_ids/1", "/rule_ids/2", "/rule_ids/3"]);
    stage.put(&me, &id, json!({"rule_ids": [a.id]})).await.unwrap();

    let kept = list_assistant_rules(stage.deps(), &me, &id).await.unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!((kept[0].attached.rule_id, kept[0].attached.priority), (a.id, 90));
    // An administrator may attach what is not public; its editors keep it, unseen.
    stage.put(&caller(2), &id, json!({"rule_ids": [a.id, hidden.id]})).await.unwrap();
    stage.put(&me, &id, json!({"rule_ids": [hidden.id, a.id]})).await.unwrap();
    let seen = list_assistant_rules(stage.deps(), &me, &id).await.unwrap();
    assert_eq!((seen[0].attached.rule_id, &seen[0].rule), (hidden.id, &None));
    assert_eq!(seen[1].rule.as_ref().map(|rule| rule.name.as_str()), Some("a"));
}

#[tokio::test]
async fn a_rule_that_is_attached_goes_by_force_only_and_leaves_versions_behind() {
    let stage = Stage::set().await;
    let me = caller(4);
    let doomed = made(&stage, rule("doomed")).await;
    let live = id_of(&stage.create(&me, json!({"name": "live"})).await.unwrap());
    let (draft, _) = stage.open(&me, &live).await.unwrap();
    let draft = id_of(&draft);
    let other = json!({"name": "other", "rule_ids": [doomed.id]});
    let other = id_of(&stage.create(&me, other).await.unwrap());
    attach_to_assistant(stage.deps(), &me, &draft, doomed.id, with(1)).await.unwrap();
    let organization = caller(2).actor.organization.to_string();
    let everything = ("organization", organization.as_str());
    attach_rule(stage.deps(), &caller(2), doomed.id, everything, with(2)).await.unwrap();
    let attachments = list_attachments(stage.deps(), &caller(2), doomed.id).await.unwrap();
    let mut kinds: Vec<_> = attachments.iter().map(|one| one.kind).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["assistant", "assistant", "organization"]);

    let refused = delete(&stage, doomed.id, false).await;
    assert!(matches!(refused, Err(Error::Conflict(Conflict::RuleAttached { count: 3 }))));
    delete(&stage, doomed.id, true).await.unwrap();

    for id in [&live, &draft, &other] {
        assert_eq!(rule_ids(&stage, id).await, json!([]), "{id}");
    }
    let tenant = caller(2).actor.organization;
    let other = other.parse().unwrap();
    let versions = stage.store.assistants().versions(tenant, other, None, 10).await.unwrap();
    assert_eq!(versions.len(), 2);
    let first = stage.store.assistants().version(tenant, other, 1).await.unwrap().unwrap();
    assert_eq!(first.content.rule_ids().collect::<Vec<_>>(), [doomed.id]);
    let again = delete(&stage, doomed.id, true).await;
    assert!(matches!(again, Err(Error::NotFound("rule"))));
}

#[tokio::test]
async fn a_rule_that_is_gone_stays_in_a_restored_draft_until_it_is_taken_out() {
    let stage = Stage::set().await;
    let me = caller(4);
    let gone = made(&stage, rule("gone")).await;
    let live = json!({"name": "live", "rule_ids": [gone.id]});
    let live = id_of(&stage.create(&me, live).await.unwrap());
    // It is deleted behind the back of the assistant, as by a restored backup.
    let mut work = stage.store.begin(me.actor.organization).await.unwrap();
    work.rules().delete(gone.id).await.unwrap();
    work.commit().await.unwrap();

    stage.put(&me, &live, json!({"welcome": "hello", "rule_ids": [gone.id]})).await.unwrap();
    let listed = list_assistant_rules(stage.deps(), &me, &live).await.unwrap();
    assert_eq!((listed.len(), &listed[0].rule), (1, &None));
    attach_to_assistant(stage.deps(), &me, &live, gone.id, with(3)).await.unwrap();
    detach_from_assistant(stage.deps(), &me, &live, gone.id).await.unwrap();
    let again = attach_to_assistant(stage.deps(), &me, &live, gone.id, with(3)).await;
    assert!(matches!(again, Err(Error::NotFound("rule"))));
}

#[tokio::test]
async fn the_rules_that_hold_come_from_everything_that_a_turn_is_about() {
    let stage = Stage::set().await;
    let (me, admin) = (caller(4), caller(2));
    let tenant = admin.actor.organization;
    let organization = tenant.to_string();
    let user = me.actor.user.to_string();
    let mut ids = Vec::new();
    for (name, kind, entity, priority) in [
        ("everywhere", "organization", organization.as_str(), 10),
        ("for me", "user", user.as_str(), 60),
        ("for the model", "model", "gpt-4o", 90),
        ("for the store", "vector_store", "vs_a", 20),
        ("for another model", "model", "gpt-5", 100),
    ] {
        let rule = made(&stage, rule(name)).await;
        attach_rule(stage.deps(), &admin, rule.id, (kind, entity), with(priority)).await.unwrap();
        ids.push(rule.id);
    }
    let off = made(&stage, rule("off")).await;
    let command = AttachRule { is_active: Some(false), ..with(100) };
    attach_rule(stage.deps(), &admin, off.id, ("model", "gpt-4o"), command).await.unwrap();
    let safe = CreateRule { category: RuleCategory::Safety, ..rule("safe") };
    let safe = made(&stage, safe).await;
    let id = id_of(&stage.create(&me, named("x")).await.unwrap());
    attach_to_assistant(stage.deps(), &me, &id, safe.id, with(60)).await.unwrap();
    // Twice attached, it holds once, as high as it can.
    attach_to_assistant(stage.deps(), &me, &id, ids[0], with(70)).await.unwrap();

    let attached: Vec<_> = list_assistant_rules(stage.deps(), &me, &id)
        .await
        .unwrap()
        .into_iter()
        .map(|rule| rule.attached)
        .collect();
    let stores = ["vs_a".to_owned(), "vs_b".to_owned()];
    let subject = RuleSubject {
        organization: tenant,
        user: Some(me.actor.user),
        model: "gpt-4o",
        attached: &attached,
        vector_stores: &stores,
    };
    let hold = effective_rules(stage.deps(), subject).await.unwrap();

    let names: Vec<_> = hold.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names, ["for the model", "everywhere", "safe", "for me", "for the store"]);
    // A scope that leaves the assistant out ends it there.
    let narrow = UpdateRule { scope: Some(RuleScope::Organization), ..UpdateRule::default() };
    update_rule(stage.deps(), &admin, safe.id, narrow).await.unwrap();
    let narrow = UpdateRule { scope: Some(RuleScope::User), ..UpdateRule::default() };
    update_rule(stage.deps(), &admin, safe.id, narrow).await.unwrap();
    let hold = effective_rules(stage.deps(), subject).await.unwrap();
    assert!(hold.iter().all(|rule| rule.id != safe.id));
}
