//! Makes an assistant the organization's default.

use crate::{
    Assistant,
    access::Level,
    assistant::view::AssistantView,
    usecases::{
        Caller, Conflict, Deps, Error, Result,
        support::{changes_between, event_values, find_to_write, lock, on_write, record_about},
    },
};

/// Makes an assistant the default, and takes that from the one that was.
///
/// # Errors
///
/// [`Error::Conflict`] for an inactive one or a draft's live one gone meanwhile;
/// [`Error::Forbidden`] below manage.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn set_default_assistant(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
) -> Result<AssistantView> {
    let seen = find_to_write(&deps, caller, reference, Level::Manage).await?;
    if seen.record.assistant.is_draft() {
        return Err(Error::invalid("", "not_on_draft", "a draft cannot be the default"));
    }
    // Another caller may take the default between our two statements; then one more
    // try finds the state that they left.
    match set(&deps, caller, &seen).await {
        Err(Error::Conflict(Conflict::Concurrent)) => set(&deps, caller, &seen).await,
        other => other,
    }
}

async fn set(deps: &Deps<'_>, caller: &Caller, seen: &AssistantView) -> Result<AssistantView> {
    let mut work = deps.store.begin(caller.tenant()).await?;
    let mut view = lock(&mut *work, &caller.actor, seen, Level::Manage).await?;
    let before = view.record.assistant.clone();
    if before.is_default {
        return Ok(view);
    }
    if !before.policy.is_active {
        return Err(Conflict::Inactive.into());
    }
    work.assistants().clear_default().await?;
    let after = Assistant { is_default: true, updated_at: deps.clock.now(), ..before.clone() };
    let after = work.assistants().update(after).await.map_err(on_write)?;
    let values = event_values(&changes_between(&before, &after));
    let what = ("assistant.default_set", after.id.to_string());
    record_about(deps, caller, &mut *work, after.id, what, values).await?;
    work.commit().await?;

    view.record.assistant = after;
    Ok(view)
}
