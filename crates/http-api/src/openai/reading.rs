//! What the parts of this dialect read alike.

use serde_json::Value;
use understudy_domain::{
    assistant::content::{ReasoningEffort, ServiceTier},
    conversation::Part,
};

use crate::{
    asking::{optional, source},
    fields::Fields,
};

const EFFORTS: [&str; 7] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];
const TIERS: [&str; 4] = ["auto", "default", "flex", "priority"];

/// What else a response may tell; all but the first is told anyhow or not at all.
pub(super) const INCLUDES: [&str; 8] = [
    "message.output_text.logprobs",
    "web_search_call.action.sources",
    "web_search_call.results",
    "code_interpreter_call.outputs",
    "file_search_call.results",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "reasoning.encrypted_content",
];

/// Reads past fields that change nothing here.
pub(super) fn ignore(fields: &mut Fields, names: &[&str]) {
    for name in names {
        fields.any(name);
    }
}

/// How hard to think.
pub(super) fn effort(fields: &mut Fields, name: &str) -> Option<ReasoningEffort> {
    let read = |word: &str| match word {
        "none" => ReasoningEffort::from_word("off"),
        "xhigh" | "max" => ReasoningEffort::from_word("maximum"),
        word if EFFORTS.contains(&word) => ReasoningEffort::from_word(word),
        _ => None,
    };
    optional(fields, name, |f, name| f.word(name, &EFFORTS, read))
}

pub(super) fn service_tier(fields: &mut Fields) -> Option<ServiceTier> {
    optional(fields, "service_tier", |f, name| f.word(name, &TIERS, ServiceTier::from_word))
}

/// What was said: a text, or parts.
pub(super) fn content(fields: &mut Fields, name: &str) -> Vec<Part> {
    match fields.any(name) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(text)) => vec![Part::Text { text }],
        Some(Value::Array(blocks)) => {
            let mut parts = Vec::with_capacity(blocks.len());
            for (index, value) in blocks.into_iter().enumerate() {
                let at = format!("/{name}/{index}");
                parts.extend(fields.nested(&at, value, part).flatten());
            }
            parts
        }
        Some(_) => {
            fields.fault(name, "type", "must be a text or a list of parts");
            Vec::new()
        }
    }
}

fn part(fields: &mut Fields) -> Option<Part> {
    let kind = fields.required("type", Fields::text);
    ignore(fields, &["prompt_cache_breakpoint"]);
    match kind.as_str() {
        "text" | "input_text" | "output_text" => {
            ignore(fields, &["annotations", "logprobs", "parsed"]);
            Some(Part::Text { text: fields.required("text", Fields::text) })
        }
        "refusal" => Some(Part::Refusal { text: fields.required("refusal", Fields::text) }),
        "image_url" | "input_image" => {
            ignore_null(fields, &["file_id", "image_url"]);
            ignore(fields, &["detail"]);
            source(fields, "image_url").map(|(source, _)| Part::Image { source })
        }
        "file" | "input_file" => {
            ignore_null(fields, &["file_id", "file_data", "file_url"]);
            source(fields, "file").map(|(source, name)| Part::File { source, name })
        }
        "input_audio" => source(fields, "input_audio").map(|(source, _)| Part::Audio { source }),
        _ => {
            let message = "must be one of text, refusal, image_url, file, input_audio; or \
                           input_text, output_text, input_image, input_file";
            fields.fault("type", "enum", message);
            None
        }
    }
}

/// Reads past those of the fields that are `null`.
pub(super) fn ignore_null(fields: &mut Fields, names: &[&str]) {
    for name in names {
        if fields.is_null(name) {
            fields.any(name);
        }
    }
}

/// The texts of parts, for what is text alone.
pub(super) fn text_of(fields: &mut Fields, name: &str) -> String {
    let mut texts = Vec::new();
    for part in content(fields, name) {
        match part {
            Part::Text { text } => texts.push(text),
            Part::Image { .. } | Part::File { .. } | Part::Audio { .. } | Part::Refusal { .. } => {
                fields.fault(name, "type", "must be text");
            }
        }
    }
    texts.join("\n")
}

/// Refuses what there is no counterpart for, unless it says the usual.
pub(super) fn only(fields: &mut Fields, name: &str, usual: &Value, message: &str) {
    if let Some(value) = fields.any(name)
        && !value.is_null()
        && value != *usual
    {
        fields.fault(name, "unsupported", message);
    }
}
