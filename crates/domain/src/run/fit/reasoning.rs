//! How the model is told to think.

use super::{Fitting, NoticeAction, Protocol};
use crate::{
    Fault,
    assistant::content::{Reasoning, ReasoningEffort, ReasoningSummary},
    run::settings::pointer,
};

/// All words for how hard to think, the least first.
const WORDS: [&str; 7] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

/// Those that others than OpenAI know where they speak Chat Completions.
const COMMON_WORDS: [&str; 5] = ["none", "minimal", "low", "medium", "high"];

/// Fewest tokens that Anthropic's models can be told to think with.
const MIN_BUDGET: u32 = 1_024;

/// The word of OpenAI for an effort of the assistant object.
const fn word(effort: ReasoningEffort) -> &'static str {
    match effort {
        ReasoningEffort::Off => "none",
        ReasoningEffort::Minimal => "minimal",
        ReasoningEffort::Low => "low",
        ReasoningEffort::Medium => "medium",
        ReasoningEffort::High => "high",
        ReasoningEffort::Maximum => "max",
    }
}

/// Tokens to think with (reference §5.3).
const fn budget(effort: ReasoningEffort) -> u32 {
    match effort {
        ReasoningEffort::Off | ReasoningEffort::Minimal | ReasoningEffort::Low => MIN_BUDGET,
        ReasoningEffort::Medium => 4_096,
        ReasoningEffort::High => 16_384,
        ReasoningEffort::Maximum => 32_000,
    }
}

fn rank(word: &str) -> usize {
    WORDS.iter().position(|known| *known == word).unwrap_or(WORDS.len())
}

/// The word of those that are taken which comes closest: the wanted one, else the next
/// above it, else the highest. Thinking is not turned off for who wants a little.
fn closest<'a>(wanted: &str, taken: &[&'a str]) -> Option<&'a str> {
    let above = taken.iter().copied().filter(|word| rank(word) >= rank(wanted));
    above.min_by_key(|word| rank(word)).or_else(|| taken.iter().copied().max_by_key(|w| rank(w)))
}

impl Fitting<'_> {
    pub(super) fn reasoning(&mut self) {
        let settings = self.settings;
        let Some(reasoning) = &settings.reasoning else { return };
        if !self.model.has("reasoning") || self.protocol() == Protocol::Builtin {
            return self.cannot_think(reasoning);
        }
        let is_budgeted = self.model.thinking.as_deref() == Some("budget");
        match self.protocol() {
            Protocol::AnthropicMessages if is_budgeted => self.budget(reasoning.effort),
            _ => self.effort(reasoning.effort),
        }
        self.summary(reasoning.summary);
    }

    /// What an assistant says is left out, so that it can change models; what a request
    /// says is a mistake, unless nothing is known of the model or it was not chosen.
    fn cannot_think(&mut self, reasoning: &Reasoning) {
        let key = &self.model.key;
        let wants_none = reasoning.effort == ReasoningEffort::Off;
        let asked = |name: &str| self.settings.from_request.contains(name);
        let is_sure = self.model.is_known && self.protocol() != Protocol::Builtin;
        let mistakes: Vec<&str> = [
            ("reasoning_effort", wants_none),
            ("reasoning_summary", reasoning.summary == ReasoningSummary::Off),
        ]
        .into_iter()
        .filter(|(name, is_none)| is_sure && !is_none && asked(name))
        .map(|(name, _)| name)
        .collect();
        for name in &mistakes {
            let message = format!("must not be set for `{key}`, which does not think");
            self.faults.push(Fault::new(pointer(name), "unsupported", message));
        }
        if mistakes.is_empty() && !wants_none {
            let reason = match self.protocol() {
                Protocol::Builtin => self.has_none(),
                _ if self.model.is_known => format!("`{key}` does not think"),
                _ => format!("nothing is known of how `{key}` thinks"),
            };
            self.note("reasoning", NoticeAction::Dropped, reason);
        }
    }

    /// Sends the word for an effort.
    fn effort(&mut self, wanted: ReasoningEffort) {
        const FIELD: &str = "reasoning.effort";
        let is_compatible = self.protocol() == Protocol::CompatibleChat;
        let known = |word: &&str| !is_compatible || COMMON_WORDS.contains(word);
        let model = self.model;
        let taken: Vec<&str> = model.efforts.iter().map(String::as_str).filter(known).collect();
        let Some(chosen) = closest(word(wanted), &taken) else {
            let reason = format!("`{}` thinks as hard as it likes", model.key);
            return self.note(FIELD, NoticeAction::Dropped, reason);
        };
        // What is most is for the model to say.
        if chosen != word(wanted) && wanted != ReasoningEffort::Maximum {
            let reason = format!("`{}` takes {}; it is `{chosen}`", model.key, taken.join(", "));
            self.note(FIELD, NoticeAction::Clamped, reason);
        }
        self.thinks = chosen != "none";
        self.fitted.sent.reasoning_effort = Some(chosen.to_owned());
    }

    /// Sends a number of tokens; none for no thinking, which is what such models do
    /// unless they are told.
    fn budget(&mut self, wanted: ReasoningEffort) {
        const FIELD: &str = "reasoning.effort";
        if wanted == ReasoningEffort::Off {
            return;
        }
        let longest = self.longest().unwrap_or(self.model.max_output_tokens);
        if longest <= MIN_BUDGET {
            let reason = format!("an answer of {longest} tokens has no room for thoughts");
            return self.note(FIELD, NoticeAction::Dropped, reason);
        }
        let tokens = if budget(wanted) < longest {
            budget(wanted)
        } else {
            let half = (longest / 2).max(MIN_BUDGET);
            let reason = format!("thoughts get {half} of the answer's {longest} tokens");
            self.note(FIELD, NoticeAction::Clamped, reason);
            half
        };
        self.thinks = true;
        self.fitted.sent.reasoning_budget = Some(tokens);
    }

    fn summary(&mut self, wanted: ReasoningSummary) {
        const FIELD: &str = "reasoning.summary";
        let is_particular =
            matches!(wanted, ReasoningSummary::Concise | ReasoningSummary::Detailed);
        let word = match self.protocol() {
            Protocol::AnthropicMessages if !self.thinks => return self.no_thoughts(is_particular),
            Protocol::AnthropicMessages => {
                if is_particular {
                    let reason = "Anthropic tells its models' thoughts at one length";
                    self.note(FIELD, NoticeAction::Clamped, reason);
                }
                if wanted == ReasoningSummary::Off { "omitted" } else { "summarized" }
            }
            Protocol::OpenaiResponses if wanted == ReasoningSummary::Off => return,
            Protocol::OpenaiResponses
                if self.fitted.sent.reasoning_effort.as_deref() == Some("none") =>
            {
                return self.no_thoughts(is_particular);
            }
            // Models up to the first GPT-5, which cannot be told not to think, do not
            // know it.
            Protocol::OpenaiResponses
                if wanted == ReasoningSummary::Concise
                    && !self.model.efforts.iter().any(|word| word == "none") =>
            {
                let reason = format!("`{}` does not take it; it is `auto`", self.model.key);
                self.note(FIELD, NoticeAction::Clamped, reason);
                "auto"
            }
            Protocol::OpenaiResponses => wanted.as_str(),
            _ => {
                if is_particular {
                    let reason = self.has_none();
                    self.note(FIELD, NoticeAction::Dropped, reason);
                }
                return;
            }
        };
        self.fitted.sent.reasoning_summary = Some(word.to_owned());
    }

    fn no_thoughts(&mut self, is_particular: bool) {
        if is_particular {
            let reason = "the model is not told to think";
            self.note("reasoning.summary", NoticeAction::Dropped, reason);
        }
    }
}
