//! A generated population: every way of sharing, and everyone it is shared with.

use std::collections::{BTreeMap, BTreeSet};

use understudy_domain::{
    Actor, Assistant, AssistantId, Credential, OrganizationId, Policy, Principal, Role, Share,
    ShareLevel, Tag, TagId, Team, TeamRole, User, UserId,
    access::Standing,
    assistant::{
        content::AssistantKind,
        policy::{AccessMode, Editor, Star},
    },
    ports::Store,
};

use super::stage::add;
use crate::sample::{
    Members, Row, assistant, department, draft_of, instant, organization, share, tag, team, user,
};

const ORGANIZATIONS: u32 = 2;
const USERS: u32 = 7;
const TEAMS: u32 = 3;
const ASSISTANTS: u32 = 45;
const DEPARTMENTS: [&str; 3] = ["Einkauf", "ÄRZTE", "sales"];
const MODES: [AccessMode; 6] = [
    AccessMode::Private,
    AccessMode::Restricted,
    AccessMode::Department,
    AccessMode::Organization,
    AccessMode::Global,
    AccessMode::Public,
];

/// Dice that fall the same in every run: splitmix64.
pub(super) struct Dice(u64);

impl Dice {
    /// Dice for one run.
    pub(super) const fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `sides`.
    pub(super) fn below(&mut self, sides: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u32::try_from((mixed ^ (mixed >> 31)) % u64::from(sides)).unwrap()
    }

    /// Whether something happens that happens once in `times`.
    pub(super) fn once_in(&mut self, times: u32) -> bool {
        self.below(times) == 0
    }

    /// One of `items`.
    pub(super) fn of<T: Copy>(&mut self, items: &[T]) -> T {
        *items
            .get(usize::try_from(self.below(u32::try_from(items.len()).unwrap())).unwrap())
            .unwrap()
    }

    /// Each of `items` with a chance of one in `times`.
    pub(super) fn some_of<T: Copy>(&mut self, times: u32, items: &[T]) -> Vec<T> {
        items.iter().copied().filter(|_| self.once_in(times)).collect()
    }
}

/// Everyone and everything.
#[derive(Default)]
pub(super) struct Population {
    pub(super) users: Vec<User>,
    teams: Vec<Team>,
    /// Live, draft and deleted ones of all organizations.
    pub(super) assistants: Vec<Assistant>,
    /// What users marked, also what they may not view.
    pub(super) favorites: BTreeSet<(UserId, AssistantId)>,
}

impl Population {
    /// Generates a population and saves it.
    pub(super) async fn settle(store: &dyn Store, seed: u64) -> Self {
        let mut dice = Dice::seeded(seed);
        let mut all = Self::default();
        for n in 1..=ORGANIZATIONS {
            all.found(n, &mut dice);
        }
        let mut rows: Vec<Row> = (1..=ORGANIZATIONS).map(|n| organization(n).into()).collect();
        rows.extend((1..=ORGANIZATIONS).flat_map(tags).map(Row::from));
        rows.extend(all.users.iter().cloned().map(Row::from));
        rows.extend(all.teams.iter().cloned().map(Row::from));
        rows.extend(all.assistants.iter().cloned().map(Row::from));
        rows.sort_by_key(Row::organization);
        add(store, rows).await;
        all.mark_favorites(store, &mut dice).await;
        all
    }

    /// A user with their teams, and nothing stored.
    pub(super) fn just(user: User, teams: Vec<Team>) -> Self {
        Self { users: vec![user], teams, ..Self::default() }
    }

    /// Adds organization `n`: two administrators' ranks and three others'.
    fn found(&mut self, n: u32, dice: &mut Dice) {
        let numbers = |count: u32| (1..=count).map(move |i| n * 1_000 + i);
        let users: Vec<User> = numbers(USERS)
            .zip(Role::ALL.into_iter().cycle())
            .map(|(i, role)| User {
                role,
                departments: dice.some_of(2, &DEPARTMENTS).into_iter().map(department).collect(),
                ..user(i).of(n)
            })
            .collect();
        let teams: Vec<Team> = numbers(TEAMS)
            .map(|i| {
                let members =
                    dice.some_of(2, &users.iter().map(|user| user.id).collect::<Vec<_>>());
                let role = |dice: &mut Dice| dice.of(&[TeamRole::Member, TeamRole::Admin]);
                team(i, members.into_iter().map(|user| (user, role(dice)))).of(n)
            })
            .collect();
        for i in numbers(ASSISTANTS) {
            let live = generated(i, n, &users, &teams, dice);
            let has_draft = dice.once_in(3);
            let draft = has_draft.then(|| draft_of(i + 500, &live));
            self.assistants.extend([live].into_iter().chain(draft));
        }
        self.users.extend(users);
        self.teams.extend(teams);
    }

    /// Lets everybody mark some of all live assistants.
    async fn mark_favorites(&mut self, store: &dyn Store, dice: &mut Dice) {
        let live = self.assistants.iter().filter(|assistant| !assistant.is_draft());
        let live: Vec<AssistantId> = live.map(|assistant| assistant.id).collect();
        for user in &self.users {
            let mut work = store.begin(user.organization).await.unwrap();
            for assistant in dice.some_of(3, &live) {
                work.labels().add_favorite(user.id, assistant, instant(1)).await.unwrap();
                self.favorites.insert((user.id, assistant));
            }
            work.commit().await.unwrap();
        }
    }

    /// How a user stands.
    pub(super) fn standing(&self, user: &User) -> Standing {
        let teams = self.teams.iter();
        Standing::of(&Actor {
            user: user.id,
            organization: user.organization,
            email: user.email.clone(),
            name: user.name.clone(),
            role: user.role,
            departments: user.departments.iter().cloned().collect(),
            teams: teams
                .filter_map(|team| team.members.get(&user.id).map(|role| (team.id, *role)))
                .collect(),
            ai_seat: user.ai_seat,
            credential: Credential::Console,
        })
    }

    /// The draft of a live assistant, if `tenant` may know of it.
    pub(super) fn draft(&self, tenant: OrganizationId, live: &Assistant) -> Option<&Assistant> {
        let mut drafts = self.assistants.iter().filter(|draft| draft.organization == tenant);
        drafts.find(|draft| draft.editing.is_some_and(|editing| editing.live == live.id))
    }
}

fn generated(i: u32, n: u32, users: &[User], teams: &[Team], dice: &mut Dice) -> Assistant {
    let ids: Vec<_> = users.iter().map(|user| user.id).collect();
    let of_team = dice.once_in(3);
    let team = teams.get(usize::try_from(dice.below(TEAMS)).unwrap()).unwrap().id;
    let maker = dice.of(&ids);
    let name = format!("{} {i}", dice.of(&["Größe", "ada", "BOB", "100% x_y", "Zoë\\"]));
    let mut assistant = assistant(i, maker, &name).of(n);
    assistant.owner = if of_team { Principal::Team(team) } else { Principal::User(dice.of(&ids)) };
    // Few instants for many assistants, so that sorting has ties to break.
    assistant.created_at = instant(dice.below(6));
    assistant.updated_at = instant(10 + dice.below(6));
    assistant.deleted_at = dice.once_in(8).then(|| instant(99));
    let content = &mut assistant.content;
    content.description = dice.once_in(2).then(|| dice.of(&["Über ALLES", "50 % off"]).to_owned());
    content.kind = dice.of(&[AssistantKind::Custom, AssistantKind::Dispatcher]);
    content.default_model_key = String::from(dice.of(&["gpt-4o", "claude-sonnet-4"]));
    let pairs = dice.some_of(2, &[("env", "prod"), ("größe", "XL"), ("empty", "")]);
    let pairs = pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned()));
    content.metadata = dice.once_in(2).then(|| pairs.collect());
    assistant.policy = generated_policy(&ids, dice);
    assistant.shares = generated_shares(&ids, teams, dice);
    let labels: Vec<TagId> = tags(n).map(|tag| tag.id).collect();
    assistant.tags = dice.some_of(2, &labels).into_iter().collect();
    assistant
}

/// Two tags of organization `n`.
fn tags(n: u32) -> impl Iterator<Item = Tag> {
    (1..=2).map(move |i| tag(n * 1_000 + i).of(n))
}

/// Few shares, so that most assistants stay with their policy.
fn generated_shares(
    users: &[UserId],
    teams: &[Team],
    dice: &mut Dice,
) -> BTreeMap<Principal, Share> {
    let teams: Vec<_> = teams.iter().map(|team| team.id).collect();
    let users = dice.some_of(12, users).into_iter().map(Principal::User);
    let teams = dice.some_of(6, &teams).into_iter().map(Principal::Team);
    let shared = users.chain(teams).collect::<Vec<_>>();
    let levels = [ShareLevel::Read, ShareLevel::Write, ShareLevel::Admin];
    shared.into_iter().map(|principal| (principal, share(dice.of(&levels)))).collect()
}

fn generated_policy(users: &[UserId], dice: &mut Dice) -> Policy {
    let editors = dice.some_of(8, users).into_iter().map(Editor::User);
    let everyone = dice.once_in(12).then_some(Editor::Everyone(Star::Star));
    // Written in another case than the users', because case does not matter.
    let departments = dice.some_of(2, &["EINKAUF", "ärzte", "Sales"]);
    Policy {
        access_mode: dice.of(&MODES),
        access_departments: departments.into_iter().map(department).collect(),
        access_users: dice.some_of(3, users).into_iter().collect(),
        editable_by_users: editors.chain(everyone).collect(),
        visible_in_chat_to_users: dice.some_of(5, users).into_iter().collect(),
        editable_by_roles: dice.some_of(10, &Role::ALL).into_iter().collect(),
        visible_to_roles: dice.some_of(4, &Role::ALL).into_iter().collect(),
        api_enabled: !dice.once_in(4),
        public_enabled: dice.once_in(2),
        is_active: !dice.once_in(3),
    }
}
