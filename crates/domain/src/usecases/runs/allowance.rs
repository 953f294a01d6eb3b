//! What a run may still use of its budgets while it is on its way.

use super::{scene::Scene, start::subjects_of, working::Working};
use crate::usecases::{Result, budgets};

/// Refuses a further step or call when a budget has nothing left for the run: what it
/// set aside at its start is for one step, and it may take many (safety.md).
///
/// # Errors
///
/// [`Error::BudgetExceeded`](crate::usecases::Error::BudgetExceeded).
pub(super) async fn require(working: &Working<'_>, scene: &Scene) -> Result<()> {
    let settings = &scene.plan.organization.settings;
    if settings.budgets.is_empty() {
        return Ok(());
    }
    let Some(run) = working.snapshot() else { return Ok(()) };
    budgets::require_left(&working.run.deps, (settings, &run), subjects_of(&run)).await
}
