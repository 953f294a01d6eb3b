//! Tokens that are limited to one assistant, as its people see them.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    ApiToken, Email, Scope, TokenKind, TokenText, UserId,
    access::Level,
    usecases::{
        Caller, Deps, Error, Result,
        home::{find_at_home, require_home},
        support::{locate, require_scope},
        tokens::{CreateToken, check_new, make},
    },
};

/// A token of an assistant, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenOfAssistant {
    /// The token.
    pub token: ApiToken,
    /// The log-in name of the user whom it acts as.
    pub username: Email,
}

/// The caller's tokens of an assistant, newest first; everybody's to those who manage
/// it.
///
/// # Errors
///
/// [`Error::NotFound`], [`crate::usecases::Denied::OtherOrganization`].
pub async fn list_assistant_tokens(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
) -> Result<Vec<TokenOfAssistant>> {
    let view = find_at_home(&deps, caller, reference).await?;
    let (tenant, live) = (caller.tenant(), view.record.assistant.lineage());
    let mut tokens = deps.store.directory().assistant_tokens(tenant, live).await?;
    if view.level < Level::Manage {
        tokens.retain(|token| token.user == caller.actor.user);
    }
    let users: BTreeSet<UserId> = tokens.iter().map(|token| token.user).collect();
    let users: Vec<UserId> = users.into_iter().collect();
    let known = deps.store.directory().users_by_id(tenant, &users).await?;
    let names: BTreeMap<UserId, Email> =
        known.into_iter().map(|user| (user.id, user.email)).collect();
    // A user who is gone since took their tokens along.
    let whose = tokens.into_iter().filter_map(|token| {
        let username = names.get(&token.user)?.clone();
        Some(TokenOfAssistant { token, username })
    });
    Ok(whose.collect())
}

/// Makes a token of the caller that reaches this assistant and its draft only.
///
/// # Errors
///
/// As [`super::create_token`], and [`crate::usecases::Denied::OtherOrganization`].
pub async fn create_assistant_token(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    command: CreateToken,
) -> Result<(ApiToken, TokenText)> {
    // Making a token takes the scope `admin`, not that of reading.
    let view = locate(&deps, caller, reference).await?;
    require_home(&view)?;
    require_scope(&caller.actor, Scope::Admin)?;
    let assistant = view.record.assistant.lineage();
    let named = Some(assistant.to_string());
    let command = CreateToken { kind: TokenKind::Assistant, assistant: named, ..command };
    check_new(&command, deps.clock.now())?;
    make(&deps, caller, command, Some(assistant)).await
}

/// Whether somebody's token is of an assistant of the organization that the caller
/// manages. What their credential covers is asked elsewhere.
pub(super) async fn manages(deps: &Deps<'_>, caller: &Caller, token: &ApiToken) -> Result<bool> {
    let Some(assistant) = token.limits.assistant else { return Ok(false) };
    match locate(deps, caller, &assistant.to_string()).await {
        Ok(view) => Ok(view.at_home && view.level >= Level::Manage),
        Err(Error::NotFound(_) | Error::SeatRequired | Error::ApiDisabled) => Ok(false),
        Err(error) => Err(error),
    }
}
