//! What a provider answers besides conversing: lists of models, moderation,
//! embeddings and pictures.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::request::RecordedRequest;
use crate::fakes::{tokens, vector};

/// When everything was made.
const CREATED: u64 = 1_767_268_800;
/// How many numbers an embedding has unless they are asked for.
const DIMENSIONS: u32 = 16;
/// From which score on a text is flagged.
const FLAGGED: f64 = 0.5;
/// A picture of one point.
const PICTURE: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
/// What moderation tells of.
const CATEGORIES: [&str; 13] = [
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
];

/// The list of models, as OpenAI and Anthropic give it.
pub(super) fn models(request: &RecordedRequest, names: &[String]) -> Value {
    if request.header("anthropic-version").is_none() {
        let models = names.iter().map(|name| {
            json!({"id": name, "object": "model", "created": CREATED, "owned_by": "upstream"})
        });
        return json!({"object": "list", "data": models.collect::<Vec<_>>()});
    }
    let models = names.iter().map(|name| {
        json!({
            "type": "model", "id": name, "display_name": name,
            "created_at": "2026-01-01T00:00:00Z",
        })
    });
    json!({
        "data": models.collect::<Vec<_>>(), "has_more": false,
        "first_id": names.first(), "last_id": names.last(),
    })
}

/// The list of models, as Ollama gives it.
pub(super) fn tags(names: &[String]) -> Value {
    let models = names.iter().map(|name| {
        json!({
            "name": name, "model": name, "modified_at": "2026-01-01T00:00:00Z",
            "size": 1, "digest": "0".repeat(64),
            "details": {
                "parent_model": "", "format": "gguf", "family": "llama", "families": ["llama"],
                "parameter_size": "8.0B", "quantization_level": "Q4_K_M",
            },
        })
    });
    json!({"models": models.collect::<Vec<_>>()})
}

/// Scores of each text that is given.
pub(super) fn moderation(
    request: &RecordedRequest,
    judge: impl Fn(&str) -> BTreeMap<String, f64>,
) -> Value {
    let texts = inputs(request);
    let results = texts.iter().map(|text| {
        let mut scores: BTreeMap<String, f64> =
            CATEGORIES.iter().map(|&name| (name.to_owned(), 0.0)).collect();
        scores.extend(judge(text));
        let flags: BTreeMap<&String, bool> =
            scores.iter().map(|(name, score)| (name, *score >= FLAGGED)).collect();
        json!({
            "flagged": flags.values().any(|flag| *flag),
            "categories": flags, "category_scores": scores,
        })
    });
    json!({
        "id": format!("modr-{}", request.number), "model": request.model(),
        "results": results.collect::<Vec<_>>(),
    })
}

/// An embedding of each text that is given: texts that share words are near.
pub(super) fn embeddings(request: &RecordedRequest) -> Value {
    let (vectors, words) = embedded(request);
    let is_packed = request.body.get("encoding_format") == Some(&json!("base64"));
    let data = vectors.iter().enumerate().map(|(index, vector)| {
        let bytes = vector.iter().flat_map(|number| number.to_le_bytes());
        let spelled = if is_packed {
            json!(STANDARD.encode(bytes.collect::<Vec<u8>>()))
        } else {
            json!(vector)
        };
        json!({"object": "embedding", "index": index, "embedding": spelled})
    });
    json!({
        "object": "list", "data": data.collect::<Vec<_>>(), "model": request.model(),
        "usage": {"prompt_tokens": words, "total_tokens": words},
    })
}

/// The same as Ollama gives them.
pub(super) fn embed(request: &RecordedRequest) -> Value {
    let (vectors, words) = embedded(request);
    json!({
        "model": request.model(), "embeddings": vectors,
        "total_duration": 1, "load_duration": 1, "prompt_eval_count": words,
    })
}

/// A vector of each text, and how many words they have in all.
fn embedded(request: &RecordedRequest) -> (Vec<Vec<f32>>, u64) {
    let asked = request.body.get("dimensions").and_then(Value::as_u64);
    let dimensions = asked.and_then(|count| u32::try_from(count).ok()).unwrap_or(DIMENSIONS);
    let texts = inputs(request);
    let words = texts.iter().map(|text| tokens(text)).sum();
    let vectors = texts.iter().map(|text| vector(text, dimensions.clamp(1, 4096))).collect();
    (vectors, words)
}

/// As many pictures as are asked for.
pub(super) fn pictures(request: &RecordedRequest) -> Value {
    let count = request.body.get("n").and_then(Value::as_u64).unwrap_or(1).min(10);
    let data = (0..count).map(|_| json!({"b64_json": PICTURE}));
    json!({"created": CREATED, "data": data.collect::<Vec<_>>()})
}

fn inputs(request: &RecordedRequest) -> Vec<String> {
    match request.body.get("input") {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(parts)) if parts.iter().any(Value::is_number) => vec![words(parts)],
        Some(Value::Array(parts)) => {
            let texts = parts.iter().filter_map(|part| match part {
                Value::Array(tokens) => Some(words(tokens)),
                part => {
                    let text = part.as_str().or_else(|| part.get("text").and_then(Value::as_str));
                    text.map(str::to_owned)
                }
            });
            texts.collect()
        }
        _ => Vec::new(),
    }
}

/// Tokens as a text of which each is a word.
fn words(tokens: &[Value]) -> String {
    tokens.iter().map(Value::to_string).collect::<Vec<_>>().join(" ")
}
