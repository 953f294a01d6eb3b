//! What is asked of an assistant.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    RuleId, RunId,
    assistant::content::{
        ContextStrategy, LogitBias, ReasoningEffort, ReasoningSummary, ServiceTier, ToolMode,
    },
    chat::ToolChoice,
    conversation::Item,
    run::DecidedCall,
};

/// What is asked, and how it is to be answered. What is absent is as the assistant
/// says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunRequest {
    /// What is said, in order; at least one item, or decisions instead.
    pub input: Vec<Item>,
    /// Decisions about all calls that wait in the conversation: the run takes over from
    /// the one that waits with them.
    pub decisions: Vec<DecidedCall>,
    /// Goes behind the assistant's instructions.
    pub instructions: Option<String>,
    /// The run whose answer this goes on from: what came behind it in the thread is
    /// left out.
    pub previous: Option<RunId>,
    /// Settings for this run only.
    pub overrides: Overrides,
    /// The version of the assistant that is to answer, for those who may read it; the
    /// newest unless it is named.
    pub version: Option<u32>,
    /// Tools that the caller runs.
    pub tools: Vec<CallerTool>,
    /// Which tool the model is to use.
    pub tool_choice: Option<ToolChoice>,
    /// Modes of built-in tools, by their name in the assistant object. It turns off
    /// what is on, never on what is off.
    pub system_tools: BTreeMap<String, ToolMode>,
    /// More places to search.
    pub vector_store_ids: Vec<String>,
    /// Rules of the mode `manual` that are to hold.
    pub rules: Vec<RuleId>,
    /// Pairs that stay with the run: at most 16.
    pub metadata: BTreeMap<String, String>,
    /// What else to tell in the response (reference §1.4).
    pub include: BTreeSet<String>,
    /// Whether who follows cannot take back what they are told of the text: then only
    /// what counts is told.
    pub final_deltas: bool,
}

/// A tool that the caller runs: the run stops when the model calls it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallerTool {
    /// 1 to 64 letters, digits, `_` and `-`.
    pub name: String,
    /// When to use it.
    #[serde(default)]
    pub description: Option<String>,
    /// A JSON Schema whose root is an object.
    #[serde(default)]
    pub parameters: Option<Map<String, Value>>,
    /// Whether the model must keep to the schema.
    #[serde(default)]
    pub strict: Option<bool>,
}

/// The form that a request wants the answer in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RequestFormat {
    /// Natural language.
    Text,
    /// Natural language without Markdown.
    Plain,
    /// Any JSON object.
    JsonObject,
    /// JSON that fits this schema.
    JsonSchema {
        /// What it is called: 1 to 64 letters, digits, `_` and `-`.
        name: String,
        /// What it describes.
        #[serde(default)]
        description: Option<String>,
        /// The schema.
        schema: Map<String, Value>,
        /// Whether the model must keep to it exactly.
        #[serde(default)]
        strict: Option<bool>,
    },
    /// JSON that fits the assistant's schema with this id or name.
    NamedSchema {
        /// Which.
        name: String,
    },
}

/// Settings for one run. Those that are `None` are as the assistant says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "as the fields of the assistant object with these names")]
pub struct Overrides {
    pub model: Option<String>,
    pub temperature: Option<f64>,
    pub top_p: Option<f64>,
    pub frequency_penalty: Option<f64>,
    pub presence_penalty: Option<f64>,
    pub logit_bias: Option<LogitBias>,
    pub seed: Option<i64>,
    pub stop_sequences: Option<Vec<String>>,
    pub max_completion_tokens: Option<u32>,
    pub max_tool_calls: Option<u32>,
    pub parallel_tool_calls: Option<bool>,
    pub reasoning_effort: Option<ReasoningEffort>,
    pub reasoning_summary: Option<ReasoningSummary>,
    pub service_tier: Option<ServiceTier>,
    pub top_logprobs: Option<u32>,
    pub format: Option<RequestFormat>,
    /// `low`, `medium` or `high`.
    pub verbosity: Option<String>,
    pub context_strategy: Option<ContextStrategy>,
    pub context_window: Option<u32>,
    /// Whether the oldest turns may be left out when `full` does not fit; `false`
    /// refuses such a request.
    pub truncation: Option<bool>,
}
