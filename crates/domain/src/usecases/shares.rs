//! With whom an assistant is shared.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    Caller, Denied, Deps, Error, Precondition, Result,
    home::{find_at_home, find_at_home_to_write, names_of},
    support::{lock, on_write, record_about, require_level},
};
use crate::{
    Assistant, AssistantId, Digest, Principal, Share, ShareLevel, access::Level,
    assistant::view::AssistantView, ports::UnitOfWork,
};

/// Most shares of one assistant.
pub const MAX_SHARES: usize = 1_000;

/// What a user or team was given on an assistant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedWith {
    /// The live assistant.
    pub assistant: AssistantId,
    /// Who.
    pub principal: Principal,
    /// What people call them; may be empty.
    pub name: String,
    /// What they have.
    pub share: Share,
}

/// The strong entity tag of a share, without quotes.
#[must_use]
pub fn etag(shared: &SharedWith) -> String {
    let SharedWith { assistant, principal, name, share } = shared;
    let Share { level, created_at, created_by } = share;
    let at = created_at.unix_micros();
    let text = format!("{assistant} {principal} {} {at} {created_by} {name}", level.number());
    Digest::of(text.as_bytes()).to_string().chars().take(32).collect()
}

/// The shares of an assistant, users first. Those of users and teams that are gone
/// give nobody anything and are not told.
///
/// # Errors
///
/// [`Error::NotFound`]; [`Error::Forbidden`] below manage.
pub async fn list_shares(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
) -> Result<Vec<SharedWith>> {
    let view = find_at_home(&deps, caller, reference).await?;
    require_level(&view, Level::Manage)?;
    let authority = view.record.authority();
    let principals = authority.shares.keys().copied();
    let mut names = names_of(&deps, caller.tenant(), principals).await?;
    let told = authority.shares.iter().filter_map(|(&principal, &share)| {
        let name = names.remove(&principal)?;
        Some(SharedWith { assistant: authority.id, principal, name, share })
    });
    Ok(told.collect())
}

/// The share of one user or team.
///
/// # Errors
///
/// As [`list_shares`].
pub async fn view_share(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    principal: Principal,
) -> Result<SharedWith> {
    let view = find_at_home(&deps, caller, reference).await?;
    require_level(&view, Level::Manage)?;
    let authority = view.record.authority();
    let missing = || Error::NotFound("share");
    let share = authority.shares.get(&principal).copied().ok_or_else(missing)?;
    let name = names_of(&deps, caller.tenant(), [principal]).await?.remove(&principal);
    Ok(SharedWith { assistant: authority.id, principal, name: name.ok_or_else(missing)?, share })
}

/// Shares an assistant with a user or team of the organization, or changes what they
/// have; and whether they had nothing before.
///
/// # Errors
///
/// [`Error::NotFound`] also for an unknown user or team; [`Denied::Rank`] when what
/// they have or shall have is not below what the caller has; [`Error::TooMany`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn put_share(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    (principal, level): (Principal, ShareLevel),
    precondition: Precondition,
) -> Result<(SharedWith, bool)> {
    let seen = find_at_home_to_write(&deps, caller, reference, Level::Manage).await?;
    let name = names_of(&deps, caller.tenant(), [principal]).await?.remove(&principal);
    let name = name.ok_or(Error::NotFound("user or team"))?;
    let gone = gone_of(&deps, caller, &seen.record.assistant).await?;

    let mut work = deps.store.begin(caller.tenant()).await?;
    let view = lock(&mut *work, &caller.actor, &seen, Level::Manage).await?;
    let before = &view.record.assistant;
    let had = before.shares.get(&principal).copied();
    let told = |share| SharedWith { assistant: before.id, principal, name: name.clone(), share };
    check(&precondition, had.map(told).as_ref())?;
    require_above(&view, had.map(|share| share.level))?;
    require_above(&view, Some(level))?;
    if let Some(share) = had.filter(|share| share.level == level) {
        return Ok((told(share), false));
    }
    let now = deps.clock.now();
    let created_at = had.map_or(now, |share| share.created_at);
    let share = Share { level, created_at, created_by: caller.actor.user };
    let mut shares = before.shares.clone();
    shares.retain(|principal, _| !gone.contains(principal));
    shares.insert(principal, share);
    if shares.len() > MAX_SHARES {
        return Err(Error::TooMany { what: "shares of an assistant", limit: MAX_SHARES });
    }
    let action = if had.is_some() { "share.updated" } else { "share.created" };
    let values = (had.map(|share| state_of(share.level)), Some(state_of(level)));
    let after = Assistant { shares, ..before.clone() };
    save(&deps, caller, work, after, (action, principal, values)).await?;
    Ok((told(share), had.is_none()))
}

/// Takes back what somebody was given. One's own share may be given up by anybody.
///
/// # Errors
///
/// [`Error::NotFound`], also the second time; [`Error::Forbidden`] below manage,
/// [`Denied::Rank`] when what they have is not below what the caller has.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn delete_share(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    principal: Principal,
    precondition: Precondition,
) -> Result<()> {
    let own = principal == Principal::User(caller.actor.user);
    let needed = if own { Level::View } else { Level::Manage };
    let seen = find_at_home_to_write(&deps, caller, reference, needed).await?;
    let name = names_of(&deps, caller.tenant(), [principal]).await?.remove(&principal);

    let mut work = deps.store.begin(caller.tenant()).await?;
    let view = lock(&mut *work, &caller.actor, &seen, needed).await?;
    let before = &view.record.assistant;
    let had = before.shares.get(&principal).copied();
    let share = had.ok_or(Error::NotFound("share"))?;
    let name = name.unwrap_or_default();
    check(&precondition, Some(&SharedWith { assistant: before.id, principal, name, share }))?;
    if !own {
        require_above(&view, Some(share.level))?;
    }
    let mut shares = before.shares.clone();
    shares.remove(&principal);
    let after = Assistant { shares, ..before.clone() };
    let values = (Some(state_of(share.level)), None);
    save(&deps, caller, work, after, ("share.deleted", principal, values)).await
}

/// Sharing is no change of what the assistant is: its version and the time of its
/// last change stay.
async fn save(
    deps: &Deps<'_>,
    caller: &Caller,
    mut work: Box<dyn UnitOfWork>,
    after: Assistant,
    (action, principal, values): (&str, Principal, (Option<Value>, Option<Value>)),
) -> Result<()> {
    let after = work.assistants().update(after).await.map_err(on_write)?;
    let what = (action, principal.to_string());
    record_about(deps, caller, &mut *work, after.id, what, values).await?;
    Ok(work.commit().await?)
}

/// Nobody grants, changes or takes what is at or above their own level, but owners.
fn require_above(view: &AssistantView, level: Option<ShareLevel>) -> Result<()> {
    let below = level.is_none_or(|level| level.level() < view.level);
    if view.level == Level::Owner || below { Ok(()) } else { Err(Denied::Rank.into()) }
}

fn check(precondition: &Precondition, shared: Option<&SharedWith>) -> Result<()> {
    match shared {
        Some(shared) => precondition.check(&etag(shared)),
        None if *precondition == Precondition::None => Ok(()),
        None => Err(Error::PreconditionFailed),
    }
}

/// Where there is no room any more, whose shares make some: those that are gone.
async fn gone_of(
    deps: &Deps<'_>,
    caller: &Caller,
    assistant: &Assistant,
) -> Result<BTreeSet<Principal>> {
    if assistant.shares.len() < MAX_SHARES {
        return Ok(BTreeSet::new());
    }
    let names = names_of(deps, caller.tenant(), assistant.shares.keys().copied()).await?;
    Ok(assistant.shares.keys().copied().filter(|known| !names.contains_key(known)).collect())
}

fn state_of(level: ShareLevel) -> Value {
    json!({ "accessLevel": level.number() })
}
