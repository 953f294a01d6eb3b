//! Who may do what with an assistant (assistant.md, 'who may do what').
//!
//! One definition serves single reads and lists: an assistant has an *audience*
//! (keys with levels), a caller has *keys*; the highest level among common keys
//! is the caller's. Stores index the audience, so that a list costs what a page
//! costs.

use std::fmt;

use crate::{
    Actor, Assistant, OrganizationId, Principal, Role, TeamRole, assistant::policy::AccessMode,
    assistant::policy::Editor,
};

/// What a caller may do with an assistant; higher includes lower.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Nothing; it answers as if it did not exist.
    None,
    /// Read and run it.
    View,
    /// Change its content (`assistant:write`).
    Edit,
    /// Change its policy, delete it (`assistant:share`, `assistant:delete`).
    Manage,
    /// Give it away (`assistant:changeOwner`).
    Owner,
}

impl Level {
    /// 0 for none to 4 for owner, as stores keep it.
    #[must_use]
    pub const fn rank(self) -> i16 {
        match self {
            Self::None => 0,
            Self::View => 1,
            Self::Edit => 2,
            Self::Manage => 3,
            Self::Owner => 4,
        }
    }
}

/// Where an audience key is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Realm {
    /// Callers of this organization.
    Organization(OrganizationId),
    /// Callers of every organization.
    Everywhere,
}

/// A set of callers, as text: `everyone`, `user:<uuid>`, `team:<uuid>`,
/// `team-admin:<uuid>`, `role:<role>`, `dept:<lower-case name>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AudienceKey(String);

impl AudienceKey {
    /// Every caller of the realm.
    #[must_use]
    pub fn everyone() -> Self {
        Self("everyone".to_owned())
    }

    fn role(role: Role) -> Self {
        Self(format!("role:{role}"))
    }

    fn user(user: crate::UserId) -> Self {
        Self(format!("user:{}", user.as_uuid().simple()))
    }

    fn team(team: crate::TeamId, role: TeamRole) -> Self {
        let kind = match role {
            TeamRole::Member => "team",
            TeamRole::Admin => "team-admin",
        };
        Self(format!("{kind}:{}", team.as_uuid().simple()))
    }

    fn department(department: &crate::Department) -> Self {
        Self(format!("dept:{}", department.key()))
    }

    /// The text, as stores keep it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AudienceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// That callers with a key have a level.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// Where the callers are.
    pub realm: Realm,
    /// Which callers.
    pub key: AudienceKey,
    /// What they may do.
    pub level: Level,
}

/// What of a caller decides about access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The caller's organization.
    pub organization: OrganizationId,
    /// Whether the caller's role makes them owner of all in the organization.
    pub administers: bool,
    /// The caller's keys within the organization, `everyone` included.
    pub keys: Vec<AudienceKey>,
}

impl Standing {
    /// The standing of an actor.
    #[must_use]
    pub fn of(actor: &Actor) -> Self {
        let mut keys = vec![
            AudienceKey::everyone(),
            AudienceKey::user(actor.user),
            AudienceKey::role(actor.role),
        ];
        keys.extend(actor.departments.iter().map(AudienceKey::department));
        for &(team, role) in &actor.teams {
            keys.push(AudienceKey::team(team, TeamRole::Member));
            if role == TeamRole::Admin {
                keys.push(AudienceKey::team(team, TeamRole::Admin));
            }
        }
        keys.sort();
        keys.dedup();
        Self { organization: actor.organization, administers: actor.role.is_admin(), keys }
    }
}

/// Everyone who may reach a live assistant, each key once with its highest
/// level, in the order of keys. Administrators of the organization are not
/// listed: they own everything in it.
#[must_use]
pub fn audience(assistant: &Assistant) -> Vec<Grant> {
    let mut best = std::collections::BTreeMap::new();
    for (realm, key, level) in grants(assistant) {
        let entry = best.entry((realm, key)).or_insert(level);
        *entry = level.max(*entry);
    }
    best.into_iter().map(|((realm, key), level)| Grant { realm, key, level }).collect()
}

/// Every reason for which somebody may reach a live assistant; a key may have
/// several.
fn grants(assistant: &Assistant) -> Vec<(Realm, AudienceKey, Level)> {
    let home = Realm::Organization(assistant.organization);
    let policy = &assistant.policy;
    let mut grants = vec![(home, AudienceKey::user(assistant.created_by), Level::Owner)];
    grants.push(match assistant.owner {
        Principal::User(user) => (home, AudienceKey::user(user), Level::Owner),
        Principal::Team(team) => (home, AudienceKey::team(team, TeamRole::Admin), Level::Owner),
    });
    if let Principal::Team(team) = assistant.owner {
        grants.push((home, AudienceKey::team(team, TeamRole::Member), Level::View));
    }
    grants.extend(assistant.shares.iter().map(|(principal, share)| {
        let key = match *principal {
            Principal::User(user) => AudienceKey::user(user),
            Principal::Team(team) => AudienceKey::team(team, TeamRole::Member),
        };
        (home, key, share.level.level())
    }));
    grants.extend(policy.editable_by_users.iter().map(|editor| match editor {
        Editor::User(user) => (home, AudienceKey::user(*user), Level::Edit),
        Editor::Everyone(_) => (home, AudienceKey::everyone(), Level::Edit),
    }));
    grants.extend(
        policy.editable_by_roles.iter().map(|role| (home, AudienceKey::role(*role), Level::Edit)),
    );
    let by_role =
        policy.visible_to_roles.iter().map(|role| (home, AudienceKey::role(*role), Level::View));
    match policy.access_mode {
        AccessMode::Private => {}
        AccessMode::Restricted => {
            let users = policy.access_users.iter();
            grants.extend(users.map(|user| (home, AudienceKey::user(*user), Level::View)));
            grants.extend(by_role);
        }
        AccessMode::Department => {
            let departments = policy.access_departments.iter();
            grants.extend(departments.map(|d| (home, AudienceKey::department(d), Level::View)));
            grants.extend(by_role);
        }
        AccessMode::Organization => grants.push((home, AudienceKey::everyone(), Level::View)),
        AccessMode::Global | AccessMode::Public => {
            grants.push((home, AudienceKey::everyone(), Level::View));
            grants.push((Realm::Everywhere, AudienceKey::everyone(), Level::View));
        }
    }
    grants
}

/// What a caller with this standing may do with a live assistant. Seats, token
/// limits and `api_enabled` are checked beside it.
#[must_use]
pub fn level(standing: &Standing, assistant: &Assistant) -> Level {
    let at_home = standing.organization == assistant.organization;
    if at_home && standing.administers {
        return Level::Owner;
    }
    let applies = |(realm, key, _): &(Realm, AudienceKey, Level)| match realm {
        Realm::Organization(_) => at_home && standing.keys.contains(key),
        Realm::Everywhere => true,
    };
    let levels = grants(assistant).into_iter().filter(applies).map(|(_, _, level)| level);
    levels.max().unwrap_or(Level::None)
}
