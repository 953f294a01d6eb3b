//! The models that an assistant can have.

use actix_web::http::Method;
use serde::Serialize;
use understudy_domain::{
    catalogue::{self, Prices},
    usecases::models::{self, ListedModel},
};
use utoipa::ToSchema;

use crate::{
    answer::{self, Answer},
    call::Call,
    endpoint::Endpoint,
    openapi::Doc,
};

/// A model that an assistant can have.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Model)]
pub(crate) struct ModelView {
    /// What assistants name it by.
    #[schema(example = "gpt-4o")]
    key: String,
    /// What people call it.
    #[schema(example = "GPT-4o")]
    name: String,
    /// Whose it is; the kind of the provider that lists it when the catalogue does not
    /// have it.
    #[schema(example = "openai")]
    provider: String,
    /// `text`, `tools`, `vision`, `audio`, `reasoning`, `structured`; empty when they are
    /// not known.
    #[schema(value_type = Vec<String>, example = json!(["text", "tools", "vision"]))]
    capabilities: &'static [String],
    /// What it takes of `temperature`, `top_p`, `stop`, `seed`, `logprobs`, `penalties`,
    /// `logit_bias` and `verbosity`; what it does not take is honoured here or told in
    /// `notices`. A model that can be told not to think takes some of them only then.
    /// Empty when it is not known.
    #[schema(value_type = Vec<String>, example = json!(["temperature", "top_p", "stop"]))]
    parameters: &'static [String],
    /// How hard it can be told to think, in its vendor's words, the least first.
    #[schema(value_type = Vec<String>, example = json!(["low", "medium", "high"]))]
    efforts: &'static [String],
    /// Most tokens of input and output together; null when it is not known.
    #[schema(example = 128_000)]
    context_window: Option<u32>,
    /// Most tokens of one answer; null when it is not known.
    #[schema(example = 16_384)]
    max_output_tokens: Option<u32>,
    /// Whether the catalogue has it, so that it can be an assistant's
    /// `default_model_key`.
    in_catalogue: bool,
    /// Whether its vendor switched it off.
    retired: bool,
    /// The day its vendor switched it off.
    #[schema(value_type = Option<String>, format = Date)]
    retired_at: Option<&'static str>,
    /// The day its vendor is going to switch it off.
    #[schema(value_type = Option<String>, format = Date)]
    retires_at: Option<&'static str>,
    /// The key of the model that took its place.
    #[schema(value_type = Option<String>)]
    successor: Option<&'static str>,
    /// What it costs by its vendor's public list; null when it is not known.
    prices: Option<ModelPrices>,
    /// Whether a provider that is set up and enabled serves it.
    available: bool,
}

/// What a model costs, in US dollars for a million tokens.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ModelPrices {
    /// Of what it reads.
    #[schema(example = 2.5)]
    input: f64,
    /// Of what it reads and its vendor had at hand; null where that is no cheaper.
    #[schema(example = 1.25)]
    cached_input: Option<f64>,
    /// Of what it writes, reasoning included.
    #[schema(example = 10.0)]
    output: f64,
}

impl From<Prices> for ModelPrices {
    fn from(prices: Prices) -> Self {
        let Prices { input, cached_input, output } = prices;
        Self { input, cached_input, output }
    }
}

/// The models that an assistant can have.
#[derive(Serialize, ToSchema)]
pub(crate) struct ModelList {
    /// Those of the catalogue, and behind them those that only providers list.
    data: Vec<ModelView>,
}

impl From<ListedModel> for ModelView {
    fn from(model: ListedModel) -> Self {
        let ListedModel { key, name, provider, known, available } = model;
        Self {
            key,
            name,
            provider,
            capabilities: known.map_or(&[], |known| &known.capabilities),
            parameters: known.map_or(&[], |known| &known.parameters),
            efforts: known.map_or(&[], |known| &known.efforts),
            context_window: known.map(|known| known.context_window),
            max_output_tokens: known.map(|known| known.max_output_tokens),
            in_catalogue: known.is_some(),
            retired: known.is_some_and(catalogue::Model::is_retired),
            retired_at: known.and_then(|known| known.retired_at.as_deref()),
            retires_at: known.and_then(|known| known.retires_at.as_deref()),
            successor: known.and_then(|known| known.successor.as_deref()),
            prices: known.and_then(|known| known.prices).map(ModelPrices::from),
            available,
        }
    }
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::new(Method::GET, "/api/models", list_models, |doc: Doc| {
        doc.op("models", "listModels", "List the models that an assistant can have")
            .about("Without those of providers that the organization does not allow. For every caller.")
            .json(200, "The models.", "ModelList")
    })]
}

async fn list_models(call: Call) -> Answer {
    let all = models::list_models(call.deps(), &call.caller).await?;
    answer::ok(&ModelList { data: all.into_iter().map(ModelView::from).collect() })
}
