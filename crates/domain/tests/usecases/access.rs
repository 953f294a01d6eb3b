//! The table of assistant.md, 'who may do what', cell by cell.

use serde_json::json;
use understudy_domain::{
    Assistant, Department, Policy, Principal, Role, Scope, TeamRole, TokenLimits,
    access::{Level, Standing, level},
    assistant::policy::{AccessMode, Editor},
    usecases::{Denied, Error, assistants::view_assistant},
};
use understudy_testkit::sample;

use crate::stage::{Stage, by_token, caller, id_of, named};

fn assistant(mode: AccessMode) -> Assistant {
    Assistant {
        policy: Policy {
            access_mode: mode,
            access_users: [sample::id(101)].into(),
            access_departments: vec![sample::department("Sales")],
            visible_to_roles: [Role::Manager].into(),
            ..Policy::default()
        },
        ..sample::assistant(1, sample::id(1), "x")
    }
}

fn standing(user: u32, organization: u32, role: Role, department: Option<&str>) -> Standing {
    let mut actor = caller(4).actor;
    actor.user = sample::id(user);
    actor.organization = sample::id(organization);
    actor.role = role;
    actor.departments = department.map(sample::department).into_iter().collect();
    Standing::of(&actor)
}

#[test]
fn the_access_modes_give_view_as_the_table_says() {
    use AccessMode as M;
    let callers = [
        standing(100, 1, Role::Member, None),
        standing(101, 1, Role::Member, None),
        standing(102, 1, Role::Member, Some("SALES")),
        standing(103, 1, Role::Manager, None),
        standing(104, 2, Role::Member, Some("Sales")),
    ];
    let table = [
        (M::Private, [false, false, false, false, false]),
        (M::Restricted, [false, true, false, true, false]),
        (M::Department, [false, false, true, true, false]),
        (M::Organization, [true, true, true, true, false]),
        (M::Global, [true, true, true, true, true]),
        (M::Public, [true, true, true, true, true]),
    ];
    for (mode, row) in table {
        for (column, (caller, sees)) in callers.iter().zip(row).enumerate() {
            let expected = if sees { Level::View } else { Level::None };
            assert_eq!(level(caller, &assistant(mode)), expected, "{mode:?}, column {column}");
        }
    }
}

#[test]
fn the_highest_grant_wins() {
    let mut it = assistant(AccessMode::Organization);
    it.policy.editable_by_users = [Editor::User(sample::id(101))].into();
    it.policy.editable_by_roles = [Role::Manager].into();

    assert_eq!(level(&standing(101, 1, Role::Viewer, None), &it), Level::Edit);
    assert_eq!(level(&standing(103, 1, Role::Manager, None), &it), Level::Edit);
    assert_eq!(level(&standing(1, 1, Role::Viewer, None), &it), Level::Owner);
    assert_eq!(level(&standing(9, 1, Role::Admin, None), &it), Level::Owner);
    assert_eq!(level(&standing(9, 2, Role::Owner, None), &it), Level::None);
}

#[test]
fn a_team_owns_through_its_admins() {
    let mut it = assistant(AccessMode::Private);
    it.owner = Principal::Team(sample::id(7));
    let with = |role| {
        let mut actor = caller(6).actor;
        actor.user = sample::id(200);
        actor.teams = vec![(sample::id(7), role)];
        level(&Standing::of(&actor), &it)
    };

    assert_eq!(with(TeamRole::Admin), Level::Owner);
    assert_eq!(with(TeamRole::Member), Level::View);
}

#[test]
fn departments_are_compared_without_regard_to_case() {
    assert_eq!(Department::parse(" Sales ").unwrap().key(), "sales");
}

#[tokio::test]
async fn without_a_seat_nothing_is_revealed() {
    let stage = Stage::set().await;
    let made = stage.create(&caller(4), named("x")).await.unwrap();
    let mut seatless = caller(4);
    seatless.actor.ai_seat = false;

    for reference in [id_of(&made).as_str(), "nothing-here"] {
        let refused = view_assistant(stage.deps(), &seatless, reference).await;
        assert!(matches!(refused, Err(Error::SeatRequired)), "{reference}");
    }
}

#[tokio::test]
async fn viewers_read_editors_write_and_managers_decide_who() {
    let stage = Stage::set().await;
    let made = stage
        .create(
            &caller(4),
            json!({"name": "x", "access_mode": "organization", "editable_by_roles": ["manager"]}),
        )
        .await
        .unwrap();
    let id = id_of(&made);

    let by_viewer = stage.patch(&caller(6), &id, json!({"instructions": "i"})).await;
    assert!(matches!(by_viewer, Err(Error::Forbidden(Denied::Level { needed: Level::Edit }))));
    assert!(stage.patch(&caller(3), &id, json!({"instructions": "i"})).await.is_ok());
    let policy = stage.patch(&caller(3), &id, json!({"access_mode": "private"})).await;
    assert!(matches!(policy, Err(Error::Forbidden(Denied::Level { needed: Level::Manage }))));
    assert!(stage.patch(&caller(2), &id, json!({"access_mode": "private"})).await.is_ok());
    let hidden = stage.patch(&caller(6), &id, json!({"instructions": "i"})).await;
    assert!(matches!(hidden, Err(Error::NotFound("assistant"))));
}

#[tokio::test]
async fn an_editor_may_send_the_policy_back_as_it_was_read() {
    let stage = Stage::set().await;
    let input = json!({"name": "x", "access_mode": "organization", "editable_by_users": ["*"]});
    let made = stage.create(&caller(4), input).await.unwrap();

    let mut read = crate::stage::seen(&made);
    read["instructions"] = "changed".into();

    assert!(stage.put(&caller(6), &id_of(&made), read).await.is_ok());
}

#[tokio::test]
async fn a_token_is_never_above_its_user_and_less_where_it_says_so() {
    let stage = Stage::set().await;
    let made = stage.create(&caller(4), named("x")).await.unwrap();
    let other = stage.create(&caller(4), named("y")).await.unwrap();
    let id = id_of(&made);
    let limits = TokenLimits::default;

    let read_only = by_token(4, TokenLimits { read_only: true, ..limits() });
    assert!(view_assistant(stage.deps(), &read_only, &id).await.is_ok());
    let write = stage.patch(&read_only, &id, json!({"instructions": "i"})).await;
    assert!(matches!(write, Err(Error::Forbidden(Denied::ReadOnly))));

    let scoped = by_token(4, TokenLimits { scopes: [Scope::Read].into(), ..limits() });
    let write = stage.patch(&scoped, &id, json!({"instructions": "i"})).await;
    assert!(matches!(write, Err(Error::Forbidden(Denied::Scope("write")))));

    let only = Some(made.record.assistant.id);
    let single = by_token(4, TokenLimits { assistant: only, ..limits() });
    assert!(stage.patch(&single, &id, json!({"instructions": "i"})).await.is_ok());
    let elsewhere = view_assistant(stage.deps(), &single, &id_of(&other)).await;
    assert!(matches!(elsewhere, Err(Error::NotFound(_))));
    let made_new = stage.create(&single, named("z")).await;
    assert!(matches!(made_new, Err(Error::Forbidden(Denied::OneAssistant))));
    let (draft, _) = stage.open(&single, &id).await.unwrap();
    assert!(view_assistant(stage.deps(), &single, &id_of(&draft)).await.is_ok());
}

#[tokio::test]
async fn an_assistant_closed_to_tokens_is_open_to_sessions() {
    let stage = Stage::set().await;
    let made = stage.create(&caller(4), json!({"name": "x", "api_enabled": false})).await.unwrap();
    let token = by_token(4, TokenLimits::default());

    let refused = view_assistant(stage.deps(), &token, &id_of(&made)).await;

    assert!(matches!(refused, Err(Error::ApiDisabled)));
    assert!(view_assistant(stage.deps(), &caller(4), &id_of(&made)).await.is_ok());
}

#[tokio::test]
async fn viewers_of_the_organization_make_no_assistants() {
    let stage = Stage::set().await;

    let refused = stage.create(&caller(5), named("x")).await;

    assert!(matches!(refused, Err(Error::Forbidden(Denied::Role(_)))));
}
