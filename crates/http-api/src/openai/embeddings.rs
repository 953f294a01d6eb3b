//! Texts as vectors.

use actix_web::http::Method;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;
use serde_json::Value;
use understudy_domain::{
    ports::{EmbeddingInput, EmbeddingRequest},
    usecases::embeddings::{self, CreatedEmbeddings, Embedding},
};
use utoipa::ToSchema;

use super::reading::ignore;
use crate::{
    answer::{self, Answer},
    asking::optional,
    call::Call,
    endpoint::Endpoint,
    fields::Fields,
    idempotency::once,
    input::{self, Input},
    openapi::Doc,
    problem::{Code, Problem},
};

const CREATE: &str = "/openai/v1/embeddings";
const INPUT: &str = "must be a text, a list of texts, a list of tokens, or a list of such lists";

/// Vectors of texts.
#[derive(Serialize, ToSchema)]
#[schema(as = OpenaiEmbeddingList)]
pub(crate) struct EmbeddingList {
    /// `list`.
    #[schema(value_type = String, example = "list")]
    object: &'static str,
    /// They, in the order of the texts.
    data: Vec<EmbeddingView>,
    /// The model that made them.
    #[schema(example = "text-embedding-3-small")]
    model: String,
    /// What was used.
    usage: UsageView,
}

/// The vector of a text.
#[derive(Serialize, ToSchema)]
#[schema(as = OpenaiEmbedding)]
pub(crate) struct EmbeddingView {
    /// `embedding`.
    #[schema(value_type = String, example = "embedding")]
    object: &'static str,
    /// The text's place.
    index: usize,
    /// The vector.
    embedding: Numbers,
}

/// The numbers of a vector, or in base64 their bytes, four for each, the least first.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = OpenaiEmbeddingNumbers)]
pub(crate) enum Numbers {
    /// With `encoding_format: float`.
    Floats(Vec<f32>),
    /// With `encoding_format: base64`.
    Base64(String),
}

/// What embedding used.
#[derive(Serialize, ToSchema)]
#[schema(as = OpenaiEmbeddingUsage)]
pub(crate) struct UsageView {
    /// Tokens that were read; about so many where the provider does not tell.
    prompt_tokens: u64,
    /// The same.
    total_tokens: u64,
}

/// How vectors are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Float,
    Base64,
}

impl Format {
    fn of(word: &str) -> Option<Self> {
        match word {
            "float" => Some(Self::Float),
            "base64" => Some(Self::Base64),
            _ => None,
        }
    }

    fn spell(self, vector: Vec<f32>) -> Numbers {
        match self {
            Self::Float => Numbers::Floats(vector),
            Self::Base64 => {
                let bytes: Vec<u8> = vector.into_iter().flat_map(f32::to_le_bytes).collect();
                Numbers::Base64(STANDARD.encode(bytes))
            }
        }
    }
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::new(Method::POST, CREATE, create, |doc: Doc| {
        doc.op("openai", "openaiCreateEmbeddings", "Embed texts")
            .about("By the provider that lists the `model`, or by OpenAI for its own models; the next one is asked when it does not answer. The model is a provider's and not an assistant. At most 2,048 texts, with 1,000,000 characters or 300,000 tokens in all. Needs an AI seat and the scope `run`; what is used counts against budgets.")
            .body("OpenaiEmbeddingCreate")
            .json(200, "The vectors, in the order of the texts.", "OpenaiEmbeddingList")
            .codes(&[
                Code::AiSeatRequired,
                Code::NoProvider,
                Code::ProviderNotAllowed,
                Code::BudgetExceeded,
                Code::ProviderFailed,
                Code::ProviderTimeout,
            ])
    })]
}

async fn create(mut call: Call) -> Answer {
    let input = call.input(input::RUN).await?;
    once(call, input, async |call: Call, input: Input| {
        let (request, format) = read(input.value)?;
        let services = &call.state.services;
        let embedding = Embedding { vault: &*services.vault, models: &*services.embedder };
        let created =
            embeddings::create_embeddings(call.deps(), embedding, &call.caller, request).await?;
        answer::ok(&told(created, format))
    })
    .await
}

fn told(created: CreatedEmbeddings, format: Format) -> EmbeddingList {
    let CreatedEmbeddings { embedded, input_tokens, .. } = created;
    let view = |(index, vector)| EmbeddingView {
        object: "embedding",
        index,
        embedding: format.spell(vector),
    };
    EmbeddingList {
        object: "list",
        data: embedded.vectors.into_iter().enumerate().map(view).collect(),
        model: embedded.model,
        usage: UsageView { prompt_tokens: input_tokens, total_tokens: input_tokens },
    }
}

fn read(value: Value) -> Result<(EmbeddingRequest, Format), Problem> {
    let mut fields = Fields::of(value)?;
    let request = EmbeddingRequest {
        model: fields.required("model", Fields::text),
        input: texts(&mut fields),
        dimensions: optional(&mut fields, "dimensions", Fields::count),
    };
    let format = optional(&mut fields, "encoding_format", |fields, name| {
        fields.word(name, &["float", "base64"], Format::of)
    });
    ignore(&mut fields, &["user"]);
    fields.finish()?;
    Ok((request, format.unwrap_or(Format::Float)))
}

fn texts(fields: &mut Fields) -> EmbeddingInput {
    fields.require("input");
    let Some(value) = fields.any("input") else { return EmbeddingInput::Texts(Vec::new()) };
    input_of(value).unwrap_or_else(|| {
        fields.fault("input", "type", INPUT);
        EmbeddingInput::Texts(Vec::new())
    })
}

fn input_of(value: Value) -> Option<EmbeddingInput> {
    match value {
        Value::String(text) => Some(EmbeddingInput::Texts(vec![text])),
        Value::Array(items) => match items.first() {
            None | Some(Value::String(_)) => {
                let texts: Option<Vec<String>> = items.into_iter().map(text).collect();
                texts.map(EmbeddingInput::Texts)
            }
            Some(Value::Array(_)) => {
                let lists: Option<Vec<Vec<u32>>> = items.iter().map(tokens).collect();
                lists.map(EmbeddingInput::Tokens)
            }
            Some(_) => Some(EmbeddingInput::Tokens(vec![tokens(&Value::Array(items))?])),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            None
        }
    }
}

fn tokens(value: &Value) -> Option<Vec<u32>> {
    let token = |value: &Value| value.as_u64().and_then(|token| u32::try_from(token).ok());
    value.as_array()?.iter().map(token).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn input(value: &Value) -> Result<EmbeddingInput, String> {
        let read = read(json!({"model": "e5", "input": value}));
        read.map(|(request, _)| request.input).map_err(|problem| format!("{problem:?}"))
    }

    #[test]
    fn texts_and_tokens_come_alone_or_in_lists() {
        let texts = |texts: &[&str]| {
            EmbeddingInput::Texts(texts.iter().map(|&text| text.to_owned()).collect())
        };
        assert_eq!(input(&json!("a")), Ok(texts(&["a"])));
        assert_eq!(input(&json!(["a", "b"])), Ok(texts(&["a", "b"])));
        assert_eq!(input(&json!([1, 2])), Ok(EmbeddingInput::Tokens(vec![vec![1, 2]])));
        let lists = EmbeddingInput::Tokens(vec![vec![1], vec![2, 3]]);
        assert_eq!(input(&json!([[1], [2, 3]])), Ok(lists));
        for wrong in
            [json!(null), json!(1), json!(["a", 1]), json!([1, "a"]), json!([[1], 2]), json!([-1])]
        {
            assert!(input(&wrong).unwrap_err().contains("/input"), "{wrong}");
        }
    }

    #[test]
    fn the_bytes_of_numbers_begin_with_the_least() {
        let Numbers::Base64(text) = Format::Base64.spell(vec![1.0, -2.5]) else { panic!() };
        assert_eq!(STANDARD.decode(text).unwrap(), [0, 0, 128, 63, 0, 0, 32, 192]);
        let spelled = serde_json::to_string(&Format::Float.spell(vec![0.1, 2.0])).unwrap();
        assert_eq!(spelled, "[0.1,2.0]");
    }
}
