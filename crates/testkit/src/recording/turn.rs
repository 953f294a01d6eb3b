//! What a model says, in words of no protocol.

use super::fault::Fault;

/// How many bytes of a call's arguments are told at a time.
const ARGUMENTS_AT_ONCE: usize = 8;

/// One answer of a model. It says its parts in this order: thoughts, text or a
/// refusal, calls of tools.
///
/// ```
/// use serde_json::json;
/// use understudy_testkit::{Finish, Turn};
///
/// let short = Turn::chunks(["Hel", "lo"]).finishing(Finish::Length);
/// let busy = Turn::reasoning("Two cities.")
///     .and_tool_call("weather", json!({"city": "Bern"}))
///     .and_tool_call("weather", json!({"city": "Zug"}));
/// # let _ = (short, busy);
/// ```
#[derive(Clone, Debug)]
pub struct Turn {
    pub(super) reasoning: Vec<String>,
    pub(super) text: Vec<String>,
    pub(super) refusal: Option<String>,
    pub(super) calls: Vec<Call>,
    pub(super) finish: Option<Finish>,
    pub(super) usage: Option<Usage>,
    pub(super) service_tier: Option<String>,
    pub(super) model: Option<String>,
    pub(super) faults: Vec<Fault>,
}

/// A call of a tool.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) id: Option<String>,
    pub(super) name: String,
    pub(super) arguments: String,
}

/// Why a turn ends; without one it ends as its parts say (a refusal, calls, or
/// simply the end).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finish {
    /// There is no more to say.
    Stop,
    /// The answer is as long as it may be.
    Length,
    /// The provider kept something back. Where a protocol does not know that, it is
    /// a refusal.
    ContentFilter,
    /// This stop sequence came.
    StopSequence(String),
    /// Not done: the same request goes on. Anthropic only; else the end.
    Pause,
    /// The model's window is full. Anthropic only; else as [`Length`](Self::Length).
    WindowFull,
}

/// What a turn says it used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Tokens read, cached ones included.
    pub input_tokens: u64,
    /// Those of them that were at hand.
    pub cached_tokens: u64,
    /// Tokens written, those of thoughts included.
    pub output_tokens: u64,
    /// Those of thoughts.
    pub reasoning_tokens: u64,
}

impl Default for Usage {
    fn default() -> Self {
        Self { input_tokens: 12, cached_tokens: 0, output_tokens: 7, reasoning_tokens: 0 }
    }
}

impl Default for Turn {
    /// Says nothing at all.
    fn default() -> Self {
        Self {
            reasoning: Vec::new(),
            text: Vec::new(),
            refusal: None,
            calls: Vec::new(),
            finish: None,
            usage: Some(Usage::default()),
            service_tier: None,
            model: None,
            faults: Vec::new(),
        }
    }
}

impl Turn {
    /// Says `text` at once.
    pub fn text(text: impl Into<String>) -> Self {
        Self::default().and_text(text)
    }

    /// Says a text in these pieces.
    pub fn chunks<S: Into<String>>(pieces: impl IntoIterator<Item = S>) -> Self {
        let text = pieces.into_iter().map(Into::into).collect();
        Self { text, ..Self::default() }
    }

    /// Calls a tool. Arguments are JSON, or any text to be wrong.
    #[expect(clippy::needless_pass_by_value, reason = "a call reads best with a literal")]
    pub fn tool_call(name: impl Into<String>, arguments: impl ToString) -> Self {
        Self::default().and_tool_call(name, arguments.to_string())
    }

    /// Thinks; what follows is said with [`and_text`](Self::and_text) or
    /// [`and_tool_call`](Self::and_tool_call).
    pub fn reasoning(thought: impl Into<String>) -> Self {
        Self { reasoning: vec![thought.into()], ..Self::default() }
    }

    /// Declines in these words.
    pub fn refusal(text: impl Into<String>) -> Self {
        Self { refusal: Some(text.into()), ..Self::default() }
    }

    /// Misbehaves, around the text `Hello`.
    #[must_use]
    pub fn failing(fault: Fault) -> Self {
        Self::text("Hello").with_fault(fault)
    }

    /// One more piece of text.
    #[must_use]
    pub fn and_text(mut self, text: impl Into<String>) -> Self {
        self.text.push(text.into());
        self
    }

    /// One more call of a tool.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "a call reads best with a literal")]
    pub fn and_tool_call(mut self, name: impl Into<String>, arguments: impl ToString) -> Self {
        let call = Call { id: None, name: name.into(), arguments: arguments.to_string() };
        self.calls.push(call);
        self
    }

    /// The last call has this id, instead of one that no other call has.
    #[must_use]
    pub fn with_call_id(mut self, id: impl Into<String>) -> Self {
        if let Some(call) = self.calls.last_mut() {
            call.id = Some(id.into());
        }
        self
    }

    /// Ends for this reason.
    #[must_use]
    pub fn finishing(self, finish: Finish) -> Self {
        Self { finish: Some(finish), ..self }
    }

    /// Says that this was used.
    #[must_use]
    pub fn with_usage(self, usage: Usage) -> Self {
        Self { usage: Some(usage), ..self }
    }

    /// Does not tell what was used.
    #[must_use]
    pub fn without_usage(self) -> Self {
        Self { usage: None, ..self }
    }

    /// Says that it was served on this tier.
    #[must_use]
    pub fn with_service_tier(self, tier: impl Into<String>) -> Self {
        Self { service_tier: Some(tier.into()), ..self }
    }

    /// Says that this model answers, and not the one that was asked for.
    #[must_use]
    pub fn by_model(self, model: impl Into<String>) -> Self {
        Self { model: Some(model.into()), ..self }
    }

    /// Misbehaves too. Several faults are done in the order in which they are given.
    #[must_use]
    pub fn with_fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    pub(super) fn whole_text(&self) -> String {
        self.text.concat()
    }

    pub(super) fn whole_reasoning(&self) -> String {
        self.reasoning.concat()
    }
}

impl Call {
    /// The call's id: its own, or one from its place.
    pub(super) fn id(&self, prefix: &str, exchange: usize, index: usize) -> String {
        self.id.clone().unwrap_or_else(|| format!("{prefix}{exchange}_{index}"))
    }

    /// The arguments in pieces.
    pub(super) fn pieces(&self) -> Vec<&str> {
        let mut pieces = Vec::new();
        let mut rest = self.arguments.as_str();
        while !rest.is_empty() {
            let mut at = rest.len().min(ARGUMENTS_AT_ONCE);
            while !rest.is_char_boundary(at) {
                at += 1;
            }
            let (piece, after) = rest.split_at(at);
            pieces.push(piece);
            rest = after;
        }
        pieces
    }
}
