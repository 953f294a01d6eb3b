//! Making and revoking API tokens.

mod of_assistant;

use std::collections::BTreeSet;

use ipnet::IpNet;
use serde_json::{Value, json};
use time::Duration;

use self::of_assistant::manages;
pub use self::of_assistant::{TokenOfAssistant, create_assistant_token, list_assistant_tokens};
use super::{
    Caller, Denied, Deps, Error, Precondition, Result,
    organization::{require_room, settings},
    support::{find, fresh, on_write, record, record_about, require_scope, require_unlimited},
};
use crate::{
    ApiToken, AssistantId, Credential, Fault, Scope, Timestamp, TokenId, TokenKind, TokenLimits,
    TokenText,
    ports::{Counted, UnitOfWork},
};

/// Most characters of a token's notes.
pub const MAX_NOTES_CHARS: usize = 1_000;

const SECONDS_OF_A_DAY: i64 = 86_400;

/// A new token.
#[derive(Clone, Debug)]
pub struct CreateToken {
    /// Personal, or of one assistant.
    pub kind: TokenKind,
    /// What it is for.
    pub notes: String,
    /// Whether it refuses every change and every run.
    pub read_only: bool,
    /// The one assistant it reaches, as a path names it; needed for
    /// [`TokenKind::Assistant`].
    pub assistant: Option<String>,
    /// The addresses it is taken from.
    pub cidr: Option<IpNet>,
    /// What it may be used for; all when `None`.
    pub scopes: Option<BTreeSet<Scope>>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

/// A change to a token; what is `None` stays.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "as in CreateToken")]
pub struct UpdateToken {
    pub notes: Option<String>,
    pub read_only: Option<bool>,
    pub cidr: Option<Option<IpNet>>,
    pub scopes: Option<BTreeSet<Scope>>,
    pub expires_at: Option<Option<Timestamp>>,
    /// What the caller demands of the state.
    pub precondition: Precondition,
}

/// The strong entity tag of a token, without quotes.
#[must_use]
pub fn etag(token: &ApiToken) -> String {
    format!("{:x}", token.updated_at.unix_micros())
}

/// Makes a token of the caller. Its limits are what was asked within what the
/// caller's own credential has, so that no token makes a stronger one.
///
/// The text is returned once and never again.
///
/// # Errors
///
/// [`Error::Invalid`] with every fault, and for a token that would outlast what the
/// organization allows; [`Error::NotFound`] for an assistant that the caller cannot
/// see, [`Error::Forbidden`] for tokens without scope `admin`, [`Error::TooMany`] for
/// more tokens than the organization allows.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn create_token(
    deps: Deps<'_>,
    caller: &Caller,
    command: CreateToken,
) -> Result<(ApiToken, TokenText)> {
    require_scope(&caller.actor, Scope::Admin)?;
    check_new(&command, deps.clock.now())?;
    let assistant = match &command.assistant {
        Some(reference) => Some(find(&deps, caller, reference).await?.record.assistant.lineage()),
        None => None,
    };
    make(&deps, caller, command, assistant).await
}

/// Makes a token that was checked, of this live assistant if any.
async fn make(
    deps: &Deps<'_>,
    caller: &Caller,
    command: CreateToken,
    assistant: Option<AssistantId>,
) -> Result<(ApiToken, TokenText)> {
    let CreateToken { kind: _, notes, read_only, assistant: _, cidr, scopes, expires_at } = command;
    let now = deps.clock.now();
    let scopes = scopes.unwrap_or_else(|| Scope::ALL.into_iter().collect());
    let asked = TokenLimits { read_only, assistant, cidr, scopes, expires_at };
    let limits = within(asked, caller.actor.limits())?;
    let text = TokenText::from_random(deps.ids.random());
    let token = ApiToken {
        id: fresh(deps),
        organization: caller.tenant(),
        user: caller.actor.user,
        kind: if limits.assistant.is_some() { TokenKind::Assistant } else { TokenKind::Personal },
        notes,
        limits,
        hash: text.hash(),
        created_at: now,
        updated_at: now,
        last_use: None,
    };

    let mut work = deps.store.begin(caller.tenant()).await?;
    let allowed = settings(&mut *work).await?.limits;
    require_within(allowed.max_token_days, &token)?;
    let limit = (allowed.max_tokens_per_user, "API tokens of one user");
    require_room(&mut *work, Counted::Tokens(token.user, now), limit).await?;
    work.credentials().insert_token(&token).await.map_err(on_write)?;
    let values = (None, Some(state_of(&token)));
    note(deps, caller, &mut *work, ("token.created", &token), values).await?;
    work.commit().await?;

    Ok((token, text))
}

/// The caller's tokens, newest first.
///
/// # Errors
///
/// The store's, or a token's limits.
pub async fn list_tokens(deps: Deps<'_>, caller: &Caller) -> Result<Vec<ApiToken>> {
    require_scope(&caller.actor, Scope::Read)?;
    let mut tokens = deps.store.directory().tokens(caller.tenant(), caller.actor.user).await?;
    if let Some(only) = caller.actor.only_assistant() {
        tokens.retain(|token| token.limits.assistant == Some(only));
    }
    Ok(tokens)
}

/// One of the caller's tokens, or one of an assistant that the caller manages.
///
/// # Errors
///
/// [`Error::NotFound`].
pub async fn view_token(deps: Deps<'_>, caller: &Caller, id: TokenId) -> Result<ApiToken> {
    require_scope(&caller.actor, Scope::Read)?;
    let token = find_token(&deps, caller, id).await?;
    let only = caller.actor.only_assistant();
    if only.is_some() && only != token.limits.assistant {
        return Err(Error::NotFound("token"));
    }
    Ok(token)
}

/// The token, if it is the caller's, or of an assistant that they manage.
async fn find_token(deps: &Deps<'_>, caller: &Caller, id: TokenId) -> Result<ApiToken> {
    let missing = || Error::NotFound("token");
    let mut work = deps.store.begin(caller.tenant()).await?;
    let token = work.credentials().find_token(id).await?.ok_or_else(missing)?;
    drop(work);
    let own = token.user == caller.actor.user;
    if own || manages(deps, caller, &token).await? { Ok(token) } else { Err(missing()) }
}

/// Changes one of the caller's tokens, within what the caller's own credential
/// has.
///
/// # Errors
///
/// [`Error::Invalid`], [`Error::NotFound`], [`Error::PreconditionFailed`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn update_token(
    deps: Deps<'_>,
    caller: &Caller,
    id: TokenId,
    command: UpdateToken,
) -> Result<ApiToken> {
    let UpdateToken { notes, read_only, cidr, scopes, expires_at, precondition } = command;
    require_unlimited(&caller.actor)?;
    require_scope(&caller.actor, Scope::Admin)?;
    let now = deps.clock.now();
    let mut faults = Vec::new();
    check_notes(notes.as_deref().unwrap_or_default(), &mut faults);
    check_expiry(expires_at.flatten(), now, &mut faults);
    check_scopes(scopes.as_ref(), &mut faults);
    if !faults.is_empty() {
        return Err(Error::Invalid(faults));
    }

    let mut work = deps.store.begin(caller.tenant()).await?;
    let before = work.credentials().find_token(id).await?;
    let before = before.filter(|token| token.user == caller.actor.user);
    let before = before.ok_or(Error::NotFound("token"))?;
    precondition.check(&etag(&before))?;
    let asked = TokenLimits {
        read_only: read_only.unwrap_or(before.limits.read_only),
        assistant: before.limits.assistant,
        cidr: cidr.unwrap_or(before.limits.cidr),
        scopes: scopes.unwrap_or_else(|| before.limits.scopes.clone()),
        expires_at: expires_at.unwrap_or(before.limits.expires_at),
    };
    let after = ApiToken {
        notes: notes.unwrap_or_else(|| before.notes.clone()),
        limits: within(asked, caller.actor.limits())?,
        updated_at: now,
        ..before.clone()
    };
    if after.limits.expires_at != before.limits.expires_at {
        require_within(settings(&mut *work).await?.limits.max_token_days, &after)?;
    }
    work.credentials().update_token(&after).await?;
    let values = (Some(state_of(&before)), Some(state_of(&after)));
    note(&deps, caller, &mut *work, ("token.updated", &after), values).await?;
    work.commit().await?;

    Ok(after)
}

/// Revokes one of the caller's tokens, or one of an assistant that the caller manages;
/// the next request with it is refused.
///
/// # Errors
///
/// [`Error::NotFound`], also the second time.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn delete_token(
    deps: Deps<'_>,
    caller: &Caller,
    id: TokenId,
    precondition: Precondition,
) -> Result<()> {
    let itself = matches!(caller.actor.credential, Credential::Token { id: own, .. } if own == id);
    if !itself {
        // A token may always revoke itself: whoever found one can switch it off.
        require_unlimited(&caller.actor)?;
        require_scope(&caller.actor, Scope::Admin)?;
    }
    find_token(&deps, caller, id).await?;
    let mut work = deps.store.begin(caller.tenant()).await?;
    let token = work.credentials().find_token(id).await?.ok_or(Error::NotFound("token"))?;
    precondition.check(&etag(&token))?;
    work.credentials().delete_token(id).await?;
    let values = (Some(state_of(&token)), None);
    note(&deps, caller, &mut *work, ("token.deleted", &token), values).await?;
    Ok(work.commit().await?)
}

/// Adds an event to the audit log; a token of one assistant is its affair as well.
async fn note(
    deps: &Deps<'_>,
    caller: &Caller,
    work: &mut dyn UnitOfWork,
    (action, token): (&str, &ApiToken),
    values: (Option<Value>, Option<Value>),
) -> Result<()> {
    let target = token.id.to_string();
    match token.limits.assistant {
        Some(live) => record_about(deps, caller, work, live, (action, target), values).await,
        None => record(deps, caller, work, action, target, values).await,
    }
}

/// Refuses a token that lasts longer than the organization allows.
fn require_within(max_days: Option<u64>, token: &ApiToken) -> Result<()> {
    let Some(max_days) = max_days else { return Ok(()) };
    let days = i64::try_from(max_days).unwrap_or(i64::MAX);
    let last = token.created_at.plus(Duration::seconds(days.saturating_mul(SECONDS_OF_A_DAY)));
    if token.limits.expires_at.is_some_and(|end| end <= last) {
        return Ok(());
    }
    let message = format!(
        "must be at most {max_days} days after it is made: the organization allows no more"
    );
    Err(Error::invalid("/expiresAt", "maximum", message))
}

/// What was asked, cut to what the maker has (safety.md, 'tenants and access').
fn within(asked: TokenLimits, own: Option<&TokenLimits>) -> Result<TokenLimits> {
    let Some(own) = own else { return Ok(asked) };
    let scopes: BTreeSet<Scope> = asked.scopes.intersection(&own.scopes).copied().collect();
    if scopes.is_empty() {
        return Err(Denied::Scope("admin").into());
    }
    let cidr = match (asked.cidr, own.cidr) {
        (Some(asked), Some(own)) if own.contains(&asked) => Some(asked),
        (asked, None) => asked,
        (_, own) => own,
    };
    let expires_at = match (asked.expires_at, own.expires_at) {
        (Some(asked), Some(own)) => Some(asked.min(own)),
        (asked, own) => asked.or(own),
    };
    Ok(TokenLimits {
        read_only: asked.read_only || own.read_only,
        assistant: own.assistant.or(asked.assistant),
        cidr,
        scopes,
        expires_at,
    })
}

fn check_new(command: &CreateToken, now: Timestamp) -> Result<()> {
    let mut faults = Vec::new();
    check_notes(&command.notes, &mut faults);
    check_expiry(command.expires_at, now, &mut faults);
    check_scopes(command.scopes.as_ref(), &mut faults);
    match (command.kind, &command.assistant) {
        (TokenKind::Assistant, None) => {
            let message = "is required for tokens of type `assistant`";
            faults.push(Fault::new("/assistantId", "required", message));
        }
        (TokenKind::Personal, Some(_)) => {
            let message = "is only for tokens of type `assistant`";
            faults.push(Fault::new("/assistantId", "contradiction", message));
        }
        _ => {}
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
}

fn check_notes(notes: &str, faults: &mut Vec<Fault>) {
    if notes.chars().count() > MAX_NOTES_CHARS {
        let message = format!("must have at most {MAX_NOTES_CHARS} characters");
        faults.push(Fault::new("/notes", "too_long", message));
    }
}

fn check_expiry(expires_at: Option<Timestamp>, now: Timestamp, faults: &mut Vec<Fault>) {
    if expires_at.is_some_and(|at| at <= now) {
        faults.push(Fault::new("/expiresAt", "minimum", "must be in the future"));
    }
}

fn check_scopes(scopes: Option<&BTreeSet<Scope>>, faults: &mut Vec<Fault>) {
    if scopes.is_some_and(BTreeSet::is_empty) {
        faults.push(Fault::new("/scopes", "too_few", "must name at least one scope"));
    }
}

/// What the audit log keeps of a token: never its value or its hash.
fn state_of(token: &ApiToken) -> Value {
    let limits = &token.limits;
    json!({
        "type": token.kind,
        "notes": token.notes,
        "readOnly": limits.read_only,
        "assistantId": limits.assistant,
        "cidr": limits.cidr,
        "scopes": limits.scopes,
        "expiresAt": limits.expires_at,
    })
}
