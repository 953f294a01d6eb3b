//! How tokens are drawn: temperature, `top_p`, penalties, biases, probabilities.

use super::{Fitting, NoticeAction, Protocol, differs};
use crate::run::{route::ModelFacts, settings::Settings};

/// What an assistant has when nobody said anything (reference §2).
const DEFAULT_TEMPERATURE: f64 = 0.7;

/// Parameters that models which think refuse while they do.
pub(super) const THOUGHTLESS: [&str; 3] = ["temperature", "top_p", "logprobs"];

/// Whether there is a bias and it is meant for the tokens of this model: that of an
/// assistant is made for its own model, that of a request for the one that it asks.
pub(super) fn bias_applies(settings: &Settings, model: &ModelFacts, default_model: &str) -> bool {
    settings.logit_bias.is_some()
        && (settings.from_request.contains("logit_bias")
            || vocabulary(default_model) == vocabulary(&model.key))
}

/// Names the tokens that a model reads and writes.
fn vocabulary(key: &str) -> &str {
    let cl100k = ["gpt-4-", "gpt-3.5-"].iter().any(|start| key.starts_with(start));
    let o200k = ["gpt-", "chatgpt-", "o1", "o3", "o4"].iter().any(|start| key.starts_with(start));
    if cl100k || key == "gpt-4" {
        "cl100k"
    } else if o200k {
        "o200k"
    } else {
        key
    }
}

impl Fitting<'_> {
    /// Anthropic takes one of the two: the one that somebody chose, and of two chosen
    /// ones the temperature.
    fn prefers_top_p(&self) -> bool {
        self.protocol() == Protocol::AnthropicMessages
            && self.takes("top_p")
            && differs(self.settings.top_p, 1.0)
            && !differs(self.settings.temperature, DEFAULT_TEMPERATURE)
            && !self.settings.from_request.contains("temperature")
    }

    /// Sent also as it is by default: that default is ours and not the provider's.
    pub(super) fn temperature(&mut self) {
        const FIELD: &str = "temperature";
        let wanted = self.settings.temperature;
        let is_default = !differs(wanted, DEFAULT_TEMPERATURE);
        if self.protocol() == Protocol::Builtin && is_default {
            return;
        }
        if self.prefers_top_p() {
            let reason = "Anthropic takes `temperature` or `top_p`; `top_p` is sent";
            return self.note(FIELD, NoticeAction::Dropped, reason);
        }
        if !self.sends(FIELD, "temperature") {
            return;
        }
        let most = if self.protocol() == Protocol::AnthropicMessages { 1.0 } else { 2.0 };
        if wanted > most {
            let reason = format!("Anthropic takes at most {most}");
            self.note(FIELD, NoticeAction::Clamped, reason);
        }
        self.fitted.sent.temperature = Some(wanted.min(most));
    }

    pub(super) fn top_p(&mut self) {
        const FIELD: &str = "top_p";
        let wanted = self.settings.top_p;
        if !differs(wanted, 1.0) || !self.sends(FIELD, "top_p") {
            return;
        }
        if self.protocol() == Protocol::AnthropicMessages && self.fitted.sent.temperature.is_some()
        {
            let reason = "Anthropic takes `temperature` or `top_p`; `temperature` is sent";
            return self.note(FIELD, NoticeAction::Dropped, reason);
        }
        self.fitted.sent.top_p = Some(wanted);
    }

    pub(super) fn penalties(&mut self) {
        let (frequency, presence) =
            (self.settings.frequency_penalty, self.settings.presence_penalty);
        if differs(frequency, 0.0) && self.sends("frequency_penalty", "penalties") {
            self.fitted.sent.frequency_penalty = Some(frequency);
        }
        if differs(presence, 0.0) && self.sends("presence_penalty", "penalties") {
            self.fitted.sent.presence_penalty = Some(presence);
        }
    }

    pub(super) fn logit_bias(&mut self) {
        let Some(bias) = &self.settings.logit_bias else { return };
        if !bias_applies(self.settings, self.model, self.default_model) {
            let reason = format!(
                "it is meant for the tokens of `{}`, and `{}` has others",
                self.default_model, self.model.key
            );
            self.note("logit_bias", NoticeAction::Dropped, reason);
        } else if self.sends("logit_bias", "logit_bias") {
            self.fitted.sent.logit_bias = Some(bias.clone());
        }
    }

    pub(super) fn top_logprobs(&mut self) {
        let wanted = self.settings.top_logprobs;
        if wanted > 0 && self.sends("top_logprobs", "logprobs") {
            self.fitted.sent.top_logprobs = Some(wanted);
        }
    }
}
