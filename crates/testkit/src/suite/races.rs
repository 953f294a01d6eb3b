//! Many at once: nothing is lost, nothing is there twice.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::{join, join_all};
use understudy_domain::{
    Assistant, Delivery, Email, EventFilter, Provider, Role, Rule, Tag, Team, User, Webhook,
    ports::{Counted, Store, StoreError, StoreResult, Walk},
};

use super::{
    audit::assert_chained,
    stage::{add, begin, home, people, refusal},
};
use crate::sample::{
    Members, Row, Touched, assistant, blob, delivery, draft_of, event, id, instant, organization,
    provider, rule, tag, team, touched, user, version, webhook, whole_upload,
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
pub(super) async fn one_wins(store: &dyn Store, what: &str, rows: Vec<Row>) {
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

/// Of rules of one name that are made at once, one is made.
pub async fn of_concurrent_rules_of_one_name_one_is_made(store: &dyn Store) {
    people(store, 1).await;
    let twins = (1..=8u32).map(|n| {
        let name = if n.is_multiple_of(2) { "Höflich" } else { "HÖFLICH" };
        Rule { name: name.to_owned(), ..rule(n) }.into()
    });

    one_wins(store, "name", twins.collect()).await;
}

/// Of tags of one name that are made at once, one is made.
pub async fn of_concurrent_tags_of_one_name_one_is_made(store: &dyn Store) {
    people(store, 0).await;
    let twins = (1..=8u32).map(|n| {
        let name = if n.is_multiple_of(2) { "Ärzte" } else { "ÄRZTE" };
        Tag { name: name.to_owned(), ..tag(n) }.into()
    });

    one_wins(store, "name", twins.collect()).await;
}

/// Of users who are the same to the directory and are made at once, one is made.
pub async fn of_concurrent_users_of_one_external_id_one_is_made(store: &dyn Store) {
    people(store, 0).await;
    let twin = |n| User { external_id: Some("sub-1".to_owned()), ..user(n) };

    one_wins(store, "external id", (1..=8).map(|n| twin(n).into()).collect()).await;
}

/// Asserts that one of many succeeded, and that the others were too late.
pub(super) fn assert_one_won(results: Vec<StoreResult<()>>) {
    let (done, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!(done.len(), 1, "the others got {lost:?}");
    assert!(lost.iter().all(|lost| matches!(lost, Err(StoreError::Conflict))), "got {lost:?}");
}

/// Of those who read the log for a webhook at once, one moves its cursor, together with
/// the deliveries that it queued.
pub async fn of_concurrent_readers_for_one_webhook_one_succeeds(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![webhook(1).into()]).await;
    let readers = (1..=8).map(|n| async move {
        let mut work = store.begin(home()).await?;
        work.webhooks().insert_deliveries(&[delivery(n, &webhook(1))]).await?;
        work.webhooks().update(Webhook { cursor: u64::from(n), ..webhook(1) }).await?;
        work.commit().await
    });

    assert_one_won(join_all(readers).await);
    let queued = store.webhooks().deliveries(home(), id(1), None, 100).await.unwrap();
    let [queued] = queued.as_slice() else { panic!("queued {queued:?}") };
    let webhook = begin(store).await.webhooks().find(id(1)).await.unwrap().unwrap();
    assert_eq!((webhook.cursor, webhook.revision), (queued.event_seq, 2));
}

/// Of those who take a delivery at once, one gets it.
pub async fn of_concurrent_takers_of_one_delivery_one_wins(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![webhook(1).into(), delivery(1, &webhook(1)).into()]).await;
    let takers = (1..=8).map(|n| async move {
        let taken = Delivery { next_attempt_at: instant(100 + n), ..delivery(1, &webhook(1)) };
        let mut work = store.begin(home()).await?;
        work.webhooks().update_delivery(taken).await?;
        work.commit().await
    });

    assert_one_won(join_all(takers).await);
    let due = store.webhooks().due(instant(100), 10).await.unwrap();
    assert_eq!(due, [], "it is still due for others");
}

/// Of many who take the last places at once, as many get one as there are.
pub async fn the_last_places_are_taken_once(store: &dyn Store) {
    people(store, 1).await;
    let joins = (2..=9).map(|n| async move {
        let mut work = store.begin(home()).await?;
        if work.organizations().count(Counted::Users).await? < 4 {
            work.users().insert(&user(n)).await?;
        }
        work.commit().await
    });
    let results = join_all(joins).await;

    assert!(results.iter().all(Result::is_ok), "got {results:?}");
    let users = begin(store).await.organizations().count(Counted::Users).await.unwrap();
    assert_eq!(users, 4);
}

/// Writes event `n`, and another one if `n` is even, in one unit of work of user `by`.
async fn tell(store: &dyn Store, by: &User, n: u32) -> StoreResult<()> {
    let mut work = store.begin(by.organization).await?;
    work.records().append_event(&event(n, by, "asst_1")).await?;
    if n.is_multiple_of(2) {
        work.records().append_event(&event(1_000 + n, by, "asst_1")).await?;
    }
    work.commit().await
}

/// Events of many units of work in two organizations, written at once, make one whole
/// chain each.
pub async fn concurrent_appends_keep_the_chain_whole(store: &dyn Store) {
    people(store, 1).await;
    let (ada, bob) = (user(1), user(2).of(2));
    add(store, vec![organization(2).into(), bob.clone().into()]).await;
    let writers = (1..=24).map(|n| tell(store, if n % 3 == 0 { &bob } else { &ada }, n));
    let results = join_all(writers).await;

    assert!(results.iter().all(Result::is_ok), "got {results:?}");
    for (tenant, events) in [(home(), 24), (id(2), 12)] {
        assert_eq!(store.audit().head(tenant).await.unwrap().seq, events);
        assert_chained(store, tenant).await;
    }
}

/// Who reads on from the last number they saw misses nothing that is written meanwhile.
pub async fn a_reader_of_the_growing_log_misses_nothing(store: &dyn Store) {
    people(store, 1).await;
    let ada = user(1);
    let done = AtomicBool::new(false);
    let writing = async {
        let results = join_all((1..=24).map(|n| tell(store, &ada, n))).await;
        done.store(true, Ordering::SeqCst);
        results
    };
    let reading = async {
        let mut seen: Vec<u64> = Vec::new();
        loop {
            let was_done = done.load(Ordering::SeqCst);
            let walk = Walk::Forward(seen.last().copied().unwrap_or_default());
            let log = store.audit();
            let found = log.events(home(), &EventFilter::default(), walk, 5).await.unwrap();
            if found.is_empty() && was_done {
                return seen;
            }
            seen.extend(found.into_iter().map(|found| found.seq));
            tokio::task::yield_now().await;
        }
    };
    let (seen, results) = join(reading, writing).await;

    assert!(results.iter().all(Result::is_ok), "got {results:?}");
    assert_eq!(seen, (1..=36).collect::<Vec<u64>>());
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
