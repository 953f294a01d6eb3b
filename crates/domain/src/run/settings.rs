//! The settings of a run: what the request says, over what the assistant says.
//!
//! Gates only tighten: a tool that the assistant has turned off stays off, and an
//! answer gets no longer than the assistant allows.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Notice, NoticeAction, Overrides, RequestFormat, RunRequest};
use crate::{
    assistant::{
        content::{
            Content, ContextStrategy, LogitBias, OutputMode, OutputSchema, Reasoning,
            ReasoningEffort, ReasoningSummary, ServiceTier, ToolMode,
        },
        document,
    },
    catalogue::nearest_of,
    fault::{Fault, pointer_to},
};

/// The form of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Format {
    /// Natural language.
    Text,
    /// Natural language without Markdown.
    Plain,
    /// Any JSON object.
    JsonObject,
    /// JSON that fits a schema.
    JsonSchema {
        /// What it is called: 1 to 64 letters, digits, `_` and `-`.
        name: String,
        /// What it describes.
        description: Option<String>,
        /// The schema.
        schema: Map<String, Value>,
        /// Whether the provider is to keep to it exactly, as far as it can.
        strict: bool,
    },
}

impl Format {
    /// Whether the answer is to be JSON.
    #[must_use]
    pub const fn is_json(&self) -> bool {
        matches!(self, Self::JsonObject | Self::JsonSchema { .. })
    }
}

/// Which of the built-in tools are offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "assistant.schema.json describes every tool, once")]
pub struct ToolModes {
    pub web_search: ToolMode,
    pub code_interpreter: ToolMode,
    pub file_search: ToolMode,
    pub computer_use_preview: ToolMode,
    pub image_generation: ToolMode,
    pub file_retrieval: ToolMode,
}

impl ToolModes {
    /// The names of the tools in the assistant object.
    pub const NAMES: [&'static str; 6] = [
        "webSearch",
        "codeInterpreter",
        "fileSearch",
        "computerUsePreview",
        "imageGeneration",
        "fileRetrieval",
    ];

    fn of(content: &Content) -> Self {
        let tools = &content.tool_configurations.system_tools;
        Self {
            web_search: tools.web_search.mode,
            code_interpreter: tools.code_interpreter.mode,
            file_search: tools.file_search.mode,
            computer_use_preview: tools.computer_use_preview.mode,
            image_generation: tools.image_generation.mode,
            file_retrieval: tools.file_retrieval.mode,
        }
    }

    /// The mode of the tool with this name, written `webSearch` or `web_search`.
    fn named(&mut self, name: &str) -> Option<(&'static str, &mut ToolMode)> {
        let [web, code, search, computer, image, retrieval] = Self::NAMES;
        Some(match name.replace('_', "").to_lowercase().as_str() {
            "websearch" => (web, &mut self.web_search),
            "codeinterpreter" => (code, &mut self.code_interpreter),
            "filesearch" => (search, &mut self.file_search),
            "computerusepreview" => (computer, &mut self.computer_use_preview),
            "imagegeneration" => (image, &mut self.image_generation),
            "fileretrieval" => (retrieval, &mut self.file_retrieval),
            _ => return None,
        })
    }
}

/// The settings of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The model that was asked for, by its key.
    pub model: String,
    /// How much of the conversation is remembered.
    pub context_strategy: ContextStrategy,
    /// Most tokens of what is sent and answered; `None` is the model's window.
    pub context_window: Option<u32>,
    /// Whether the oldest turns may be left out when `full` does not fit.
    pub truncation: Option<bool>,
    /// Most calls of tools; 0 offers none.
    pub max_tool_calls: u32,
    /// Whether several tools may be called at once.
    pub parallel_tool_calls: bool,
    /// How to think; `None` leaves it to the provider.
    pub reasoning: Option<Reasoning>,
    /// Processing tier.
    pub service_tier: ServiceTier,
    /// Randomness, 0 to 2.
    pub temperature: f64,
    /// Dislike of frequent tokens; 0 is none.
    pub frequency_penalty: f64,
    /// Dislike of used tokens; 0 is none.
    pub presence_penalty: f64,
    /// Bias of token ids; never empty.
    pub logit_bias: Option<BTreeMap<String, f64>>,
    /// How many alternatives of each token to tell; 0 is none.
    pub top_logprobs: u32,
    /// Nucleus sampling; 1 is none.
    pub top_p: f64,
    /// The answer's form.
    pub format: Format,
    /// For the same answer again.
    pub seed: Option<i64>,
    /// Where to stop.
    pub stop_sequences: Vec<String>,
    /// Most tokens of the answer, reasoning included.
    pub max_completion_tokens: Option<u32>,
    /// How much to say: `low`, `medium` or `high`.
    pub verbosity: Option<String>,
    /// Keys of `text_config` that mean nothing here.
    pub unused_text_config: Vec<String>,
    /// The built-in tools.
    pub modes: ToolModes,
    /// The settings that the request made, by their names in [`Overrides`].
    pub from_request: BTreeSet<&'static str>,
    /// What the request asked for and does not get.
    pub notices: Vec<Notice>,
}

/// Where a request's setting stands in the assistant object, so that its schema
/// says what fits: name in the request, field, and field within it.
const OVERRIDES: &[(&str, &str, Option<&str>)] = &[
    ("model", "default_model_key", None),
    ("temperature", "temperature", None),
    ("top_p", "top_p", None),
    ("frequency_penalty", "frequency_penalty", None),
    ("presence_penalty", "presence_penalty", None),
    ("logit_bias", "logit_bias", None),
    ("seed", "seed", None),
    ("stop_sequences", "stopSequences", None),
    ("max_completion_tokens", "max_completion_tokens", None),
    ("max_tool_calls", "max_tool_calls", None),
    ("parallel_tool_calls", "parallel_tool_calls", None),
    ("reasoning_effort", "reasoning", Some("effort")),
    ("reasoning_summary", "reasoning", Some("summary")),
    ("service_tier", "service_tier", None),
    ("top_logprobs", "top_logprobs", None),
    ("verbosity", "text_config", Some("verbosity")),
    ("context_strategy", "context_strategy", None),
    ("context_window", "context_window", None),
];

/// The settings of a run of an assistant with this content.
///
/// # Errors
///
/// Everything in the request that does not fit, by pointers to the fields of
/// [`Overrides`] (`/temperature`; the format is `/response_format`, and what
/// reasoning there is, `/reasoning/effort` and `/reasoning/summary`).
pub fn effective(content: &Content, request: &RunRequest) -> Result<Settings, Vec<Fault>> {
    let overrides = &request.overrides;
    let mut faults = Vec::new();
    let mut notices = Vec::new();
    let from_request = check(overrides, &mut faults);
    let format = format(content, overrides.format.as_ref(), &mut faults);
    let modes = modes(content, &request.system_tools, &mut faults, &mut notices);
    let max_completion_tokens = longest(content, overrides, &mut notices);
    let unused_text_config = unused(content, &mut notices);
    if !faults.is_empty() {
        return Err(faults);
    }
    let bias = overrides.logit_bias.as_ref().or(content.logit_bias.as_ref());
    Ok(Settings {
        model: overrides.model.clone().unwrap_or_else(|| content.default_model_key.clone()),
        context_strategy: overrides.context_strategy.unwrap_or(content.context_strategy),
        context_window: overrides.context_window.or(content.context_window),
        truncation: overrides.truncation,
        max_tool_calls: overrides.max_tool_calls.unwrap_or(content.max_tool_calls),
        parallel_tool_calls: overrides.parallel_tool_calls.unwrap_or(content.parallel_tool_calls),
        reasoning: reasoning(content, overrides),
        service_tier: overrides.service_tier.unwrap_or(content.service_tier),
        temperature: overrides.temperature.unwrap_or(content.temperature),
        frequency_penalty: overrides
            .frequency_penalty
            .or(content.frequency_penalty)
            .unwrap_or_default(),
        presence_penalty: overrides
            .presence_penalty
            .or(content.presence_penalty)
            .unwrap_or_default(),
        logit_bias: bias.and_then(biased),
        top_logprobs: overrides.top_logprobs.unwrap_or(content.top_logprobs),
        top_p: overrides.top_p.unwrap_or(content.top_p),
        format: format.unwrap_or(Format::Text),
        seed: overrides.seed.or(content.seed),
        stop_sequences: overrides
            .stop_sequences
            .clone()
            .or_else(|| content.stop_sequences.clone())
            .unwrap_or_default(),
        max_completion_tokens,
        verbosity: overrides.verbosity.clone().or_else(|| verbosity(content)),
        unused_text_config,
        modes,
        from_request,
        notices,
    })
}

/// Holds the overrides against the schema of the assistant object; the names of
/// those that are set.
fn check(overrides: &Overrides, faults: &mut Vec<Fault>) -> BTreeSet<&'static str> {
    let mut set = BTreeSet::new();
    let Ok(Value::Object(mut given)) = serde_json::to_value(overrides) else { return set };
    given.retain(|_, value| !value.is_null());
    for &(name, field, inner) in OVERRIDES {
        let Some(value) = given.remove(name) else {
            // Not a number: it has no place in JSON, and none in a request.
            continue;
        };
        set.insert(name);
        let value = inner.map_or_else(|| value.clone(), |inner| wrap(inner, value.clone()));
        for fault in document::faults_of(&wrap(field, value)) {
            let prefix = inner.map_or_else(|| format!("/{field}"), |i| format!("/{field}/{i}"));
            let rest = fault.pointer.strip_prefix(&prefix).unwrap_or_default();
            faults.push(Fault { pointer: format!("{}{rest}", pointer(name)), ..fault });
        }
    }
    let others =
        [("format", overrides.format.is_some()), ("truncation", overrides.truncation.is_some())];
    set.extend(others.into_iter().filter(|(_, is_set)| *is_set).map(|(name, _)| name));
    set
}

fn wrap(key: &str, value: Value) -> Value {
    Value::Object(Map::from_iter([(key.to_owned(), value)]))
}

/// Where a setting stands in a request.
pub(super) fn pointer(name: &str) -> String {
    match name {
        "reasoning_effort" => "/reasoning/effort".to_owned(),
        "reasoning_summary" => "/reasoning/summary".to_owned(),
        "format" => "/response_format".to_owned(),
        name => format!("/{name}"),
    }
}

/// The number 0 and no tokens at all are no bias.
fn biased(bias: &LogitBias) -> Option<BTreeMap<String, f64>> {
    match bias {
        LogitBias::Tokens(tokens) if !tokens.is_empty() => Some(tokens.clone()),
        LogitBias::Tokens(_) | LogitBias::None(_) => None,
    }
}

/// A request that only says how hard to think, to an assistant that says nothing of
/// it, asks for no summary: some vendors give one only to those they know better.
fn reasoning(content: &Content, overrides: &Overrides) -> Option<Reasoning> {
    let Overrides { reasoning_effort: effort, reasoning_summary: summary, .. } = overrides;
    match (&content.reasoning, effort, summary) {
        (None, None, None) => None,
        (configured, effort, summary) => {
            let silent =
                Reasoning { effort: ReasoningEffort::Medium, summary: ReasoningSummary::Off };
            let before = configured.clone().unwrap_or(silent);
            Some(Reasoning {
                effort: effort.unwrap_or(before.effort),
                summary: summary.unwrap_or(before.summary),
            })
        }
    }
}

/// The shorter of what the request and the assistant want (reference §2).
fn longest(content: &Content, overrides: &Overrides, notices: &mut Vec<Notice>) -> Option<u32> {
    let (Some(wanted), Some(most)) =
        (overrides.max_completion_tokens, content.max_completion_tokens)
    else {
        return overrides.max_completion_tokens.or(content.max_completion_tokens);
    };
    if wanted > most {
        let reason = format!("answers of this assistant have at most {most} tokens");
        notices.push(Notice::new("max_completion_tokens", NoticeAction::Clamped, reason));
    }
    Some(wanted.min(most))
}

fn verbosity(content: &Content) -> Option<String> {
    let word = content.text_config.as_ref()?.get("verbosity")?.as_str()?;
    Some(word.to_owned())
}

fn unused(content: &Content, notices: &mut Vec<Notice>) -> Vec<String> {
    let keys = content.text_config.iter().flat_map(Map::keys);
    let unused: Vec<String> =
        keys.filter(|key| !["verbosity", "format"].contains(&key.as_str())).cloned().collect();
    for key in &unused {
        let reason = "means nothing here; `verbosity` and `format` do";
        let field = format!("text_config.{key}");
        notices.push(Notice::new(field, NoticeAction::Dropped, reason));
    }
    unused
}

fn modes(
    content: &Content,
    wanted: &BTreeMap<String, ToolMode>,
    faults: &mut Vec<Fault>,
    notices: &mut Vec<Notice>,
) -> ToolModes {
    let mut modes = ToolModes::of(content);
    for (name, &mode) in wanted {
        let Some((tool, current)) = modes.named(name) else {
            let message = match nearest_of(name, ToolModes::NAMES.into_iter(), 1).first() {
                Some(near) => format!("is not a built-in tool; did you mean `{near}`?"),
                None => {
                    format!("is not a built-in tool; there are {}", ToolModes::NAMES.join(", "))
                }
            };
            faults.push(Fault::new(pointer_to("/system_tools", name), "unknown_field", message));
            continue;
        };
        if *current == ToolMode::Off && mode != ToolMode::Off {
            let field = format!("tool_configurations.systemTools.{tool}.mode");
            let reason = "the assistant has turned it off, and a request cannot turn it on";
            notices.push(Notice::new(field, NoticeAction::Dropped, reason));
        } else {
            *current = mode;
        }
    }
    modes
}

/// The request's form; else the assistant's, with the first of its schemas.
fn format(
    content: &Content,
    wanted: Option<&RequestFormat>,
    faults: &mut Vec<Fault>,
) -> Option<Format> {
    let schemas = content.json_schemas.as_deref().unwrap_or_default();
    let at = pointer("format");
    match wanted {
        Some(RequestFormat::Text) => Some(Format::Text),
        Some(RequestFormat::Plain) => Some(Format::Plain),
        Some(RequestFormat::JsonObject) => Some(Format::JsonObject),
        Some(RequestFormat::JsonSchema { name, description, schema, strict }) => {
            check_schema(name, schema, &at, faults);
            Some(Format::JsonSchema {
                name: name.clone(),
                description: description.clone(),
                schema: schema.clone(),
                strict: strict.unwrap_or_default(),
            })
        }
        Some(RequestFormat::NamedSchema { name }) => {
            let found = schemas.iter().find(|schema| schema.id == *name || schema.name == *name);
            if found.is_none() {
                let known: Vec<_> = schemas.iter().map(|schema| schema.name.as_str()).collect();
                let message = match known.as_slice() {
                    [] => "names a schema, and the assistant has none".to_owned(),
                    known => format!("is no schema of the assistant; it has {}", known.join(", ")),
                };
                faults.push(Fault::new(at, "unknown_schema", message));
            }
            found.map(of_assistant)
        }
        None => match content.effective_format() {
            OutputMode::Text => Some(Format::Text),
            OutputMode::JsonObject => Some(Format::JsonObject),
            OutputMode::JsonSchema => {
                if schemas.is_empty() {
                    let message = "is needed: the assistant answers by a schema and has none";
                    faults.push(Fault::new(at, "required", message));
                }
                schemas.first().map(of_assistant)
            }
        },
    }
}

/// The assistant object says nothing of strictness; what its answers must fit is
/// best kept to by the provider already.
fn of_assistant(schema: &OutputSchema) -> Format {
    Format::JsonSchema {
        name: schema.name.clone(),
        description: schema.description.clone(),
        schema: schema.schema_object.clone(),
        strict: true,
    }
}

/// Holds a request's schema against what the assistant object says of its own.
fn check_schema(name: &str, schema: &Map<String, Value>, at: &str, faults: &mut Vec<Fault>) {
    let given = serde_json::json!([{ "name": name, "schemaObject": schema }]);
    for fault in document::faults_of(&wrap("json_schemas", given)) {
        let rest = fault.pointer.strip_prefix("/json_schemas/0").unwrap_or_default();
        let rest = rest.replace("/schemaObject", "/schema");
        faults.push(Fault { pointer: format!("{at}{rest}"), ..fault });
    }
    let at = format!("{at}/schema");
    if schema.get("type").and_then(Value::as_str) != Some("object") {
        faults.push(Fault::new(
            &at,
            "invalid_schema",
            "must have `\"type\": \"object\"` at its root",
        ));
    }
    if let Err(error) = jsonschema::validator_for(&Value::Object(schema.clone())) {
        let message = format!("must be a valid JSON Schema: {}", error.masked_with("a value"));
        faults.push(Fault::new(&at, "invalid_schema", message));
    }
}

#[cfg(test)]
mod tests;
