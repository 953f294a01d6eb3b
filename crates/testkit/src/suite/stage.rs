//! What cases begin with and how they look at results.

use std::{fmt::Debug, future::poll_fn, pin::Pin, task::Poll, time::Duration};

use understudy_domain::{
    AuditEvent, EventFilter, OrganizationId, User,
    ports::{Store, StoreError, UnitOfWork, Walk},
};

use crate::sample::{Row, id, organization, save, user};

/// How long something may take that has nothing to wait for.
const PROMPT: Duration = Duration::from_secs(10);

/// Organization 1, in which samples live.
pub(super) fn home() -> OrganizationId {
    id(1)
}

/// Saves rows that nothing is wrong with.
pub(super) async fn add(store: &dyn Store, rows: Vec<Row>) {
    save(store, rows).await.unwrap();
}

/// Saves organization 1 with users 1 to `users`.
pub(super) async fn people(store: &dyn Store, users: u32) {
    let mut rows = vec![organization(1).into()];
    rows.extend((1..=users).map(|n| user(n).into()));
    add(store, rows).await;
}

/// Begins a unit of work of organization 1.
pub(super) async fn begin(store: &dyn Store) -> Box<dyn UnitOfWork> {
    store.begin(home()).await.unwrap()
}

/// What the log of organization 1 tells, newest first.
pub(super) async fn events(store: &dyn Store) -> Vec<AuditEvent> {
    let walk = Walk::Backward(None);
    let found = store.audit().events(home(), &EventFilter::default(), walk, 1_000).await.unwrap();
    found.into_iter().map(|recorded| recorded.event).collect()
}

/// Why `row` cannot be added.
pub(super) async fn refusal(store: &dyn Store, row: impl Into<Row>) -> StoreError {
    let row = row.into();
    let mut work = store.begin(row.organization()).await.unwrap();
    row.insert(&mut *work).await.unwrap_err()
}

/// Asserts that a value is taken, and which.
pub(super) fn assert_taken(error: &StoreError, value: &str) {
    assert!(
        matches!(error, StoreError::AlreadyExists { what } if *what == value),
        "{value} is taken, but got {error:?}"
    );
}

/// Asserts that somebody else changed the record.
pub(super) fn assert_conflict(error: &StoreError) {
    assert!(matches!(error, StoreError::Conflict), "got {error:?}");
}

/// Asserts that two values without `PartialEq` tell the same of themselves.
pub(super) fn assert_same<T: Debug>(found: &T, expected: &T) {
    assert_eq!(format!("{found:#?}"), format!("{expected:#?}"));
}

/// Asserts that two users are equal, password hashes included.
pub(super) fn assert_same_user(found: &User, expected: &User) {
    let hash = |user: &User| user.password.as_ref().map(|hash| hash.0.expose().clone());
    assert_same(found, expected);
    assert_eq!(hash(found), hash(expected));
}

/// Runs `future` until it first waits, and whether it came to its end.
pub(super) async fn poll_once<F: Future + Send>(mut future: Pin<&mut F>) -> bool {
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_ready())).await
}

/// What `future` gives, if it does not hang.
pub(super) async fn prompt<F: Future + Send>(future: F) -> F::Output {
    let output = tokio::time::timeout(PROMPT, future).await;
    output.unwrap_or_else(|_| panic!("still waits for a lock that nobody holds"))
}
