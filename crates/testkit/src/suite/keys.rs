//! Data keys and what is sealed with them, as rotation sees them.

use futures_util::future::join;
use understudy_domain::{DataKey, SealedId, SealedValue, ports::Store};

use super::stage::{add, assert_conflict, begin, home, people};
use crate::sample::{Members, assistant, data_key, id, instant, organization, sealed_value, user};

/// Sealed value `n` of assistant 1.
fn value(n: u32) -> SealedValue {
    sealed_value(n, &assistant(1, id(1), "Ada"))
}

/// Users 1 of organization 1 and 2 of organization 2, with an assistant each.
async fn two_organizations(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![assistant(1, id(1), "Ada").into()]).await;
    add(store, vec![organization(2).into(), user(2).of(2).into()]).await;
    add(store, vec![assistant(2, id(2), "Bob").of(2).into()]).await;
}

/// A data key is found by its id, in its organization.
pub async fn a_data_key_is_found_by_its_id(store: &dyn Store) {
    two_organizations(store).await;
    add(store, vec![data_key(1, home()).into(), data_key(3, home()).into()]).await;
    add(store, vec![data_key(2, id(2)).into()]).await;

    let mut work = begin(store).await;
    assert_eq!(work.keys().find(id(1)).await.unwrap(), Some(data_key(1, home())));
    assert_eq!(work.keys().find(id(2)).await.unwrap(), None);
    drop(work);
    assert_eq!(store.keys().data_key(home(), id(1)).await.unwrap(), Some(data_key(1, home())));
    assert_eq!(store.keys().data_key(home(), id(2)).await.unwrap(), None);
}

/// All data keys are told, oldest first, whenever they were added.
pub async fn data_keys_are_told_oldest_first(store: &dyn Store) {
    two_organizations(store).await;
    assert_eq!(begin(store).await.keys().all().await.unwrap(), []);
    let made = |n, at| DataKey { created_at: instant(at), ..data_key(n, home()) };
    add(store, vec![made(1, 9).into(), made(3, 5).into(), made(2, 7).into()]).await;
    add(store, vec![data_key(4, id(2)).into()]).await;

    let all = begin(store).await.keys().all().await.unwrap();
    assert_eq!(all, [made(3, 5), made(2, 7), made(1, 9)]);
}

/// A wrapped key is replaced, and nothing else of it.
pub async fn a_rewrapped_key_reads_back(store: &dyn Store) {
    two_organizations(store).await;
    add(store, vec![data_key(1, home()).into(), data_key(2, home()).into()]).await;
    let rewrapped = DataKey { wrapped: (0..=255).rev().collect(), ..data_key(1, home()) };
    let mut work = begin(store).await;
    work.keys().rewrap(&rewrapped).await.unwrap();
    work.commit().await.unwrap();

    let all = begin(store).await.keys().all().await.unwrap();
    assert_eq!(all, [rewrapped, data_key(2, home())]);
}

/// What is no key or value of the organization cannot be replaced.
pub async fn unknown_keys_and_values_conflict(store: &dyn Store) {
    two_organizations(store).await;
    let foreign = sealed_value(2, &assistant(2, id(2), "Bob").of(2));
    add(store, vec![data_key(2, id(2)).into(), foreign.clone().into()]).await;

    for n in [2, 9] {
        let key = data_key(n, home());
        assert_conflict(&begin(store).await.keys().rewrap(&key).await.unwrap_err());
        assert_conflict(&begin(store).await.keys().reseal(&value(n)).await.unwrap_err());
    }
    let mut work = store.begin(id(2)).await.unwrap();
    assert_eq!(work.keys().find(id(2)).await.unwrap(), Some(data_key(2, id(2))));
    let sealed = work.records().find_sealed(&[id(2)]).await.unwrap();
    assert_eq!(sealed, std::slice::from_ref(&foreign));
    drop(work);
    assert_eq!(store.keys().sealed(id(2), &[id(1), id(2)]).await.unwrap(), [foreign]);
    assert_eq!(store.keys().sealed(home(), &[id(2)]).await.unwrap(), []);
}

/// Sealed values are walked in the order of ids, in pages of every size.
pub async fn sealed_values_are_walked_in_order(store: &dyn Store) {
    two_organizations(store).await;
    add(store, [3, 1, 5, 2, 4].map(|n| value(n).into()).into()).await;
    add(store, vec![sealed_value(6, &assistant(2, id(2), "Bob").of(2)).into()]).await;
    let mut work = begin(store).await;
    for limit in 1..=6 {
        let (mut walked, mut after): (Vec<SealedValue>, Option<SealedId>) = (Vec::new(), None);
        loop {
            let page = work.keys().sealed_after(after, limit).await.unwrap();
            assert!(page.len() <= usize::try_from(limit).unwrap());
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            walked.extend(page);
        }
        assert_eq!(walked, (1..=5).map(value).collect::<Vec<_>>(), "pages of {limit}");
    }
}

/// The ciphertext of a value is replaced, and nothing else of it.
pub async fn a_resealed_value_reads_back(store: &dyn Store) {
    two_organizations(store).await;
    add(store, vec![value(1).into(), value(2).into()]).await;
    let resealed = SealedValue { ciphertext: (0..=255).rev().collect(), ..value(1) };
    let mut work = begin(store).await;
    work.keys().reseal(&resealed).await.unwrap();
    work.commit().await.unwrap();

    let all = begin(store).await.keys().sealed_after(None, 10).await.unwrap();
    assert_eq!(all, [resealed, value(2)]);
}

/// Who asks for all keys waits for those who may still seal with the newest they know,
/// and then sees what they sealed.
pub async fn a_rotation_waits_for_whoever_may_still_seal(store: &dyn Store) {
    two_organizations(store).await;
    add(store, vec![data_key(1, home()).into()]).await;
    let mut sealer = begin(store).await;
    assert!(sealer.records().newest_data_key().await.unwrap().is_some());
    let sealing = async move {
        // Gives the rotation time to overtake, if it does not wait.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        sealer.records().insert_sealed(&[value(1)]).await.unwrap();
        sealer.commit().await.unwrap();
    };
    let rotation = async {
        let mut work = begin(store).await;
        work.keys().all().await.unwrap();
        work.keys().sealed_after(None, 10).await.unwrap()
    };

    let (found, ()) = join(rotation, sealing).await;
    assert_eq!(found, [value(1)]);
}
