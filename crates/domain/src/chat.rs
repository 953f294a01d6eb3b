//! What a model is asked and what it answers, in words of no provider.
//!
//! The run pipeline decides what is sent ([`crate::run::fit`]); adapters only spell it
//! as their protocol does.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    assistant::content::words,
    conversation::{Item, ReasoningBlock, ToolCall},
    run::Citation,
};

words!(
    /// How a provider is spoken to.
    Protocol {
        /// OpenAI Responses.
        OpenaiResponses = "openai_responses",
        /// OpenAI Chat Completions.
        OpenaiChat = "openai_chat",
        /// Chat Completions as others than OpenAI speak them.
        CompatibleChat = "compatible_chat",
        /// Anthropic Messages.
        AnthropicMessages = "anthropic_messages",
        /// Ollama's own chat.
        OllamaChat = "ollama_chat",
        /// No wire at all.
        Builtin = "builtin",
    }
);

/// Which tool the model is to use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolChoice {
    /// Any or none, as it likes.
    Auto,
    /// None.
    None,
    /// At least one.
    Required,
    /// This one.
    Named(String),
}

/// A tool as the model is offered it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolSpec {
    /// 1 to 64 letters, digits, `_` and `-`; unique in the request.
    pub name: String,
    /// When to use it.
    pub description: String,
    /// A JSON Schema whose root is an object.
    pub parameters: Map<String, Value>,
    /// Whether the model must keep to the schema; `None` is as the provider likes.
    pub strict: Option<bool>,
}

/// A form that the provider is to keep to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SentFormat {
    /// Any JSON object.
    JsonObject,
    /// JSON that fits a schema.
    JsonSchema {
        /// 1 to 64 letters, digits, `_` and `-`.
        name: String,
        /// What it describes.
        description: Option<String>,
        /// The schema.
        schema: Map<String, Value>,
        /// Whether the provider is to keep to it exactly.
        strict: bool,
    },
}

/// Settings as they are sent: `None` (or empty) is left out of the request.
///
/// They are already what the protocol and the model take: an adapter sends every one
/// that is there, under its protocol's name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SentSettings {
    /// Randomness.
    pub temperature: Option<f64>,
    /// Nucleus sampling.
    pub top_p: Option<f64>,
    /// Dislike of frequent tokens, -2 to 2.
    pub frequency_penalty: Option<f64>,
    /// Dislike of used tokens, -2 to 2.
    pub presence_penalty: Option<f64>,
    /// Bias of token ids, -100 to 100.
    pub logit_bias: Option<BTreeMap<String, f64>>,
    /// For the same answer again, as far as the provider can.
    pub seed: Option<i64>,
    /// Where to stop.
    pub stop: Vec<String>,
    /// Most tokens of the answer, reasoning included.
    pub max_output_tokens: Option<u32>,
    /// Whether several tools may be called at once; only with tools.
    pub parallel_tool_calls: Option<bool>,
    /// How hard to think, in the provider's word (`none`, `minimal`, `low`, `medium`,
    /// `high`, `xhigh`, `max`).
    pub reasoning_effort: Option<String>,
    /// How many tokens to think with, where the provider counts them instead.
    pub reasoning_budget: Option<u32>,
    /// How much to tell of it, in the provider's word (`auto`, `concise`,
    /// `detailed`; for Anthropic `summarized` or `omitted`).
    pub reasoning_summary: Option<String>,
    /// Processing tier, in the provider's word.
    pub service_tier: Option<String>,
    /// How many alternatives of each token to tell.
    pub top_logprobs: Option<u32>,
    /// The answer's form.
    pub format: Option<SentFormat>,
    /// How much to say, in the provider's word.
    pub verbosity: Option<String>,
}

/// A text that comes before the conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemBlock {
    /// The layer that it comes from, for example `instructions`.
    pub layer: String,
    /// The text.
    pub text: String,
    /// Whether it is the same from turn to turn, so that a provider may keep it.
    pub is_stable: bool,
}

/// What one step asks of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChatRequest {
    /// How it is spoken to.
    pub protocol: Protocol,
    /// The model as the provider calls it.
    pub model: String,
    /// What comes before the conversation; stable ones first.
    pub system: Vec<SystemBlock>,
    /// The conversation. Media are addresses or data, no files of assistants.
    pub items: Vec<Item>,
    /// The tools that the model may call.
    pub tools: Vec<ToolSpec>,
    /// Which of them it is to use.
    pub tool_choice: ToolChoice,
    /// How to answer.
    pub settings: SentSettings,
    /// What the `builtin` provider answers from, best first; other protocols find it
    /// before the last thing that the user said and leave it alone.
    pub passages: Vec<Citation>,
    /// Names the user to the provider without telling who it is: a hash.
    pub user_hash: String,
}

/// Why a model stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChatStop {
    /// It had no more to say.
    EndTurn,
    /// It wants tools to be run.
    ToolUse,
    /// The answer is as long as it may be.
    MaxTokens,
    /// One of the stop sequences came.
    StopSequence,
    /// The provider kept something back.
    ContentFilter,
    /// It declined.
    Refusal,
    /// It is not done: the same request, with what it said so far, goes on.
    Pause,
}

/// What a step used, as the provider counts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChatUsage {
    /// Tokens that it read, cached ones included.
    pub input_tokens: u64,
    /// Those that it had at hand.
    pub cached_tokens: u64,
    /// Tokens that it wrote, reasoning included.
    pub output_tokens: u64,
    /// Those that it thought.
    pub reasoning_tokens: u64,
}

/// Something that a model says while it answers.
#[derive(Clone, Debug, PartialEq)]
pub enum ChatEvent {
    /// It began; by which name it goes.
    Started {
        /// The model, if it tells.
        model: Option<String>,
    },
    /// More text.
    Text(String),
    /// More of a refusal's text.
    Refusal(String),
    /// More of what may be told of its thoughts.
    Reasoning(String),
    /// A thought is complete; it belongs before what follows.
    ReasoningBlock(ReasoningBlock),
    /// More of the arguments of a call whose id and name are known.
    ToolArguments {
        /// The call.
        call_id: String,
        /// The tool.
        name: String,
        /// More of them; the first may be empty.
        delta: String,
    },
    /// A call is complete.
    ToolCall(ToolCall),
    /// It draws on something.
    Citation(Citation),
    /// Log probabilities, as the provider gives them.
    Logprobs(Vec<Value>),
    /// It is done. Nothing follows.
    Done {
        /// Why it stopped.
        stop: ChatStop,
        /// What it used; `None` when it does not tell.
        usage: Option<ChatUsage>,
        /// The service tier that it says it used.
        service_tier: Option<String>,
    },
}
