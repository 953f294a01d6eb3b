//! Users, teams, tokens and the first start.

use std::collections::BTreeSet;

use understudy_domain::{
    Email, Role, Scope, TeamRole, TokenLimits, TokenText, UserId,
    ports::{Proof, Store},
    usecases::{
        Caller, Conflict, Denied, Error, Origin, Precondition,
        bootstrap::{Bootstrap, BootstrapError, bootstrap},
        sessions::authenticate,
        teams::{create_team, delete_team, list_teams, put_member, remove_member, view_team},
        tokens::{CreateToken, create_token, delete_token},
        users::{CreateUser, UpdateUser, create_user, delete_user, update_user},
    },
};
use understudy_testkit::{FakePasswords, FakeVault, MemoryStore};

use crate::stage::{Stage, by_token, caller, token, user};

fn new_user(role: Role) -> CreateUser {
    CreateUser {
        email: format!("{role}@new.example"),
        name: None,
        role,
        departments: vec![],
        ai_seat: true,
        password: None,
        external_id: None,
    }
}

fn role(role: Role) -> UpdateUser {
    UpdateUser { role: Some(role), ..UpdateUser::default() }
}

async fn set_role(
    stage: &Stage,
    who: &Caller,
    whom: UserId,
    to: Role,
) -> understudy_domain::usecases::Result<understudy_domain::User> {
    update_user(stage.deps(), &FakePasswords::default(), who, whom, role(to)).await
}

#[tokio::test]
async fn nobody_grants_or_touches_a_rank_at_or_above_their_own() {
    let stage = Stage::set().await;
    let (owner, admin, member) = (caller(1), caller(2), caller(4));
    let make = async |who: &Caller, role| {
        create_user(stage.deps(), &FakePasswords::default(), who, new_user(role)).await
    };

    assert!(make(&admin, Role::Manager).await.is_ok());
    assert!(matches!(make(&admin, Role::Admin).await, Err(Error::Forbidden(Denied::Rank))));
    assert!(make(&owner, Role::Owner).await.is_ok());
    assert!(matches!(make(&member, Role::Viewer).await, Err(Error::Forbidden(Denied::Role(_)))));
    let up = set_role(&stage, &admin, user(4).id, Role::Owner).await;
    assert!(matches!(up, Err(Error::Forbidden(Denied::Rank))));
    let own = set_role(&stage, &admin, user(2).id, Role::Member).await;
    assert!(matches!(own, Err(Error::Forbidden(Denied::Rank))));
    let above = delete_user(stage.deps(), &admin, user(1).id, Precondition::None).await;
    assert!(matches!(above, Err(Error::Forbidden(Denied::Rank))));
}

#[tokio::test]
async fn the_last_owner_stays() {
    let stage = Stage::set().await;
    let owner = caller(1);

    let leave = delete_user(stage.deps(), &owner, user(1).id, Precondition::None).await;
    assert!(matches!(leave, Err(Error::Conflict(Conflict::LastOwner))));
    let step_down = set_role(&stage, &owner, user(1).id, Role::Member).await;
    assert!(matches!(step_down, Err(Error::Conflict(Conflict::LastOwner))));

    set_role(&stage, &owner, user(2).id, Role::Owner).await.unwrap();
    assert!(set_role(&stage, &owner, user(1).id, Role::Member).await.is_ok());
}

#[tokio::test]
async fn all_faults_of_a_new_user_are_told_at_once() {
    let stage = Stage::set().await;
    let wrong = CreateUser {
        email: "nobody".to_owned(),
        departments: vec![" ".to_owned()],
        password: Some(understudy_domain::Secret::new("short".to_owned())),
        ..new_user(Role::Member)
    };

    let refused = create_user(stage.deps(), &FakePasswords::default(), &caller(1), wrong).await;

    let Err(Error::Invalid(faults)) = refused else { panic!("expected faults") };
    let pointers: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!(pointers, ["/email", "/departments/0", "/password"]);
}

#[tokio::test]
async fn team_admins_manage_members_and_strangers_see_no_team() {
    let stage = Stage::set().await;
    let team = create_team(stage.deps(), &caller(2), "Crew".to_owned()).await.unwrap();
    let put = async |who: u32, whom: u32, role| {
        put_member(stage.deps(), &caller(who), team.id, user(whom).id, role).await
    };

    assert!(put(2, 4, TeamRole::Admin).await.unwrap().1);
    assert!(put(4, 6, TeamRole::Member).await.unwrap().1);
    assert!(!put(4, 6, TeamRole::Member).await.unwrap().1);
    assert!(matches!(put(6, 5, TeamRole::Member).await, Err(Error::Forbidden(_))));
    assert!(matches!(put(5, 5, TeamRole::Admin).await, Err(Error::NotFound("team"))));
    assert!(matches!(
        view_team(stage.deps(), &caller(5), team.id).await,
        Err(Error::NotFound("team"))
    ));
    assert_eq!(list_teams(stage.deps(), &caller(6)).await.unwrap().len(), 1);
    remove_member(stage.deps(), &caller(4), team.id, user(6).id).await.unwrap();
    assert_eq!(list_teams(stage.deps(), &caller(6)).await.unwrap().len(), 0);
    assert!(delete_team(stage.deps(), &caller(2), team.id, Precondition::None).await.is_ok());
}

#[tokio::test]
async fn a_token_makes_no_token_that_is_stronger() {
    let stage = Stage::set().await;
    let own = TokenLimits {
        cidr: Some("10.0.0.0/8".parse().unwrap()),
        scopes: [Scope::Read, Scope::Admin].into(),
        expires_at: Some(stage.deps().clock.now().plus(time::Duration::days(1))),
        ..TokenLimits::default()
    };
    let maker = by_token(4, own.clone());

    let (made, _) = create_token(stage.deps(), &maker, token()).await.unwrap();

    assert_eq!(made.limits.scopes, BTreeSet::from([Scope::Read, Scope::Admin]));
    assert_eq!((made.limits.cidr, made.limits.expires_at), (own.cidr, own.expires_at));
    let weak = by_token(4, TokenLimits { scopes: [Scope::Write].into(), ..own });
    let refused = create_token(stage.deps(), &weak, token()).await;
    assert!(matches!(refused, Err(Error::Forbidden(Denied::Scope("admin")))));
}

#[tokio::test]
async fn a_revoked_token_is_refused_at_the_next_request() {
    let stage = Stage::set().await;
    let (made, text) = create_token(stage.deps(), &caller(4), token()).await.unwrap();
    let proof = Proof::Token(text.hash());
    let origin = Origin::default();

    assert!(authenticate(stage.deps(), proof, &origin).await.is_ok());
    delete_token(stage.deps(), &caller(4), made.id, Precondition::None).await.unwrap();
    let refused = authenticate(stage.deps(), proof, &origin).await;

    assert!(matches!(refused, Err(Error::Unauthenticated)));
}

#[tokio::test]
async fn a_token_is_taken_within_its_time_and_place() {
    let stage = Stage::set().await;
    let limited = CreateToken {
        cidr: Some("192.0.2.0/24".parse().unwrap()),
        expires_at: Some(stage.deps().clock.now().plus(time::Duration::hours(1))),
        ..token()
    };
    let (_, text) = create_token(stage.deps(), &caller(4), limited).await.unwrap();
    let from = async |address: &str| {
        let origin = Origin { address: Some(address.parse().unwrap()), request_id: None };
        authenticate(stage.deps(), Proof::Token(text.hash()), &origin).await.is_ok()
    };

    assert!(from("192.0.2.7").await);
    assert!(from("::ffff:192.0.2.7").await);
    assert!(!from("198.51.100.1").await);
    stage.clock.advance(time::Duration::hours(2));
    assert!(!from("192.0.2.7").await);
}

#[tokio::test]
async fn the_first_start_makes_one_owner_and_later_ones_check_the_key() {
    let stage = Stage { store: MemoryStore::default(), ..Stage::default() };
    let command = || Bootstrap {
        organization_name: "Understudy".to_owned(),
        email: Email::parse("admin@localhost").unwrap(),
        token: None::<TokenText>,
    };

    let text = bootstrap(stage.deps(), &stage.vault, command()).await.unwrap().unwrap();
    let again = bootstrap(stage.deps(), &stage.vault, command()).await.unwrap();
    let other = bootstrap(stage.deps(), &FakeVault::with_master(9), command()).await;

    let first = authenticate(stage.deps(), Proof::Token(text.hash()), &Origin::default()).await;
    assert_eq!(first.unwrap().actor.role, Role::Owner);
    assert!(again.is_none());
    assert!(matches!(other, Err(BootstrapError::WrongMasterKey)));
    assert!(stage.store.callers().first_organization().await.unwrap().is_some());
}
