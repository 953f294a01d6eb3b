//! Deletes an assistant softly, or discards a draft named by its own id.

use crate::{
    Assistant,
    access::Level,
    usecases::{
        Caller, Deps, Precondition, Result,
        drafts::discard,
        support::{
            changes_between, event_values, find_to_write, lock_matching, on_write, record_about,
        },
    },
};

/// Deletes an assistant. Its owners can restore it for 30 days; its draft goes
/// for good.
///
/// # Errors
///
/// [`crate::usecases::Error::NotFound`], also the second time;
/// [`crate::usecases::Error::Forbidden`] below manage.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn delete_assistant(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    precondition: Precondition,
) -> Result<()> {
    let seen = find_to_write(&deps, caller, reference, Level::Edit).await?;
    if seen.record.assistant.is_draft() {
        return discard(&deps, caller, &seen, &precondition).await;
    }
    crate::usecases::support::require_level(&seen, Level::Manage)?;

    let mut work = deps.store.begin(caller.tenant()).await?;
    let view =
        lock_matching(&mut *work, &caller.actor, &seen, Level::Manage, &precondition).await?;
    if let Some(draft) = view.record.draft {
        work.assistants().delete_draft(draft.id).await?;
    }
    // Others may show it on their pages; it must not outlive what it belongs to.
    if let Some(avatar) = work.images().find_avatar(view.record.assistant.id).await? {
        work.images().delete(avatar.id).await?;
    }
    let before = view.record.assistant;
    let now = deps.clock.now();
    let after =
        Assistant { deleted_at: Some(now), updated_at: now, is_default: false, ..before.clone() };
    let after = work.assistants().update(after).await.map_err(on_write)?;
    let values = event_values(&changes_between(&before, &after));
    let what = ("assistant.deleted", after.id.to_string());
    record_about(&deps, caller, &mut *work, after.id, what, values).await?;
    Ok(work.commit().await?)
}
