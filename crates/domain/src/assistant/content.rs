//! The content of an assistant: everything that a draft may change.
//!
//! Its serde form is the document that stores keep and that versions, diffs and
//! merges work on; keys are those of the seed's object. Write-only values are in
//! it by reference only ([`SealedId`]).

mod manifest;
mod secrets;
mod skills;
mod tools;

use std::collections::BTreeMap;

pub use manifest::*;
pub use secrets::*;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
pub use skills::*;
pub use tools::*;

use crate::{Blob, RuleId, SealedId};

/// Declares an enum of words, with the text of each.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$vmeta])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// Its word in the API and in stores.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// Reads the word; `None` for any other text.
            #[must_use]
            pub fn from_word(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}
pub(crate) use words;

words!(
    /// Whether an assistant answers itself.
    AssistantKind {
        /// Answers.
        Custom = "custom",
        /// Hands over to the assistant that fits.
        Dispatcher = "dispatcher",
    }
);
words!(
    /// Where an icon comes from.
    IconType {
        /// The library icon named by `icon`.
        Default = "default",
        /// An image in `icon_data`.
        Upload = "upload",
        /// An emoji in `icon_data`.
        Emoji = "emoji",
        /// An icon's id in `icon_data`.
        Icon = "icon",
    }
);
words!(
    /// How much of a conversation is remembered.
    ContextStrategy {
        /// All of it.
        Full = "full",
        /// Nothing.
        Off = "off",
        /// What fits, with a summary of the rest.
        Auto = "auto",
        /// The last turns only.
        Saver = "saver",
    }
);
words!(
    /// Processing tier at the provider.
    ServiceTier {
        /// The provider's choice.
        Auto = "auto",
        /// Standard.
        Default = "default",
        /// Slower and cheaper.
        Flex = "flex",
        /// Faster and dearer.
        Priority = "priority",
    }
);
words!(
    /// Form of an answer.
    OutputMode {
        /// Natural language.
        Text = "text",
        /// Any JSON object.
        JsonObject = "json_object",
        /// JSON that fits a schema.
        JsonSchema = "json_schema",
    }
);
words!(
    /// Form of an answer, or `auto` to leave it to [`OutputMode`].
    ResponseFormat {
        /// As `output_mode` says.
        Auto = "auto",
        /// Natural language.
        Text = "text",
        /// Any JSON object.
        JsonObject = "json_object",
        /// JSON that fits a schema.
        JsonSchema = "json_schema",
    }
);
words!(
    /// How long a reasoning model thinks.
    ReasoningEffort {
        /// Not at all.
        Off = "off",
        /// As little as can be.
        Minimal = "minimal",
        /// Little.
        Low = "low",
        /// In between.
        Medium = "medium",
        /// Much.
        High = "high",
        /// As much as can be.
        Maximum = "maximum",
    }
);
words!(
    /// How much of the reasoning is told.
    ReasoningSummary {
        /// The provider's choice.
        Auto = "auto",
        /// Briefly.
        Concise = "concise",
        /// At length.
        Detailed = "detailed",
        /// Nothing.
        Off = "off",
    }
);
words!(
    /// How strictly content is moderated.
    SafetyLevel {
        /// Minimal filtering.
        Low = "low",
        /// Balanced.
        Medium = "medium",
        /// Strict.
        High = "high",
    }
);
words!(
    /// Who speaks in a preset message.
    MessageRole {
        /// The operator.
        System = "system",
        /// The person.
        User = "user",
        /// The model.
        Assistant = "assistant",
    }
);

/// All of an assistant that a draft may change.
///
/// A stored document that lacks a field (one older than the field) reads as the
/// field's default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "assistant.schema.json describes every field, once")]
#[expect(clippy::struct_excessive_bools, reason = "switches of the seed's object")]
pub struct Content {
    pub name: String,
    pub description: Option<String>,
    pub welcome: Option<String>,
    pub kind: AssistantKind,
    pub avatar_id: Option<String>,
    pub icon_type: IconType,
    pub icon_data: Option<String>,
    pub icon: Option<String>,
    pub default_model_key: String,
    pub allowed_model_providers: Option<Vec<String>>,
    pub instructions: String,
    pub instructions_thread_id: Option<String>,
    pub tool_configurations: ToolConfigurations,
    pub system_message: Option<Vec<PresetMessage>>,
    pub context_strategy: ContextStrategy,
    pub context_window: Option<u32>,
    pub max_tool_calls: u32,
    pub parallel_tool_calls: bool,
    pub reasoning: Option<Reasoning>,
    pub service_tier: ServiceTier,
    pub store_responses: bool,
    pub temperature: f64,
    pub frequency_penalty: Option<f64>,
    pub presence_penalty: Option<f64>,
    pub logit_bias: Option<LogitBias>,
    pub json_schemas: Option<Vec<OutputSchema>>,
    pub top_logprobs: u32,
    pub top_p: f64,
    pub output_mode: OutputMode,
    pub response_format: ResponseFormat,
    pub seed: Option<i64>,
    #[serde(rename = "stopSequences")]
    pub stop_sequences: Option<Vec<String>>,
    pub max_completion_tokens: Option<u32>,
    pub vector_store_ids: Option<Vec<String>>,
    pub streaming: bool,
    pub memory_enabled: bool,
    pub moderation_enabled: bool,
    pub safety_level: SafetyLevel,
    pub preset_prompts: Vec<String>,
    pub metadata: Option<BTreeMap<String, String>>,
    pub text_config: Option<Map<String, Value>>,
    pub icon_image: Option<IconImage>,
    pub files: Vec<FileEntry>,
    pub references: Vec<Reference>,
    pub skills: Vec<Skill>,
    pub secrets: Vec<SecretEntry>,
    pub rules: Vec<AttachedRule>,
}

impl Default for Content {
    /// The defaults of reference §2; the name is empty and the model is the
    /// platform's, so both are set before it is stored.
    fn default() -> Self {
        Self {
            name: String::new(),
            description: None,
            welcome: None,
            kind: AssistantKind::Custom,
            avatar_id: None,
            icon_type: IconType::Default,
            icon_data: None,
            icon: None,
            default_model_key: "gpt-4o".to_owned(),
            allowed_model_providers: None,
            instructions: String::new(),
            instructions_thread_id: None,
            tool_configurations: ToolConfigurations::default(),
            system_message: None,
            context_strategy: ContextStrategy::Auto,
            context_window: None,
            max_tool_calls: 10,
            parallel_tool_calls: true,
            reasoning: None,
            service_tier: ServiceTier::Default,
            store_responses: true,
            temperature: 0.7,
            frequency_penalty: Some(0.0),
            presence_penalty: Some(0.0),
            logit_bias: None,
            json_schemas: None,
            top_logprobs: 0,
            top_p: 1.0,
            output_mode: OutputMode::Text,
            response_format: ResponseFormat::Auto,
            seed: None,
            stop_sequences: None,
            max_completion_tokens: None,
            vector_store_ids: None,
            streaming: true,
            memory_enabled: false,
            moderation_enabled: false,
            safety_level: SafetyLevel::Medium,
            preset_prompts: Vec::new(),
            metadata: None,
            text_config: None,
            icon_image: None,
            files: Vec::new(),
            references: Vec::new(),
            skills: Vec::new(),
            secrets: Vec::new(),
            rules: Vec::new(),
        }
    }
}

/// Fields of a [`Content`] that are no fields of the assistant object: they have
/// routes of their own. Of the rules, the object tells and takes the identifiers
/// (`rule_ids`).
pub const MANIFEST: [&str; 6] = ["icon_image", "files", "references", "skills", "secrets", "rules"];

impl Content {
    /// The form an answer takes: `response_format` unless `auto`, else
    /// `output_mode` (assistant.md, 'decisions').
    #[must_use]
    pub const fn effective_format(&self) -> OutputMode {
        match self.response_format {
            ResponseFormat::Auto => self.output_mode,
            ResponseFormat::Text => OutputMode::Text,
            ResponseFormat::JsonObject => OutputMode::JsonObject,
            ResponseFormat::JsonSchema => OutputMode::JsonSchema,
        }
    }

    /// Every write-only value that the content refers to.
    pub fn sealed(&self) -> impl Iterator<Item = SealedId> + '_ {
        let of_servers = self.tool_configurations.mcp_tools.iter().flat_map(|server| {
            server.authorization.iter().chain(server.headers.iter().flat_map(BTreeMap::values))
        });
        of_servers.chain(self.secrets.iter().flat_map(|secret| &secret.value)).copied()
    }

    /// The identifiers of the rules that are attached to it, in their order.
    pub fn rule_ids(&self) -> impl Iterator<Item = RuleId> + '_ {
        self.rules.iter().map(|attached| attached.rule_id)
    }

    /// Every blob that the content names, perhaps more than once.
    pub fn blobs(&self) -> impl Iterator<Item = Blob> + '_ {
        let icon =
            self.icon_image.iter().flat_map(|icon| std::iter::once(icon.png).chain(icon.svg));
        self.files.iter().map(|file| file.blob).chain(icon)
    }

    /// The content without its write-only values, as a copy begins (http.md:
    /// 'a copy takes content without secrets'). Of secrets the names stay, so that
    /// their values can be given again.
    #[must_use]
    pub fn without_sealed(mut self) -> Self {
        for server in &mut self.tool_configurations.mcp_tools {
            server.authorization = None;
            server.headers = None;
        }
        for secret in &mut self.secrets {
            secret.value = None;
        }
        self
    }
}

/// A message that begins every conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "assistant.schema.json describes every field, once")]
pub struct PresetMessage {
    pub role: MessageRole,
    pub texts: Vec<String>,
    pub images: Vec<String>,
    pub audio: Vec<String>,
    pub files: Vec<String>,
}

impl Default for PresetMessage {
    fn default() -> Self {
        Self {
            role: MessageRole::System,
            texts: vec![],
            images: vec![],
            audio: vec![],
            files: vec![],
        }
    }
}

/// Settings of reasoning models.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reasoning {
    /// How long it thinks.
    pub effort: ReasoningEffort,
    /// How much of it is told.
    pub summary: ReasoningSummary,
}

impl Default for Reasoning {
    fn default() -> Self {
        Self { effort: ReasoningEffort::Medium, summary: ReasoningSummary::Auto }
    }
}

/// Bias of single tokens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum LogitBias {
    /// The number 0: no bias.
    None(u8),
    /// Token ids and their bias, -100 to 100.
    Tokens(BTreeMap<String, f64>),
}

/// A named schema for structured output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputSchema {
    /// Its id; the name when it was given none.
    pub id: String,
    /// Its name, unique in the assistant.
    pub name: String,
    /// What it describes.
    #[serde(default)]
    pub description: Option<String>,
    /// A JSON Schema whose root is an object.
    pub schema_object: Map<String, Value>,
}
