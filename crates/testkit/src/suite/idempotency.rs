//! Answers to requests with an idempotency key.

use futures_util::future::join_all;
use time::Duration;
use understudy_domain::{
    Timestamp, TokenHash,
    ports::{IdempotencyScope, Reservation, Store, StoredAnswer},
};

use super::stage::{add, people};
use crate::sample::{Members, id, instant, organization, user};

const KEEP: Duration = Duration::hours(24);

fn scope() -> IdempotencyScope {
    IdempotencyScope {
        organization: id(1),
        user: id(1),
        route: "POST /api/assistants".to_owned(),
        key: "Schlüssel 'ä' 100%".to_owned(),
    }
}

fn body() -> TokenHash {
    TokenHash::of("body")
}

fn answer() -> StoredAnswer {
    StoredAnswer {
        status: 201,
        headers: vec![
            ("etag".to_owned(), "\"1\"".to_owned()),
            ("location".to_owned(), "/api/assistants/größe".to_owned()),
            ("etag".to_owned(), "\"2\"".to_owned()),
        ],
        body: (0..=255).collect(),
    }
}

async fn reserve_at(store: &dyn Store, now: Timestamp) -> Reservation {
    store.idempotency().reserve(&scope(), body(), now, KEEP).await.unwrap()
}

async fn reserve(store: &dyn Store) -> Reservation {
    reserve_at(store, instant(1)).await
}

/// The first use of a key is fresh, the same request again is under way.
pub async fn a_key_is_fresh_once(store: &dyn Store) {
    people(store, 1).await;

    assert_eq!(reserve(store).await, Reservation::Fresh);
    assert_eq!(reserve(store).await, Reservation::UnderWay);
}

/// Of simultaneous uses of a key, one is fresh.
pub async fn of_simultaneous_uses_one_is_fresh(store: &dyn Store) {
    people(store, 1).await;
    let results = join_all((0..20).map(|_| reserve(store))).await;

    let fresh = results.iter().filter(|result| **result == Reservation::Fresh).count();
    let waiting = results.iter().filter(|result| **result == Reservation::UnderWay).count();
    assert_eq!((fresh, waiting), (1, 19), "got {results:?}");
}

/// Of simultaneous uses of a key that has grown old, one is fresh.
pub async fn of_simultaneous_uses_of_an_old_key_one_is_fresh(store: &dyn Store) {
    people(store, 1).await;
    assert_eq!(reserve(store).await, Reservation::Fresh);
    let later = instant(1).plus(KEEP * 2);
    let results = join_all((0..20).map(|_| reserve_at(store, later))).await;

    let fresh = results.iter().filter(|result| **result == Reservation::Fresh).count();
    assert_eq!(fresh, 1, "got {results:?}");
}

/// An answered request gets its answer again, byte for byte.
pub async fn an_answer_is_given_again(store: &dyn Store) {
    people(store, 1).await;
    reserve(store).await;
    store.idempotency().complete(&scope(), &answer()).await.unwrap();

    assert_eq!(reserve(store).await, Reservation::Answered(answer()));
    assert_eq!(reserve(store).await, Reservation::Answered(answer()));
}

/// An answer without headers and body is an answer.
pub async fn an_empty_answer_is_given_again(store: &dyn Store) {
    people(store, 1).await;
    reserve(store).await;
    let empty = StoredAnswer { status: 204, headers: vec![], body: vec![] };
    store.idempotency().complete(&scope(), &empty).await.unwrap();

    assert_eq!(reserve(store).await, Reservation::Answered(empty));
}

/// A released key can be used again, with another body too.
pub async fn a_released_key_is_fresh_again(store: &dyn Store) {
    people(store, 1).await;
    reserve(store).await;
    store.idempotency().release(&scope()).await.unwrap();
    store.idempotency().release(&scope()).await.unwrap();

    let other = TokenHash::of("other");
    let again = store.idempotency().reserve(&scope(), other, instant(2), KEEP).await.unwrap();
    assert_eq!(again, Reservation::Fresh);
}

/// A key with another body is refused, under way and answered.
pub async fn another_body_is_noticed(store: &dyn Store) {
    people(store, 1).await;
    reserve(store).await;
    for _ in 0..2 {
        let other = TokenHash::of("other");
        let found = store.idempotency().reserve(&scope(), other, instant(2), KEEP).await.unwrap();
        assert_eq!(found, Reservation::OtherBody);
        store.idempotency().complete(&scope(), &answer()).await.unwrap();
    }
}

/// A key belongs to one organization, user and route.
pub async fn a_key_belongs_to_its_scope(store: &dyn Store) {
    people(store, 2).await;
    add(store, vec![organization(2).into(), user(3).of(2).into()]).await;
    reserve(store).await;

    let others = [
        IdempotencyScope { organization: id(2), user: id(3), ..scope() },
        IdempotencyScope { user: id(2), ..scope() },
        IdempotencyScope { route: "POST /api/teams".to_owned(), ..scope() },
        IdempotencyScope { key: scope().key.to_lowercase(), ..scope() },
    ];
    for other in others {
        let found = store.idempotency().reserve(&other, body(), instant(1), KEEP).await.unwrap();
        assert_eq!(found, Reservation::Fresh, "{other:?}");
    }
    assert_eq!(reserve(store).await, Reservation::UnderWay);
}

/// A key is remembered as long as it is kept, and counts as unused afterwards,
/// its old answer forgotten.
pub async fn an_old_key_counts_as_unused(store: &dyn Store) {
    people(store, 1).await;
    reserve(store).await;
    store.idempotency().complete(&scope(), &answer()).await.unwrap();
    let (within, beyond) = (KEEP - Duration::SECOND, KEEP + Duration::SECOND);

    let found = reserve_at(store, instant(1).plus(within)).await;
    assert_eq!(found, Reservation::Answered(answer()));
    let later = instant(1).plus(beyond);
    assert_eq!(reserve_at(store, later).await, Reservation::Fresh);
    assert_eq!(reserve_at(store, later).await, Reservation::UnderWay);
    assert_eq!(reserve_at(store, later.plus(within)).await, Reservation::UnderWay);
}

/// An old key may come back with another body.
pub async fn an_old_key_may_have_another_body(store: &dyn Store) {
    people(store, 1).await;
    reserve(store).await;
    let (other, later) = (TokenHash::of("other"), instant(1).plus(KEEP * 2));

    let found = store.idempotency().reserve(&scope(), other, later, KEEP).await.unwrap();
    assert_eq!(found, Reservation::Fresh);
    assert_eq!(reserve_at(store, later).await, Reservation::OtherBody);
}

/// A sweep removes what is older than its limit and nothing else.
pub async fn a_sweep_removes_old_keys_only(store: &dyn Store) {
    people(store, 1).await;
    let young = IdempotencyScope { key: "young".to_owned(), ..scope() };
    reserve_at(store, instant(1)).await;
    store.idempotency().reserve(&young, body(), instant(100), KEEP).await.unwrap();
    store.idempotency().sweep(instant(50), instant(200)).await.unwrap();

    assert_eq!(reserve_at(store, instant(200)).await, Reservation::Fresh);
    let found = store.idempotency().reserve(&young, body(), instant(200), KEEP).await.unwrap();
    assert_eq!(found, Reservation::UnderWay);
}

/// A key of 255 characters, each of four bytes, is kept.
pub async fn the_longest_key_is_kept(store: &dyn Store) {
    people(store, 1).await;
    let long = IdempotencyScope { key: "🔑".repeat(255), ..scope() };
    for expected in [Reservation::Fresh, Reservation::UnderWay] {
        let found = store.idempotency().reserve(&long, body(), instant(1), KEEP).await.unwrap();
        assert_eq!(found, expected);
    }
}
