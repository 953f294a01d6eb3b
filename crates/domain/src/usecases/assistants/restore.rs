//! Brings a deleted assistant back.

use time::Duration;

use crate::{
    Assistant, Scope,
    access::{self, Level, Standing},
    assistant::{AssistantRef, view::AssistantView},
    ports::AssistantRecord,
    usecases::{
        Caller, Conflict, Denied, Deps, Error, Result,
        organization::require_room_for_assistant,
        support::{
            changes_between, event_values, on_write, record_about, require_scope, require_seat,
        },
    },
};

/// How long a deleted assistant can be restored.
pub const RESTORABLE_FOR: Duration = Duration::days(30);

/// Brings a deleted assistant back as it was.
///
/// # Errors
///
/// [`Error::NotFound`] when it was never there, is another's, or was deleted more
/// than [`RESTORABLE_FOR`] ago; [`Error::Conflict`] when it is not deleted or its
/// name was taken since.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn restore_assistant(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
) -> Result<AssistantView> {
    let actor = &caller.actor;
    let missing = || Error::NotFound("assistant");
    require_seat(actor)?;
    let reference = AssistantRef::parse(reference).ok_or_else(missing)?;
    let seen = deps.store.assistants().find(caller.tenant(), &reference).await?;
    let seen = seen.filter(|seen| !seen.assistant.is_draft()).ok_or_else(missing)?;
    require_ownership(caller, &seen.assistant)?;
    require_scope(actor, Scope::Write)?;

    let mut work = deps.store.begin(caller.tenant()).await?;
    if seen.assistant.deleted_at.is_some() {
        require_room_for_assistant(&mut *work).await?;
    }
    let before = work.assistants().find(seen.assistant.id).await?.ok_or_else(missing)?;
    require_ownership(caller, &before)?;
    let now = deps.clock.now();
    match before.deleted_at {
        None => return Err(Conflict::NotDeleted.into()),
        Some(at) if now.since(at) > RESTORABLE_FOR => return Err(missing()),
        Some(_) => {}
    }
    let after = Assistant { deleted_at: None, updated_at: now, ..before.clone() };
    let after = work.assistants().update(after).await.map_err(on_write)?;
    let values = event_values(&changes_between(&before, &after));
    let what = ("assistant.restored", after.id.to_string());
    record_about(&deps, caller, &mut *work, after.id, what, values).await?;
    work.commit().await?;

    let record = AssistantRecord { assistant: after, live: None, draft: None };
    Ok(AssistantView { record, level: Level::Owner, at_home: true })
}

/// To all but owners a deleted assistant is gone; who may see a live one learns
/// that it takes an owner.
fn require_ownership(caller: &Caller, assistant: &Assistant) -> Result<()> {
    let only = caller.actor.only_assistant();
    let level = access::level(&Standing::of(&caller.actor), assistant);
    if only.is_some_and(|only| only != assistant.id) {
        return Err(Error::NotFound("assistant"));
    }
    match level {
        Level::Owner => Ok(()),
        Level::None => Err(Error::NotFound("assistant")),
        _ if assistant.deleted_at.is_some() => Err(Error::NotFound("assistant")),
        _ => Err(Denied::Level { needed: Level::Owner }.into()),
    }
}
