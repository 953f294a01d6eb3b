//! Rules and what they are attached to.

use understudy_domain::{
    Assistant, AssistantId, Content, Rule, RuleAttachment, RuleEntity, RuleId,
    ports::{Page, RuleFilter, RuleListQuery, Store},
    rule::{ApplyMode, RuleCategory, RuleScope, RuleType},
};

use super::stage::{add, assert_conflict, assert_taken, begin, home, people, refusal};
use crate::sample::{
    Members, Row, assistant, attached_rule, attachment, draft_of, id, instant, organization, rule,
    user, version,
};

/// A rule with nothing at its default.
fn full_rule(n: u32) -> Rule {
    Rule {
        name: "Grüße – \"höflich\" 100 %".to_owned(),
        description: Some("Für 田中\nund alle".to_owned()),
        content: "Sag «Guten Tag» \\ 👩‍🚀\r\n{{name}}".to_owned(),
        category: RuleCategory::Safety,
        kind: RuleType::ContentPolicy,
        scope: RuleScope::VectorStore,
        apply_mode: ApplyMode::Manual,
        is_public: false,
        is_active: false,
        version: 7,
        created_at: instant(123_456),
        updated_at: instant(234_567),
        ..rule(n)
    }
}

fn named(n: u32, name: &str) -> Rule {
    Rule { name: name.to_owned(), ..rule(n) }
}

async fn found(store: &dyn Store, n: u32) -> Option<Rule> {
    let in_work = begin(store).await.rules().find(&[id(n)]).await.unwrap();
    assert_eq!(store.rules().find(home(), &[id(n)]).await.unwrap(), in_work);
    in_work.into_iter().next()
}

/// A rule reads back as it was written.
pub async fn a_saved_rule_reads_back_equal(store: &dyn Store) {
    people(store, 1).await;
    let bare = Rule { description: None, ..rule(2) };
    add(store, vec![full_rule(1).into(), bare.clone().into()]).await;

    assert_eq!(found(store, 1).await, Some(full_rule(1)));
    assert_eq!(found(store, 2).await, Some(bare));
}

/// Of many ids those are found that name a rule of the organization, in their order.
pub async fn rules_are_found_in_the_order_of_ids(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![organization(2).into(), user(2).of(2).into()]).await;
    add(store, vec![rule(3).into(), rule(1).into(), rule(2).into()]).await;
    add(store, vec![Rule { created_by: id(2), ..rule(4) }.of(2).into()]).await;
    let asked: Vec<RuleId> = [9, 3, 4, 1].map(id).into();

    let locked = begin(store).await.rules().find(&asked).await.unwrap();
    assert_eq!(locked, [rule(1), rule(3)]);
    let mut seen = store.rules().find(home(), &asked).await.unwrap();
    seen.sort_by_key(|rule| rule.id);
    assert_eq!(seen, [rule(1), rule(3)]);
    assert_eq!(begin(store).await.rules().find(&[]).await.unwrap(), []);
    assert_eq!(store.rules().find(home(), &[]).await.unwrap(), []);
}

/// A changed rule has its next version.
pub async fn an_updated_rule_reads_back_with_its_next_version(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![rule(1).into()]).await;
    let changed = Rule { version: 1, created_at: rule(1).created_at, ..full_rule(1) };
    let mut work = begin(store).await;
    let updated = work.rules().update(changed.clone()).await.unwrap();
    work.commit().await.unwrap();

    assert_eq!(updated, Rule { version: 2, ..changed });
    assert_eq!(found(store, 1).await, Some(updated));
}

/// The second of two changes of the same version is refused, and that of no rule.
pub async fn a_stale_rule_conflicts(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![rule(1).into()]).await;
    let mut work = begin(store).await;
    work.rules().update(rule(1)).await.unwrap();
    work.commit().await.unwrap();

    assert_conflict(&begin(store).await.rules().update(rule(1)).await.unwrap_err());
    assert_conflict(&begin(store).await.rules().update(rule(9)).await.unwrap_err());
}

/// No two rules of an organization have the same name.
pub async fn a_rule_name_is_taken_in_whatever_case(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![named(1, "Ärzte").into(), rule(2).into()]).await;

    assert_taken(&refusal(store, named(3, "ÄRZTE")).await, "name");
    let error = begin(store).await.rules().update(named(2, "ärzte")).await.unwrap_err();
    assert_taken(&error, "name");
    let mut work = begin(store).await;
    assert_eq!(work.rules().update(named(1, "ÄRZTE")).await.unwrap().name, "ÄRZTE");
}

/// Names are free in other organizations, and when their rule is gone.
pub async fn a_rule_name_is_free_elsewhere_and_afterwards(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![organization(2).into(), user(2).of(2).into()]).await;
    add(store, vec![named(1, "Ada").into()]).await;
    add(store, vec![Rule { created_by: id(2), ..named(2, "Ada") }.of(2).into()]).await;
    let mut work = begin(store).await;
    assert!(work.rules().delete(id(1)).await.unwrap());
    assert!(!work.rules().delete(id(1)).await.unwrap());
    work.rules().insert(&named(3, "ADA")).await.unwrap();
    work.commit().await.unwrap();

    assert_eq!(found(store, 1).await, None);
    assert_eq!(found(store, 3).await, Some(named(3, "ADA")));
}

/// Rules in the order of their lists, with some of everything.
fn various() -> Vec<Rule> {
    let names = ["abc", "Ärger 100%", "BCD", "bce_x", "Zoë\\", "a'b"];
    let categories = [RuleCategory::Safety, RuleCategory::Technical, RuleCategory::Custom];
    let kinds = [RuleType::Guardrails, RuleType::Context];
    let mut rules: Vec<Rule> = (1..=12u32)
        .map(|n| {
            let of = |count: usize| usize::try_from(n).unwrap() % count;
            let name = names.get(of(names.len())).unwrap();
            Rule {
                name: format!("{name}{}", n / 6),
                description: (n % 3 != 0).then(|| format!("Über ALLES {n}")),
                category: *categories.get(of(3)).unwrap(),
                kind: *kinds.get(of(2)).unwrap(),
                is_active: n % 4 != 0,
                is_public: n % 5 != 0,
                ..rule(n)
            }
        })
        .collect();
    rules.sort_by_key(place);
    rules
}

fn place(rule: &Rule) -> (String, RuleId) {
    (rule.name.to_lowercase(), rule.id)
}

async fn with_various(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![organization(2).into(), user(2).of(2).into()]).await;
    add(store, vec![Rule { created_by: id(2), ..rule(20) }.of(2).into()]).await;
    add(store, various().into_iter().map(Into::into).collect()).await;
}

async fn list(store: &dyn Store, query: &RuleListQuery) -> Page<Rule> {
    store.rules().list(home(), query).await.unwrap()
}

/// Rules are listed by name whatever its case, in pages of every size.
pub async fn rules_are_listed_by_name(store: &dyn Store) {
    with_various(store).await;
    for limit in [1, 2, 5, 11, 12, 13] {
        let (filter, mut after, mut walked) = (RuleFilter::default(), None, Vec::new());
        loop {
            let query = RuleListQuery { filter: filter.clone(), after, limit, count: true };
            let page = list(store, &query).await;
            assert_eq!(page.total, Some(12), "behind {walked:?}");
            after = page.rows.last().map(place);
            walked.extend(page.rows);
            if !page.more {
                break;
            }
        }
        assert_eq!(walked, various(), "pages of {limit}");
    }
    let query =
        RuleListQuery { filter: RuleFilter::default(), after: None, limit: 1, count: false };
    assert_eq!(list(store, &query).await.total, None);
}

fn filters() -> Vec<RuleFilter> {
    let all = RuleFilter::default;
    let mut filters = vec![
        RuleFilter { category: Some(RuleCategory::Technical), ..all() },
        RuleFilter { category: Some(RuleCategory::Creative), ..all() },
        RuleFilter { kind: Some(RuleType::Guardrails), ..all() },
        RuleFilter { is_active: Some(true), ..all() },
        RuleFilter { is_active: Some(false), ..all() },
        RuleFilter { public_only: true, ..all() },
        RuleFilter {
            q: Some("b".to_owned()),
            category: Some(RuleCategory::Safety),
            kind: Some(RuleType::Context),
            is_active: Some(true),
            public_only: true,
        },
    ];
    let texts = ["ärger", "über alles", "%", "_", "\\", "'", "bc", "1", "zzz"];
    filters.extend(texts.map(|q| RuleFilter { q: Some(q.to_owned()), ..all() }));
    filters
}

fn belongs(filter: &RuleFilter, rule: &Rule) -> bool {
    let text = format!("{}\u{0}{}", rule.name, rule.description.clone().unwrap_or_default());
    let checks = [
        filter.q.as_ref().is_none_or(|q| text.to_lowercase().contains(q)),
        filter.category.is_none_or(|category| category == rule.category),
        filter.kind.is_none_or(|kind| kind == rule.kind),
        filter.is_active.is_none_or(|active| active == rule.is_active),
        !filter.public_only || rule.is_public,
    ];
    checks.into_iter().all(|holds| holds)
}

/// Each filter of rules, and all of them together, keep exactly what matches.
pub async fn each_filter_of_rules_keeps_exactly_what_matches(store: &dyn Store) {
    with_various(store).await;
    for filter in filters() {
        let mut expected = various();
        expected.retain(|rule| belongs(&filter, rule));
        let query = RuleListQuery { filter, after: None, limit: 100, count: true };
        let found = list(store, &query).await;

        assert_eq!(found.rows, expected, "{query:?}");
        assert_eq!(found.total, u64::try_from(expected.len()).ok(), "{query:?}");
    }
}

/// What carries the rules of these numbers.
fn ruled(assistant: Assistant, rules: &[u32]) -> Assistant {
    let rules = rules.iter().map(|n| attached_rule(*n)).collect();
    let content = Content { rules, ..assistant.content };
    Assistant { content, ..assistant }
}

/// Live assistants, deleted ones and drafts have rules; versions do not count, nor what
/// other organizations have.
pub async fn assistants_with_a_rule_are_found(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![organization(2).into(), user(2).of(2).into()]).await;
    add(store, vec![rule(1).into(), rule(2).into()]).await;
    let live = |n| assistant(n, id(1), &format!("Assistant {n}"));
    let deleted = Assistant { deleted_at: Some(instant(9)), ..ruled(live(3), &[1]) };
    let rows: Vec<Row> = vec![
        version(1, &ruled(live(1), &[1])).into(),
        ruled(draft_of(5, &live(1)), &[2, 1]).into(),
        deleted.into(),
        ruled(live(4), &[1]).into(),
        ruled(live(2), &[2]).into(),
        live(1).into(),
    ];
    // Draft and version are added behind what they are of.
    add(store, rows.into_iter().rev().collect()).await;
    add(store, vec![ruled(assistant(6, id(2), "Bob").of(2), &[1]).into()]).await;
    let with = async |n| -> Vec<AssistantId> {
        begin(store).await.rules().assistants_with(id(n)).await.unwrap()
    };
    assert_eq!(with(1).await, [3, 4, 5].map(id));
    assert_eq!(with(2).await, [2, 5].map(id));
    assert_eq!(with(9).await, []);

    let mut work = begin(store).await;
    work.assistants().update(ruled(live(4), &[2])).await.unwrap();
    work.assistants().delete_draft(id(5)).await.unwrap();
    assert_eq!(work.rules().assistants_with(id(1)).await.unwrap(), [id(3)]);
    assert_eq!(work.rules().assistants_with(id(2)).await.unwrap(), [2, 4].map(id));
}

fn entities() -> [RuleEntity; 6] {
    [
        RuleEntity::Model("claude-sonnet-4".to_owned()),
        RuleEntity::Model("größe/4".to_owned()),
        RuleEntity::Organization,
        RuleEntity::User(id(1)),
        RuleEntity::User(id(2)),
        RuleEntity::VectorStore("vs_1".to_owned()),
    ]
}

/// Rules can be attached to anything of any kind, and are told by kind and id.
pub async fn attachments_read_back_equal(store: &dyn Store) {
    people(store, 2).await;
    add(store, vec![rule(1).into(), rule(2).into()]).await;
    let saved: Vec<RuleAttachment> = (1..)
        .zip(entities())
        .map(|(n, entity)| RuleAttachment {
            priority: n,
            character_limit: 100 * u32::from(n),
            is_active: n.is_multiple_of(2),
            attached_at: instant(123_456),
            attached_by: id(2),
            ..attachment(id(1), entity)
        })
        .collect();
    add(store, saved.iter().rev().cloned().map(Into::into).collect()).await;

    assert_eq!(store.rules().attachments(home(), id(1)).await.unwrap(), saved);
    assert_eq!(store.rules().attachments(home(), id(2)).await.unwrap(), []);
}

/// Attaching a rule again replaces how it is attached.
pub async fn an_attachment_is_replaced(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![rule(1).into()]).await;
    let first = attachment(id(1), RuleEntity::Organization);
    let second =
        RuleAttachment { priority: 99, character_limit: 7, is_active: false, ..first.clone() };
    let mut work = begin(store).await;
    assert!(work.rules().save_attachment(&first).await.unwrap());
    assert!(!work.rules().save_attachment(&second).await.unwrap());
    work.commit().await.unwrap();

    assert_eq!(store.rules().attachments(home(), id(1)).await.unwrap(), [second]);
}

/// A rule is detached from one thing, once.
pub async fn a_detached_rule_is_no_longer_attached(store: &dyn Store) {
    people(store, 2).await;
    add(store, vec![rule(1).into(), rule(2).into()]).await;
    let [gone, stays, _, _, _, _] = entities();
    let kept = [attachment(id(1), stays.clone()), attachment(id(2), gone.clone())];
    add(store, vec![attachment(id(1), gone.clone()).into()]).await;
    add(store, kept.iter().cloned().map(Into::into).collect()).await;
    let mut work = begin(store).await;
    assert!(work.rules().delete_attachment(id(1), &gone).await.unwrap());
    assert!(!work.rules().delete_attachment(id(1), &gone).await.unwrap());
    work.commit().await.unwrap();

    for (n, kept) in (1..).zip(kept) {
        assert_eq!(store.rules().attachments(home(), id(n)).await.unwrap(), [kept]);
    }
}

/// What is no rule of the organization cannot be attached.
pub async fn an_unknown_rule_is_not_attached(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![organization(2).into(), user(2).of(2).into()]).await;
    add(store, vec![Rule { created_by: id(2), ..rule(2) }.of(2).into()]).await;

    for n in [2, 9] {
        let refused = refusal(store, attachment(id(n), RuleEntity::Organization)).await;
        assert_conflict(&refused);
    }
}

/// With a rule go its attachments, and nobody else's.
pub async fn a_removed_rule_takes_its_attachments_along(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![rule(1).into(), rule(2).into()]).await;
    let of = |n| attachment(id(n), RuleEntity::Organization);
    add(store, vec![of(1).into(), of(2).into()]).await;
    let mut work = begin(store).await;
    assert!(work.rules().delete(id(1)).await.unwrap());
    work.rules().insert(&rule(1)).await.unwrap();
    work.commit().await.unwrap();

    assert_eq!(store.rules().attachments(home(), id(1)).await.unwrap(), []);
    let attached = store.rules().attached_to(home(), &[RuleEntity::Organization]).await.unwrap();
    assert_eq!(attached, [(rule(2), of(2))]);
}

/// The rules that are attached to any of several things are told with how, each as
/// often as it is.
pub async fn rules_are_found_by_what_they_are_attached_to(store: &dyn Store) {
    people(store, 2).await;
    add(store, vec![organization(2).into(), user(3).of(2).into()]).await;
    add(store, (1..=3).map(|n| rule(n).into()).collect()).await;
    add(store, vec![Rule { created_by: id(3), ..rule(4) }.of(2).into()]).await;
    let [model, other, everything, user, _, vectors] = entities();
    let off = RuleAttachment { is_active: false, ..attachment(id(2), user.clone()) };
    let ours = [
        attachment(id(1), model.clone()),
        attachment(id(1), everything.clone()),
        off.clone(),
        attachment(id(2), other),
        attachment(id(3), vectors),
    ];
    add(store, ours.iter().cloned().map(Into::into).collect()).await;
    let foreign = RuleAttachment { attached_by: id(3), ..attachment(id(4), model.clone()) };
    add(store, vec![foreign.of(2).into()]).await;

    let asked = [everything.clone(), user, RuleEntity::User(id(9)), model.clone()];
    let mut found = store.rules().attached_to(home(), &asked).await.unwrap();
    found.sort_by_key(|(_, attachment)| (attachment.rule, attachment.entity.clone()));
    let mut expected = vec![
        (rule(1), attachment(id(1), everything)),
        (rule(1), attachment(id(1), model)),
        (rule(2), off),
    ];
    expected.sort_by_key(|(_, attachment)| (attachment.rule, attachment.entity.clone()));
    assert_eq!(found, expected);
    assert_eq!(store.rules().attached_to(home(), &[]).await.unwrap(), []);
}
