//! Who owns an assistant, and giving it away.

use super::{
    Caller, Denied, Deps, Error, Precondition, Result,
    home::{find_at_home, find_at_home_to_write, names_of},
    support::{changes_between, event_values, lock, on_write, record_about},
};
use crate::{
    Assistant, Digest, Principal, TeamRole,
    access::{self, Level, Standing},
    assistant::view::AssistantView,
    ports::UnitOfWork,
};

/// Who owns an assistant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The user or team.
    pub principal: Principal,
    /// What people call them; empty when they are gone or have no name.
    pub name: String,
}

/// The strong entity tag of an owner, without quotes.
#[must_use]
pub fn etag(owner: &Owner) -> String {
    let text = format!("{}\n{}", owner.principal, owner.name);
    Digest::of(text.as_bytes()).to_string().chars().take(32).collect()
}

/// The owner of an assistant.
///
/// # Errors
///
/// [`Error::NotFound`], [`Denied::OtherOrganization`].
pub async fn view_owner(deps: Deps<'_>, caller: &Caller, reference: &str) -> Result<Owner> {
    let view = find_at_home(&deps, caller, reference).await?;
    named(&deps, caller, view.record.authority().owner).await
}

async fn named(deps: &Deps<'_>, caller: &Caller, principal: Principal) -> Result<Owner> {
    let name = names_of(deps, caller.tenant(), [principal]).await?.remove(&principal);
    Ok(Owner { principal, name: name.unwrap_or_default() })
}

/// Gives an assistant to somebody else. Its maker stays its maker, and with that an
/// owner. The precondition may name the state of the owner or of the assistant.
///
/// # Errors
///
/// [`Error::Invalid`] unless the new owner is an enabled user or a team of the
/// organization; [`Error::Forbidden`] below owner, and for a team that the caller
/// does not administer.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn change_owner(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    owner: Principal,
    precondition: Precondition,
) -> Result<AssistantView> {
    let seen = find_at_home_to_write(&deps, caller, reference, Level::Owner).await?;
    let known = seen.record.assistant.owner;
    let tag = etag(&named(&deps, caller, known).await?);

    let mut work = deps.store.begin(caller.tenant()).await?;
    // Before the assistant: whoever removes a team has locked it when they ask
    // whether it owns any.
    require_receiver(caller, &mut *work, owner).await?;
    let mut view = lock(&mut *work, &caller.actor, &seen, Level::Owner).await?;
    let before = view.record.assistant.clone();
    if precondition.check(&view.etag()).is_err() {
        precondition.check(&tag)?;
        if before.owner != known {
            return Err(Error::PreconditionFailed);
        }
    }
    if before.owner == owner {
        return Ok(view);
    }
    let after = Assistant { owner, updated_at: deps.clock.now(), ..before.clone() };
    let after = work.assistants().update(after).await.map_err(on_write)?;
    let values = event_values(&changes_between(&before, &after));
    let what = ("assistant.owner_changed", after.id.to_string());
    record_about(&deps, caller, &mut *work, after.id, what, values).await?;
    work.commit().await?;

    // Whoever gave it away may have less now.
    view.level = access::level(&Standing::of(&caller.actor), &after);
    view.record.assistant = after;
    Ok(view)
}

/// Refuses owners that there are not, and teams that the caller does not administer:
/// giving needs rights on both sides.
async fn require_receiver(
    caller: &Caller,
    work: &mut dyn UnitOfWork,
    owner: Principal,
) -> Result<()> {
    let unknown = || {
        let message = "must be an enabled user or a team of the organization";
        Error::invalid("/ownerId", "unknown", message)
    };
    match owner {
        Principal::User(user) => {
            let user = work.users().find(user).await?;
            if user.is_some_and(|user| !user.disabled) { Ok(()) } else { Err(unknown()) }
        }
        Principal::Team(team) => {
            let team = work.teams().find(team).await?.ok_or_else(unknown)?;
            let own = team.members.get(&caller.actor.user);
            if caller.actor.role.is_admin() || own == Some(&TeamRole::Admin) {
                return Ok(());
            }
            Err(Denied::Role("the role admin in the organization or the team").into())
        }
    }
}
