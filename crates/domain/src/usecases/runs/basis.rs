//! What a run stands on: who asks whom, who pays, and who may be asked.

use super::rights;
use crate::{
    Organization, Provider, Run,
    assistant::view::AssistantView,
    run::Begun,
    usecases::{Caller, Deps, Error, Origin, Result},
};

/// What a run stands on.
pub(super) struct Basis {
    /// Who asks.
    pub(super) caller: Caller,
    /// Who answers.
    pub(super) view: AssistantView,
    /// The caller's organization.
    pub(super) organization: Organization,
    /// Its providers.
    pub(super) providers: Vec<Provider>,
    /// Whether nothing was said in the run's thread before.
    pub(super) opens_thread: bool,
}

impl Basis {
    /// The run that was begun a moment ago, and what was found out then.
    pub(super) fn of(begun: Begun) -> (Run, Self) {
        let Begun { run, actor, view, organization, providers, opens_thread, at: _ } = begun;
        let origin = Origin { address: run.address, request_id: None };
        let caller = Caller { actor, origin };
        (run, Self { caller, view, organization, providers, opens_thread })
    }

    /// All of it, looked up now.
    ///
    /// # Errors
    ///
    /// [`Error`] also when the user may not ask the assistant any more.
    pub(super) async fn look_up(deps: &Deps<'_>, run: &Run) -> Result<Self> {
        let caller = rights::caller_of(deps, run).await?;
        let view = rights::runnable(deps, &caller, run.assistant).await?;
        let view = rights::at_version(deps, &caller, view, run.request.version).await?;
        Self::around(deps, caller, view).await
    }

    /// What is to be looked up beside these two.
    pub(super) async fn around(
        deps: &Deps<'_>,
        caller: Caller,
        view: AssistantView,
    ) -> Result<Self> {
        let organization = deps.store.directory().organization(caller.tenant()).await?;
        let organization = organization.ok_or(Error::NotFound("organization"))?;
        let providers = deps.store.content().providers(caller.tenant()).await?;
        Ok(Self { caller, view, organization, providers, opens_thread: false })
    }
}
