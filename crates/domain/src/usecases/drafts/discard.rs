//! Throws a draft away.

use super::find_draft;
use crate::{
    Scope,
    access::Level,
    assistant::view::AssistantView,
    usecases::{
        Caller, Deps, Precondition, Result,
        support::{event_values, lock_matching, record_about},
    },
};

/// Throws the draft away; the live assistant stays as it is.
///
/// # Errors
///
/// [`crate::usecases::Error::NotFound`] when there is none,
/// [`crate::usecases::Error::PreconditionFailed`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn discard_draft(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    precondition: Precondition,
) -> Result<()> {
    let seen = find_draft(&deps, caller, reference, Scope::Write).await?;
    discard(&deps, caller, &seen, &precondition).await
}

/// Throws away a draft that was found.
pub(in crate::usecases) async fn discard(
    deps: &Deps<'_>,
    caller: &Caller,
    seen: &AssistantView,
    precondition: &Precondition,
) -> Result<()> {
    let mut work = deps.store.begin(caller.tenant()).await?;
    let view = lock_matching(&mut *work, &caller.actor, seen, Level::Edit, precondition).await?;
    work.assistants().delete_draft(view.record.assistant.id).await?;
    let live = view.record.assistant.lineage();
    let what = ("draft.discarded", live.to_string());
    record_about(deps, caller, &mut *work, live, what, event_values(&[])).await?;
    Ok(work.commit().await?)
}
