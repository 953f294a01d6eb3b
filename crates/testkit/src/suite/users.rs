//! Users.

use understudy_domain::{
    Role, Team, TeamRole, User, UserId,
    ports::{Proof, Store},
};

use super::stage::{
    add, assert_conflict, assert_same, assert_same_user, assert_taken, begin, events, home, people,
    refusal,
};
use crate::sample::{
    Members, department, email, event, id, instant, organization, session, team, token, user,
};

/// A user with nothing at its default.
fn full_user(n: u32) -> User {
    User {
        email: email("größe.o'hara+x@exämple.com"),
        name: "Zoë \"Ω\" 田中 👩‍🚀".to_owned(),
        role: Role::Manager,
        departments: [department("Einkauf"), department("ÄRZTE, Klinik \\ 1")].into(),
        ai_seat: false,
        disabled: true,
        external_id: Some("größe|Σ-7".to_owned()),
        created_at: instant(654_321),
        updated_at: instant(765_432),
        revision: 7,
        ..user(n)
    }
}

/// A user reads back as it was written.
pub async fn a_saved_user_reads_back_equal(store: &dyn Store) {
    people(store, 1).await;
    let saved = full_user(2);
    add(store, vec![saved.clone().into()]).await;

    let found = begin(store).await.users().find(id(2)).await.unwrap();
    assert_same_user(&found.unwrap(), &saved);
    let found = store.directory().user(home(), id(2)).await.unwrap();
    assert_same_user(&found.unwrap(), &saved);
}

/// A user without a password has none when read.
pub async fn a_user_without_password_reads_back_without(store: &dyn Store) {
    people(store, 1).await;
    let saved = User { password: None, ..user(2) };
    add(store, vec![saved.clone().into()]).await;

    let found = begin(store).await.users().find(id(2)).await.unwrap();
    assert_same_user(&found.unwrap(), &saved);
}

/// Every role is kept.
pub async fn every_role_reads_back(store: &dyn Store) {
    people(store, 0).await;
    let users = Role::ALL.into_iter().zip(1..).map(|(role, n)| User { role, ..user(n) });
    let users: Vec<User> = users.collect();
    add(store, users.iter().cloned().map(Into::into).collect()).await;

    for saved in users {
        let found = store.directory().user(home(), saved.id).await.unwrap();
        assert_eq!(found.map(|user| user.role), Some(saved.role));
    }
}

/// A user that is not there is `None`.
pub async fn an_unknown_user_is_none(store: &dyn Store) {
    people(store, 1).await;

    assert!(begin(store).await.users().find(id(9)).await.unwrap().is_none());
    assert!(store.directory().user(home(), id(9)).await.unwrap().is_none());
}

/// An update replaces everything and counts the revision up.
pub async fn an_updated_user_reads_back_with_its_next_revision(store: &dyn Store) {
    people(store, 1).await;
    let changed = User { revision: 1, created_at: user(1).created_at, ..full_user(1) };
    let mut work = begin(store).await;
    let updated = work.users().update(changed.clone()).await.unwrap();
    work.commit().await.unwrap();

    assert_same_user(&updated, &User { revision: 2, ..changed });
    let found = store.directory().user(home(), id(1)).await.unwrap();
    assert_same_user(&found.unwrap(), &updated);
}

/// The second of two changes of the same revision is refused.
pub async fn a_stale_user_conflicts(store: &dyn Store) {
    people(store, 1).await;
    let mut work = begin(store).await;
    work.users().update(user(1)).await.unwrap();
    work.commit().await.unwrap();

    assert_conflict(&begin(store).await.users().update(user(1)).await.unwrap_err());
}

/// A user that is not there cannot be changed.
pub async fn a_change_of_an_unknown_user_conflicts(store: &dyn Store) {
    people(store, 1).await;

    assert_conflict(&begin(store).await.users().update(user(9)).await.unwrap_err());
}

/// No two users have the same address, not even in different organizations.
pub async fn an_address_is_taken_in_every_organization(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![organization(2).into()]).await;
    let twin = User { email: user(1).email, ..user(2) };

    assert_taken(&refusal(store, twin.clone()).await, "email");
    assert_taken(&refusal(store, twin.of(2)).await, "email");
}

/// No user takes over another's address.
pub async fn a_taken_address_cannot_be_changed_to(store: &dyn Store) {
    people(store, 2).await;
    add(store, vec![organization(2).into(), user(3).of(2).into()]).await;
    for other in [user(1), user(3)] {
        let thief = User { email: other.email, ..user(2) };
        let error = begin(store).await.users().update(thief).await.unwrap_err();
        assert_taken(&error, "email");
    }
}

/// The address of a user that was removed is free.
pub async fn the_address_of_a_removed_user_is_free(store: &dyn Store) {
    people(store, 1).await;
    let mut work = begin(store).await;
    assert!(work.users().delete(id(1)).await.unwrap());
    work.users().insert(&User { email: user(1).email, ..user(2) }).await.unwrap();
    work.commit().await.unwrap();

    let login = store.callers().find_login(&user(1).email).await.unwrap();
    assert_eq!(login.map(|login| login.user), Some(id(2)));
}

/// A user is found by who they are to the directory, exactly, in their organization.
pub async fn a_user_is_found_by_their_external_id(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![organization(2).into(), linked(3, "sub-3").of(2).into()]).await;
    add(store, vec![full_user(2).into(), linked(4, "sub-4").into()]).await;
    for (external, expected) in [
        ("größe|Σ-7", Some(full_user(2))),
        ("sub-4", Some(linked(4, "sub-4"))),
        ("SUB-4", None),
        ("sub-3", None),
        ("", None),
    ] {
        let in_work = begin(store).await.users().find_by_external_id(external).await.unwrap();
        let found = store.directory().user_by_external_id(home(), external).await.unwrap();
        assert_same(&in_work, &found);
        assert_same(&found, &expected);
    }
}

fn linked(n: u32, external: &str) -> User {
    User { external_id: Some(external.to_owned()), ..user(n) }
}

/// No two users of an organization are the same to its directory.
pub async fn an_external_id_is_taken(store: &dyn Store) {
    people(store, 2).await;
    add(store, vec![linked(3, "sub-1").into()]).await;

    assert_taken(&refusal(store, linked(4, "sub-1")).await, "external id");
    let error = begin(store).await.users().update(linked(2, "sub-1")).await.unwrap_err();
    assert_taken(&error, "external id");
}

/// External ids are free in other organizations, and when their user is gone or is
/// linked to nobody any more.
pub async fn an_external_id_is_free_elsewhere_and_afterwards(store: &dyn Store) {
    people(store, 0).await;
    add(store, vec![organization(2).into(), linked(9, "sub-1").of(2).into()]).await;
    add(store, vec![linked(1, "sub-1").into(), linked(2, "sub-2").into()]).await;
    let mut work = begin(store).await;
    assert!(work.users().delete(id(1)).await.unwrap());
    work.users().insert(&linked(3, "sub-1")).await.unwrap();
    let unlinked = work.users().update(user(2)).await.unwrap();
    work.users().insert(&linked(4, "sub-2")).await.unwrap();
    work.commit().await.unwrap();

    assert_eq!((unlinked.external_id, unlinked.revision), (None, 2));
    for (external, n) in [("sub-1", 3), ("sub-2", 4)] {
        let found = store.directory().user_by_external_id(home(), external).await.unwrap();
        assert_eq!(found.map(|user| user.id), Some(id(n)));
    }
}

/// Only users of the organization are known, whatever is asked.
pub async fn known_users_are_those_of_the_organization(store: &dyn Store) {
    people(store, 2).await;
    add(store, vec![organization(2).into(), user(3).of(2).into()]).await;
    let mut asked: Vec<UserId> = vec![id(2), id(3), id(1), id(2)];
    asked.extend((100..2_000).map(id));

    let mut work = begin(store).await;
    let mut known = work.users().known(&asked).await.unwrap();
    known.sort();
    known.dedup();
    assert_eq!(known, [id(1), id(2)]);
    assert_eq!(work.users().known(&[]).await.unwrap(), []);
}

/// Owners count when they are enabled and of the organization.
pub async fn only_enabled_owners_of_the_organization_count(store: &dyn Store) {
    let owner = |n| User { role: Role::Owner, ..user(n) };
    let disabled = User { disabled: true, ..owner(3) };
    let admin = User { role: Role::Admin, ..user(4) };
    add(store, vec![organization(1).into(), owner(1).into(), owner(2).into()]).await;
    add(store, vec![disabled.into(), admin.into()]).await;
    add(store, vec![organization(2).into(), owner(5).of(2).into()]).await;

    assert_eq!(begin(store).await.users().count_owners().await.unwrap(), 2);
}

/// With a user go their tokens, sessions and memberships, and nobody else's.
pub async fn a_removed_user_takes_their_credentials_and_memberships_along(store: &dyn Store) {
    people(store, 2).await;
    let (gone, stays) = (user(1), user(2));
    let both = team(1, [(gone.id, TeamRole::Admin), (stays.id, TeamRole::Member)]);
    add(store, vec![both.into(), token(1, &gone).into(), session(1, &gone).into()]).await;
    add(store, vec![token(2, &stays).into(), session(2, &stays).into()]).await;
    let mut work = begin(store).await;
    assert!(work.users().delete(gone.id).await.unwrap());
    work.commit().await.unwrap();

    assert!(store.directory().user(home(), gone.id).await.unwrap().is_none());
    for (n, there) in [(1, false), (2, true)] {
        let proofs = [
            Proof::Token(token(n, &stays).hash),
            Proof::Session(id(n)),
            Proof::Cookie(session(n, &stays).cookie),
        ];
        for proof in proofs {
            assert_eq!(store.callers().find(proof).await.unwrap().is_some(), there, "{proof:?}");
        }
    }
    let team: Team = store.directory().team(home(), id(1)).await.unwrap().unwrap();
    assert_eq!(team.members.into_iter().collect::<Vec<_>>(), [(stays.id, TeamRole::Member)]);
}

/// What a removed user did stays in the audit log.
pub async fn the_audit_log_outlives_its_actors(store: &dyn Store) {
    people(store, 1).await;
    let saved = event(1, &user(1), "usr_1");
    add(store, vec![saved.clone().into()]).await;
    let mut work = begin(store).await;
    assert!(work.users().delete(id(1)).await.unwrap());
    work.commit().await.unwrap();

    assert_eq!(events(store).await, [saved]);
}

/// Removing a user that is not there says so.
pub async fn an_unknown_user_is_not_removed(store: &dyn Store) {
    people(store, 1).await;

    assert!(!begin(store).await.users().delete(id(9)).await.unwrap());
}
