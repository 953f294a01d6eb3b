//! Tokens and sessions.

use time::Duration;
use understudy_domain::{
    ApiToken, Scope, Session, TokenHash, TokenKind, TokenLimits, TokenUse, User,
    ports::{Proof, Store},
};

use super::stage::{add, assert_taken, begin, home, people, refusal};
use crate::sample::{assistant, id, instant, session, token, user};

/// A token with nothing at its default.
fn full_token(n: u32, user: &User) -> ApiToken {
    ApiToken {
        kind: TokenKind::Assistant,
        notes: "für 'CI' – 100 %".to_owned(),
        limits: TokenLimits {
            read_only: true,
            assistant: Some(id(1)),
            cidr: Some("2001:db8::/33".parse().unwrap()),
            scopes: [Scope::Run, Scope::Read].into(),
            expires_at: Some(instant(987_654)),
        },
        created_at: instant(345_678),
        updated_at: instant(456_789),
        last_use: Some(TokenUse { at: instant(567_890), address: "192.0.2.7".to_owned() }),
        ..token(n, user)
    }
}

/// A token reads back as it was written.
pub async fn a_saved_token_reads_back_equal(store: &dyn Store) {
    people(store, 1).await;
    let saved = full_token(1, &user(1));
    add(store, vec![assistant(1, id(1), "Ada").into(), saved.clone().into()]).await;

    let found = begin(store).await.credentials().find_token(id(1)).await.unwrap();
    assert_eq!(found, Some(saved.clone()));
    assert_eq!(store.directory().tokens(home(), id(1)).await.unwrap(), [saved]);
}

/// A token without limits reads back without.
pub async fn an_unlimited_token_reads_back_equal(store: &dyn Store) {
    people(store, 1).await;
    let saved = token(1, &user(1));
    add(store, vec![saved.clone().into()]).await;

    let found = begin(store).await.credentials().find_token(id(1)).await.unwrap();
    assert_eq!(found, Some(saved));
}

/// A token that is not there is `None`.
pub async fn an_unknown_token_is_none(store: &dyn Store) {
    people(store, 1).await;

    assert!(begin(store).await.credentials().find_token(id(9)).await.unwrap().is_none());
}

/// No two tokens have the same hash.
pub async fn a_token_hash_is_taken(store: &dyn Store) {
    people(store, 2).await;
    add(store, vec![token(1, &user(1)).into()]).await;
    let twin = ApiToken { hash: token(1, &user(1)).hash, ..token(2, &user(2)) };

    assert_taken(&refusal(store, twin).await, "id");
}

/// An update changes notes and limits of a token, and nothing else.
pub async fn an_updated_token_has_new_notes_and_limits_only(store: &dyn Store) {
    people(store, 1).await;
    let saved = token(1, &user(1));
    add(store, vec![assistant(1, id(1), "Ada").into(), saved.clone().into()]).await;
    let full = full_token(1, &user(1));
    let changed =
        ApiToken { notes: full.notes, limits: full.limits, updated_at: full.updated_at, ..saved };
    let disguised = ApiToken { hash: TokenHash::of("another"), ..changed.clone() };
    let mut work = begin(store).await;
    work.credentials().update_token(&disguised).await.unwrap();
    work.commit().await.unwrap();

    let found = begin(store).await.credentials().find_token(id(1)).await.unwrap();
    assert_eq!(found, Some(changed));
}

/// A removed token proves nothing any more.
pub async fn a_removed_token_is_gone(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![token(1, &user(1)).into()]).await;
    let mut work = begin(store).await;
    assert!(work.credentials().delete_token(id(1)).await.unwrap());
    assert!(!work.credentials().delete_token(id(1)).await.unwrap());
    work.commit().await.unwrap();

    let proof = Proof::Token(token(1, &user(1)).hash);
    assert!(store.callers().find(proof).await.unwrap().is_none());
}

/// A user's tokens are listed newest first, and nobody else's.
pub async fn tokens_are_listed_newest_first(store: &dyn Store) {
    people(store, 2).await;
    let tokens = [2, 4, 1, 3].map(|n| token(n, &user(1)));
    add(store, tokens.into_iter().map(Into::into).collect()).await;
    add(store, vec![token(5, &user(2)).into()]).await;

    let found = store.directory().tokens(home(), id(1)).await.unwrap();
    assert_eq!(found, [4, 3, 2, 1].map(|n| token(n, &user(1))));
}

/// The last use of tokens is recorded, and unknown ones do no harm.
pub async fn uses_of_tokens_are_recorded(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![token(1, &user(1)).into(), token(2, &user(1)).into()]).await;
    let used = |n: u32| TokenUse { at: instant(n), address: format!("192.0.2.{n}") };
    let recorded = [(home(), id(1), used(1)), (home(), id(9), used(9)), (id(2), id(2), used(2))];
    store.callers().record_uses(&recorded).await.unwrap();
    store.callers().record_uses(&[(home(), id(1), used(3))]).await.unwrap();
    store.callers().record_uses(&[]).await.unwrap();

    let mut found = store.directory().tokens(home(), id(1)).await.unwrap();
    found.sort_by_key(|token| token.id);
    let last: Vec<_> = found.into_iter().map(|token| token.last_use).collect();
    assert_eq!(last, [Some(used(3)), None], "another organization's claim is not recorded");
}

/// A session that was ended proves nothing, by cookie or by id.
pub async fn an_ended_session_is_gone(store: &dyn Store) {
    people(store, 1).await;
    let sessions = [session(1, &user(1)), session(2, &user(1))];
    add(store, sessions.iter().cloned().map(Into::into).collect()).await;
    let mut work = begin(store).await;
    assert!(work.credentials().delete_session(id(1)).await.unwrap());
    assert!(!work.credentials().delete_session(id(1)).await.unwrap());
    work.commit().await.unwrap();

    assert_eq!(valid(store, &sessions).await, [false, true]);
}

/// All sessions of a user end together, and nobody else's.
pub async fn all_sessions_of_a_user_end_together(store: &dyn Store) {
    people(store, 2).await;
    let sessions = [session(1, &user(1)), session(2, &user(1)), session(3, &user(2))];
    add(store, sessions.iter().cloned().map(Into::into).collect()).await;
    let mut work = begin(store).await;
    work.credentials().delete_sessions_of(id(1)).await.unwrap();
    work.commit().await.unwrap();

    assert_eq!(valid(store, &sessions).await, [false, false, true]);
}

/// Expired sessions are swept away, the others stay.
pub async fn expired_sessions_are_swept(store: &dyn Store) {
    people(store, 1).await;
    let now = instant(1_000);
    let until = |n, expires_at| Session { expires_at, ..session(n, &user(1)) };
    let sessions = [until(1, now.plus(-Duration::SECOND)), until(2, now.plus(Duration::SECOND))];
    add(store, sessions.iter().cloned().map(Into::into).collect()).await;
    store.idempotency().sweep(instant(1), now).await.unwrap();

    assert_eq!(valid(store, &sessions).await, [false, true]);
}

/// Which sessions still prove something, by cookie and by id alike.
async fn valid(store: &dyn Store, sessions: &[Session]) -> Vec<bool> {
    let mut valid = Vec::new();
    for session in sessions {
        let by_id = store.callers().find(Proof::Session(session.id)).await.unwrap().is_some();
        let by_cookie = store.callers().find(Proof::Cookie(session.cookie)).await.unwrap();
        assert_eq!(by_cookie.is_some(), by_id);
        valid.push(by_id);
    }
    valid
}
