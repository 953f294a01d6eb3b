//! Which setting is sent to which provider, and what is done about the others: the
//! one place that decides it (reference §5.3).
//!
//! [`FIELDS`] says what becomes of each field with each protocol; the functions here
//! and below follow it, field by field in the order of the assistant object, and
//! consult what the model takes. Nothing is left out in silence.

mod format;
mod reasoning;
mod sampling;
mod schema;
mod table;

use super::{Notice, NoticeAction, route::ModelFacts, settings::Settings};
use crate::{
    Fault, ProviderKind,
    assistant::content::{ReasoningEffort, ReasoningSummary, ServiceTier},
    chat::{Protocol, SentSettings},
};
pub use table::{FIELDS, PROTOCOLS, Treatment, treatment};

/// Most stop sequences that Chat Completions takes.
const MAX_SENT_STOPS: usize = 4;

/// Settings as one provider and model take them.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    /// How the provider is spoken to.
    pub protocol: Protocol,
    /// What is sent.
    pub sent: SentSettings,
    /// Texts for the system prompt that stand in for what is not sent.
    pub hints: Vec<String>,
    /// Whether the provider holds the model to the form of the answer that is wanted,
    /// so that nothing else comes. Of natural language nothing is said.
    pub is_held_to_form: bool,
    /// Where to stop; enforced here for every provider.
    pub stop: Vec<String>,
    /// What is not honoured as it stands.
    pub notices: Vec<Notice>,
}

/// Fits the settings of a run to a provider and a model. `default_model` is the
/// assistant's `default_model_key`: a bias of tokens is meant for its tokens.
///
/// # Errors
///
/// What the request asks for in vain: reasoning of a model that cannot.
pub fn fit(
    settings: &Settings,
    model: &ModelFacts,
    kind: ProviderKind,
    has_tools: bool,
    default_model: &str,
) -> Result<Fitted, Vec<Fault>> {
    let mut fitting = Fitting::new(settings, model, kind, default_model);
    fitting.parallel_tool_calls(has_tools);
    fitting.reasoning();
    fitting.service_tier();
    fitting.temperature();
    fitting.penalties();
    fitting.logit_bias();
    fitting.top_logprobs();
    fitting.top_p();
    fitting.format();
    fitting.seed();
    fitting.stop_sequences();
    fitting.max_completion_tokens();
    fitting.verbosity();
    if fitting.faults.is_empty() { Ok(fitting.fitted) } else { Err(fitting.faults) }
}

/// How the provider is spoken to. OpenAI's Chat Completions takes settings that its
/// Responses does not, but tells no summaries of what the model thinks.
fn protocol(
    settings: &Settings,
    model: &ModelFacts,
    kind: ProviderKind,
    default_model: &str,
) -> Protocol {
    match kind {
        ProviderKind::Openai => {
            let penalties = [settings.frequency_penalty, settings.presence_penalty];
            let needs_chat = (!settings.stop_sequences.is_empty() && model.takes("stop"))
                || (settings.seed.is_some() && model.takes("seed"))
                || (sampling::bias_applies(settings, model, default_model)
                    && model.takes("logit_bias"))
                || (penalties.iter().any(|value| differs(*value, 0.0)) && model.takes("penalties"));
            let needs_summaries = model.has("reasoning")
                && settings.reasoning.as_ref().is_some_and(|reasoning| {
                    reasoning.effort != ReasoningEffort::Off
                        && reasoning.summary != ReasoningSummary::Off
                });
            if needs_chat && !needs_summaries {
                Protocol::OpenaiChat
            } else {
                Protocol::OpenaiResponses
            }
        }
        ProviderKind::OpenaiCompatible => Protocol::CompatibleChat,
        ProviderKind::Anthropic => Protocol::AnthropicMessages,
        ProviderKind::Ollama => Protocol::OllamaChat,
        ProviderKind::Builtin | ProviderKind::Clipdrop => Protocol::Builtin,
    }
}

fn differs(one: f64, other: f64) -> bool {
    (one - other).abs() > f64::EPSILON
}

/// The work on one run's settings.
struct Fitting<'a> {
    settings: &'a Settings,
    model: &'a ModelFacts,
    default_model: &'a str,
    /// Whether the model is told to think, so that it refuses settings that it takes
    /// otherwise.
    thinks: bool,
    fitted: Fitted,
    faults: Vec<Fault>,
}

impl<'a> Fitting<'a> {
    fn new(
        settings: &'a Settings,
        model: &'a ModelFacts,
        kind: ProviderKind,
        default_model: &'a str,
    ) -> Self {
        let fitted = Fitted {
            protocol: protocol(settings, model, kind, default_model),
            sent: SentSettings::default(),
            hints: Vec::new(),
            is_held_to_form: false,
            stop: settings.stop_sequences.clone(),
            notices: Vec::new(),
        };
        Self { settings, model, default_model, thinks: false, fitted, faults: Vec::new() }
    }

    const fn protocol(&self) -> Protocol {
        self.fitted.protocol
    }

    fn treatment(&self, field: &str) -> Treatment {
        treatment(field, self.protocol())
    }

    fn note(&mut self, field: &str, action: NoticeAction, reason: impl Into<String>) {
        self.fitted.notices.push(Notice::new(field, action, reason));
    }

    /// Whether the model takes this parameter in this run.
    fn takes(&self, parameter: &str) -> bool {
        self.model.takes(parameter) && !(self.thinks && sampling::THOUGHTLESS.contains(&parameter))
    }

    /// Whether a field that is not as by default is sent. When it is not, that is
    /// told.
    fn sends(&mut self, field: &str, parameter: &str) -> bool {
        let key = &self.model.key;
        let reason = match self.treatment(field) {
            Treatment::Sent(_) if self.takes(parameter) => return true,
            Treatment::Sent(_) if self.model.takes(parameter) => {
                format!("`{key}` does not take it while it thinks")
            }
            Treatment::Sent(_) => format!("`{key}` does not take it"),
            Treatment::Emulated | Treatment::Told | Treatment::Nothing => self.has_none(),
        };
        self.note(field, NoticeAction::Dropped, reason);
        false
    }

    /// That the protocol has no such field.
    fn has_none(&self) -> String {
        let speaker = match self.protocol() {
            Protocol::OpenaiResponses => "OpenAI's Responses has",
            Protocol::OpenaiChat => "OpenAI's Chat Completions has",
            Protocol::CompatibleChat => "providers that speak Chat Completions have",
            Protocol::AnthropicMessages => "Anthropic's Messages has",
            Protocol::OllamaChat => "Ollama has",
            Protocol::Builtin => "the built-in model, which answers with passages, has",
        };
        format!("{speaker} nothing like it")
    }

    /// Said with every request that has tools; others than the vendors are only told
    /// what is not as by default.
    fn parallel_tool_calls(&mut self, has_tools: bool) {
        let parallel = self.settings.parallel_tool_calls;
        let is_vendor = self.protocol() != Protocol::CompatibleChat;
        match self.treatment("parallel_tool_calls") {
            Treatment::Sent(_) if has_tools && (is_vendor || !parallel) => {
                self.fitted.sent.parallel_tool_calls = Some(parallel);
            }
            Treatment::Emulated if has_tools && !parallel => {
                let reason = format!("{}; calls are run one after the other", self.has_none());
                self.note("parallel_tool_calls", NoticeAction::Emulated, reason);
            }
            _ => {}
        }
    }

    fn service_tier(&mut self) {
        let tier = self.settings.service_tier;
        if tier == ServiceTier::Default {
            return;
        }
        let word = match (self.protocol(), tier) {
            (Protocol::OpenaiResponses | Protocol::OpenaiChat, tier) => tier.as_str(),
            (Protocol::AnthropicMessages, ServiceTier::Auto | ServiceTier::Priority) => "auto",
            (Protocol::AnthropicMessages, _) => {
                let reason = "Anthropic has no such tier; its standard one is asked for";
                self.note("service_tier", NoticeAction::Clamped, reason);
                "standard_only"
            }
            (Protocol::CompatibleChat | Protocol::OllamaChat | Protocol::Builtin, _) => {
                let reason = self.has_none();
                self.note("service_tier", NoticeAction::Dropped, reason);
                return;
            }
        };
        self.fitted.sent.service_tier = Some(word.to_owned());
    }

    fn seed(&mut self) {
        if self.settings.seed.is_some() && self.sends("seed", "seed") {
            self.fitted.sent.seed = self.settings.seed;
        }
    }

    /// All of them are enforced here; a provider that knows them stops sooner.
    fn stop_sequences(&mut self) {
        let wanted = &self.settings.stop_sequences;
        if wanted.is_empty() {
            return;
        }
        let is_sent = matches!(self.treatment("stopSequences"), Treatment::Sent(_));
        let sent: Vec<String> = match self.protocol() {
            _ if !is_sent || !self.takes("stop") => Vec::new(),
            Protocol::OpenaiChat | Protocol::CompatibleChat => {
                wanted.iter().take(MAX_SENT_STOPS).cloned().collect()
            }
            // It refuses those that are only space.
            Protocol::AnthropicMessages => {
                wanted.iter().filter(|text| !text.trim().is_empty()).cloned().collect()
            }
            _ => wanted.clone(),
        };
        if sent.len() < wanted.len() {
            let missing = wanted.len() - sent.len();
            let reason = match sent.as_slice() {
                [] => format!("`{}` is not asked to stop; they are honoured here", self.model.key),
                _ => {
                    format!("the provider does not take {missing} of them; they are honoured here")
                }
            };
            self.note("stopSequences", NoticeAction::Emulated, reason);
        }
        self.fitted.sent.stop = sent;
    }

    /// Most tokens of the answer. What the longest answer of an unknown model is, is a
    /// guess, and no reason to cut a wish.
    fn longest(&self) -> Option<u32> {
        let most = self.model.max_output_tokens;
        let wanted = self.settings.max_completion_tokens;
        let fitting = wanted.map(|w| if self.model.is_known { w.min(most) } else { w });
        match self.protocol() {
            Protocol::AnthropicMessages => fitting.or(Some(most)), // it demands one
            _ => fitting,
        }
    }

    fn max_completion_tokens(&mut self) {
        let longest = self.longest();
        if let (Some(wanted), Some(longest)) = (self.settings.max_completion_tokens, longest)
            && wanted > longest
        {
            let reason = format!("answers of `{}` have at most {longest} tokens", self.model.key);
            self.note("max_completion_tokens", NoticeAction::Clamped, reason);
        }
        self.fitted.sent.max_output_tokens = longest;
    }
}

#[cfg(test)]
mod tests;
