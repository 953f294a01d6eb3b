//! Who answers: which model, and which providers are asked for it, in which order.

use std::collections::BTreeSet;

use super::{Notice, NoticeAction, RunUsage};
use crate::{
    Fault, OrganizationSettings, Provider, ProviderKind,
    catalogue::{self, Model, Prices},
};

/// The model that answers when no provider is set up.
pub const BUILTIN_MODEL: &str = "builtin-extractive";

/// How many names a refusal of an unknown one suggests.
const SUGGESTIONS: usize = 3;

/// Tokens that a model is taken to hold when nothing is known of it.
pub const UNKNOWN_CONTEXT_WINDOW: u32 = 32_768;
/// Tokens that a model is taken to answer with when nothing is known of it.
pub const UNKNOWN_MAX_OUTPUT_TOKENS: u32 = 4_096;

/// What must be known of a model to speak to it.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelFacts {
    /// What assistants name it by.
    pub key: String,
    /// Whose it is; the kind of provider that lists it when the catalogue does not
    /// have it.
    pub vendor: String,
    /// What people call it.
    pub name: String,
    /// Whether the catalogue has it. Of others, what is here is a cautious guess.
    pub is_known: bool,
    /// Most tokens of input and output together.
    pub context_window: u32,
    /// Most tokens of one answer.
    pub max_output_tokens: u32,
    /// `text`, `tools`, `vision`, `audio`, `reasoning`, `structured`.
    pub capabilities: Vec<String>,
    /// `temperature`, `top_p`, `stop`, `seed`, `logprobs`, `penalties`, `logit_bias`,
    /// `verbosity`.
    pub parameters: Vec<String>,
    /// How hard it can be told to think, in its vendor's words, the least first.
    pub efforts: Vec<String>,
    /// How Anthropic's models are told to think: `adaptive` or `budget`.
    pub thinking: Option<String>,
    /// What it costs, where that is known.
    pub prices: Option<Prices>,
}

impl ModelFacts {
    /// Whether it is capable of this.
    #[must_use]
    pub fn has(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|known| known == capability)
    }

    /// Whether it may be told this.
    #[must_use]
    pub fn takes(&self, parameter: &str) -> bool {
        self.parameters.iter().any(|known| known == parameter)
    }

    /// What is taken for granted of a model that only a provider of this kind lists.
    /// The vendors' newest models refuse settings that others take.
    #[must_use]
    pub fn unknown(key: &str, kind: ProviderKind) -> Self {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        let parameters: &[&str] = match kind {
            ProviderKind::OpenaiCompatible | ProviderKind::Ollama => {
                &["temperature", "top_p", "stop", "seed", "penalties"]
            }
            ProviderKind::Anthropic => &["stop"],
            ProviderKind::Openai | ProviderKind::Clipdrop | ProviderKind::Builtin => &[],
        };
        Self {
            key: key.to_owned(),
            vendor: kind.as_str().to_owned(),
            name: key.to_owned(),
            is_known: false,
            context_window: UNKNOWN_CONTEXT_WINDOW,
            max_output_tokens: UNKNOWN_MAX_OUTPUT_TOKENS,
            capabilities: words(&["text", "tools", "structured"]),
            parameters: words(parameters),
            efforts: Vec::new(),
            thinking: None,
            prices: None,
        }
    }
}

impl From<&Model> for ModelFacts {
    fn from(model: &Model) -> Self {
        Self {
            key: model.key.clone(),
            vendor: model.provider.clone(),
            name: model.name.clone(),
            is_known: true,
            context_window: model.context_window,
            max_output_tokens: model.max_output_tokens,
            capabilities: model.capabilities.clone(),
            parameters: model.parameters.clone(),
            efforts: model.efforts.clone(),
            thinking: model.thinking.clone(),
            prices: model.prices,
        }
    }
}

/// A provider that may be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// It; `None` for the built-in one without a row.
    pub provider: Option<Provider>,
    /// Its kind.
    pub kind: ProviderKind,
    /// The model as it calls it.
    pub upstream_model: String,
}

/// Who answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// The model.
    pub model: ModelFacts,
    /// Who is asked for it, in order; never empty.
    pub candidates: Vec<Candidate>,
    /// That another model answers than was asked for.
    pub notices: Vec<Notice>,
}

/// Why nobody answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unroutable {
    /// There is no such model.
    Unknown(Vec<Fault>),
    /// The assistant or the organization does not allow the provider.
    NotAllowed {
        /// Which.
        provider: &'static str,
    },
    /// No provider that is set up and enabled has the model.
    NoProvider {
        /// Which.
        model: String,
    },
}

/// Who may be asked, by both lists of providers.
#[derive(Clone, Copy)]
struct Gate<'a> {
    assistant: Option<&'a [String]>,
    organization: &'a OrganizationSettings,
}

impl Gate<'_> {
    /// Whether models of this vendor may answer.
    fn allows(self, vendor: &str) -> bool {
        let by_assistant = self.assistant.is_none_or(|list| list.iter().any(|word| word == vendor));
        by_assistant && self.organization.allows_provider(vendor)
    }
}

/// Finds who answers with the model `key`, which stands in a request or an assistant
/// at `pointer`. `assistant_allows` is `allowed_model_providers`.
///
/// Both the assistant and the organization must allow the model's vendor, and the
/// organization also the kind of the provider that carries it, as for the list of
/// models. A model that only a provider lists is of that provider's kind. A model
/// that its vendor has switched off is answered by its successor, unless somebody
/// else still has it.
///
/// Where no provider of models is set up at all, the built-in one answers for any
/// model, if nobody has said that it may not.
///
/// # Errors
///
/// [`Unroutable`].
pub fn route(
    key: &str,
    pointer: &'static str,
    providers: &[Provider],
    assistant_allows: Option<&[String]>,
    organization: &OrganizationSettings,
) -> Result<Route, Unroutable> {
    let gate = Gate { assistant: assistant_allows, organization };
    let field = pointer.trim_start_matches('/');
    let mut rows: Vec<&Provider> =
        providers.iter().filter(|row| row.enabled && row.kind != ProviderKind::Clipdrop).collect();
    rows.sort_by(|a, b| a.priority.cmp(&b.priority).then_with(|| a.name.cmp(&b.name)));
    let Some(asked) = catalogued(key) else { return unlisted(key, pointer, &rows, gate) };
    let model = current(asked, &rows);
    if !gate.allows(&model.provider) {
        return Err(Unroutable::NotAllowed { provider: &model.provider });
    }
    let (allowed, refused): (Vec<&Provider>, Vec<&Provider>) = rows
        .iter()
        .filter(|row| carries(row, asked, model))
        .partition(|row| organization.allows_provider(row.kind.as_str()));
    let mut candidates: Vec<_> = allowed.into_iter().map(|row| candidate(row, model)).collect();
    if let (true, Some(refused)) = (candidates.is_empty(), refused.first()) {
        return Err(Unroutable::NotAllowed { provider: refused.kind.as_str() });
    }
    if candidates.is_empty() && model.key == BUILTIN_MODEL && !builtin_is_off(providers) {
        candidates.push(builtin(None));
    }
    if candidates.is_empty() {
        let no_provider = Unroutable::NoProvider { model: model.key.clone() };
        return without_providers(&model.key, field, (providers, &rows), gate).ok_or(no_provider);
    }
    let is_replaced = asked.key != model.key;
    let notices = is_replaced.then(|| replaced(field, asked, model)).into_iter().collect();
    Ok(Route { model: model.into(), candidates, notices })
}

/// The model of the catalogue with this key, or with this identifier of its vendor.
fn catalogued(key: &str) -> Option<&'static Model> {
    let by_vendors_name =
        || catalogue::models().iter().find(|model| model.upstream_id.as_deref() == Some(key));
    catalogue::find(key).or_else(by_vendors_name)
}

/// The model that answers for `asked`: its successor once its vendor has switched it
/// off, unless somebody else is set up who still has it.
fn current(asked: &'static Model, rows: &[&Provider]) -> &'static Model {
    let others = rows.iter().filter(|row| row.kind.as_str() != asked.provider);
    let is_kept = || others.flat_map(|row| &row.models).any(|listed| *listed == asked.key);
    if !asked.is_retired() || is_kept() {
        return asked;
    }
    asked.successor.as_deref().and_then(catalogue::find).unwrap_or(asked)
}

/// Whether the provider is to be used for the model: it lists it, or is of the vendor
/// and lists nothing.
pub(crate) fn serves(row: &Provider, model: &Model) -> bool {
    if row.models.is_empty() {
        row.kind.as_str() == model.provider
    } else {
        let names =
            |listed: &String| *listed == model.key || model.upstream_id.as_ref() == Some(listed);
        row.models.iter().any(names)
    }
}

/// Whether the provider is to be used for `model`, which answers for `asked`: a
/// vendor that was set up for the one has the other too, and none that it has
/// switched off.
fn carries(row: &Provider, asked: &Model, model: &Model) -> bool {
    let is_vendor = row.kind.as_str() == model.provider;
    if model.is_retired() && is_vendor {
        return false;
    }
    serves(row, model) || (is_vendor && serves(row, asked))
}

/// The vendor has its own names for models; anybody else has those that are listed.
fn candidate(row: &Provider, model: &Model) -> Candidate {
    let of_vendor = model.upstream_id.as_ref().filter(|_| row.kind.as_str() == model.provider);
    let listed = || {
        let names =
            |listed: &&String| **listed == model.key || model.upstream_id.as_ref() == Some(*listed);
        row.models.iter().find(names).unwrap_or(&model.key)
    };
    let upstream_model = of_vendor.unwrap_or_else(listed).clone();
    Candidate { provider: Some(row.clone()), kind: row.kind, upstream_model }
}

fn replaced(field: &str, asked: &Model, model: &Model) -> Notice {
    let day = asked.retired_at.as_deref().map(|day| format!(" on {day}")).unwrap_or_default();
    let reason = format!(
        "`{}` was switched off by its vendor{day}; `{}` answers in its place",
        asked.key, model.key
    );
    Notice::new(field, NoticeAction::Substituted, reason)
}

fn builtin(row: Option<&Provider>) -> Candidate {
    Candidate {
        provider: row.cloned(),
        kind: ProviderKind::Builtin,
        upstream_model: BUILTIN_MODEL.to_owned(),
    }
}

/// Whether an administrator has turned the built-in provider off.
fn builtin_is_off(providers: &[Provider]) -> bool {
    let mut rows = providers.iter().filter(|row| row.kind == ProviderKind::Builtin).peekable();
    rows.peek().is_some() && rows.all(|row| !row.enabled)
}

/// The built-in provider for a model that nobody has, so that a machine on which
/// nothing is set up answers at all.
fn without_providers(
    key: &str,
    field: &str,
    (providers, rows): (&[Provider], &[&Provider]),
    gate: Gate<'_>,
) -> Option<Route> {
    let is_fresh = rows.iter().all(|row| row.kind == ProviderKind::Builtin);
    let builtin_model = catalogue::find(BUILTIN_MODEL)?;
    if !is_fresh || builtin_is_off(providers) || !gate.allows(ProviderKind::Builtin.as_str()) {
        return None;
    }
    let row = rows.iter().copied().find(|row| serves(row, builtin_model));
    let reason = format!(
        "no provider of models is set up, so passages of the assistant's own texts answer in \
         place of `{key}`; an administrator adds a provider with `POST /api/providers`"
    );
    Some(Route {
        model: builtin_model.into(),
        candidates: vec![builtin(row)],
        notices: vec![Notice::new(field, NoticeAction::Substituted, reason)],
    })
}

/// A model that the catalogue does not have.
fn unlisted(
    key: &str,
    pointer: &'static str,
    rows: &[&Provider],
    gate: Gate<'_>,
) -> Result<Route, Unroutable> {
    let (allowed, refused): (Vec<&Provider>, Vec<&Provider>) = rows
        .iter()
        .filter(|row| row.models.iter().any(|listed| listed == key))
        .partition(|row| gate.allows(row.kind.as_str()));
    let Some(first) = allowed.first() else {
        return Err(match refused.first() {
            Some(row) => Unroutable::NotAllowed { provider: row.kind.as_str() },
            None => Unroutable::Unknown(vec![unknown(key, pointer, rows)]),
        });
    };
    let model = facts_of_unlisted(key, first.kind);
    let candidate = |row: &&Provider| Candidate {
        provider: Some((*row).clone()),
        kind: row.kind,
        upstream_model: key.to_owned(),
    };
    Ok(Route { model, candidates: allowed.iter().map(candidate).collect(), notices: Vec::new() })
}

/// What is known of a model that only a provider lists: what the catalogue has of the
/// one that it is an edition of (`gpt-4o-2024-11-20`) or was tuned from
/// (`ft:gpt-4o:us:1`), or else nothing.
fn facts_of_unlisted(key: &str, kind: ProviderKind) -> ModelFacts {
    let tuned = key.strip_prefix("ft:");
    let name = tuned.unwrap_or(key);
    let is_edition = |model: &&Model| {
        let rest = name.strip_prefix(&model.key).unwrap_or_default();
        let is_date =
            rest.starts_with('-') && rest.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        model.provider == kind.as_str() && (is_date || rest.starts_with(':'))
    };
    let of_kind = catalogue::models().iter().filter(is_edition);
    match of_kind.max_by_key(|model| model.key.len()) {
        None => ModelFacts::unknown(key, kind),
        Some(base) => ModelFacts {
            key: key.to_owned(),
            name: key.to_owned(),
            prices: base.prices.filter(|_| tuned.is_none()),
            ..ModelFacts::from(base)
        },
    }
}

fn unknown(key: &str, pointer: &str, rows: &[&Provider]) -> Fault {
    let listed = rows.iter().flat_map(|row| &row.models).map(String::as_str);
    let of_catalogue = catalogue::models().iter().map(|model| model.key.as_str());
    let known: BTreeSet<&str> = listed.chain(of_catalogue).collect();
    let nearest = catalogue::nearest_of(key, known.into_iter(), SUGGESTIONS);
    let hint = match nearest.as_slice() {
        [] => "see `GET /api/models`".to_owned(),
        keys => format!("did you mean {}?", keys.join(", ")),
    };
    let message = format!("is not a model of the catalogue or of a provider; {hint}");
    Fault::new(pointer, "unknown_model", message)
}

/// What this use costs, in millionths of a US dollar, rounded up; `None` when no
/// price is known.
#[must_use]
pub fn cost(prices: Option<&Prices>, usage: &RunUsage) -> Option<u64> {
    let prices = prices?;
    let cached = usage.cached_tokens.min(usage.input_tokens);
    // A dollar for a million tokens is a millionth of a dollar for one.
    let total = [
        (usage.input_tokens - cached, prices.input),
        (cached, prices.cached_input.unwrap_or(prices.input)),
        (usage.output_tokens, prices.output),
    ]
    .into_iter()
    .map(|(tokens, price)| Some(u128::from(tokens) * millionths(price)?))
    .sum::<Option<u128>>()?;
    u64::try_from(total.div_ceil(1_000_000)).ok()
}

/// Prices have few decimals, and sums of whole numbers are exact.
fn millionths(price: f64) -> Option<u128> {
    format!("{:.0}", price * 1e6).parse().ok()
}

#[cfg(test)]
mod tests;
