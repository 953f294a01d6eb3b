//! Owners, shares, favourites, and tokens of an assistant.

mod model;

use serde_json::json;
use understudy_domain::{
    Assistant, AssistantId, EventFilter, Organization, OrganizationLimits, OrganizationSettings,
    Principal, Scope, Share, ShareLevel, TeamRole, TokenKind, TokenLimits,
    ports::{Store, Walk},
    usecases::{
        Caller, Denied, Error, Precondition, Result,
        assistants::view_assistant,
        favorites::{add_favorite, remove_favorite, view_favorite},
        owner::{self, change_owner, view_owner},
        shares::{self, SharedWith, delete_share, list_shares, put_share, view_share},
        tokens::{
            CreateToken, UpdateToken, create_assistant_token, create_token, delete_token,
            list_assistant_tokens, update_token, view_token,
        },
        users::delete_user,
    },
};
use understudy_testkit::sample::{self, Members};

use crate::stage::{Stage, by_token, caller, id_of, named, token, user};

const NONE: Precondition = Precondition::None;

/// The `n`th user as a member of team 1.
pub fn in_team(n: u32, role: TeamRole) -> Caller {
    let mut caller = caller(n);
    caller.actor.teams = vec![(sample::id(1), role)];
    caller
}

/// Somebody of another organization, who owns it.
fn stranger() -> Caller {
    let mut caller = caller(1);
    caller.actor.organization = sample::id(2);
    caller.actor.user = sample::id(20);
    caller
}

fn one(n: u32) -> Principal {
    Principal::User(sample::id(n))
}

fn team() -> Principal {
    Principal::Team(sample::id(1))
}

async fn with_team(stage: &Stage) {
    let members = [(sample::id(3), TeamRole::Member), (sample::id(6), TeamRole::Admin)];
    sample::save(&stage.store, vec![sample::team(1, members).into()]).await.unwrap();
}

async fn share(
    stage: &Stage,
    who: &Caller,
    id: &str,
    (whom, level): (Principal, ShareLevel),
) -> Result<(SharedWith, bool)> {
    put_share(stage.deps(), who, id, (whom, level), NONE).await
}

async fn made(stage: &Stage) -> String {
    id_of(&stage.create(&caller(4), named("x")).await.unwrap())
}

/// What was done about an assistant, oldest first.
async fn actions(stage: &Stage, id: &str) -> Vec<String> {
    let filter = EventFilter { assistant: Some(id.parse().unwrap()), ..EventFilter::default() };
    let (tenant, walk) = (sample::id(1), Walk::Forward(0));
    let events = stage.store.audit().events(tenant, &filter, walk, 100).await.unwrap();
    events.into_iter().map(|recorded| recorded.event.action).collect()
}

fn is_hidden<T>(result: &Result<T>) -> bool {
    matches!(result, Err(Error::NotFound("assistant")))
}

#[tokio::test]
async fn a_share_gives_its_level_until_it_is_taken_back() {
    let stage = Stage::set().await;
    let id = made(&stage).await;
    let before = view_assistant(stage.deps(), &caller(4), &id).await.unwrap().record.assistant;
    assert!(is_hidden(&view_assistant(stage.deps(), &caller(6), &id).await));

    let (given, created) =
        share(&stage, &caller(4), &id, (one(6), ShareLevel::Read)).await.unwrap();
    assert!(created);
    assert_eq!((given.name.as_str(), given.share.level), ("User 6", ShareLevel::Read));
    let refused = stage.patch(&caller(6), &id, json!({"seed": 1})).await;
    assert!(matches!(refused, Err(Error::Forbidden(Denied::Level { .. }))));
    let (changed, created) =
        share(&stage, &caller(4), &id, (one(6), ShareLevel::Write)).await.unwrap();
    assert!(!created);
    assert_ne!(shares::etag(&given), shares::etag(&changed));
    stage.patch(&caller(6), &id, json!({"seed": 1})).await.unwrap();

    delete_share(stage.deps(), &caller(4), &id, one(6), NONE).await.unwrap();
    assert!(is_hidden(&view_assistant(stage.deps(), &caller(6), &id).await));
    let again = delete_share(stage.deps(), &caller(4), &id, one(6), NONE).await;
    assert!(matches!(again, Err(Error::NotFound("share"))));

    let after = view_assistant(stage.deps(), &caller(4), &id).await.unwrap().record.assistant;
    assert_eq!(after.version, before.version + 1, "only the change of the seed is a version");
    assert_eq!(after.revision, before.revision + 4);
    let expected = [
        "assistant.created",
        "share.created",
        "share.updated",
        "assistant.updated",
        "share.deleted",
    ];
    assert_eq!(actions(&stage, &id).await, expected);
}

#[tokio::test]
async fn sharing_again_what_was_shared_leaves_no_trace() {
    let stage = Stage::set().await;
    let id = made(&stage).await;
    let first = share(&stage, &caller(4), &id, (one(6), ShareLevel::Read)).await.unwrap().0;

    let (same, created) = share(&stage, &caller(1), &id, (one(6), ShareLevel::Read)).await.unwrap();

    assert_eq!((same, created), (first, false));
    assert_eq!(actions(&stage, &id).await, ["assistant.created", "share.created"]);
}

#[tokio::test]
async fn a_manager_gives_and_takes_only_what_is_below_their_own() {
    let stage = Stage::set().await;
    let id = made(&stage).await;
    share(&stage, &caller(4), &id, (one(3), ShareLevel::Admin)).await.unwrap();
    share(&stage, &caller(4), &id, (one(5), ShareLevel::Admin)).await.unwrap();
    let manager = caller(3);

    share(&stage, &manager, &id, (one(6), ShareLevel::Write)).await.unwrap();
    for (whom, level) in [
        (one(6), ShareLevel::Admin),
        (one(5), ShareLevel::Read),
        (one(3), ShareLevel::Write),
        (one(3), ShareLevel::Admin),
    ] {
        let refused = share(&stage, &manager, &id, (whom, level)).await;
        assert!(matches!(refused, Err(Error::Forbidden(Denied::Rank))), "{whom} {level:?}");
    }
    let refused = delete_share(stage.deps(), &manager, &id, one(5), NONE).await;
    assert!(matches!(refused, Err(Error::Forbidden(Denied::Rank))));
    let refused = change_owner(stage.deps(), &manager, &id, one(3), NONE).await;
    assert!(matches!(refused, Err(Error::Forbidden(Denied::Level { .. }))));
    let list = list_shares(stage.deps(), &manager, &id).await.unwrap();
    let levels: Vec<_> = list.iter().map(|shared| shared.share.level.number()).collect();
    assert_eq!(levels, [3, 3, 2]);
}

#[tokio::test]
async fn ones_own_share_can_be_given_up_and_nothing_else() {
    let stage = Stage::set().await;
    let id = made(&stage).await;
    share(&stage, &caller(4), &id, (one(6), ShareLevel::Read)).await.unwrap();
    share(&stage, &caller(4), &id, (one(5), ShareLevel::Admin)).await.unwrap();

    let other = delete_share(stage.deps(), &caller(6), &id, one(5), NONE).await;
    assert!(matches!(other, Err(Error::Forbidden(Denied::Level { .. }))));
    assert!(matches!(
        view_share(stage.deps(), &caller(6), &id, one(6)).await,
        Err(Error::Forbidden(Denied::Level { .. }))
    ));
    for n in [5, 6] {
        delete_share(stage.deps(), &caller(n), &id, one(n), NONE).await.unwrap();
        assert!(is_hidden(&view_assistant(stage.deps(), &caller(n), &id).await));
    }
}

#[tokio::test]
async fn a_team_has_what_was_shared_with_it() {
    let stage = Stage::set().await;
    with_team(&stage).await;
    let id = made(&stage).await;

    let given = share(&stage, &caller(4), &id, (team(), ShareLevel::Write)).await.unwrap().0;

    assert_eq!(given.name, "Team 1");
    stage.patch(&in_team(3, TeamRole::Member), &id, json!({"seed": 1})).await.unwrap();
    assert!(is_hidden(&view_assistant(stage.deps(), &caller(3), &id).await));
}

#[tokio::test]
async fn what_is_shared_with_those_who_are_gone_or_never_were_is_not_there() {
    let stage = Stage::set().await;
    let id = made(&stage).await;
    sample::save(&stage.store, vec![sample::organization(2).into(), sample::user(20).of(2).into()])
        .await
        .unwrap();
    share(&stage, &caller(4), &id, (one(6), ShareLevel::Read)).await.unwrap();
    let both = share(&stage, &caller(4), &id, (one(5), ShareLevel::Read)).await.unwrap().0;

    for whom in [one(99), one(20), Principal::Team(sample::id(99))] {
        let refused = share(&stage, &caller(4), &id, (whom, ShareLevel::Read)).await;
        assert!(matches!(refused, Err(Error::NotFound("user or team"))), "{whom}");
    }
    delete_user(stage.deps(), &caller(1), sample::id(6), NONE).await.unwrap();
    assert_eq!(list_shares(stage.deps(), &caller(4), &id).await.unwrap(), [both]);
    let gone = view_share(stage.deps(), &caller(4), &id, one(6)).await;
    assert!(matches!(gone, Err(Error::NotFound("share"))));
}

/// An assistant of user 4 with as many shares as there may be, of these users.
async fn full(stage: &Stage, users: std::ops::Range<u32>) -> String {
    let given = Share {
        level: ShareLevel::Read,
        created_at: sample::instant(1),
        created_by: sample::id(4),
    };
    let shares = users.map(|n| (one(n), given)).collect();
    let assistant = Assistant { shares, ..sample::assistant(1, sample::id(4), "full") };
    let id = assistant.id.to_string();
    sample::save(&stage.store, vec![assistant.into()]).await.unwrap();
    id
}

#[tokio::test]
async fn an_assistant_has_a_thousand_shares_at_most_of_those_who_are_there() {
    let most = u32::try_from(shares::MAX_SHARES).unwrap();
    let stage = Stage::set().await;
    let id = full(&stage, 1_000..1_000 + most).await;

    share(&stage, &caller(4), &id, (one(6), ShareLevel::Read)).await.unwrap();

    let list = list_shares(stage.deps(), &caller(4), &id).await.unwrap();
    assert_eq!(list.len(), 1, "those who are gone make room");
    let stage = Stage::set().await;
    let rows = (1_000..1_000 + most).map(|n| sample::user(n).into()).collect();
    sample::save(&stage.store, rows).await.unwrap();
    let id = full(&stage, 1_000..1_000 + most).await;
    let refused = share(&stage, &caller(4), &id, (one(6), ShareLevel::Read)).await;
    assert!(matches!(refused, Err(Error::TooMany { limit: 1_000, .. })));
    share(&stage, &caller(4), &id, (one(1_000), ShareLevel::Write)).await.unwrap();
}

#[tokio::test]
async fn a_share_is_changed_in_the_state_that_was_named_only() {
    let stage = Stage::set().await;
    let id = made(&stage).await;
    let other = || Precondition::OneOf(vec!["stale".to_owned()]);
    let put = async |precondition: Precondition| {
        put_share(stage.deps(), &caller(4), &id, (one(6), ShareLevel::Write), precondition).await
    };

    assert!(matches!(put(Precondition::Exists).await, Err(Error::PreconditionFailed)));
    let first = share(&stage, &caller(4), &id, (one(6), ShareLevel::Read)).await.unwrap().0;
    assert!(matches!(put(other()).await, Err(Error::PreconditionFailed)));
    put(Precondition::OneOf(vec![shares::etag(&first)])).await.unwrap();
    let taken = delete_share(stage.deps(), &caller(4), &id, one(6), other()).await;
    assert!(matches!(taken, Err(Error::PreconditionFailed)));
}

#[tokio::test]
async fn an_assistant_is_given_away_and_its_maker_stays_its_maker() {
    let stage = Stage::set().await;
    with_team(&stage).await;
    let made_by_admin = id_of(&stage.create(&caller(2), named("x")).await.unwrap());
    change_owner(stage.deps(), &caller(2), &made_by_admin, one(6), NONE).await.unwrap();
    let view = change_owner(stage.deps(), &caller(6), &made_by_admin, one(4), NONE).await.unwrap();

    assert_eq!(view.record.assistant.created_by, sample::id(2));
    assert_eq!(crate::stage::seen(&view)["permissions"]["read"], false);
    assert!(is_hidden(&view_assistant(stage.deps(), &caller(6), &made_by_admin).await));
    let owner = view_owner(stage.deps(), &caller(4), &made_by_admin).await.unwrap();
    assert_eq!((owner.principal, owner.name.as_str()), (one(4), "User 4"));
    let expected = ["assistant.created", "assistant.owner_changed", "assistant.owner_changed"];
    assert_eq!(actions(&stage, &made_by_admin).await, expected);
}

#[tokio::test]
async fn giving_to_a_team_needs_rights_on_both_sides() {
    let stage = Stage::set().await;
    with_team(&stage).await;
    let id = made(&stage).await;

    let refused = change_owner(stage.deps(), &caller(4), &id, team(), NONE).await;
    assert!(matches!(refused, Err(Error::Forbidden(Denied::Role(_)))));
    change_owner(stage.deps(), &caller(4), &id, one(6), NONE).await.unwrap();
    change_owner(stage.deps(), &in_team(6, TeamRole::Admin), &id, team(), NONE).await.unwrap();
    let member = in_team(3, TeamRole::Member);
    let by_member = change_owner(stage.deps(), &member, &id, one(3), NONE).await;
    assert!(matches!(by_member, Err(Error::Forbidden(Denied::Level { .. }))));
    change_owner(stage.deps(), &caller(2), &id, one(2), NONE).await.unwrap();
    change_owner(stage.deps(), &caller(2), &id, team(), NONE).await.unwrap();
}

#[tokio::test]
async fn only_enabled_users_and_teams_of_the_organization_become_owners() {
    let stage = Stage::set().await;
    let id = made(&stage).await;
    let shut_out = understudy_domain::User { disabled: true, ..sample::user(21) };
    let rows = vec![
        sample::organization(2).into(),
        sample::user(20).of(2).into(),
        shut_out.into(),
        sample::team(2, []).of(2).into(),
    ];
    sample::save(&stage.store, rows).await.unwrap();

    for to in [one(99), one(20), one(21), Principal::Team(sample::id(2))] {
        match change_owner(stage.deps(), &caller(4), &id, to, NONE).await {
            Err(Error::Invalid(faults)) => assert_eq!(faults[0].pointer, "/ownerId"),
            other => panic!("{to}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn an_owner_is_changed_in_the_state_that_was_named_only() {
    let stage = Stage::set().await;
    let id = made(&stage).await;
    let tag = owner::etag(&view_owner(stage.deps(), &caller(4), &id).await.unwrap());
    let only = |tag: String| Precondition::OneOf(vec![tag]);
    let give = async |precondition: Precondition| {
        change_owner(stage.deps(), &caller(4), &id, one(6), precondition).await
    };

    assert!(matches!(give(only("stale".to_owned())).await, Err(Error::PreconditionFailed)));
    give(only(tag.clone())).await.unwrap();
    assert!(matches!(give(only(tag)).await, Err(Error::PreconditionFailed)));
}

#[tokio::test]
async fn a_global_assistant_keeps_its_organizations_affairs_from_others() {
    let stage = Stage::set().await;
    sample::save(&stage.store, vec![sample::organization(2).into(), sample::user(20).of(2).into()])
        .await
        .unwrap();
    let body = json!({"name": "x", "access_mode": "global"});
    let id = id_of(&stage.create(&caller(4), body).await.unwrap());
    let (deps, who) = (stage.deps(), stranger());

    view_assistant(deps, &who, &id).await.unwrap();
    let elsewhere = |error: Option<Error>| {
        assert!(matches!(error, Some(Error::Forbidden(Denied::OtherOrganization))), "{error:?}");
    };
    elsewhere(view_owner(deps, &who, &id).await.err());
    elsewhere(change_owner(deps, &who, &id, one(20), NONE).await.err());
    elsewhere(list_shares(deps, &who, &id).await.err());
    elsewhere(share(&stage, &who, &id, (one(20), ShareLevel::Admin)).await.err());
    elsewhere(delete_share(deps, &who, &id, one(20), NONE).await.err());
    elsewhere(list_assistant_tokens(deps, &who, &id).await.err());
    elsewhere(create_assistant_token(deps, &who, &id, token()).await.err());

    assert!(add_favorite(deps, &who, &id, NONE).await.unwrap().1);
    assert!(view_favorite(deps, &who, &id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_favourite_is_ones_own_and_no_affair_of_the_audit_log() {
    let stage = Stage::set().await;
    let id = made(&stage).await;
    let (deps, me) = (stage.deps(), caller(4));

    assert_eq!(view_favorite(deps, &me, &id).await.unwrap(), None);
    let (since, created) = add_favorite(deps, &me, &id, NONE).await.unwrap();
    assert!(created);
    assert_eq!(add_favorite(deps, &me, &id, NONE).await.unwrap(), (since, false));
    assert_eq!(view_favorite(deps, &caller(1), &id).await.unwrap(), None);
    let read_only = by_token(4, TokenLimits { read_only: true, ..TokenLimits::default() });
    let refused = add_favorite(deps, &read_only, &id, NONE).await;
    assert!(matches!(refused, Err(Error::Forbidden(Denied::ReadOnly))));

    // A draft is its live assistant's.
    let (draft, _) = stage.open(&me, &id).await.unwrap();
    assert_eq!(view_favorite(deps, &me, &id_of(&draft)).await.unwrap(), Some(since));
    remove_favorite(deps, &me, &id, NONE).await.unwrap();
    let again = remove_favorite(deps, &me, &id, NONE).await;
    assert!(matches!(again, Err(Error::NotFound("favorite"))));
    assert_eq!(actions(&stage, &id).await, ["assistant.created", "draft.created"]);
}

#[tokio::test]
async fn shares_through_a_drafts_id_are_the_live_ones() {
    let stage = Stage::set().await;
    let id = made(&stage).await;
    let draft = id_of(&stage.open(&caller(4), &id).await.unwrap().0);

    let given = share(&stage, &caller(4), &draft, (one(6), ShareLevel::Read)).await.unwrap().0;

    assert_eq!(given.assistant, id.parse::<AssistantId>().unwrap());
    assert_eq!(list_shares(stage.deps(), &caller(4), &id).await.unwrap(), [given]);
    let moved = change_owner(stage.deps(), &caller(4), &draft, one(6), NONE).await.unwrap();
    assert_eq!(id_of(&moved), id);
}

#[tokio::test]
async fn those_who_manage_an_assistant_see_and_revoke_everybodys_tokens_of_it() {
    let stage = Stage::set().await;
    let id = made(&stage).await;
    let deps = stage.deps();
    share(&stage, &caller(4), &id, (one(6), ShareLevel::Read)).await.unwrap();
    share(&stage, &caller(4), &id, (one(3), ShareLevel::Admin)).await.unwrap();
    let (theirs, _) = create_assistant_token(deps, &caller(6), &id, token()).await.unwrap();
    let (personal, _) = create_token(deps, &caller(6), token()).await.unwrap();
    let (own, _) = create_assistant_token(deps, &caller(4), &id, token()).await.unwrap();
    let seen = async |n: u32| {
        let all = list_assistant_tokens(deps, &caller(n), &id).await.unwrap();
        all.into_iter().map(|of| (of.token.id, of.username.to_string())).collect::<Vec<_>>()
    };

    let (of_6, of_4) = ("user6@example.com".to_owned(), "user4@example.com".to_owned());
    assert_eq!(seen(6).await, [(theirs.id, of_6.clone())]);
    assert_eq!(seen(3).await, [(own.id, of_4), (theirs.id, of_6)]);
    assert_eq!(theirs.kind, TokenKind::Assistant);
    assert_eq!(view_token(deps, &caller(3), theirs.id).await.unwrap(), theirs);
    for (who, token) in [(3, personal.id), (6, own.id), (5, theirs.id)] {
        let hidden = view_token(deps, &caller(who), token).await;
        assert!(matches!(hidden, Err(Error::NotFound("token"))));
        let hidden = delete_token(deps, &caller(who), token, NONE).await;
        assert!(matches!(hidden, Err(Error::NotFound("token"))));
    }
    let change = UpdateToken { read_only: Some(true), ..UpdateToken::default() };
    let refused = update_token(deps, &caller(3), theirs.id, change).await;
    assert!(matches!(refused, Err(Error::NotFound("token"))));
    delete_token(deps, &caller(3), theirs.id, NONE).await.unwrap();
    assert!(matches!(view_token(deps, &caller(6), theirs.id).await, Err(Error::NotFound(_))));
    assert_eq!(actions(&stage, &id).await.last().unwrap(), "token.deleted");
}

#[tokio::test]
async fn making_a_token_takes_its_scope_whatever_else_is_covered() {
    let stage = Stage::set().await;
    let id = made(&stage).await;
    let scoped = |scope| TokenLimits { scopes: [scope].into(), ..TokenLimits::default() };

    let by_admin = by_token(4, scoped(Scope::Admin));
    create_assistant_token(stage.deps(), &by_admin, &id, token()).await.unwrap();
    let by_reader = by_token(4, scoped(Scope::Read));
    let refused = create_assistant_token(stage.deps(), &by_reader, &id, token()).await;
    assert!(matches!(refused, Err(Error::Forbidden(Denied::Scope("admin")))));
}

async fn limited(limits: OrganizationLimits) -> Stage {
    let stage = Stage::default();
    let settings = OrganizationSettings { limits, ..OrganizationSettings::default() };
    let rows = vec![
        Organization { settings, ..sample::organization(1) }.into(),
        user(4).into(),
        user(6).into(),
    ];
    sample::save(&stage.store, rows).await.unwrap();
    stage
}

#[tokio::test]
async fn a_user_has_as_many_tokens_as_the_organization_allows() {
    let limits = OrganizationLimits { max_tokens_per_user: Some(2), ..Default::default() };
    let stage = limited(limits).await;
    let make =
        async |n: u32, token: CreateToken| create_token(stage.deps(), &caller(n), token).await;

    let soon = Some(understudy_domain::ports::Clock::now(&stage.clock).plus(time::Duration::HOUR));
    make(4, CreateToken { expires_at: soon, ..token() }).await.unwrap();
    make(4, token()).await.unwrap();
    let third = make(4, token()).await;
    assert!(matches!(third, Err(Error::TooMany { limit: 2, .. })));
    make(6, token()).await.unwrap();
    stage.clock.advance(time::Duration::hours(2));
    make(4, token()).await.unwrap();
}

#[tokio::test]
async fn a_token_lasts_as_long_as_the_organization_allows() {
    let stage =
        limited(OrganizationLimits { max_token_days: Some(30), ..Default::default() }).await;
    let now = understudy_domain::ports::Clock::now(&stage.clock);
    let at = |days: i64| Some(now.plus(time::Duration::days(days)));
    let refused = |result: Result<()>| match result {
        Err(Error::Invalid(faults)) => {
            assert_eq!(faults[0].pointer, "/expiresAt");
            assert!(faults[0].message.contains("30 days"), "{}", faults[0].message);
        }
        other => panic!("expected a fault, got {other:?}"),
    };
    let make = async |expires_at| {
        let command = CreateToken { expires_at, ..token() };
        create_token(stage.deps(), &caller(4), command).await.map(|(token, _)| token)
    };

    refused(make(None).await.map(drop));
    refused(make(at(31)).await.map(drop));
    let token = make(at(30)).await.unwrap();
    for expires_at in [Some(None), Some(at(31))] {
        let change = UpdateToken { expires_at, ..UpdateToken::default() };
        refused(update_token(stage.deps(), &caller(4), token.id, change).await.map(drop));
    }
    let change = UpdateToken { expires_at: Some(at(7)), ..UpdateToken::default() };
    update_token(stage.deps(), &caller(4), token.id, change).await.unwrap();
}
