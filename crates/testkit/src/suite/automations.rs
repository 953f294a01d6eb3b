//! Automations and their executions.

use serde_json::{Map, Value, json};
use understudy_domain::{
    Automation, Execution,
    automation::{ExecutionState, Trigger},
    ports::Store,
};

use super::stage::{add, assert_conflict, assert_taken, begin, home, people, refusal};
use crate::sample::{Members, automation, execution, id, instant, organization, user};

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

/// An automation with nothing at its default.
fn full_automation(n: u32) -> Automation {
    Automation {
        name: "Größe & 株式会社 🏛".to_owned(),
        description: Some("Für «CI» \\ 100 %".to_owned()),
        url: "https://größe.example/hook?a=b%20c#d".to_owned(),
        parameters: object(&json!({ "type": "object", "required": ["z", "a"], "x": [null, 0.5] })),
        secret: (0..=255).collect(),
        timeout_seconds: 120,
        is_active: false,
        created_by: id(2),
        created_at: instant(123_456),
        updated_at: instant(234_567),
        revision: 7,
        ..automation(n)
    }
}

/// An execution with nothing at its default.
fn full_execution(n: u32, automation: &Automation) -> Execution {
    Execution {
        trigger: Trigger::Api,
        user: id(2),
        run: Some(id(8)),
        parameters: object(&json!({ "größe": ["\u{0}", { "a": -1 }] })),
        state: ExecutionState::Failed,
        result: Some(json!(["größer", null])),
        error: Some("it answered 500: \u{0}".to_owned()),
        started_at: instant(123_456),
        finished_at: Some(instant(234_567)),
        ..execution(n, automation)
    }
}

async fn found(store: &dyn Store, n: u32) -> Option<Automation> {
    let in_work = begin(store).await.automations().find(id(n)).await.unwrap();
    let all = store.runs().automations(home()).await.unwrap();
    assert_eq!(all.into_iter().find(|automation| automation.id == id(n)), in_work);
    in_work
}

/// All executions of automation `n`.
async fn executions(store: &dyn Store, n: u32) -> Vec<Execution> {
    store.runs().executions(home(), id(n), None, 100).await.unwrap()
}

fn named(n: u32, name: &str) -> Automation {
    Automation { name: name.to_owned(), ..automation(n) }
}

/// An automation reads back as it was written, with all it can have or nothing.
pub async fn a_saved_automation_reads_back_equal(store: &dyn Store) {
    people(store, 2).await;
    let bare =
        Automation { description: None, parameters: Map::new(), secret: vec![], ..automation(2) };
    add(store, vec![full_automation(1).into(), bare.clone().into()]).await;

    assert_eq!(found(store, 1).await, Some(full_automation(1)));
    assert_eq!(found(store, 2).await, Some(bare));
    assert_eq!(found(store, 9).await, None);
}

/// Automations are listed by name in lower case, and nobody else's.
pub async fn automations_are_listed_by_name(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![organization(2).into(), user(2).of(2).into()]).await;
    add(store, vec![Automation { created_by: id(2), ..named(9, "a") }.of(2).into()]).await;
    let ordered = [named(4, "alpha"), named(2, "Beta"), named(5, "gamma"), named(1, "Ärger")];
    let mut shuffled = ordered.clone();
    shuffled.reverse();
    add(store, shuffled.map(Into::into).into()).await;

    assert_eq!(store.runs().automations(home()).await.unwrap(), ordered);
}

/// A changed automation has its next revision.
pub async fn an_updated_automation_reads_back_with_its_next_revision(store: &dyn Store) {
    people(store, 2).await;
    add(store, vec![automation(1).into()]).await;
    let changed = Automation { revision: 1, ..full_automation(1) };
    let mut work = begin(store).await;
    let updated = work.automations().update(changed.clone()).await.unwrap();
    work.commit().await.unwrap();

    assert_eq!(updated, Automation { revision: 2, ..changed });
    assert_eq!(found(store, 1).await, Some(updated));
}

/// The second of two changes of the same revision is refused, and that of no
/// automation.
pub async fn a_stale_automation_conflicts(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![automation(1).into()]).await;
    let mut work = begin(store).await;
    let changed = Automation { timeout_seconds: 7, ..automation(1) };
    work.automations().update(changed).await.unwrap();
    work.commit().await.unwrap();

    for lost in [automation(1), automation(9)] {
        assert_conflict(&begin(store).await.automations().update(lost).await.unwrap_err());
    }
    assert_eq!(found(store, 1).await.map(|automation| automation.timeout_seconds), Some(7));
}

/// A name is taken without regard to case; an automation keeps its own in another.
pub async fn an_automation_name_is_taken_in_whatever_case(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![named(1, "Ärzte").into(), named(2, "Else").into()]).await;

    assert_taken(&refusal(store, named(3, "ÄRZTE")).await, "name");
    let taken = begin(store).await.automations().update(named(2, "ärzte")).await;
    assert_taken(&taken.unwrap_err(), "name");
    let mut work = begin(store).await;
    work.automations().update(named(1, "ärzte")).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(found(store, 1).await.map(|automation| automation.name), Some("ärzte".to_owned()));
}

/// A name is free in another organization, and once its automation is gone or is
/// called otherwise.
pub async fn an_automation_name_is_free_elsewhere_and_afterwards(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![organization(2).into(), user(2).of(2).into()]).await;
    add(store, vec![named(1, "Name").into(), named(2, "Else").into()]).await;
    add(store, vec![Automation { created_by: id(2), ..named(3, "Name") }.of(2).into()]).await;
    let mut work = begin(store).await;
    assert!(work.automations().delete(id(1)).await.unwrap());
    work.automations().insert(&named(4, "name")).await.unwrap();
    work.automations().update(named(2, "Other")).await.unwrap();
    work.automations().insert(&named(5, "Else")).await.unwrap();
    work.commit().await.unwrap();

    assert_eq!(found(store, 4).await, Some(named(4, "name")));
    assert_eq!(found(store, 5).await, Some(named(5, "Else")));
}

/// An execution reads back as it was written, in every state.
pub async fn a_saved_execution_reads_back_equal(store: &dyn Store) {
    people(store, 2).await;
    add(store, vec![automation(1).into()]).await;
    let succeeded = Execution { state: ExecutionState::Succeeded, ..execution(2, &automation(1)) };
    let saved = [execution(3, &automation(1)), succeeded, full_execution(1, &automation(1))];
    add(store, saved.clone().map(Into::into).into()).await;

    assert_eq!(executions(store, 1).await, saved);
    assert_eq!(executions(store, 9).await, []);
}

/// An execution takes the place of the one with its id.
pub async fn a_saved_execution_replaces_the_one_before(store: &dyn Store) {
    people(store, 2).await;
    add(store, vec![automation(1).into()]).await;
    add(store, [1, 2].map(|n| execution(n, &automation(1)).into()).into()).await;
    add(store, vec![full_execution(1, &automation(1)).into()]).await;

    let expected = [execution(2, &automation(1)), full_execution(1, &automation(1))];
    assert_eq!(executions(store, 1).await, expected);
}

/// Executions of an automation are listed newest first, older than one, as many as
/// asked.
pub async fn executions_are_listed_newest_first(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![automation(1).into(), automation(2).into()]).await;
    let saved = |n| execution(n, &automation(1));
    add(store, [3, 1, 5, 2].map(|n| saved(n).into()).into()).await;
    add(store, vec![execution(4, &automation(2)).into()]).await;

    let cases: [(Option<u32>, u32, &[u32]); 5] = [
        (None, 10, &[5, 3, 2, 1]),
        (None, 2, &[5, 3]),
        (Some(4), 10, &[3, 2, 1]),
        (Some(3), 1, &[2]),
        (Some(1), 10, &[]),
    ];
    for (before, limit, numbers) in cases {
        let before = before.map(id);
        let found = store.runs().executions(home(), id(1), before, limit).await.unwrap();
        assert_eq!(found, numbers.iter().map(|n| saved(*n)).collect::<Vec<_>>(), "{before:?}");
    }
}

/// Nothing executes that is not there.
pub async fn an_execution_needs_its_automation(store: &dyn Store) {
    people(store, 1).await;

    assert_conflict(&refusal(store, execution(1, &automation(9))).await);
}

/// An automation is removed with its executions, once.
pub async fn a_removed_automation_takes_its_executions_along(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![automation(1).into(), automation(2).into()]).await;
    let kept = execution(2, &automation(2));
    add(store, vec![execution(1, &automation(1)).into(), kept.clone().into()]).await;
    let mut work = begin(store).await;
    assert!(work.automations().delete(id(1)).await.unwrap());
    assert!(!work.automations().delete(id(1)).await.unwrap());
    work.commit().await.unwrap();

    assert_eq!((found(store, 1).await, executions(store, 1).await), (None, vec![]));
    assert_eq!(found(store, 2).await, Some(automation(2)));
    assert_eq!(executions(store, 2).await, [kept]);
    add(store, vec![automation(1).into()]).await;
    assert_eq!(executions(store, 1).await, []);
}
