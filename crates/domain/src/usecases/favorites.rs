//! What users mark as their favourites. It is nobody else's affair: it is not in the
//! audit log, and assistants of other organizations can be marked as well.

use super::{
    Caller, Deps, Error, Precondition, Result,
    support::{find, find_to_write},
};
use crate::{AssistantId, Timestamp, access::Level};

/// The strong entity tag of a mark, or of there being none, without quotes.
#[must_use]
pub fn etag(since: Option<Timestamp>) -> String {
    since.map_or_else(|| "none".to_owned(), |since| format!("{:x}", since.unix_micros()))
}

/// Since when the assistant is the caller's favourite, if it is.
///
/// # Errors
///
/// [`Error::NotFound`].
pub async fn view_favorite(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
) -> Result<Option<Timestamp>> {
    let view = find(&deps, caller, reference).await?;
    favorite(&deps, caller, view.record.assistant.lineage()).await
}

async fn favorite(
    deps: &Deps<'_>,
    caller: &Caller,
    assistant: AssistantId,
) -> Result<Option<Timestamp>> {
    let (tenant, user) = (caller.tenant(), caller.actor.user);
    Ok(deps.store.labels().favorite(tenant, user, assistant).await?)
}

/// Marks an assistant that the caller may see as their favourite; since when it is,
/// and whether it was not before.
///
/// # Errors
///
/// [`Error::NotFound`]; [`Error::Forbidden`] for tokens that may not write.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn add_favorite(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    precondition: Precondition,
) -> Result<(Timestamp, bool)> {
    let view = find_to_write(&deps, caller, reference, Level::View).await?;
    let assistant = view.record.assistant.lineage();
    let before = favorite(&deps, caller, assistant).await?;
    precondition.check(&etag(before))?;
    if let Some(since) = before {
        return Ok((since, false));
    }
    let now = deps.clock.now();
    let mut work = deps.store.begin(caller.tenant()).await?;
    let added = work.labels().add_favorite(caller.actor.user, assistant, now).await?;
    work.commit().await?;

    if added {
        return Ok((now, true));
    }
    Ok((favorite(&deps, caller, assistant).await?.unwrap_or(now), false))
}

/// Takes the mark away.
///
/// # Errors
///
/// [`Error::NotFound`], also the second time; [`Error::Forbidden`] for tokens that may
/// not write.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn remove_favorite(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    precondition: Precondition,
) -> Result<()> {
    let view = find_to_write(&deps, caller, reference, Level::View).await?;
    let assistant = view.record.assistant.lineage();
    if precondition != Precondition::None {
        precondition.check(&etag(favorite(&deps, caller, assistant).await?))?;
    }
    let mut work = deps.store.begin(caller.tenant()).await?;
    if !work.labels().remove_favorite(caller.actor.user, assistant).await? {
        return Err(Error::NotFound("favorite"));
    }
    Ok(work.commit().await?)
}
