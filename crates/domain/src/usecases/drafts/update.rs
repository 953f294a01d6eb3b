//! Changes a draft under its live assistant's name.

use super::find_draft;
use crate::{
    Scope,
    assistant::view::AssistantView,
    ports::Vault,
    usecases::{
        Caller, Deps, Result,
        assistants::{UpdateAssistant, update},
    },
};

/// Changes the draft of the live assistant that `reference` names.
///
/// # Errors
///
/// As [`crate::usecases::assistants::update_assistant`], and
/// [`crate::usecases::Error::NotFound`] when there is no draft.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn update_draft(
    deps: Deps<'_>,
    vault: &dyn Vault,
    caller: &Caller,
    reference: &str,
    command: UpdateAssistant,
) -> Result<AssistantView> {
    let seen = find_draft(&deps, caller, reference, Scope::Write).await?;
    update(&deps, vault, caller, &seen, command).await
}
