//! What the user of a run may do, looked up anew: rights that were lost count at the
//! next step (safety.md, 'Models and tools').

use super::super::{
    Caller, Conflict, Deps, Error, Origin, Result,
    sessions::admit,
    support::{locate, require_level, require_scope},
};
use crate::{
    AssistantId, Credential, Scope,
    access::Level,
    assistant::view::AssistantView,
    ports::Proof,
    run::{Run, RunCredential},
};

/// By what a caller's rights are looked up again.
pub(super) fn credential_of(caller: &Caller) -> Result<RunCredential> {
    match &caller.actor.credential {
        Credential::Session(id) => Ok(RunCredential::Session(*id)),
        Credential::Token { id, .. } => Ok(RunCredential::Token(*id)),
        // The operator's console asks no assistants.
        Credential::Console => Err(Error::Unauthenticated),
    }
}

/// The user of a run as they are now.
pub(super) async fn caller_of(deps: &Deps<'_>, run: &Run) -> Result<Caller> {
    let proof = match run.credential {
        RunCredential::Session(id) => Proof::Session(id),
        RunCredential::Token(id) => Proof::KnownToken(id),
    };
    let origin = Origin { address: run.address, request_id: None };
    let found = deps.store.callers().find(proof).await?.ok_or(Error::Unauthenticated)?;
    let caller = admit(deps, found, &origin)?;
    if caller.actor.user == run.user { Ok(caller) } else { Err(Error::Unauthenticated) }
}

/// The assistant with this id, if the caller may run it.
pub(super) async fn runnable(
    deps: &Deps<'_>,
    caller: &Caller,
    assistant: AssistantId,
) -> Result<AssistantView> {
    runnable_by_name(deps, caller, &assistant.to_string()).await
}

/// The assistant that a path names, if the caller may run it.
pub(super) async fn runnable_by_name(
    deps: &Deps<'_>,
    caller: &Caller,
    reference: &str,
) -> Result<AssistantView> {
    let view = locate(deps, caller, reference).await?;
    require_scope(&caller.actor, Scope::Run)?;
    if !view.record.authority().policy.is_active {
        return Err(Conflict::NotActive.into());
    }
    Ok(view)
}

/// The assistant as it was in the version that is asked for, if one is. Versions are
/// for those who may edit.
pub(super) async fn at_version(
    deps: &Deps<'_>,
    caller: &Caller,
    mut view: AssistantView,
    version: Option<u32>,
) -> Result<AssistantView> {
    let Some(number) = version else { return Ok(view) };
    require_level(&view, Level::Edit)?;
    let lineage = view.record.assistant.lineage();
    let found = deps.store.assistants().version(caller.tenant(), lineage, number).await?;
    let found = found.ok_or(Error::NotFound("version"))?;
    let assistant = &mut view.record.assistant;
    (assistant.content, assistant.version) = (found.content, number);
    Ok(view)
}
