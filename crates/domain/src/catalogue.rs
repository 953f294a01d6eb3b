//! The model catalogue: every model key that an assistant may name.
//!
//! The data ships with the crate (`data/models.json`) and covers the known
//! vendors, retired models included, so that an old configuration stays valid
//! and says what took its model's place.

use std::sync::LazyLock;

use serde::Deserialize;

/// What a model costs, in US dollars for a million tokens, as its vendor's public
/// list has it.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Prices {
    /// Of what it reads.
    pub input: f64,
    /// Of what it reads and had at hand; `None` where that is no cheaper.
    pub cached_input: Option<f64>,
    /// Of what it writes, reasoning included.
    pub output: f64,
}

/// One model.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Model {
    /// What assistants name it by.
    pub key: String,
    /// The provider's identifier.
    pub provider: String,
    /// What people call it.
    pub name: String,
    /// What its vendor calls it, where that is not the key.
    pub upstream_id: Option<String>,
    /// Most tokens of input and output together.
    pub context_window: u32,
    /// Most tokens of one answer.
    pub max_output_tokens: u32,
    /// `text`, `tools`, `vision`, `audio`, `reasoning`, `structured`.
    pub capabilities: Vec<String>,
    /// What it may be told: `temperature`, `top_p`, `stop`, `seed`, `logprobs`,
    /// `penalties`, `logit_bias`, `verbosity`. A model that can be told not to think
    /// takes some of them only then.
    pub parameters: Vec<String>,
    /// How hard it can be told to think, in its vendor's words: `none`, `minimal`,
    /// `low`, `medium`, `high`, `xhigh`, `max`; the least first.
    pub efforts: Vec<String>,
    /// How Anthropic's models are told to think: `adaptive` (they are told how hard)
    /// or `budget` (they are told how many tokens).
    pub thinking: Option<String>,
    /// `available` or `retired`.
    pub status: String,
    /// The day its vendor switched it off, as `YYYY-MM-DD`.
    pub retired_at: Option<String>,
    /// The key of the model that took its place.
    pub successor: Option<String>,
    /// The day its vendor is going to switch it off, as `YYYY-MM-DD`.
    pub retires_at: Option<String>,
    /// What it costs, where that is publicly known.
    pub prices: Option<Prices>,
}

impl Model {
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

    /// Whether its vendor has switched it off.
    #[must_use]
    pub fn is_retired(&self) -> bool {
        self.status == "retired"
    }
}

#[derive(Deserialize)]
struct Data {
    providers: Vec<String>,
    models: Vec<Model>,
}

static DATA: LazyLock<Data> = LazyLock::new(|| {
    // The file is part of the crate and a test reads it, so this cannot be empty.
    serde_json::from_str(include_str!("../data/models.json"))
        .unwrap_or(Data { providers: Vec::new(), models: Vec::new() })
});

/// All models of the catalogue.
#[must_use]
pub fn models() -> &'static [Model] {
    &DATA.models
}

/// The identifiers of all known providers.
#[must_use]
pub fn providers() -> &'static [String] {
    &DATA.providers
}

/// The model with this key, or `None`.
#[must_use]
pub fn find(key: &str) -> Option<&'static Model> {
    DATA.models.iter().find(|model| model.key == key)
}

/// The three keys most like `key`, best first.
#[must_use]
pub fn nearest(key: &str) -> Vec<&'static str> {
    nearest_of(key, DATA.models.iter().map(|model| model.key.as_str()), 3)
}

/// The `count` candidates most like `word`, best first.
pub(crate) fn nearest_of<'a>(
    word: &str,
    candidates: impl Iterator<Item = &'a str>,
    count: usize,
) -> Vec<&'a str> {
    let mut scored: Vec<_> =
        candidates.map(|candidate| (strsim::jaro_winkler(word, candidate), candidate)).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    scored.into_iter().filter(|(score, _)| *score > 0.6).map(|(_, word)| word).take(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_models_are_in_the_catalogue() {
        for key in ["gpt-4o", "gpt-5", "o3-preview", "claude-3-5-sonnet", "ftg-3.0-pro", "ftg-3.0"]
        {
            assert!(find(key).is_some(), "{key}");
        }
    }

    #[test]
    fn every_retired_model_has_a_successor_that_is_available() {
        for model in models().iter().filter(|model| model.status == "retired") {
            let successor = model.successor.as_deref().and_then(find);
            assert!(successor.is_some_and(|s| s.status == "available"), "{}", model.key);
        }
    }

    #[test]
    fn what_models_are_capable_of_and_take_is_said_in_known_words() {
        const CAPABILITIES: [&str; 6] =
            ["text", "tools", "vision", "audio", "reasoning", "structured"];
        const PARAMETERS: [&str; 8] = [
            "temperature",
            "top_p",
            "stop",
            "seed",
            "logprobs",
            "penalties",
            "logit_bias",
            "verbosity",
        ];
        const EFFORTS: [&str; 7] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];
        for model in models() {
            let known = |words: &[String], all: &[&str]| words.iter().all(|w| all.contains(&&**w));
            assert!(known(&model.capabilities, &CAPABILITIES), "{}", model.key);
            assert!(known(&model.parameters, &PARAMETERS), "{}", model.key);
            let ranks: Vec<_> = model
                .efforts
                .iter()
                .map(|w| EFFORTS.iter().position(|e| e == w).unwrap())
                .collect();
            assert!(ranks.is_sorted(), "{}", model.key);
            assert!(ranks.is_empty() || model.has("reasoning"), "{}", model.key);
        }
    }

    #[test]
    fn models_of_anthropic_that_think_say_how() {
        for model in models() {
            let thinks = model.provider == "anthropic" && model.has("reasoning");
            let how = model.thinking.as_deref();
            assert_eq!(thinks, matches!(how, Some("adaptive" | "budget")), "{}", model.key);
            assert!(how.is_none() || !model.efforts.is_empty(), "{}", model.key);
        }
    }

    #[test]
    fn a_model_is_retired_or_going_to_be_but_not_both() {
        for model in models() {
            let dates = (model.retired_at.is_some(), model.retires_at.is_some());
            assert_eq!(dates.0, model.is_retired(), "{}", model.key);
            assert_ne!(dates, (true, true), "{}", model.key);
        }
    }

    #[test]
    fn prices_are_no_less_than_nothing_and_cached_input_is_no_dearer() {
        for (model, prices) in models().iter().filter_map(|model| Some((model, model.prices?))) {
            let cached = prices.cached_input.unwrap_or(prices.input);
            assert!(prices.input >= 0.0 && prices.output >= prices.input, "{}", model.key);
            assert!((0.0..=prices.input).contains(&cached), "{}", model.key);
        }
    }

    #[test]
    fn a_mistyped_key_finds_its_neighbours() {
        assert_eq!(nearest("gpt4o").first(), Some(&"gpt-4o"));
    }
}
