//! Who embeds: which providers, in which order.

use crate::{
    OrganizationSettings, Provider, ProviderKind,
    catalogue::{self, Prices},
    ports::{EmbeddingInput, EmbeddingRequest},
    run::{RunUsage, route},
    usecases::{Conflict, Error, Result},
};

/// The models of OpenAI that embed, with US dollars for a million tokens.
pub const OPENAI_MODELS: &[(&str, f64)] = &[
    ("text-embedding-3-small", 0.02),
    ("text-embedding-3-large", 0.13),
    ("text-embedding-ada-002", 0.10),
];

/// How many names a refusal of an unknown one suggests.
const SUGGESTIONS: usize = 3;

/// Whether a kind of provider has models that embed.
const fn embeds(kind: ProviderKind) -> bool {
    match kind {
        ProviderKind::Openai | ProviderKind::OpenaiCompatible | ProviderKind::Ollama => true,
        ProviderKind::Anthropic | ProviderKind::Clipdrop | ProviderKind::Builtin => false,
    }
}

fn is_known(model: &str) -> bool {
    OPENAI_MODELS.iter().any(|(known, _)| *known == model)
}

/// Whether the provider is to be used for this model: it lists it, or is of the vendor
/// and lists nothing. What others call their models is only known when it is listed.
fn has(provider: &Provider, model: &str) -> bool {
    if provider.models.is_empty() {
        return provider.kind == ProviderKind::Openai && is_known(model);
    }
    provider.models.iter().any(|listed| listed == model)
}

/// Who may be asked, in order; never empty. The `providers` are in the order of their
/// priority.
pub(super) fn choose<'a>(
    providers: &'a [Provider],
    request: &EmbeddingRequest,
    settings: &OrganizationSettings,
) -> Result<Vec<&'a Provider>> {
    let model = request.model.as_str();
    let having: Vec<_> = providers.iter().filter(|row| row.enabled && has(row, model)).collect();
    let (embedding, others): (Vec<&Provider>, Vec<&Provider>) =
        having.into_iter().partition(|row| embeds(row.kind));
    let (allowed, refused): (Vec<&Provider>, Vec<&Provider>) =
        embedding.into_iter().partition(|row| settings.allows_provider(row.kind.as_str()));
    if allowed.is_empty() {
        return Err(match (refused.first(), others.first()) {
            (Some(row), _) => Conflict::ProviderNotAllowed { provider: row.kind.as_str() }.into(),
            (None, Some(row)) => {
                let kind = row.kind.as_str();
                let message = format!("is a model of `{kind}`, which embeds nothing");
                Error::invalid("/model", "unsupported", message)
            }
            (None, None) if is_known(model) => {
                Conflict::NoModelProvider { model: model.to_owned() }.into()
            }
            (None, None) => unknown(providers, model),
        });
    }
    match request.input {
        EmbeddingInput::Texts(_) => Ok(allowed),
        EmbeddingInput::Tokens(_) => takers_of_tokens(allowed),
    }
}

/// Those who have the vocabulary that tokens are of.
fn takers_of_tokens(providers: Vec<&Provider>) -> Result<Vec<&Provider>> {
    let takes = |row: &&Provider| row.kind != ProviderKind::Ollama;
    let taking: Vec<&Provider> = providers.into_iter().filter(takes).collect();
    if taking.is_empty() {
        let message = "must be texts: Ollama takes no tokens";
        return Err(Error::invalid("/input", "unsupported", message));
    }
    Ok(taking)
}

fn unknown(providers: &[Provider], model: &str) -> Error {
    let listed = providers
        .iter()
        .filter(|row| row.enabled && embeds(row.kind))
        .flat_map(|row| row.models.iter().map(String::as_str));
    let mut names: Vec<&str> = listed.chain(OPENAI_MODELS.iter().map(|(name, _)| *name)).collect();
    names.sort_unstable();
    names.dedup();
    let nearest = catalogue::nearest_of(model, names.into_iter(), SUGGESTIONS);
    let hint = match nearest.as_slice() {
        [] => {
            "an administrator lists it with a provider, by `PATCH /api/providers/{id}`".to_owned()
        }
        some => format!("did you mean {}?", some.join(", ")),
    };
    let message = format!("is not a model that embeds; {hint}");
    Error::invalid("/model", "unknown_model", message)
}

/// What this use costs, in millionths of a US dollar; `None` when no price is known.
pub(super) fn cost(kind: ProviderKind, model: &str, input_tokens: u64) -> Option<u64> {
    let (_, input) = OPENAI_MODELS.iter().find(|(known, _)| *known == model)?;
    let prices = Prices { input: *input, cached_input: None, output: 0.0 };
    let used = RunUsage { input_tokens, ..RunUsage::default() };
    route::cost(Some(&prices).filter(|_| kind == ProviderKind::Openai), &used)
}

#[cfg(test)]
mod tests;
