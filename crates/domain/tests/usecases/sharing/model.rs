//! Random people share, take back and give away, against a model that is written from
//! the words of the specification: nobody ever ends above whoever let them in.

use std::collections::BTreeMap;

use proptest::prelude::*;
use understudy_domain::{
    Principal, Role, ShareLevel, TeamRole,
    access::{Level, Standing, level},
    ports::Store,
    usecases::{
        Caller, Error, Result,
        owner::change_owner,
        shares::{delete_share, put_share},
    },
};
use understudy_testkit::sample;

use super::{NONE, made, one, team, with_team};
use crate::stage::{ROLES, Stage, caller};

/// Somebody does something.
#[derive(Clone, Copy, Debug)]
enum Act {
    Share(u32, Principal, ShareLevel),
    TakeBack(u32, Principal),
    Give(u32, Principal),
}

fn principal() -> impl Strategy<Value = Principal> {
    prop_oneof![4 => (2..=6_u32).prop_map(one), 1 => Just(team())]
}

fn act() -> impl Strategy<Value = Act> {
    let who = 2..=6_u32;
    let level = prop::sample::select(vec![ShareLevel::Read, ShareLevel::Write, ShareLevel::Admin]);
    prop_oneof![
        6 => (who.clone(), principal(), level).prop_map(|(who, whom, level)| Act::Share(who, whom, level)),
        2 => (who.clone(), principal()).prop_map(|(who, whom)| Act::TakeBack(who, whom)),
        1 => (who, principal()).prop_map(|(who, whom)| Act::Give(who, whom)),
    ]
}

/// How an act comes out.
#[derive(Debug, PartialEq)]
enum Outcome {
    Done,
    Absent,
    Refused,
}

fn outcome<T>(result: Result<T>) -> Outcome {
    match result {
        Ok(_) => Outcome::Done,
        Err(Error::NotFound(_)) => Outcome::Absent,
        Err(Error::Forbidden(_)) => Outcome::Refused,
        Err(error) => panic!("{error:?}"),
    }
}

/// Who is what in team 1.
fn role_in_team(n: u32) -> Option<TeamRole> {
    match n {
        3 => Some(TeamRole::Member),
        6 => Some(TeamRole::Admin),
        _ => None,
    }
}

fn person(n: u32) -> Caller {
    let mut caller = caller(n);
    caller.actor.teams = role_in_team(n).map(|role| (sample::id(1), role)).into_iter().collect();
    caller
}

fn is_admin(n: u32) -> bool {
    matches!(ROLES[usize::try_from(n).unwrap() - 1], Role::Admin | Role::Owner)
}

/// An assistant that user 4 made, as the specification has it.
struct Model {
    owner: Principal,
    shares: BTreeMap<Principal, i64>,
}

impl Model {
    /// 0 for none to 4 for owner.
    fn level(&self, n: u32) -> i64 {
        let mut best = if n == 4 || is_admin(n) || self.owner == one(n) { 4 } else { 0 };
        if let Some(role) = role_in_team(n) {
            if self.owner == team() {
                best = best.max(if role == TeamRole::Admin { 4 } else { 1 });
            }
            best = best.max(self.shares.get(&team()).copied().unwrap_or(0));
        }
        best.max(self.shares.get(&one(n)).copied().unwrap_or(0))
    }

    fn act(&mut self, act: Act) -> Outcome {
        match act {
            Act::Share(who, whom, to) => {
                let own = self.level(who);
                let had = self.shares.get(&whom).copied().unwrap_or(0);
                if own == 0 {
                    return Outcome::Absent;
                }
                if own < 3 || (own < 4 && (had >= own || to.number() >= own)) {
                    return Outcome::Refused;
                }
                self.shares.insert(whom, to.number());
            }
            Act::TakeBack(who, whom) => {
                let (own, itself) = (self.level(who), whom == one(who));
                if own == 0 {
                    return Outcome::Absent;
                }
                if own < 3 && !itself {
                    return Outcome::Refused;
                }
                match self.shares.get(&whom) {
                    None => return Outcome::Absent,
                    Some(had) if own < 4 && *had >= own && !itself => return Outcome::Refused,
                    Some(_) => self.shares.remove(&whom),
                };
            }
            Act::Give(who, whom) => {
                let own = self.level(who);
                if own == 0 {
                    return Outcome::Absent;
                }
                let receives =
                    whom != team() || is_admin(who) || role_in_team(who) == Some(TeamRole::Admin);
                if own < 4 || !receives {
                    return Outcome::Refused;
                }
                self.owner = whom;
            }
        }
        Outcome::Done
    }
}

async fn levels(stage: &Stage, id: &str) -> Vec<Level> {
    let mut work = stage.store.begin(sample::id(1)).await.unwrap();
    let assistant = work.assistants().find(id.parse().unwrap()).await.unwrap().unwrap();
    (2..=6).map(|n| level(&Standing::of(&person(n).actor), &assistant)).collect()
}

async fn carry_out(stage: &Stage, id: &str, act: Act) -> Outcome {
    let deps = stage.deps();
    match act {
        Act::Share(who, whom, level) => {
            outcome(put_share(deps, &person(who), id, (whom, level), NONE).await)
        }
        Act::TakeBack(who, whom) => outcome(delete_share(deps, &person(who), id, whom, NONE).await),
        Act::Give(who, whom) => outcome(change_owner(deps, &person(who), id, whom, NONE).await),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn nobody_ends_above_whoever_let_them_in(acts in prop::collection::vec(act(), 1..24)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let stage = Stage::set().await;
            with_team(&stage).await;
            let id = made(&stage).await;
            let mut model = Model { owner: one(4), shares: BTreeMap::new() };
            for act in acts {
                let (Act::Share(who, ..) | Act::TakeBack(who, _) | Act::Give(who, _)) = act;
                let before = levels(&stage, &id).await;
                let own = before[usize::try_from(who).unwrap() - 2];

                let outcome = carry_out(&stage, &id, act).await;

                assert_eq!(outcome, model.act(act), "{act:?} by one with {own:?}");
                let after = levels(&stage, &id).await;
                let expected: Vec<i64> = (2..=6).map(|n| model.level(n)).collect();
                let ranks: Vec<i64> = after.iter().map(|level| level.rank().into()).collect();
                assert_eq!(ranks, expected, "{act:?}");
                for (n, (before, after)) in (2..).zip(before.iter().zip(&after)) {
                    let below = |level: Level| level < own || own == Level::Owner;
                    assert!(after <= before || below(*after), "{act:?} raised {n} to {after:?}");
                    assert!(after >= before || n == who || below(*before), "{act:?} lowered {n}");
                }
            }
        });
    }
}
