//! Reads an assistant.

use crate::{
    Scope,
    assistant::{AssistantRef, view::AssistantView},
    ports::Proof,
    usecases::{
        Caller, Deps, Error, Origin, Result,
        sessions::admit,
        support::{find, judge, require_scope, require_seat},
    },
};

/// Authenticates a caller and reads an assistant, in one round trip.
///
/// # Errors
///
/// [`Error::Unauthenticated`], [`Error::SeatRequired`], [`Error::ApiDisabled`],
/// or [`Error::NotFound`] when there is none that the caller may see.
pub async fn read_assistant(
    deps: Deps<'_>,
    proof: Proof,
    origin: &Origin,
    reference: &str,
) -> Result<(Caller, AssistantView)> {
    let Some(reference) = AssistantRef::parse(reference) else {
        let caller = super::super::sessions::authenticate(deps, proof, origin).await?;
        require_seat(&caller.actor)?;
        return Err(Error::NotFound("assistant"));
    };
    let found = deps.store.callers().find_with_assistant(proof, &reference).await?;
    let (caller, found) = found.ok_or(Error::Unauthenticated)?;
    let caller = admit(&deps, caller, origin)?;
    require_seat(&caller.actor)?;
    require_scope(&caller.actor, Scope::Read)?;
    let view = judge(&caller.actor, found.ok_or(Error::NotFound("assistant"))?)?;
    Ok((caller, view))
}

/// Reads an assistant for a caller who is known.
///
/// # Errors
///
/// As [`read_assistant`], but for the credential.
pub async fn view_assistant(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
) -> Result<AssistantView> {
    find(&deps, caller, reference).await
}
