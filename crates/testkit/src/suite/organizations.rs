//! Organizations and the installation's record.

use futures_util::future::join_all;
use understudy_domain::{
    ApiToken, Assistant, Organization, OrganizationLimits, OrganizationSettings, TokenLimits, User,
    budget::{Budget, BudgetPeriod, BudgetSubject},
    ports::{Counted, Installation, Store, StoreError},
};

use super::stage::{add, assert_conflict, assert_taken, begin, home, people, refusal};
use crate::sample::{
    Members, Row, assistant, blob, draft_of, id, instant, organization, token, touched, user,
    with_files,
};

/// An organization with nothing at its default.
fn full_organization() -> Organization {
    Organization {
        name: "Größe & 株式会社 🏛".to_owned(),
        settings: OrganizationSettings {
            default_model_key: "модель-1".to_owned(),
            allowed_providers: Some(vec!["openai".to_owned(), "größe".to_owned()]),
            limits: OrganizationLimits {
                max_assistants: Some(0),
                max_users: Some(1),
                max_tokens_per_user: Some(2),
                max_token_days: Some(3),
                max_storage_bytes: Some(1 << 50),
            },
            budgets: vec![
                Budget {
                    subject: BudgetSubject::Organization,
                    id: None,
                    period: BudgetPeriod::Month,
                    max_tokens: Some(1 << 50),
                    max_cost_micros: None,
                },
                Budget {
                    subject: BudgetSubject::Token,
                    id: Some("größe".to_owned()),
                    period: BudgetPeriod::Day,
                    max_tokens: None,
                    max_cost_micros: Some(0),
                },
            ],
        },
        created_at: instant(123_457),
        revision: 7,
        ..organization(1)
    }
}

/// An organization reads back as it was written.
pub async fn a_saved_organization_reads_back_equal(store: &dyn Store) {
    let saved = full_organization();
    add(store, vec![saved.clone().into()]).await;

    let found = store.directory().organization(home()).await.unwrap();
    assert_eq!(found, Some(saved.clone()));
    assert_eq!(begin(store).await.organizations().find().await.unwrap(), Some(saved));
}

/// No organization is made twice.
pub async fn an_organization_is_made_once(store: &dyn Store) {
    people(store, 0).await;

    assert_taken(&refusal(store, organization(1)).await, "id");
}

/// A unit of work makes no organization but its own.
pub async fn a_unit_of_work_makes_no_other_organization(store: &dyn Store) {
    let mut work = begin(store).await;
    work.organizations().insert(&organization(2)).await.unwrap_err();
    drop(work);

    assert!(store.directory().organization(id(2)).await.unwrap().is_none());
}

/// A changed organization has its next revision, and was made when it was.
pub async fn an_updated_organization_reads_back_with_its_next_revision(store: &dyn Store) {
    people(store, 0).await;
    let changed =
        Organization { created_at: organization(1).created_at, revision: 1, ..full_organization() };
    let mut work = begin(store).await;
    let updated = work.organizations().update(changed.clone()).await.unwrap();
    work.commit().await.unwrap();

    assert_eq!(updated, Organization { revision: 2, ..changed });
    let found = store.directory().organization(home()).await.unwrap();
    assert_eq!(found, Some(updated.clone()));
    assert_eq!(begin(store).await.organizations().find().await.unwrap(), Some(updated));
}

/// The second of two changes of the same revision is refused, and that of another
/// organization.
pub async fn a_stale_organization_conflicts(store: &dyn Store) {
    people(store, 0).await;
    add(store, vec![organization(2).into()]).await;
    let mut work = begin(store).await;
    work.organizations().update(organization(1)).await.unwrap();
    work.commit().await.unwrap();

    for lost in [organization(1), organization(2)] {
        let mut work = begin(store).await;
        assert_conflict(&work.organizations().update(lost).await.unwrap_err());
    }
    let other = store.directory().organization(id(2)).await.unwrap();
    assert_eq!(other, Some(organization(2)));
}

async fn count(store: &dyn Store, what: Counted) -> u64 {
    begin(store).await.organizations().count(what).await.unwrap()
}

/// Assistants count while they are live, and users also when they are shut out, each in
/// their organization.
pub async fn assistants_and_users_are_counted(store: &dyn Store) {
    people(store, 2).await;
    add(store, vec![organization(2).into(), user(4).of(2).into()]).await;
    add(store, vec![assistant(9, id(4), "Eve").of(2).into()]).await;
    let live = assistant(1, id(1), "Ada");
    let deleted = Assistant { deleted_at: Some(instant(5)), ..assistant(2, id(1), "Bob") };
    let disabled = User { disabled: true, ..user(3) };
    let rows: Vec<Row> = vec![
        live.clone().into(),
        deleted.into(),
        draft_of(3, &live).into(),
        assistant(4, id(2), "Cid").into(),
        disabled.into(),
    ];
    add(store, rows).await;

    assert_eq!(count(store, Counted::Assistants).await, 2);
    assert_eq!(count(store, Counted::Users).await, 3);
}

/// Of a user those tokens count that have not expired.
pub async fn tokens_of_a_user_are_counted_until_they_expire(store: &dyn Store) {
    people(store, 2).await;
    let until = |n, end: Option<u32>| {
        let limits = TokenLimits { expires_at: end.map(instant), ..TokenLimits::default() };
        ApiToken { limits, ..token(n, &user(1)) }
    };
    add(store, vec![until(1, None).into(), until(2, Some(9)).into(), until(3, Some(10)).into()])
        .await;
    add(store, vec![until(4, Some(11)).into(), token(5, &user(2)).into()]).await;

    for (now, expected) in [(8, 4), (10, 2), (11, 1)] {
        let tokens = count(store, Counted::Tokens(id(1), instant(now))).await;
        assert_eq!(tokens, expected, "at {now}");
    }
    assert_eq!(count(store, Counted::Tokens(id(2), instant(8))).await, 1);
}

/// The bytes of each blob in the ledger count once, named or not.
pub async fn stored_bytes_are_counted(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![organization(2).into(), touched(9).of(2).into()]).await;
    assert_eq!(count(store, Counted::StoredBytes).await, 0);
    add(store, [1, 2, 3, 1].map(|n| touched(n).into()).into()).await;
    add(store, vec![with_files(assistant(1, id(1), "Ada"), [1, 2]).into()]).await;

    let expected: u64 = (1..=3).map(|n| blob(n).size).sum();
    assert!(expected > 0);
    assert_eq!(count(store, Counted::StoredBytes).await, expected);
}

/// A count sees what its own unit of work wrote.
pub async fn a_count_sees_its_own_unit_of_work(store: &dyn Store) {
    people(store, 1).await;
    let mut work = begin(store).await;
    work.users().insert(&user(2)).await.unwrap();

    assert_eq!(work.organizations().count(Counted::Users).await.unwrap(), 2);
}

/// The key check is replaced, and nothing else of the installation.
pub async fn a_key_check_is_replaced(store: &dyn Store) {
    people(store, 0).await;
    let mut work = begin(store).await;
    work.organizations().insert_installation(&installation(1)).await.unwrap();
    work.commit().await.unwrap();
    let key_check: Vec<u8> = (0..=255).collect();
    let mut work = begin(store).await;
    work.organizations().update_key_check(&key_check).await.unwrap();
    work.commit().await.unwrap();

    let found = store.callers().installation().await.unwrap();
    assert_eq!(found, Some(Installation { key_check, ..installation(1) }));
}

/// The first organization is the one that was made first.
pub async fn the_first_organization_is_the_oldest(store: &dyn Store) {
    assert!(store.callers().first_organization().await.unwrap().is_none());
    add(store, vec![organization(3).into(), organization(2).into(), organization(4).into()]).await;

    let first = store.callers().first_organization().await.unwrap();
    assert_eq!(first, Some(organization(2)));
}

/// An installation records itself once and reads the record back.
pub async fn an_installation_is_recorded_once(store: &dyn Store) {
    people(store, 0).await;
    assert_eq!(store.callers().installation().await.unwrap(), None);
    let first = installation(1);
    let mut work = begin(store).await;
    work.organizations().insert_installation(&first).await.unwrap();
    work.commit().await.unwrap();

    let mut work = begin(store).await;
    let error = work.organizations().insert_installation(&installation(2)).await.unwrap_err();
    drop(work);
    assert!(matches!(error, StoreError::AlreadyExists { .. }), "got {error:?}");
    assert_eq!(store.callers().installation().await.unwrap(), Some(first));
}

/// Of servers that start at the same time, in whatever organization, one records
/// the installation.
pub async fn of_simultaneous_starts_one_records_the_installation(store: &dyn Store) {
    let starts = (1..=8).map(|n| async move {
        let mut work = store.begin(id(n)).await?;
        work.organizations().insert_installation(&installation(n)).await?;
        work.commit().await
    });
    let results = join_all(starts).await;

    let refused = |error: &StoreError| matches!(error, StoreError::AlreadyExists { .. });
    let (done, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!(done.len(), 1);
    assert!(lost.iter().all(|result| result.as_ref().is_err_and(refused)), "got {lost:?}");
}

fn installation(n: u32) -> Installation {
    Installation {
        key_check: n.to_be_bytes().into_iter().chain([0, 0xff]).collect(),
        created_at: instant(n),
    }
}
