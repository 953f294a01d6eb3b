//! Embeddings as Ollama makes them.

use serde::Deserialize;
use serde_json::{Map, Value};
use understudy_domain::ports::{Embedded, EmbeddingInput, EmbeddingRequest, ProviderError};

use super::{Vector, answer};
use crate::{fields::put, line::Line, listing::OLLAMA};

#[derive(Deserialize)]
struct Answer {
    embeddings: Vec<Vector>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    prompt_eval_count: Option<u64>,
}

/// Asks.
pub(super) async fn embed(
    line: &Line<'_>,
    request: &EmbeddingRequest,
) -> Result<Embedded, ProviderError> {
    let EmbeddingInput::Texts(texts) = &request.input else {
        let message = "Ollama embeds texts, and takes no tokens".to_owned();
        return Err(ProviderError::Refused { status: 400, message });
    };
    let mut body = Map::new();
    put(&mut body, "model", Some(&request.model));
    put(&mut body, "input", Some(texts));
    put(&mut body, "dimensions", request.dimensions);
    // A text that is too long is refused, not cut without a word.
    put(&mut body, "truncate", Some(false));
    let path = (Some(OLLAMA), &["api", "embed"][..]);
    let answer: Answer = answer(line, path, &Value::Object(body)).await?;
    Ok(Embedded {
        vectors: answer.embeddings.into_iter().map(|vector| vector.0).collect(),
        model: answer.model.unwrap_or_else(|| request.model.clone()),
        input_tokens: answer.prompt_eval_count,
    })
}
