//! Users and teams as queries list them.

use understudy_domain::{
    ApiToken, Email, Team, TeamRole, TokenLimits, User, UserId,
    ports::{Page, Store},
};

use super::stage::{add, assert_same_user, home, people};
use crate::sample::{Members, assistant, email, id, organization, team, token, user};

async fn page(store: &dyn Store, q: Option<&str>, after: Option<Email>, limit: u32) -> Page<User> {
    store.directory().users(home(), q.map(str::to_owned), after, limit, true).await.unwrap()
}

fn ids(page: &Page<User>) -> Vec<UserId> {
    page.rows.iter().map(|user| user.id).collect()
}

/// Users are listed by address, whole, and nobody else's.
pub async fn users_are_listed_by_address(store: &dyn Store) {
    add(store, vec![organization(1).into(), organization(2).into()]).await;
    let addresses = ["zoe@a.example", "ada@b.example", "ada.b@b.example", "größe@a.example"];
    let users = addresses.into_iter().zip(1..);
    let users: Vec<User> = users.map(|(a, n)| User { email: email(a), ..user(n) }).collect();
    add(store, users.iter().cloned().map(Into::into).collect()).await;
    add(store, vec![user(9).of(2).into()]).await;

    let mut expected = users;
    expected.sort_by(|a, b| a.email.cmp(&b.email));
    let found = page(store, None, None, 10).await;
    assert_eq!(found.rows.len(), expected.len());
    for (found, expected) in found.rows.iter().zip(&expected) {
        assert_same_user(found, expected);
    }
    assert_eq!((found.more, found.total), (false, Some(4)));
}

/// Pages of users of every size hold each user once, with the same total.
pub async fn pages_of_users_hold_each_once(store: &dyn Store) {
    people(store, 7).await;
    let all = ids(&page(store, None, None, 100).await);
    assert_eq!(all.len(), 7);
    for limit in 1..=8 {
        let (mut walked, mut after) = (Vec::new(), None);
        loop {
            let found = page(store, None, after, limit).await;
            assert_eq!(found.total, Some(7), "behind {walked:?}");
            walked.extend(ids(&found));
            after = found.rows.last().map(|user| user.email.clone());
            if !found.more {
                break;
            }
            assert_eq!(found.rows.len(), usize::try_from(limit).unwrap());
        }
        assert_eq!(walked, all, "pages of {limit}");
    }
}

/// A search of users looks into address and name, literally and in any case.
pub async fn users_are_searched_in_address_and_name(store: &dyn Store) {
    add(store, vec![organization(1).into()]).await;
    let named = |n, address: &str, name: &str| {
        let (email, name) = (email(address), name.to_owned());
        User { email, name, ..user(n) }
    };
    let users = [
        named(1, "ada@example.com", "ÄRZTIN Größe"),
        named(2, "bob_50@example.com", "100% Bob"),
        named(3, "eve@example.org", "Ada\\Eve"),
    ];
    add(store, users.into_iter().map(Into::into).collect()).await;

    let cases: [(&str, &[u32]); 9] = [
        ("ada", &[1, 3]),
        ("ärztin grö", &[1]),
        ("example.com", &[1, 2]),
        ("%", &[2]),
        ("_", &[2]),
        ("0%", &[2]),
        ("\\", &[3]),
        ("'", &[]),
        ("nobody", &[]),
    ];
    for (q, expected) in cases {
        let found = page(store, Some(q), None, 10).await;
        assert_eq!(ids(&found), expected.iter().map(|n| id(*n)).collect::<Vec<_>>(), "{q}");
        assert_eq!(found.total, u64::try_from(expected.len()).ok(), "{q}");
    }
}

/// Of many ids those are found that are users of the organization.
pub async fn users_are_found_by_their_ids(store: &dyn Store) {
    people(store, 3).await;
    add(store, vec![organization(2).into(), user(9).of(2).into()]).await;

    let asked = [id(3), id(9), id(1), id(77)];
    let mut found = store.directory().users_by_id(home(), &asked).await.unwrap();
    found.sort_by_key(|user| user.id);
    let [first, last] = found.as_slice() else { panic!("found {found:#?}") };
    assert_same_user(first, &user(1));
    assert_same_user(last, &user(3));
    assert!(store.directory().users_by_id(home(), &[]).await.unwrap().is_empty());
}

/// Nobody counts unless asked.
pub async fn users_are_counted_only_when_asked(store: &dyn Store) {
    people(store, 2).await;

    let found = store.directory().users(home(), None, None, 1, false).await.unwrap();
    assert_eq!((found.rows.len(), found.more, found.total), (1, true, None));
}

/// Teams are listed by name with their members, and nobody else's.
pub async fn teams_are_listed_by_name(store: &dyn Store) {
    people(store, 2).await;
    add(store, vec![organization(2).into(), team(9, []).of(2).into()]).await;
    let named = |n, name: &str, members: &[(UserId, TeamRole)]| Team {
        name: name.to_owned(),
        ..team(n, members.iter().copied())
    };
    let teams = [
        named(1, "Sales", &[(id(1), TeamRole::Admin), (id(2), TeamRole::Member)]),
        named(2, "Buying", &[]),
        named(3, "Engineering", &[(id(2), TeamRole::Admin)]),
    ];
    add(store, teams.iter().cloned().map(Into::into).collect()).await;

    let [sales, buying, engineering] = teams;
    let found = store.directory().teams(home()).await.unwrap();
    assert_eq!(found, [buying, engineering, sales]);
}

/// Tokens of an assistant are listed newest first, whosever they are, and no others.
pub async fn tokens_of_an_assistant_are_listed_newest_first(store: &dyn Store) {
    people(store, 2).await;
    add(store, vec![organization(2).into(), user(3).of(2).into()]).await;
    add(store, vec![assistant(1, id(1), "Ada").into(), assistant(2, id(1), "Bob").into()]).await;
    let limited = |n, owner: &User, assistant: u32| {
        let limits = TokenLimits { assistant: Some(id(assistant)), ..TokenLimits::default() };
        ApiToken { limits, ..token(n, owner) }
    };
    let (ada, bob) = (user(1), user(2));
    let ours = [limited(3, &bob, 1), limited(1, &ada, 1)];
    add(store, ours.iter().cloned().map(Into::into).collect()).await;
    let others = [limited(2, &ada, 2), token(4, &ada)];
    add(store, others.into_iter().map(Into::into).collect()).await;
    add(store, vec![limited(5, &user(3).of(2), 1).into()]).await;

    let found = store.directory().assistant_tokens(home(), id(1)).await.unwrap();
    assert_eq!(found, ours);
    assert_eq!(store.directory().assistant_tokens(home(), id(9)).await.unwrap(), []);
}
