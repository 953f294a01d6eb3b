//! Shows what a commit would change.

use super::find_draft;
use crate::{
    Scope,
    diff::{self, Diff},
    usecases::{Caller, Deps, Result},
};

/// What committing the draft would change in the live assistant, if nobody else
/// changes that first.
///
/// # Errors
///
/// [`crate::usecases::Error::NotFound`] when there is no draft.
pub async fn diff_draft(deps: Deps<'_>, caller: &Caller, reference: &str) -> Result<Diff> {
    let draft = find_draft(&deps, caller, reference, Scope::Read).await?;
    let live = draft.record.authority();
    Ok(diff::diff(&live.content, &draft.record.assistant.content))
}
