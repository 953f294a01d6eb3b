//! What must not happen: calls that a refused request never makes.
#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use serde_json::json;
use understudy_domain::{
    Scope, TokenLimits,
    ports::{MockBlobStore, MockPictures, MockStore, MockVault},
    usecases::{Caller, Deps, Error, Origin, assistants::create_assistant, bootstrap::operator},
};
use understudy_testkit::{FixedClock, SequentialIds, sample};

fn caller() -> Caller {
    operator(&understudy_domain::User { ai_seat: true, disabled: false, ..sample::user(1) })
}

async fn create(caller: &Caller) -> Error {
    // A mock without expectations panics at the first call.
    let (store, vault) = (MockStore::new(), MockVault::new());
    let (clock, ids) = (FixedClock::default(), SequentialIds::default());
    let (blobs, pictures) = (MockBlobStore::new(), MockPictures::new());
    let deps = Deps { store: &store, clock: &clock, ids: &ids, blobs: &blobs, pictures: &pictures };
    create_assistant(deps, &vault, caller, json!({"name": "x"})).await.unwrap_err()
}

#[tokio::test]
async fn without_a_seat_no_store_and_no_vault_is_asked() {
    let mut caller = caller();
    caller.actor.ai_seat = false;

    assert!(matches!(create(&caller).await, Error::SeatRequired));
}

#[tokio::test]
async fn a_token_that_may_only_read_reaches_no_store() {
    let mut caller = caller();
    let limits = TokenLimits { scopes: [Scope::Read].into(), ..TokenLimits::default() };
    caller.actor.credential = understudy_domain::Credential::Token { id: sample::id(1), limits };
    caller.origin = Origin::default();

    assert!(matches!(create(&caller).await, Error::Forbidden(_)));
}
