//! What is spent of budgets.

use understudy_domain::{
    budget::{BudgetSubject, Spending, SpendingKey},
    ports::{SpendingChange, Store, UnitOfWork},
};

use super::stage::{add, begin, home, people};
use crate::sample::{Members, budget_month, id, organization, spent, user};

/// What a unit of work finds under `key`.
pub(super) async fn spent_in(work: &mut dyn UnitOfWork, key: &SpendingKey) -> Spending {
    let found = work.spending().find(std::slice::from_ref(key)).await.unwrap();
    let [(found, spending)] = found.as_slice() else { panic!("asked for one, got {found:?}") };
    assert_eq!(found, key);
    *spending
}

/// What organization 1 has spent under `key`, which reading tells like writing.
pub(super) async fn spent_so_far(store: &dyn Store, key: &SpendingKey) -> Spending {
    let read = store.runs().spending(home(), std::slice::from_ref(key)).await.unwrap();
    let spent = spent_in(&mut *begin(store).await, key).await;
    assert_eq!(read, [(key.clone(), spent)]);
    spent
}

fn key(subject: BudgetSubject, id: &str, period: &str) -> SpendingKey {
    SpendingKey { subject, id: id.to_owned(), period: period.to_owned() }
}

fn change(tokens: i64, cost_micros: i64, reserved_tokens: i64) -> SpendingChange {
    SpendingChange { tokens, cost_micros, reserved_tokens }
}

fn sum(tokens: u64, cost_micros: u64, reserved_tokens: u64) -> Spending {
    Spending { tokens, cost_micros, reserved_tokens }
}

async fn spend(store: &dyn Store, changes: &[(SpendingKey, SpendingChange)]) {
    let mut work = begin(store).await;
    work.spending().add(changes).await.unwrap();
    work.commit().await.unwrap();
}

/// Nothing is spent where nothing is noted, whether it was looked for or not.
pub async fn what_was_never_spent_is_nothing(store: &dyn Store) {
    people(store, 0).await;
    let mut work = begin(store).await;
    assert_eq!(spent_in(&mut *work, &budget_month(1)).await, Spending::default());
    work.commit().await.unwrap();

    assert_eq!(spent_so_far(store, &budget_month(1)).await, Spending::default());
    assert_eq!(begin(store).await.spending().find(&[]).await.unwrap(), []);
}

/// What is added to one key adds up, in one unit of work and in several, and can be
/// taken back.
pub async fn what_is_spent_adds_up(store: &dyn Store) {
    people(store, 0).await;
    let one = budget_month(1);
    let first = [(one.clone(), change(1 << 40, 2, 3)), (one.clone(), change(10, 1 << 41, 30))];
    spend(store, &first).await;
    spend(store, &[(one.clone(), change(-1, -2, -3))]).await;
    spend(store, &[(one.clone(), change(0, 0, 1 << 42))]).await;
    spend(store, &[]).await;

    let expected = sum((1 << 40) + 9, 1 << 41, (1 << 42) + 30);
    assert_eq!(spent_so_far(store, &one).await, expected);
    let mut work = begin(store).await;
    work.spending().add(&[(one.clone(), change(1, 0, 0))]).await.unwrap();
    assert_eq!(spent_in(&mut *work, &one).await.tokens, expected.tokens + 1);
}

/// No sum goes below nothing, each for itself, also where nothing was noted.
pub async fn no_sum_goes_below_nothing(store: &dyn Store) {
    people(store, 0).await;
    let [one, two] = [1, 2].map(budget_month);
    spend(store, &[(one.clone(), change(5, 5, 5))]).await;
    spend(store, &[(one.clone(), change(-6, 1, -5)), (two.clone(), change(-1, 3, -1))]).await;
    spend(store, &[(two.clone(), change(2, 0, 2))]).await;

    assert_eq!(spent_so_far(store, &one).await, sum(0, 6, 0));
    assert_eq!(spent_so_far(store, &two).await, sum(2, 3, 2));
}

/// Keys that differ in one thing only have sums of their own; what is found comes in
/// the order in which it was asked for.
pub async fn each_key_has_its_own_sum(store: &dyn Store) {
    people(store, 0).await;
    let keys = [
        key(BudgetSubject::User, "größe", "2026-02"),
        key(BudgetSubject::User, "größe", "2026-01"),
        key(BudgetSubject::User, "größe", "2026-01-01"),
        key(BudgetSubject::User, "a", "2026-01"),
        key(BudgetSubject::Token, "a", "2026-01"),
        key(BudgetSubject::Assistant, "a", "2026-01"),
        key(BudgetSubject::Organization, "a", "2026-01"),
        key(BudgetSubject::Organization, "", "2026-01"),
    ];
    let changes: Vec<_> = (1..).zip(keys.clone()).map(|(n, key)| (key, change(n, 0, 0))).collect();
    spend(store, &changes).await;

    let expected: Vec<_> = (1..).zip(keys.clone()).map(|(n, key)| (key, sum(n, 0, 0))).collect();
    assert_eq!(begin(store).await.spending().find(&keys).await.unwrap(), expected);
    let backward: Vec<_> = expected.into_iter().rev().step_by(3).collect();
    let asked: Vec<SpendingKey> = backward.iter().map(|(key, _)| key.clone()).collect();
    assert_eq!(begin(store).await.spending().find(&asked).await.unwrap(), backward);
    assert_eq!(store.runs().spending(home(), &asked).await.unwrap(), backward);
    assert_eq!(store.runs().spending(home(), &[]).await.unwrap(), []);
}

/// What is spent in a unit of work that does not end well is not spent.
pub async fn an_abandoned_unit_of_work_spends_nothing(store: &dyn Store) {
    people(store, 0).await;
    let one = budget_month(1);
    spend(store, &[(one.clone(), change(1, 1, 1))]).await;
    let mut work = begin(store).await;
    let changes = [(one.clone(), change(5, 5, 5)), (budget_month(2), change(5, 5, 5))];
    work.spending().add(&changes).await.unwrap();
    drop(work);

    assert_eq!(spent_so_far(store, &one).await, sum(1, 1, 1));
    assert_eq!(spent_so_far(store, &budget_month(2)).await, Spending::default());
}

/// Organizations do not spend each other's budgets, whatever the key.
pub async fn each_organization_spends_its_own(store: &dyn Store) {
    people(store, 0).await;
    add(store, vec![organization(2).into()]).await;
    add(store, vec![spent(budget_month(1), 1).into()]).await;
    add(store, vec![spent(budget_month(1), 20).of(2).into()]).await;
    add(store, vec![spent(budget_month(2), 300).of(2).into()]).await;

    for (tenant, first, second) in [(home(), 1, 0), (id(2), 20, 300)] {
        let mut work = store.begin(tenant).await.unwrap();
        assert_eq!(spent_in(&mut *work, &budget_month(1)).await, sum(first, 0, 0));
        assert_eq!(spent_in(&mut *work, &budget_month(2)).await, sum(second, 0, 0));
        let read = store.runs().spending(tenant, &[budget_month(1)]).await.unwrap();
        assert_eq!(read, [(budget_month(1), sum(first, 0, 0))]);
    }
}

/// What a user spent stays noted when they are gone.
pub async fn what_was_spent_stays_when_its_user_goes(store: &dyn Store) {
    people(store, 2).await;
    let theirs = key(BudgetSubject::User, &user(2).id.to_string(), "2026-01");
    spend(store, &[(theirs.clone(), change(7, 8, 9))]).await;
    let mut work = begin(store).await;
    assert!(work.users().delete(id(2)).await.unwrap());
    work.commit().await.unwrap();

    assert_eq!(spent_so_far(store, &theirs).await, sum(7, 8, 9));
}
