//! Many at once: nothing is lost, nothing is there twice.

use futures_util::future::{join, join_all};
use understudy_domain::{
    Assistant, Email, Provider, Role, Team, User,
    ports::{Store, StoreError, StoreResult},
};

use super::stage::{add, begin, home, people, refusal};
use crate::sample::{
    Row, Touched, assistant, blob, draft_of, id, instant, organization, provider, team, touched,
    user, version, whole_upload,
};

/// 50 concurrent read-modify-writes of one row all count.
pub async fn no_concurrent_update_is_lost(store: &dyn Store) {
    people(store, 1).await;
    let mut counter = assistant(1, id(1), "Counter");
    counter.content.max_tool_calls = 0;
    add(store, vec![counter.into()]).await;
    let results = join_all((0..50).map(|_| count(store))).await;

    assert!(results.iter().all(Result::is_ok), "got {results:?}");
    let counter = begin(store).await.assistants().find(id(1)).await.unwrap().unwrap();
    assert_eq!((counter.content.max_tool_calls, counter.revision), (50, 51));
}

async fn count(store: &dyn Store) -> StoreResult<()> {
    let mut work = store.begin(home()).await?;
    let mut counter = work.assistants().find(id(1)).await?.unwrap();
    counter.content.max_tool_calls += 1;
    work.assistants().update(counter).await?;
    work.commit().await
}

/// Of concurrent changes of the same revision one succeeds, the others conflict.
pub async fn of_concurrent_stale_updates_one_succeeds(store: &dyn Store) {
    people(store, 1).await;
    let original = assistant(1, id(1), "Ada");
    add(store, vec![original.clone().into()]).await;
    let updates = (0..20).map(|n| {
        let mut changed = original.clone();
        changed.content.max_tool_calls = n;
        async move {
            let mut work = store.begin(home()).await?;
            work.assistants().update(changed).await?;
            work.commit().await
        }
    });
    let results = join_all(updates).await;

    let (done, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!(done.len(), 1, "the others got {lost:?}");
    assert!(lost.iter().all(|lost| matches!(lost, Err(StoreError::Conflict))), "got {lost:?}");
}

/// Owners who all step down at once leave one behind.
pub async fn the_last_owner_stays(store: &dyn Store) {
    let owner = |n| User { role: Role::Owner, ..user(n) };
    let mut rows: Vec<Row> = vec![organization(1).into()];
    rows.extend((1..=8).map(|n| owner(n).into()));
    add(store, rows).await;
    let results = join_all((1..=8).map(|n| step_down(store, n))).await;

    assert!(results.iter().all(Result::is_ok), "got {results:?}");
    assert_eq!(begin(store).await.users().count_owners().await.unwrap(), 1);
}

async fn step_down(store: &dyn Store, n: u32) -> StoreResult<()> {
    let mut work = store.begin(home()).await?;
    let mut user = work.users().find(id(n)).await?.unwrap();
    if work.users().count_owners().await? > 1 {
        user.role = Role::Member;
        work.users().update(user).await?;
    }
    work.commit().await
}

/// Adds each row in a unit of work of its own, all at once: one is added, and the
/// others learn that `what` is taken.
async fn one_wins(store: &dyn Store, what: &str, rows: Vec<Row>) {
    let inserts = rows.iter().map(|row| async move {
        let mut work = store.begin(home()).await?;
        row.insert(&mut *work).await?;
        work.commit().await
    });
    let results = join_all(inserts).await;

    let (done, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!(done.len(), 1, "the others got {lost:?}");
    let taken = |error: &StoreError| matches!(error, StoreError::AlreadyExists { what: taken } if *taken == what);
    assert!(lost.iter().all(|lost| lost.as_ref().is_err_and(taken)), "got {lost:?}");
}

/// Of assistants of one name that are made at once, one is made.
pub async fn of_concurrent_assistants_of_one_name_one_is_made(store: &dyn Store) {
    people(store, 1).await;
    let twins = (1..=8u32).map(|n| {
        let name = if n.is_multiple_of(2) { "Ada" } else { "ADA" };
        assistant(n, id(1), name).into()
    });

    one_wins(store, "name", twins.collect()).await;
}

/// Of assistants of one slug that are made at once, one is made.
pub async fn of_concurrent_assistants_of_one_slug_one_is_made(store: &dyn Store) {
    people(store, 1).await;
    let slug = assistant(1, id(1), "").slug;
    let twin = |n| Assistant { slug: slug.clone(), ..assistant(n, id(1), &format!("Twin {n}")) };

    one_wins(store, "slug", (1..=8).map(|n| twin(n).into()).collect()).await;
}

/// Of drafts of one assistant that are made at once, one is made.
pub async fn of_concurrent_drafts_one_is_made(store: &dyn Store) {
    people(store, 1).await;
    let live = assistant(1, id(1), "Ada");
    add(store, vec![live.clone().into()]).await;

    one_wins(store, "draft", (2..=9).map(|n| draft_of(n, &live).into()).collect()).await;
}

/// Of defaults that are made at once, one is made.
pub async fn of_concurrent_defaults_one_is_made(store: &dyn Store) {
    people(store, 1).await;
    let default = |n| Assistant { is_default: true, ..assistant(n, id(1), &format!("Twin {n}")) };

    one_wins(store, "default", (1..=8).map(|n| default(n).into()).collect()).await;
}

/// Of users of one address that are made at once, one is made.
pub async fn of_concurrent_users_of_one_address_one_is_made(store: &dyn Store) {
    people(store, 1).await;
    let email: Email = user(2).email;
    let twin = |n| User { email: email.clone(), ..user(n) };

    one_wins(store, "email", (2..=9).map(|n| twin(n).into()).collect()).await;
}

/// Of teams of one name that are made at once, one is made.
pub async fn of_concurrent_teams_of_one_name_one_is_made(store: &dyn Store) {
    people(store, 1).await;
    let twin = |n| Team { name: "Sales".to_owned(), ..team(n, []) };

    one_wins(store, "name", (1..=8).map(|n| twin(n).into()).collect()).await;
}

/// Of versions of one number that are made at once, one is made.
pub async fn of_concurrent_versions_of_one_number_one_is_made(store: &dyn Store) {
    people(store, 1).await;
    let ada = assistant(1, id(1), "Ada");
    add(store, vec![ada.clone().into()]).await;
    let twin = |n| understudy_domain::Version { id: id(n), ..version(1, &ada) };
    let inserts = (1..=8).map(|n| {
        let row: Row = twin(n).into();
        async move {
            let mut work = store.begin(home()).await?;
            row.insert(&mut *work).await?;
            work.commit().await
        }
    });
    let results = join_all(inserts).await;

    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "got {results:?}");
    assert!(matches!(refusal(store, twin(9)).await, StoreError::Conflict));
}

/// Of providers of one name that are made at once, one is made.
pub async fn of_concurrent_providers_of_one_name_one_is_made(store: &dyn Store) {
    people(store, 0).await;
    let twin = |n| Provider { name: "Models".to_owned(), ..provider(n) };

    one_wins(store, "name", (1..=8).map(|n| twin(n).into()).collect()).await;
}

/// Whoever takes the same bytes in at the same time gets their blob, and the latest
/// touch stays.
pub async fn concurrent_touches_of_one_blob_all_succeed(store: &dyn Store) {
    people(store, 0).await;
    let touches = (1..=8).map(|n| save_one(store, Touched { at: instant(n), ..touched(1) }));
    let results = join_all(touches).await;

    assert!(results.iter().all(Result::is_ok), "got {results:?}");
    assert!(!forget(store, 1, 8).await.unwrap());
    assert!(forget(store, 1, 9).await.unwrap());
}

/// Whether blob `n` is forgotten, if it was not touched since.
async fn forget(store: &dyn Store, n: u32, before: u32) -> StoreResult<bool> {
    let mut work = store.begin(home()).await?;
    let forgotten = work.blobs().forget(blob(n).digest, instant(before)).await?;
    work.commit().await?;
    Ok(forgotten)
}

async fn save_one(store: &dyn Store, row: impl Into<Row>) -> StoreResult<()> {
    let row = row.into();
    let mut work = store.begin(home()).await?;
    row.insert(&mut *work).await?;
    work.commit().await
}

async fn is_known(store: &dyn Store, n: u32) -> bool {
    let known = store.housekeeping().known_blobs(&[(home(), blob(n).digest)]).await;
    !known.unwrap().is_empty()
}

/// Bytes that come in while they are swept out are there afterwards: they stay, or
/// are noted anew.
pub async fn of_concurrent_touch_and_forget_the_blob_stays_or_is_touched_anew(store: &dyn Store) {
    people(store, 1).await;
    add(store, (1..=16).map(|n| touched(n).into()).collect()).await;
    let races = (1..=16).map(|n| async move {
        let taken_in = async {
            let mut work = store.begin(home()).await?;
            work.blobs().touch(blob(n), instant(200)).await?;
            work.uploads().insert(&whole_upload(n)).await?;
            work.commit().await
        };
        // Whoever is named first is polled first.
        if n.is_multiple_of(2) {
            let (taken_in, forgotten) = join(taken_in, forget(store, n, 100)).await;
            (n, taken_in, forgotten)
        } else {
            let (forgotten, taken_in) = join(forget(store, n, 100), taken_in).await;
            (n, taken_in, forgotten)
        }
    });

    for (n, taken_in, forgotten) in join_all(races).await {
        assert!(taken_in.is_ok() && forgotten.is_ok(), "got {taken_in:?}, {forgotten:?}");
        assert!(is_known(store, n).await);
        assert!(!forget(store, n, 1_000).await.unwrap(), "the upload of blob {n} names it");
    }
}

/// A row that begins to name a blob while that is swept out keeps it, or is refused.
pub async fn of_concurrent_naming_and_forgetting_one_succeeds(store: &dyn Store) {
    people(store, 1).await;
    add(store, (1..=16).map(|n| touched(n).into()).collect()).await;
    let races = (1..=16).map(|n| async move {
        let named = save_one(store, whole_upload(n));
        if n.is_multiple_of(2) {
            let (named, forgotten) = join(named, forget(store, n, 100)).await;
            (n, named, forgotten)
        } else {
            let (forgotten, named) = join(forget(store, n, 100), named).await;
            (n, named, forgotten)
        }
    });

    for (n, named, forgotten) in join_all(races).await {
        match (&named, &forgotten) {
            (Ok(()), Ok(false)) => assert!(is_known(store, n).await),
            (Err(StoreError::Conflict), Ok(true)) => assert!(!is_known(store, n).await),
            other => panic!("blob {n} was named and forgotten: {other:?}"),
        }
    }
}
