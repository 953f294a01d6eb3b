//! What has come of a run.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{AssistantId, Timestamp, assistant::content::words, conversation::ToolCall};

words!(
    /// Why a run stopped (reference §4).
    StopReason {
        /// The model had no more to say.
        EndTurn = "end_turn",
        /// A tool of the caller is to be run.
        ToolUse = "tool_use",
        /// The answer is as long as it may be.
        MaxTokens = "max_tokens",
        /// A stop sequence came.
        StopSequence = "stop_sequence",
        /// Moderation kept something back.
        ContentFilter = "content_filter",
        /// The model declined.
        Refusal = "refusal",
        /// Somebody must approve a call.
        ApprovalRequired = "approval_required",
        /// The answer did not fit its schema, twice.
        SchemaValidationFailed = "schema_validation_failed",
        /// Somebody stopped it.
        Cancelled = "cancelled",
        /// It failed.
        Error = "error",
    }
);
words!(
    /// What was done about a setting that the model does not take.
    NoticeAction {
        /// It was left out.
        Dropped = "dropped",
        /// It was brought within what the model takes.
        Clamped = "clamped",
        /// It is honoured here instead.
        Emulated = "emulated",
        /// Something else took its place.
        Substituted = "substituted",
        /// It cannot be had for now.
        Unavailable = "unavailable",
    }
);

/// Says that something configured was not honoured as it stands (reference §3.12).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The field of the assistant object or of the request, for example
    /// `temperature` or `tool_configurations.mcpTools[weather]`.
    pub field: String,
    /// Why, for people.
    pub reason: String,
    /// What was done.
    pub action: NoticeAction,
}

impl Notice {
    /// A notice.
    pub fn new(field: impl Into<String>, action: NoticeAction, reason: impl Into<String>) -> Self {
        Self { field: field.into(), reason: reason.into(), action }
    }
}

/// A place that an answer draws on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Citation {
    /// Its number in the answer's text (`[1]`).
    pub number: u32,
    /// What it is called.
    pub title: String,
    /// `instructions`, `file`, `dataset`, `web`, `vector_store`, `tool`.
    pub kind: String,
    /// The file's or dataset's identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The page's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The passage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// How well it fits, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
}

/// A call of a tool that this server runs, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolRecord {
    /// The call's name in the conversation.
    pub call_id: String,
    /// The tool's name as the model knows it.
    pub tool: String,
    /// The MCP server that it is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_label: Option<String>,
    /// Its arguments.
    pub arguments: Value,
    /// Whether it was run and did not fail.
    pub success: bool,
    /// What the caller may see of the result: the `sources`, `outputs` and `results`
    /// switches of the tool decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    /// Why it failed or was not run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took, in milliseconds.
    pub execution_time_ms: u64,
}

/// What a run used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunUsage {
    /// Tokens that the model read, cached ones included.
    pub input_tokens: u64,
    /// Those of them that the provider had at hand.
    pub cached_tokens: u64,
    /// Tokens that the model wrote, reasoning included.
    pub output_tokens: u64,
    /// Those of them that it thought.
    pub reasoning_tokens: u64,
    /// Millionths of a US dollar by the catalogue's prices; `None` when no price is
    /// known.
    pub cost_micros: Option<u64>,
    /// Whether some of it was counted here, since the provider did not tell.
    #[serde(default)]
    pub is_estimated: bool,
}

impl RunUsage {
    /// Input work: ten tokens each, rounded up (reference §0.1).
    #[must_use]
    pub const fn neurons(&self) -> u64 {
        self.input_tokens.div_ceil(10)
    }

    /// Output work: ten tokens each, rounded up (reference §0.1).
    #[must_use]
    pub const fn synapses(&self) -> u64 {
        self.output_tokens.div_ceil(10)
    }

    /// All tokens.
    #[must_use]
    pub const fn total_tokens(&self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }

    /// Both together. A price that is unknown for one is unknown for both, unless
    /// that one used nothing.
    pub fn add(&mut self, other: &Self) {
        self.cost_micros = match (self.cost_micros, other.cost_micros) {
            (Some(one), Some(two)) => Some(one.saturating_add(two)),
            (None, cost) if self.total_tokens() == 0 => cost,
            (cost, None) if other.total_tokens() == 0 => cost,
            _ => None,
        };
        self.input_tokens += other.input_tokens;
        self.cached_tokens += other.cached_tokens;
        self.output_tokens += other.output_tokens;
        self.reasoning_tokens += other.reasoning_tokens;
        self.is_estimated |= other.is_estimated;
    }
}

/// To whom a dispatcher handed the conversation over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handover {
    /// The assistant that answers.
    pub assistant: AssistantId,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u32,
}

/// Why a run failed, fit to be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFailure {
    /// A stable name for programs: `provider_failed`, `provider_busy`, `timeout`,
    /// `interrupted`, `schema_validation_failed`, `internal_error`, …
    pub code: String,
    /// For people.
    pub message: String,
}

/// What has come of a run so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Outcome {
    /// The answer's text.
    pub text: String,
    /// What may be told of what the model thought.
    pub reasoning: String,
    /// Whether the text is the model's refusal.
    pub refused: bool,
    /// Why it stopped.
    pub stop_reason: Option<StopReason>,
    /// The model that answered, by its key.
    pub model: Option<String>,
    /// The model as its provider calls it.
    pub upstream_model: Option<String>,
    /// The kind of provider that answered.
    pub provider: Option<String>,
    /// The service tier that the provider says it used.
    pub service_tier: Option<String>,
    /// Who answers, where a dispatcher was asked.
    pub handed_to: Option<Handover>,
    /// Whether earlier turns were summed up.
    pub is_summarized: bool,
    /// Whether the answer is put together from passages, without a model.
    pub is_extractive: bool,
    /// Calls of the caller's own tools that the caller is to run.
    pub requested_calls: Vec<ToolCall>,
    /// Calls that were run here.
    pub tool_calls: Vec<ToolRecord>,
    /// What the answer draws on.
    pub citations: Vec<Citation>,
    /// Pictures that were made: their addresses.
    pub images: Vec<String>,
    /// Rules that held, by id (for `include: rules`).
    pub rules: Vec<String>,
    /// Log probabilities as the provider gave them.
    pub logprobs: Vec<Value>,
    /// What was not honoured as it stands.
    pub notices: Vec<Notice>,
    /// What it used.
    pub usage: RunUsage,
    /// Why it failed.
    pub failure: Option<RunFailure>,
}

impl Outcome {
    /// Adds a notice unless it was given before.
    pub fn note(&mut self, notice: Notice) {
        if !self.notices.contains(&notice) {
            self.notices.push(notice);
        }
    }
}
