//! What was found out when a run was begun.

use time::Duration;

use super::Run;
use crate::{
    Actor, Organization, OrganizationId, Provider, RunId, Timestamp, UserId,
    assistant::view::AssistantView,
};

/// How long what was found out counts: a run that is taken up later looks again.
const FRESH: Duration = Duration::SECOND;

/// A run that was stored a moment ago, with what was looked up to begin it. Whoever
/// takes it up at once need not look all of it up again.
#[derive(Clone, Debug)]
pub struct Begun {
    /// The run as it is stored.
    pub(crate) run: Run,
    /// Who asked.
    pub(crate) actor: Actor,
    /// Whom: the assistant in the version that answers.
    pub(crate) view: AssistantView,
    /// Who pays.
    pub(crate) organization: Organization,
    /// All its providers.
    pub(crate) providers: Vec<Provider>,
    /// Whether the run begins its thread.
    pub(crate) opens_thread: bool,
    /// When that was so.
    pub(crate) at: Timestamp,
}

impl Begun {
    /// The run and its organization.
    #[must_use]
    pub const fn target(&self) -> (OrganizationId, RunId) {
        (self.run.organization, self.run.id)
    }

    /// Whose run it is.
    #[must_use]
    pub const fn user(&self) -> UserId {
        self.run.user
    }

    /// Whether it is still to be believed. Rights that were lost since then count at
    /// the latest when a stream is judged anew.
    pub(crate) fn is_fresh(&self, now: Timestamp) -> bool {
        now < self.at.plus(FRESH)
    }
}
