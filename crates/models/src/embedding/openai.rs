//! Embeddings as OpenAI and those who speak its protocol make them.

use serde::Deserialize;
use serde_json::{Map, Value};
use understudy_domain::{
    ProviderKind,
    ports::{Embedded, EmbeddingInput, EmbeddingRequest, ProviderError},
};

use super::{Vector, answer};
use crate::{fields::put, line::Line, openai::usual_base};

#[derive(Deserialize)]
struct Answer {
    data: Vec<Item>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    index: Option<usize>,
    embedding: Vector,
}

#[derive(Deserialize)]
struct Usage {
    #[serde(default)]
    prompt_tokens: Option<u64>,
}

/// Asks.
pub(super) async fn embed(
    line: &Line<'_>,
    request: &EmbeddingRequest,
) -> Result<Embedded, ProviderError> {
    let path = (usual_base(line.kind()), &["embeddings"][..]);
    let mut answer: Answer = answer(line, path, &body(line.kind(), request)).await?;
    let is_numbered = answer.data.iter().all(|item| item.index.is_some());
    if is_numbered {
        answer.data.sort_by_key(|item| item.index);
        let places = answer.data.iter().filter_map(|item| item.index);
        if !places.eq(0..answer.data.len()) {
            return Err(ProviderError::Garbled("its vectors are of no order".to_owned()));
        }
    }
    Ok(Embedded {
        vectors: answer.data.into_iter().map(|item| item.embedding.0).collect(),
        model: answer.model.unwrap_or_else(|| request.model.clone()),
        input_tokens: answer.usage.and_then(|usage| usage.prompt_tokens),
    })
}

/// Numbers in base64 are a quarter as long, and OpenAI gives them; of others nothing
/// but lists can be relied on.
fn body(kind: ProviderKind, request: &EmbeddingRequest) -> Value {
    let mut body = Map::new();
    put(&mut body, "model", Some(&request.model));
    match &request.input {
        EmbeddingInput::Texts(texts) => put(&mut body, "input", Some(texts)),
        EmbeddingInput::Tokens(lists) => put(&mut body, "input", Some(lists)),
    }
    put(&mut body, "dimensions", request.dimensions);
    let format = if kind == ProviderKind::Openai { "base64" } else { "float" };
    put(&mut body, "encoding_format", Some(format));
    Value::Object(body)
}
