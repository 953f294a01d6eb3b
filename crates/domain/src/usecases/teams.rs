//! Administering teams.

use serde_json::{Value, json};

use super::{
    Caller, Conflict, Denied, Deps, Error, Precondition, Result,
    support::{
        fresh, lock_team, on_write, record, require_admin, require_scope, require_unlimited,
    },
};
use crate::{Scope, Team, TeamId, TeamRole, UserId, ports::UnitOfWork};

/// Most characters of a team's name.
pub const MAX_NAME_CHARS: usize = 255;
/// Most members of a team.
pub const MAX_MEMBERS: usize = 10_000;

/// The strong entity tag of a team, without quotes.
#[must_use]
pub fn etag(team: &Team) -> String {
    format!("{:x}", team.revision)
}

/// Makes a team without members.
///
/// # Errors
///
/// [`Error::Invalid`], [`Error::Conflict`] for a taken name, [`Error::Forbidden`]
/// for all but administrators.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn create_team(deps: Deps<'_>, caller: &Caller, name: String) -> Result<Team> {
    require_admin(&caller.actor, Scope::Admin)?;
    let now = deps.clock.now();
    let team = Team {
        id: fresh(&deps),
        organization: caller.tenant(),
        name: parse_name(&name)?,
        members: std::collections::BTreeMap::new(),
        created_at: now,
        updated_at: now,
        revision: 1,
    };
    let mut work = deps.store.begin(caller.tenant()).await?;
    work.teams().insert(&team).await.map_err(on_write)?;
    let values = (None, Some(state_of(&team)));
    record(&deps, caller, &mut *work, "team.created", team.id.to_string(), values).await?;
    work.commit().await?;

    Ok(team)
}

/// The organization's teams; for all but administrators, those that the caller
/// belongs to.
///
/// # Errors
///
/// The store's, or a token's limits.
pub async fn list_teams(deps: Deps<'_>, caller: &Caller) -> Result<Vec<Team>> {
    require_unlimited(&caller.actor)?;
    require_scope(&caller.actor, Scope::Read)?;
    let mut teams = deps.store.directory().teams(caller.tenant()).await?;
    teams.retain(|team| may_see(caller, team));
    Ok(teams)
}

/// A team that the caller may see.
///
/// # Errors
///
/// [`Error::NotFound`].
pub async fn view_team(deps: Deps<'_>, caller: &Caller, id: TeamId) -> Result<Team> {
    require_unlimited(&caller.actor)?;
    require_scope(&caller.actor, Scope::Read)?;
    let team = deps.store.directory().team(caller.tenant(), id).await?;
    team.filter(|team| may_see(caller, team)).ok_or(Error::NotFound("team"))
}

/// Renames a team.
///
/// # Errors
///
/// [`Error::Invalid`], [`Error::Conflict`] for a taken name, [`Error::Forbidden`]
/// for all but administrators of the organization or the team.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn rename_team(
    deps: Deps<'_>,
    caller: &Caller,
    id: TeamId,
    name: String,
    precondition: Precondition,
) -> Result<Team> {
    let mut work = deps.store.begin(caller.tenant()).await?;
    let before = lock_managed(caller, &mut *work, id).await?;
    let name = parse_name(&name)?;
    precondition.check(&etag(&before))?;
    save(&deps, caller, work, &before, Team { name, ..before.clone() }).await
}

/// Removes a team that owns no assistants.
///
/// # Errors
///
/// [`Conflict::TeamOwnsAssistants`], [`Error::NotFound`], [`Error::Forbidden`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn delete_team(
    deps: Deps<'_>,
    caller: &Caller,
    id: TeamId,
    precondition: Precondition,
) -> Result<()> {
    require_admin(&caller.actor, Scope::Admin)?;
    let mut work = deps.store.begin(caller.tenant()).await?;
    let team = lock_team(work.teams(), id).await?;
    precondition.check(&etag(&team))?;
    if work.teams().owns_assistants(id).await? {
        return Err(Conflict::TeamOwnsAssistants.into());
    }
    work.teams().delete(id).await?;
    let values = (Some(state_of(&team)), None);
    record(&deps, caller, &mut *work, "team.deleted", id.to_string(), values).await?;
    Ok(work.commit().await?)
}

/// Adds a user to a team, or changes their role in it; and whether they are new.
///
/// # Errors
///
/// [`Error::NotFound`] for an unknown team or user, [`Error::Forbidden`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn put_member(
    deps: Deps<'_>,
    caller: &Caller,
    id: TeamId,
    user: UserId,
    role: TeamRole,
) -> Result<(Team, bool)> {
    let mut work = deps.store.begin(caller.tenant()).await?;
    let before = lock_managed(caller, &mut *work, id).await?;
    if work.users().known(&[user]).await?.is_empty() {
        return Err(Error::NotFound("user"));
    }
    let mut after = before.clone();
    let created = after.members.insert(user, role).is_none();
    if after.members.len() > MAX_MEMBERS {
        let message = format!("a team has at most {MAX_MEMBERS} members");
        return Err(Error::invalid("", "too_many", message));
    }
    Ok((save(&deps, caller, work, &before, after).await?, created))
}

/// Takes a user out of a team.
///
/// # Errors
///
/// [`Error::NotFound`] for an unknown team or somebody who is no member,
/// [`Error::Forbidden`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn remove_member(
    deps: Deps<'_>,
    caller: &Caller,
    id: TeamId,
    user: UserId,
) -> Result<()> {
    let mut work = deps.store.begin(caller.tenant()).await?;
    let before = lock_managed(caller, &mut *work, id).await?;
    let mut after = before.clone();
    after.members.remove(&user).ok_or(Error::NotFound("member"))?;
    save(&deps, caller, work, &before, after).await?;
    Ok(())
}

async fn save(
    deps: &Deps<'_>,
    caller: &Caller,
    mut work: Box<dyn UnitOfWork>,
    before: &Team,
    after: Team,
) -> Result<Team> {
    if after == *before {
        return Ok(after);
    }
    let after = Team { updated_at: deps.clock.now(), ..after };
    let values = (Some(state_of(before)), Some(state_of(&after)));
    let after = work.teams().update(after).await.map_err(on_write)?;
    let target = after.id.to_string();
    record(deps, caller, &mut *work, "team.updated", target, values).await?;
    work.commit().await?;
    Ok(after)
}

fn may_see(caller: &Caller, team: &Team) -> bool {
    caller.actor.role.is_admin() || team.members.contains_key(&caller.actor.user)
}

/// The team, locked, if the caller manages it: administrators of the organization
/// and of the team. To those who may not see it there is none.
async fn lock_managed(caller: &Caller, work: &mut dyn UnitOfWork, id: TeamId) -> Result<Team> {
    require_unlimited(&caller.actor)?;
    require_scope(&caller.actor, Scope::Admin)?;
    let team = lock_team(work.teams(), id).await?;
    let own = team.members.get(&caller.actor.user);
    if caller.actor.role.is_admin() || own == Some(&TeamRole::Admin) {
        return Ok(team);
    }
    if own.is_none() {
        return Err(Error::NotFound("team"));
    }
    Err(Denied::Role("the role admin in the organization or the team").into())
}

fn parse_name(raw: &str) -> Result<String> {
    let name = raw.trim();
    let chars = name.chars().count();
    if !(1..=MAX_NAME_CHARS).contains(&chars) || name.chars().any(char::is_control) {
        let message =
            format!("must have 1 to {MAX_NAME_CHARS} characters, none of them control characters");
        return Err(Error::invalid("/name", "invalid", message));
    }
    Ok(name.to_owned())
}

fn state_of(team: &Team) -> Value {
    let members: serde_json::Map<String, Value> =
        team.members.iter().map(|(user, role)| (user.to_string(), json!(role))).collect();
    json!({"name": team.name, "members": members})
}
