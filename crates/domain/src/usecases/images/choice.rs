//! Who draws: which provider, with which model.

use crate::{
    Fault, Provider, ProviderKind, catalogue,
    usecases::{Conflict, Error, Result},
};

/// The models of OpenAI that draw, the usual one first.
pub const OPENAI_MODELS: &[&str] = &["gpt-image-1", "gpt-image-1-mini", "dall-e-3", "dall-e-2"];
/// The models of Clipdrop that draw.
pub const CLIPDROP_MODELS: &[&str] = &["clipdrop"];
const BUILTIN_MODELS: &[&str] = &["builtin"];

/// How many names a refusal of an unknown one suggests.
const SUGGESTIONS: usize = 3;

/// What decides who draws.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wish<'a> {
    /// The model, if one was named.
    pub(super) model: Option<&'a str>,
    /// The kind of provider to take first when no model was named.
    pub(super) preferred: Option<ProviderKind>,
    /// The only kinds that may be taken; any when `None`.
    pub(super) allowed: Option<&'a [String]>,
    /// The only kinds that the organization lets be taken; any when `None`.
    pub(super) in_house: Option<&'a [String]>,
}

/// Who draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Choice<'a> {
    /// Which provider; `None` for the built-in one without a row.
    pub(super) provider: Option<&'a Provider>,
    /// With which model; `None` for the provider's usual one.
    pub(super) model: Option<&'a str>,
}

impl Wish<'_> {
    fn allows(&self, kind: ProviderKind) -> bool {
        let names = |list: &[String]| list.iter().any(|word| word == kind.as_str());
        self.allowed.is_none_or(names) && self.in_house.is_none_or(names)
    }
}

/// The models of a kind that are known to draw; `None` for kinds that cannot draw.
const fn known(kind: ProviderKind) -> Option<&'static [&'static str]> {
    match kind {
        ProviderKind::Openai | ProviderKind::OpenaiCompatible => Some(OPENAI_MODELS),
        ProviderKind::Clipdrop => Some(CLIPDROP_MODELS),
        ProviderKind::Builtin => Some(BUILTIN_MODELS),
        ProviderKind::Anthropic | ProviderKind::Ollama => None,
    }
}

/// Whether the provider is to be used for this model.
fn draws_with(provider: &Provider, model: &str) -> bool {
    let Some(known) = known(provider.kind) else { return false };
    if !provider.models.is_empty() {
        return provider.models.iter().any(|listed| listed == model);
    }
    // What another's server calls its models is only known when it is listed.
    provider.kind != ProviderKind::OpenaiCompatible && known.contains(&model)
}

/// The model that the provider draws with when none was named: `None` when it is
/// not to be used for drawing, `Some(None)` for its own usual one.
#[expect(clippy::option_option, reason = "no drawing, its usual model, or this one")]
fn usual(provider: &Provider) -> Option<Option<&str>> {
    let known = known(provider.kind)?;
    if provider.models.is_empty() {
        return (provider.kind != ProviderKind::OpenaiCompatible).then_some(None);
    }
    let listed = provider.models.iter().map(String::as_str);
    listed.into_iter().find(|model| known.contains(model)).map(Some)
}

/// Chooses among `providers`, which are in the order of their priority.
pub(super) fn choose<'a>(providers: &'a [Provider], wish: Wish<'a>) -> Result<Choice<'a>> {
    match wish.model {
        Some(model) => by_model(providers, wish, model),
        None => by_priority(providers, wish),
    }
}

/// Whether an administrator has turned the built-in provider off.
fn builtin_is_off(providers: &[Provider]) -> bool {
    let mut rows = providers.iter().filter(|row| row.kind == ProviderKind::Builtin).peekable();
    rows.peek().is_some() && rows.all(|row| !row.enabled)
}

fn by_model<'a>(providers: &'a [Provider], wish: Wish<'a>, model: &'a str) -> Result<Choice<'a>> {
    let fitting = |row: &&Provider| row.enabled && draws_with(row, model);
    let mut refused = None;
    for row in providers.iter().filter(fitting) {
        if wish.allows(row.kind) {
            return Ok(Choice { provider: Some(row), model: Some(model) });
        }
        refused.get_or_insert(row.kind);
    }
    if BUILTIN_MODELS.contains(&model) && !builtin_is_off(providers) {
        if wish.allows(ProviderKind::Builtin) {
            return Ok(Choice { provider: None, model: Some(model) });
        }
        refused.get_or_insert(ProviderKind::Builtin);
    }
    if let Some(kind) = refused {
        return Err(Conflict::ProviderNotAllowed { provider: kind.as_str() }.into());
    }
    if [OPENAI_MODELS, CLIPDROP_MODELS, BUILTIN_MODELS].concat().contains(&model) {
        return Err(Conflict::NoProvider { model: model.to_owned() }.into());
    }
    Err(unknown(providers, model))
}

fn unknown(providers: &[Provider], model: &str) -> Error {
    let listed = providers
        .iter()
        .filter(|row| row.enabled && known(row.kind).is_some())
        .flat_map(|row| row.models.iter().map(String::as_str));
    let vendors = [OPENAI_MODELS, CLIPDROP_MODELS, BUILTIN_MODELS].concat();
    let mut names: Vec<&str> = listed.chain(vendors).collect();
    names.sort_unstable();
    names.dedup();
    let nearest = catalogue::nearest_of(model, names.iter().copied(), SUGGESTIONS);
    let hint = match nearest.as_slice() {
        [] => format!("known are {}", names.join(", ")),
        some => format!("did you mean {}?", some.join(", ")),
    };
    let message = format!("is not a model that draws; {hint}");
    Error::Invalid(vec![Fault::new("/model", "unknown_model", message)])
}

fn by_priority<'a>(providers: &'a [Provider], wish: Wish<'a>) -> Result<Choice<'a>> {
    let drawing = || {
        let enabled = providers.iter().filter(|row| row.enabled);
        enabled.filter_map(|row| usual(row).map(|model| Choice { provider: Some(row), model }))
    };
    let kind = |choice: &Choice<'_>| choice.provider.map_or(ProviderKind::Builtin, |row| row.kind);
    let is_preferred = |choice: &Choice<'_>| wish.preferred == Some(kind(choice));
    let preferred = drawing().filter(is_preferred);
    let others = drawing().filter(|choice| !is_preferred(choice));
    let builtin = (!builtin_is_off(providers)).then_some(Choice { provider: None, model: None });
    let mut refused = None;
    for choice in preferred.chain(others).chain(builtin) {
        if wish.allows(kind(&choice)) {
            return Ok(choice);
        }
        refused.get_or_insert(kind(&choice));
    }
    Err(match refused {
        Some(kind) => Conflict::ProviderNotAllowed { provider: kind.as_str() }.into(),
        None => Conflict::NoProvider { model: "any model".to_owned() }.into(),
    })
}

#[cfg(test)]
mod tests;
