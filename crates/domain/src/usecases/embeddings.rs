//! Texts as vectors, by the models of providers.

use super::{
    Caller, Deps, Error, Result,
    budgets::{self, BudgetSubjects},
    providers::access_of,
    support::{fresh, require_scope, require_seat, require_unlimited},
};
use crate::{
    Credential, Fault, OrganizationSettings, Provider, ProviderKind, Scope, Timestamp, Usage,
    ports::{Embedded, Embedder, EmbeddingInput, EmbeddingRequest, Vault},
    run::RunUsage,
};

mod choice;

pub use choice::OPENAI_MODELS;

/// Most texts that are embedded at once.
pub const MAX_TEXTS: usize = 2_048;
/// Most characters that they have in all.
pub const MAX_CHARS: usize = 1_000_000;
/// Most tokens that they have in all, where they come as tokens.
pub const MAX_TOKENS: usize = 300_000;
/// Most numbers of a vector that may be asked for.
pub const MAX_DIMENSIONS: u32 = 8_192;

/// About how many characters a token has, for what a budget must have left and where a
/// provider does not tell.
const CHARS_OF_A_TOKEN: usize = 4;

/// What texts are embedded with.
#[derive(Clone, Copy)]
pub struct Embedding<'a> {
    /// Opens the keys of providers.
    pub vault: &'a dyn Vault,
    /// Embeds.
    pub models: &'a dyn Embedder,
}

/// Texts that were embedded.
#[derive(Clone, Debug, PartialEq)]
pub struct CreatedEmbeddings {
    /// Their vectors.
    pub embedded: Embedded,
    /// The kind of the provider that made them.
    pub provider: ProviderKind,
    /// Tokens that were read, as the provider tells or else about.
    pub input_tokens: u64,
}

/// Embeds texts for the caller: by the first provider that has the model, or by the
/// next one when it does not answer. What is used counts against the budgets of the
/// organization, the user and the token. Whoever goes before the end has spent what
/// was set aside.
///
/// # Errors
///
/// [`Error::Invalid`] with every fault, [`Error::Provider`] when no provider does it,
/// [`Error::BudgetExceeded`], [`Error::SeatRequired`], [`Error::Forbidden`],
/// [`Conflict::NoModelProvider`](super::Conflict::NoModelProvider) and
/// [`Conflict::ProviderNotAllowed`](super::Conflict::ProviderNotAllowed).
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn create_embeddings(
    deps: Deps<'_>,
    embedding: Embedding<'_>,
    caller: &Caller,
    request: EmbeddingRequest,
) -> Result<CreatedEmbeddings> {
    require_seat(&caller.actor)?;
    require_unlimited(&caller.actor)?;
    require_scope(&caller.actor, Scope::Run)?;
    check(&request)?;
    let providers = deps.store.content().providers(caller.tenant()).await?;
    let organization = deps.store.directory().organization(caller.tenant()).await?;
    let settings = organization.ok_or(Error::NotFound("organization"))?.settings;
    let candidates = choice::choose(&providers, &request, &settings)?;
    let at = deps.clock.now();
    let tokens = estimate(&request.input);
    reserve(&deps, caller, &settings, tokens).await?;
    let embedded = ask(&deps, embedding, &candidates, &request).await;
    let counted = match &embedded {
        Ok((provider, made)) => {
            let input_tokens = made.input_tokens.unwrap_or(tokens);
            let cost_micros = choice::cost(provider.kind, &request.model, input_tokens);
            let is_estimated = made.input_tokens.is_none();
            RunUsage { input_tokens, cost_micros, is_estimated, ..RunUsage::default() }
        }
        Err(_) => RunUsage::default(),
    };
    let used = embedded.as_ref().ok().map(|(provider, _)| usage(&deps, caller, provider, &counted));
    let used = used.map(|used| Usage { model: request.model.clone(), ..used });
    settle(&deps, caller, &settings, (tokens, &counted, at), used).await?;
    let (provider, embedded) = embedded?;
    let input_tokens = counted.input_tokens;
    Ok(CreatedEmbeddings { embedded, provider: provider.kind, input_tokens })
}

fn check(request: &EmbeddingRequest) -> Result<()> {
    let mut faults = Vec::new();
    let mut fault = |at: &str, code, message: String| faults.push(Fault::new(at, code, message));
    let input = &request.input;
    if input.is_empty() || input.len() > MAX_TEXTS {
        fault("/input", "invalid", format!("must be 1 to {MAX_TEXTS} texts"));
    }
    let (sizes, most, what): (Vec<usize>, _, _) = match input {
        EmbeddingInput::Texts(texts) => {
            (texts.iter().map(|text| text.chars().count()).collect(), MAX_CHARS, "characters")
        }
        EmbeddingInput::Tokens(lists) => {
            (lists.iter().map(Vec::len).collect(), MAX_TOKENS, "tokens")
        }
    };
    if let Some(empty) = sizes.iter().position(|size| *size == 0) {
        fault(&format!("/input/{empty}"), "invalid", "must not be empty".to_owned());
    }
    if sizes.iter().sum::<usize>() > most {
        fault("/input", "too_long", format!("may have at most {most} {what} in all"));
    }
    if request.dimensions.is_some_and(|count| !(1..=MAX_DIMENSIONS).contains(&count)) {
        fault("/dimensions", "range", format!("must be 1 to {MAX_DIMENSIONS}"));
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
}

/// About how many tokens are read.
fn estimate(input: &EmbeddingInput) -> u64 {
    let tokens = match input {
        EmbeddingInput::Texts(texts) => {
            texts.iter().map(|text| text.chars().count().div_ceil(CHARS_OF_A_TOKEN)).sum::<usize>()
        }
        EmbeddingInput::Tokens(lists) => lists.iter().map(Vec::len).sum(),
    };
    u64::try_from(tokens).unwrap_or(u64::MAX)
}

/// Asks one after the other until one of them answers. No transaction is open
/// meanwhile.
async fn ask<'p>(
    deps: &Deps<'_>,
    embedding: Embedding<'_>,
    candidates: &[&'p Provider],
    request: &EmbeddingRequest,
) -> Result<(&'p Provider, Embedded)> {
    let mut failure = None;
    for &provider in candidates {
        let access = access_of(deps, embedding.vault, provider).await?;
        match embedding.models.embed(&access, request).await {
            Ok(embedded) => return Ok((provider, embedded)),
            Err(error) if error.may_go_elsewhere() => {
                let provider = provider.kind.as_str();
                tracing::warn!(provider, %error, "a provider did not embed");
                failure = Some(error);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(failure.map_or(Error::NotFound("provider"), Error::Provider))
}

const fn subjects_of(caller: &Caller) -> BudgetSubjects {
    let token = match &caller.actor.credential {
        Credential::Token { id, .. } => Some(*id),
        Credential::Session(_) | Credential::Console => None,
    };
    BudgetSubjects { user: caller.actor.user, token, assistant: None }
}

async fn reserve(
    deps: &Deps<'_>,
    caller: &Caller,
    settings: &OrganizationSettings,
    tokens: u64,
) -> Result<()> {
    if settings.budgets.is_empty() {
        return Ok(());
    }
    let mut work = deps.store.begin(caller.tenant()).await?;
    budgets::reserve(deps, &mut *work, settings, subjects_of(caller), tokens).await?;
    Ok(work.commit().await?)
}

fn usage(deps: &Deps<'_>, caller: &Caller, provider: &Provider, used: &RunUsage) -> Usage {
    Usage {
        id: fresh(deps),
        organization: caller.tenant(),
        user: caller.actor.user,
        assistant: None,
        kind: "embedding".to_owned(),
        provider: provider.kind.as_str().to_owned(),
        model: String::new(),
        quantity: used.input_tokens,
        input_tokens: used.input_tokens,
        output_tokens: 0,
        cost_micros: used.cost_micros.unwrap_or(0),
        at: deps.clock.now(),
    }
}

/// Gives back what was set aside, and counts what was used.
async fn settle(
    deps: &Deps<'_>,
    caller: &Caller,
    settings: &OrganizationSettings,
    (reserved, counted, at): (u64, &RunUsage, Timestamp),
    used: Option<Usage>,
) -> Result<()> {
    if used.is_none() && settings.budgets.is_empty() {
        return Ok(());
    }
    let mut work = deps.store.begin(caller.tenant()).await?;
    let settled = (reserved, counted, at);
    budgets::settle(deps, &mut *work, settings, subjects_of(caller), settled).await?;
    if let Some(used) = used {
        work.images().count(&used).await?;
    }
    Ok(work.commit().await?)
}
