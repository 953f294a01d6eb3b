//! What tells that somebody may have lost a right: every use case that can take one away
//! turns the log that followers are judged by.

use std::pin::Pin;

use serde_json::json;
use understudy_domain::{
    Credential, Principal, Role, Secret, ShareLevel, TeamRole, UserId,
    ports::Clock,
    usecases::{
        Caller, Origin, Precondition, Result,
        assistants::delete_assistant,
        directory::log_in_external,
        drafts::discard_draft,
        owner::change_owner,
        runs::{delete_run, judge_follower},
        sessions::{end_sessions, log_out},
        shares::{delete_share, put_share},
        tags::create_tag,
        teams::{create_team, delete_team, put_member, remove_member},
        threads::delete_thread,
        tokens::{UpdateToken, create_token, delete_token, update_token},
        users::{UpdateUser, delete_user, update_user},
        watching::{Grounds, Judgement, Look, Looks, look},
    },
};
use understudy_testkit::{
    FakePasswords, FakeSigner,
    sample::{self, Members},
};

use crate::{
    directory::{grace, mapping},
    runs::stage::{RunStage, asking, me},
    stage::{Stage, caller, id_of, named, token, user},
};

const ANY: Precondition = Precondition::None;

/// Somebody who judged, and looks from time to time whether that stands.
struct Watcher<'a> {
    stage: &'a Stage,
    who: Caller,
    seen: Look,
}

impl<'a> Watcher<'a> {
    async fn new(stage: &'a Stage, who: Caller) -> Self {
        let seen = look(stage.deps(), who.actor.organization, None).await.unwrap();
        Self { stage, who, seen }
    }

    fn judgement(&self) -> Judgement {
        let looks = Looks { home: self.seen, elsewhere: None };
        let now = self.stage.clock.now();
        Judgement::new(Grounds::at_home(&self.who), &looks, (now, None)).unwrap()
    }

    /// Whether what was judged before stands now.
    async fn stands(&mut self) -> bool {
        let before = self.judgement();
        let home = self.who.actor.organization;
        self.seen = look(self.stage.deps(), home, Some(self.seen)).await.unwrap();
        let looks = Looks { home: self.seen, elsewhere: None };
        before.stands(&looks, self.stage.clock.now())
    }
}

type Act<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Each of these takes something away from somebody.
async fn turns(stage: &Stage, acts: Vec<(&str, Act<'_>)>) {
    let mut watcher = Watcher::new(stage, caller(1)).await;
    for (what, act) in acts {
        assert!(watcher.stands().await, "before {what}");
        act.await;
        assert!(!watcher.stands().await, "after {what}");
    }
}

/// The same act, whose outcome is of no interest but that it succeeded.
fn done<'a, T>(
    what: &'a str,
    act: impl Future<Output = Result<T>> + Send + 'a,
) -> (&'a str, Act<'a>) {
    (what, Box::pin(async move { assert!(act.await.is_ok(), "{what}") }))
}

async fn change(stage: &Stage, whom: UserId, command: UpdateUser) -> Result<()> {
    update_user(stage.deps(), &FakePasswords::default(), &caller(1), whom, command).await.map(drop)
}

#[tokio::test]
async fn what_becomes_of_users_and_their_credentials_turns_the_log() {
    let stage = Stage::set().await;
    let deps = stage.deps();
    let (owner, mine, other) = (caller(1), caller(4), user(6).id);
    let first = create_token(deps, &mine, token()).await.unwrap().0.id;
    let mut in_session = caller(4);
    in_session.actor.credential = Credential::Session(sample::id(1));
    let narrower = UpdateToken { read_only: Some(true), ..UpdateToken::default() };
    let user = UpdateUser::default;
    let password = Some(Secret::new("a better password than before".to_owned()));

    let acts = vec![
        done("a narrower token", update_token(deps, &mine, first, narrower)),
        done("a revoked token", delete_token(deps, &mine, first, ANY)),
        done("a log-out", log_out(deps, &in_session)),
        done("ended sessions", end_sessions(deps, &owner, other)),
        done("a seat", change(&stage, other, UpdateUser { ai_seat: Some(false), ..user() })),
        done("a role", change(&stage, other, UpdateUser { role: Some(Role::Viewer), ..user() })),
        done(
            "departments",
            change(&stage, other, UpdateUser { departments: Some(vec![]), ..user() }),
        ),
        done("a password", change(&stage, other, UpdateUser { password, ..user() })),
        done("a lockout", change(&stage, other, UpdateUser { disabled: Some(true), ..user() })),
        done("a deletion", delete_user(deps, &owner, other, ANY)),
    ];
    turns(&stage, acts).await;
}

#[tokio::test]
async fn what_a_directory_says_anew_turns_the_log() {
    let stage = Stage::set().await;
    let told = async |groups: &[&str]| {
        let (signer, origin) = (FakeSigner::default(), Origin::default());
        log_in_external(stage.deps(), &mapping(), &signer, &origin, &grace(groups)).await
    };
    told(&["admins", "ai"]).await.unwrap();

    let (same, fewer) = (["admins", "ai"], ["staff"]);
    let mut watcher = Watcher::new(&stage, caller(1)).await;
    told(&same).await.unwrap();
    assert!(watcher.stands().await, "nothing was taken away");
    turns(&stage, vec![done("another rank", told(&fewer))]).await;
}

#[tokio::test]
async fn what_becomes_of_teams_and_assistants_turns_the_log() {
    let stage = Stage::set().await;
    let deps = stage.deps();
    let (admin, mine, other) = (caller(2), caller(4), user(6).id);
    let team = create_team(deps, &admin, "Crew".to_owned()).await.unwrap().id;
    put_member(deps, &admin, team, other, TeamRole::Admin).await.unwrap();
    let shown = json!({"name": "Guide", "access_mode": "organization"});
    let id = id_of(&stage.create(&mine, shown).await.unwrap());
    let to = Principal::User(other);
    put_share(deps, &mine, &id, (to, ShareLevel::Write), ANY).await.unwrap();
    stage.open(&mine, &id).await.unwrap();
    let sharing = || put_share(deps, &mine, &id, (to, ShareLevel::Read), ANY);
    let reopened = async {
        stage.open(&mine, &id).await?;
        stage.commit(&mine, &id).await
    };

    let acts = vec![
        done("a lower role", put_member(deps, &admin, team, other, TeamRole::Member)),
        done("a member gone", remove_member(deps, &admin, team, other)),
        done("a team gone", delete_team(deps, &admin, team, ANY)),
        done("a lower share", sharing()),
        done("a share gone", delete_share(deps, &mine, &id, to, ANY)),
        done("a draft gone", discard_draft(deps, &mine, &id, ANY)),
        done("a draft taken over", reopened),
        done("inactive", stage.patch(&mine, &id, json!({"is_active": false}))),
        done("private", stage.patch(&mine, &id, json!({"access_mode": "private"}))),
        done("no API", stage.patch(&mine, &id, json!({"api_enabled": false}))),
        done("given away", change_owner(deps, &mine, &id, to, ANY)),
        done("deleted", delete_assistant(deps, &admin, &id, ANY)),
    ];
    turns(&stage, acts).await;
}

#[tokio::test]
async fn what_becomes_of_responses_turns_the_log() {
    let stage = RunStage::set().await;
    let id = stage.assistant(json!({})).await;
    let (first, second) = (stage.ask(&id, "x").await.run, stage.ask(&id, "y").await.run);
    let (deps, mine) = (stage.stage.deps(), me());

    let acts = vec![
        done("a response", delete_run(deps, &mine, first.id)),
        done("a thread", delete_thread(deps, &mine, second.thread.unwrap(), ANY)),
    ];
    turns(&stage.stage, acts).await;
}

#[tokio::test]
async fn what_takes_nothing_away_leaves_judgements_as_they_are() {
    let stage = Stage::set().await;
    let deps = stage.deps();
    let mut watcher = Watcher::new(&stage, caller(4)).await;

    stage.create(&caller(4), named("Guide")).await.unwrap();
    create_token(deps, &caller(4), token()).await.unwrap();
    create_tag(deps, &caller(2), "Blue".to_owned(), "#0000ff".to_owned()).await.unwrap();

    assert!(watcher.stands().await);
    let lost = UpdateUser { ai_seat: Some(false), ..UpdateUser::default() };
    change(&stage, user(6).id, lost).await.unwrap();
    create_token(deps, &caller(4), token()).await.unwrap();
    assert!(!watcher.stands().await, "another event behind it hides nothing");
    assert!(watcher.stands().await, "as it was judged anew");
}

#[tokio::test]
async fn more_than_is_looked_through_is_supposed_to_matter() {
    let stage = Stage::set().await;
    let mut watcher = Watcher::new(&stage, caller(4)).await;

    for _ in 0..51 {
        create_token(stage.deps(), &caller(4), token()).await.unwrap();
    }

    assert!(!watcher.stands().await);
    assert!(watcher.stands().await);
}

#[tokio::test]
async fn whoever_asks_an_assistant_of_another_organization_is_judged_by_both_logs() {
    let stage = RunStage::without_provider().await;
    let id = stage.assistant(json!({"access_mode": "global"})).await;
    let stranger = sample::user(7).of(2);
    let token = sample::token(7, &stranger);
    let rows = vec![sample::organization(2).into(), stranger.into(), token.into()];
    sample::save(&stage.stage.store, rows).await.unwrap();
    let mut abroad = me();
    (abroad.actor.user, abroad.actor.organization) = (sample::id(7), sample::id(2));
    let deps = stage.stage.deps();
    let judged = async |who: &Caller| {
        let run = stage.start(who, &id, asking("x")).await.unwrap();
        judge_follower(deps, who, run.id).await.unwrap().unwrap()
    };

    assert_eq!(judged(&me()).await, Grounds::at_home(&me()));
    let elsewhere = Some(me().actor.organization);
    assert_eq!(judged(&abroad).await, Grounds { elsewhere, ..Grounds::at_home(&abroad) });
}
