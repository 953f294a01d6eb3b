//! Which automations an assistant may name.

use crate::{
    Content, Fault,
    ports::UnitOfWork,
    usecases::{Error, Result},
};

/// Refuses a content that names new automations which the organization does not have,
/// or which are switched off. Those that it named before may stay.
///
/// # Errors
///
/// [`Error::Invalid`] with every one of them.
pub(in crate::usecases) async fn require_known_automations(
    work: &mut dyn UnitOfWork,
    before: Option<&Content>,
    after: &Content,
) -> Result<()> {
    let named =
        |content: &Content, id: &String| content.tool_configurations.streamline_tools.contains(id);
    let mut faults = Vec::new();
    for (index, id) in after.tool_configurations.streamline_tools.iter().enumerate() {
        if before.is_some_and(|before| named(before, id)) {
            continue;
        }
        let found = match id.parse() {
            Ok(id) => work.automations().find(id).await?,
            Err(_) => None,
        };
        if !found.is_some_and(|automation| automation.is_active) {
            let at = format!("/tool_configurations/streamlineTools/{index}");
            let message = "must be the id of an active automation of the organization";
            faults.push(Fault::new(at, "unknown", message));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
}
