//! Organizations and the installation's record.

use futures_util::future::join_all;
use understudy_domain::{
    Organization, OrganizationLimits, OrganizationSettings,
    ports::{Installation, Store, StoreError},
};

use super::stage::{add, assert_taken, begin, home, people, refusal};
use crate::sample::{id, instant, organization};

/// An organization reads back as it was written.
pub async fn a_saved_organization_reads_back_equal(store: &dyn Store) {
    let saved = Organization {
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
        },
        created_at: instant(123_457),
        ..organization(1)
    };
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
