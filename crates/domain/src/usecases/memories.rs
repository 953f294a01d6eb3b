//! What assistants remember of their users. Each user sees and removes what is about
//! them, and nobody else does.

use super::{
    Caller, Deps, Error, Result,
    support::{find, find_to_write, record_about},
};
use crate::{Memory, MemoryId, access::Level};

/// Most memories that are told; there are never more of one user.
const MAX_TOLD: u32 = 1_000;

/// What an assistant remembers of the caller, newest first. A draft remembers what its
/// live assistant does.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::SeatRequired`].
pub async fn list_memories(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
) -> Result<Vec<Memory>> {
    let live = find(&deps, caller, reference).await?.record.assistant.lineage();
    let queries = deps.store.conversations();
    Ok(queries.memories(caller.tenant(), live, caller.actor.user, MAX_TOLD).await?)
}

/// Makes an assistant forget something of the caller.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::SeatRequired`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn delete_memory(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    id: MemoryId,
) -> Result<()> {
    let seen = find_to_write(&deps, caller, reference, Level::View).await?;
    let live = seen.record.assistant.lineage();
    let mut work = deps.store.begin(caller.tenant()).await?;
    if !work.conversations().delete_memory(live, caller.actor.user, id).await? {
        return Err(Error::NotFound("memory"));
    }
    let what = ("memory.deleted", id.to_string());
    record_about(&deps, caller, &mut *work, live, what, (None, None)).await?;
    Ok(work.commit().await?)
}

/// Makes an assistant forget all that it remembers of the caller.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::SeatRequired`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn delete_memories(deps: Deps<'_>, caller: &Caller, reference: &str) -> Result<()> {
    let seen = find_to_write(&deps, caller, reference, Level::View).await?;
    let live = seen.record.assistant.lineage();
    let mut work = deps.store.begin(caller.tenant()).await?;
    if work.conversations().delete_memories(live, caller.actor.user).await? == 0 {
        return Ok(());
    }
    let what = ("memories.deleted", live.to_string());
    record_about(&deps, caller, &mut *work, live, what, (None, None)).await?;
    Ok(work.commit().await?)
}
