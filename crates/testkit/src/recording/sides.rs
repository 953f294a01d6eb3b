//! What a provider answers besides conversing: lists of models, moderation,
//! embeddings and pictures.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::request::RecordedRequest;

/// When everything was made.
const CREATED: u64 = 1_767_268_800;
/// How many numbers an embedding has unless they are asked for.
const DIMENSIONS: u64 = 16;
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
    let dimensions = request.body.get("dimensions").and_then(Value::as_u64);
    let dimensions = dimensions.unwrap_or(DIMENSIONS).clamp(1, 4096);
    let texts = inputs(request);
    let words: usize = texts.iter().map(|text| text.split_whitespace().count()).sum();
    let data = texts.iter().enumerate().map(|(index, text)| {
        json!({"object": "embedding", "index": index, "embedding": embedding(text, dimensions)})
    });
    json!({
        "object": "list", "data": data.collect::<Vec<_>>(), "model": request.model(),
        "usage": {"prompt_tokens": words, "total_tokens": words},
    })
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
        Some(Value::Array(parts)) => {
            let texts = parts.iter().filter_map(|part| {
                part.as_str().or_else(|| part.get("text").and_then(Value::as_str))
            });
            texts.map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

fn embedding(text: &str, dimensions: u64) -> Vec<f64> {
    let mut places: BTreeMap<u64, f64> = BTreeMap::new();
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        // FNV-1a: the same everywhere and always.
        let hash = word.to_lowercase().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        *places.entry(hash % dimensions).or_default() += 1.0;
    }
    let length = places.values().map(|value| value * value).sum::<f64>().sqrt();
    let length = if length > 0.0 { length } else { 1.0 };
    (0..dimensions).map(|place| places.get(&place).copied().unwrap_or_default() / length).collect()
}
