//! Callers by what they show.

use std::collections::BTreeMap;

use understudy_domain::{
    Actor, ApiToken, AssistantRef, Credential, Email, Id, Role, Team, TeamId, TeamRole, TokenHash,
    TokenLimits, User,
    access::Standing,
    assistant::policy::AccessMode,
    ports::{CallerRecord, Proof, Store},
};

use super::stage::{add, assert_same, begin, home, people};
use crate::sample::{
    Members, assistant, department, draft_of, full_policy, id, instant, organization, session,
    slug, team, token, user,
};

fn ada() -> User {
    User {
        role: Role::Manager,
        departments: [department("Einkauf"), department("ärzte")].into(),
        ai_seat: false,
        ..user(1)
    }
}

fn teams() -> [Team; 3] {
    [
        team(1, [(id(1), TeamRole::Admin), (id(2), TeamRole::Member)]),
        team(2, [(id(1), TeamRole::Member)]),
        team(3, [(id(2), TeamRole::Admin)]),
    ]
}

async fn stage(store: &dyn Store) {
    add(store, vec![organization(1).into(), ada().into(), user(2).into()]).await;
    add(store, teams().map(Into::into).into()).await;
}

/// The caller that user 1 is with this credential.
fn expected(credential: Credential) -> CallerRecord {
    let expires_at = match &credential {
        Credential::Token { limits, .. } => limits.expires_at,
        Credential::Session(_) | Credential::Console => Some(session(1, &ada()).expires_at),
    };
    let ada = ada();
    let actor = Actor {
        user: ada.id,
        organization: ada.organization,
        email: ada.email,
        name: ada.name,
        role: ada.role,
        departments: ada.departments.into_iter().collect(),
        teams: vec![(id(1), TeamRole::Admin), (id(2), TeamRole::Member)],
        ai_seat: ada.ai_seat,
        credential,
    };
    CallerRecord { actor, disabled: false, expires_at }
}

/// The record with its lists in order: stores may give them in any.
fn sorted(mut record: CallerRecord) -> CallerRecord {
    record.actor.departments.sort();
    record.actor.teams.sort();
    record
}

async fn found(store: &dyn Store, proof: Proof) -> Option<CallerRecord> {
    store.callers().find(proof).await.unwrap().map(sorted)
}

/// A token finds its user with all that decides about access, and its limits; likewise
/// when only its id is known.
pub async fn a_token_finds_its_caller(store: &dyn Store) {
    stage(store).await;
    let limits = TokenLimits {
        read_only: true,
        cidr: Some("192.0.2.0/24".parse().unwrap()),
        expires_at: Some(instant(444_555)),
        ..TokenLimits::default()
    };
    let token = ApiToken { limits, ..token(1, &ada()) };
    add(store, vec![token.clone().into()]).await;

    let expected = expected(Credential::Token { id: token.id, limits: token.limits });
    for proof in [Proof::Token(token.hash), Proof::KnownToken(token.id)] {
        assert_same(&found(store, proof).await.unwrap(), &expected);
    }
}

/// A session finds its user by its cookie and by its id.
pub async fn a_session_finds_its_caller_by_cookie_and_by_id(store: &dyn Store) {
    stage(store).await;
    let session = session(1, &ada());
    add(store, vec![session.clone().into()]).await;

    for proof in [Proof::Cookie(session.cookie), Proof::Session(session.id)] {
        let found = found(store, proof).await.unwrap();
        assert_same(&found, &expected(Credential::Session(session.id)));
    }
}

/// A stored caller stands as the domain says.
pub async fn a_stored_caller_has_the_keys_of_teams_and_departments(store: &dyn Store) {
    stage(store).await;
    add(store, vec![session(1, &ada()).into()]).await;

    let found = found(store, Proof::Session(id(1))).await.unwrap();
    let expected = expected(Credential::Session(id(1)));
    assert_eq!(Standing::of(&found.actor), Standing::of(&expected.actor));
}

/// A proof of one kind is no proof of another, and an unknown one is none.
pub async fn a_proof_counts_for_its_own_kind_only(store: &dyn Store) {
    stage(store).await;
    let (token, session) = (token(1, &ada()), session(1, &ada()));
    add(store, vec![token.clone().into(), session.clone().into()]).await;

    let useless = [
        Proof::Token(session.cookie),
        Proof::Cookie(token.hash),
        Proof::Token(TokenHash::of("unknown")),
        Proof::Cookie(TokenHash::of("unknown")),
        Proof::Session(id(9)),
        Proof::KnownToken(id(9)),
        Proof::KnownToken(Id::from_uuid(session.id.as_uuid())),
        Proof::Session(Id::from_uuid(token.id.as_uuid())),
    ];
    for proof in useless {
        assert!(found(store, proof).await.is_none(), "{proof:?}");
    }
}

/// That a user is shut out is told, not decided.
pub async fn a_disabled_user_is_found_as_disabled(store: &dyn Store) {
    let disabled = User { disabled: true, ..user(1) };
    add(store, vec![organization(1).into(), disabled.clone().into()]).await;
    add(store, vec![token(1, &disabled).into()]).await;

    for proof in [Proof::Token(token(1, &disabled).hash), Proof::KnownToken(id(1))] {
        assert!(found(store, proof).await.unwrap().disabled);
    }
    let login = store.callers().find_login(&disabled.email).await.unwrap().unwrap();
    assert!(login.disabled);
}

/// A token that was removed is known no more, nor is one whose user was removed.
pub async fn a_removed_token_finds_nobody(store: &dyn Store) {
    stage(store).await;
    let tokens = [token(1, &ada()), token(2, &ada()), token(3, &user(2))];
    add(store, tokens.clone().map(Into::into).into()).await;
    let mut work = begin(store).await;
    assert!(work.credentials().delete_token(id(1)).await.unwrap());
    assert!(work.users().delete(id(2)).await.unwrap());
    work.commit().await.unwrap();

    for (token, is_known) in tokens.iter().zip([false, true, false]) {
        for proof in [Proof::Token(token.hash), Proof::KnownToken(token.id)] {
            assert_eq!(found(store, proof).await.is_some(), is_known, "{proof:?}");
        }
    }
}

/// A change of a user is seen by their next request.
pub async fn a_changed_caller_is_found_changed(store: &dyn Store) {
    stage(store).await;
    add(store, vec![session(1, &ada()).into()]).await;
    let mut work = store.begin(home()).await.unwrap();
    work.users().update(User { role: Role::Viewer, ..ada() }).await.unwrap();
    let [first, ..] = teams();
    work.teams().update(Team { members: BTreeMap::new(), ..first }).await.unwrap();
    work.commit().await.unwrap();

    let actor = found(store, Proof::Session(id(1))).await.unwrap().actor;
    let second: TeamId = id(2);
    assert_eq!((actor.role, actor.teams), (Role::Viewer, vec![(second, TeamRole::Member)]));
}

/// The caller together with an assistant is what both give one by one: own and
/// foreign, live and draft, by id and by slug, there and not there.
pub async fn a_caller_with_an_assistant_is_what_both_are_alone(store: &dyn Store) {
    stage(store).await;
    add(store, vec![organization(2).into(), user(3).of(2).into()]).await;
    let live = assistant(1, id(1), "Ada");
    let foreign = |n, mode| {
        let mut assistant = assistant(n, id(3), &format!("Foreign {n}")).of(2);
        assistant.policy = full_policy([]);
        assistant.policy.access_mode = mode;
        assistant
    };
    let global = foreign(3, AccessMode::Global);
    let draft = draft_of(5, &global);
    add(store, vec![live.clone().into(), draft_of(2, &live).into()]).await;
    add(store, vec![global.into(), foreign(4, AccessMode::Organization).into(), draft.into()])
        .await;
    add(store, vec![token(1, &ada()).into(), session(1, &ada()).into()]).await;

    let references = (1..=6).map(|n| AssistantRef::Id(id(n)));
    let slugs = ["assistant-1", "assistant-3", "nobody"].map(|text| AssistantRef::Slug(slug(text)));
    let references: Vec<_> = references.chain(slugs).collect();
    let token = token(1, &ada());
    for proof in [Proof::Token(token.hash), Proof::Session(id(1)), Proof::KnownToken(id(1))] {
        for reference in &references {
            let both = store.callers().find_with_assistant(proof, reference).await.unwrap();
            let (caller, assistant) = both.unwrap();
            assert_same(&Some(sorted(caller)), &found(store, proof).await);
            let alone = store.assistants().find(home(), reference).await.unwrap();
            assert_eq!(assistant, alone, "{reference:?}");
        }
    }
}

/// Without a caller there is no assistant either.
pub async fn an_unknown_caller_finds_no_assistant(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![assistant(1, id(1), "Ada").into()]).await;

    let proof = Proof::Token(TokenHash::of("unknown"));
    let reference = AssistantRef::Id(id(1));
    let both = store.callers().find_with_assistant(proof, &reference).await.unwrap();
    assert!(both.is_none());
}

/// A log-in name finds its user in whatever organization, with the hash.
pub async fn a_login_is_found_by_its_address(store: &dyn Store) {
    people(store, 1).await;
    let there = user(2).of(2);
    let bare = User { password: None, ..user(3).of(2) };
    add(store, vec![organization(2).into(), there.clone().into(), bare.clone().into()]).await;

    for user in [user(1), there, bare] {
        let login = store.callers().find_login(&user.email).await.unwrap().unwrap();
        assert_eq!((login.user, login.organization), (user.id, user.organization));
        let hash = |hash: understudy_domain::PasswordHash| hash.0.expose().clone();
        assert_eq!(login.password.map(hash), user.password.map(hash));
    }
    let unknown = Email::parse("nobody@example.com").unwrap();
    assert!(store.callers().find_login(&unknown).await.unwrap().is_none());
}
