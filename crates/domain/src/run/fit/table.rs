//! The table of reference §5.3: what becomes of each field of the assistant object
//! with each protocol.

use crate::chat::Protocol;

/// What becomes of a field that is not as it is by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// It is sent under this name, where the model takes it; else it is honoured here
    /// where it can be, or left out, and that is told.
    Sent(&'static str),
    /// It is honoured here. Where a vendor could have done it, that is told.
    Emulated,
    /// It is left out, and that is told.
    Told,
    /// It has no part in what a model is asked.
    Nothing,
}

use Treatment::{Emulated, Nothing, Sent, Told};

impl Treatment {
    /// In words, for the documentation.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Sent(name) => format!("`{name}`"),
            Emulated => "here".to_owned(),
            Told => "left out, told".to_owned(),
            Nothing => "–".to_owned(),
        }
    }
}

/// The protocols, in the order of the columns of [`FIELDS`].
pub const PROTOCOLS: [Protocol; 6] = [
    Protocol::OpenaiResponses,
    Protocol::OpenaiChat,
    Protocol::CompatibleChat,
    Protocol::AnthropicMessages,
    Protocol::OllamaChat,
    Protocol::Builtin,
];

const fn column(protocol: Protocol) -> usize {
    match protocol {
        Protocol::OpenaiResponses => 0,
        Protocol::OpenaiChat => 1,
        Protocol::CompatibleChat => 2,
        Protocol::AnthropicMessages => 3,
        Protocol::OllamaChat => 4,
        Protocol::Builtin => 5,
    }
}

const HERE: [Treatment; 6] = [Emulated; 6];
const NOTHING: [Treatment; 6] = [Nothing; 6];

/// Every field of the assistant object, in the order of the object, with what becomes
/// of it in the protocols of [`PROTOCOLS`].
pub const FIELDS: &[(&str, [Treatment; 6])] = &[
    ("id", NOTHING),
    ("organization_id", NOTHING),
    ("created_by", NOTHING),
    ("created_at", NOTHING),
    ("updated_at", NOTHING),
    ("deleted_at", HERE),
    ("name", NOTHING),
    ("avatar_id", NOTHING),
    ("icon_type", NOTHING),
    ("icon_data", NOTHING),
    ("is_default", NOTHING),
    (
        "default_model_key",
        [Sent("model"), Sent("model"), Sent("model"), Sent("model"), Sent("model"), Nothing],
    ),
    ("allowed_model_providers", HERE),
    ("instructions", SYSTEM),
    ("instructions_thread_id", NOTHING),
    ("tool_configurations", TOOLS),
    ("system_message", SYSTEM),
    ("context_strategy", HERE),
    ("context_window", HERE),
    ("max_tool_calls", HERE),
    (
        "parallel_tool_calls",
        [
            Sent("parallel_tool_calls"),
            Sent("parallel_tool_calls"),
            Sent("parallel_tool_calls"),
            Sent("tool_choice.disable_parallel_tool_use"),
            Emulated,
            Nothing,
        ],
    ),
    (
        "reasoning.effort",
        [
            Sent("reasoning.effort"),
            Sent("reasoning_effort"),
            Sent("reasoning_effort"),
            Sent("thinking"),
            Sent("think"),
            Told,
        ],
    ),
    (
        "reasoning.summary",
        [Sent("reasoning.summary"), Told, Told, Sent("thinking.display"), Told, Told],
    ),
    (
        "service_tier",
        [Sent("service_tier"), Sent("service_tier"), Told, Sent("service_tier"), Told, Told],
    ),
    ("store_responses", HERE),
    (
        "temperature",
        [
            Sent("temperature"),
            Sent("temperature"),
            Sent("temperature"),
            Sent("temperature"),
            Sent("options.temperature"),
            Told,
        ],
    ),
    (
        "frequency_penalty",
        [
            Told,
            Sent("frequency_penalty"),
            Sent("frequency_penalty"),
            Told,
            Sent("options.frequency_penalty"),
            Told,
        ],
    ),
    (
        "presence_penalty",
        [
            Told,
            Sent("presence_penalty"),
            Sent("presence_penalty"),
            Told,
            Sent("options.presence_penalty"),
            Told,
        ],
    ),
    ("logit_bias", [Told, Sent("logit_bias"), Sent("logit_bias"), Told, Told, Told]),
    (
        "json_schemas",
        [
            Sent("text.format"),
            Sent("response_format"),
            Sent("response_format"),
            Sent("output_config.format"),
            Sent("format"),
            Sent("format"),
        ],
    ),
    (
        "top_logprobs",
        [Sent("top_logprobs"), Sent("top_logprobs"), Sent("top_logprobs"), Told, Told, Told],
    ),
    (
        "top_p",
        [Sent("top_p"), Sent("top_p"), Sent("top_p"), Sent("top_p"), Sent("options.top_p"), Told],
    ),
    ("output_mode", JSON_OBJECT),
    ("response_format", JSON_OBJECT),
    ("seed", [Told, Sent("seed"), Sent("seed"), Told, Sent("options.seed"), Told]),
    (
        "stopSequences",
        [
            Emulated,
            Sent("stop"),
            Sent("stop"),
            Sent("stop_sequences"),
            Sent("options.stop"),
            Emulated,
        ],
    ),
    (
        "max_completion_tokens",
        [
            Sent("max_output_tokens"),
            Sent("max_completion_tokens"),
            Sent("max_tokens"),
            Sent("max_tokens"),
            Sent("options.num_predict"),
            Emulated,
        ],
    ),
    ("access_mode", HERE),
    ("access_departments", HERE),
    ("access_users", HERE),
    ("editable_by_users", NOTHING),
    ("visible_in_chat_to_users", NOTHING),
    ("editable_by_roles", NOTHING),
    ("visible_to_roles", HERE),
    ("vector_store_ids", HERE),
    ("api_enabled", HERE),
    ("public_enabled", NOTHING),
    ("is_active", HERE),
    ("streaming", HERE),
    ("memory_enabled", HERE),
    ("moderation_enabled", HERE),
    ("safety_level", HERE),
    ("preset_prompts", NOTHING),
    ("tool_capabilities", NOTHING),
    ("metadata", NOTHING),
    (
        "text_config.verbosity",
        [Sent("text.verbosity"), Sent("verbosity"), Emulated, Emulated, Emulated, Told],
    ),
    ("rule_ids", SYSTEM),
];

/// Texts that come before the conversation.
const SYSTEM: [Treatment; 6] = [
    Sent("instructions"),
    Sent("messages"),
    Sent("messages"),
    Sent("system"),
    Sent("messages"),
    Emulated,
];

const TOOLS: [Treatment; 6] =
    [Sent("tools"), Sent("tools"), Sent("tools"), Sent("tools"), Sent("tools"), Nothing];

const JSON_OBJECT: [Treatment; 6] = [
    Sent("text.format"),
    Sent("response_format"),
    Sent("response_format"),
    Emulated,
    Sent("format"),
    Sent("format"),
];

/// What becomes of a field with a protocol; [`Treatment::Nothing`] for no field.
#[must_use]
pub fn treatment(field: &str, protocol: Protocol) -> Treatment {
    FIELDS
        .iter()
        .find(|(name, _)| *name == field)
        .and_then(|(_, row)| row.get(column(protocol)))
        .copied()
        .unwrap_or(Nothing)
}
