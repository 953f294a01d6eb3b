//! The dialect of OpenAI's API, `/openai/v1`: a model is an assistant. It translates;
//! what is allowed and right is decided where the native dialect has it decided.

use serde_json::{Value, json};
use understudy_domain::run::Run;
use utoipa::openapi::ComponentsBuilder;

use crate::endpoint::Endpoint;

mod annotations;
mod chat;
mod conversations;
mod embeddings;
mod error;
mod files;
mod images;
mod items;
mod model;
mod models;
mod reading;
mod responses;
mod said;

pub(crate) use error::error_of;

/// What the paths of this dialect begin with.
pub(crate) const PREFIX: &str = "/openai/v1/";

/// All operations of the dialect.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let mut all = chat::endpoints();
    all.extend(responses::endpoints());
    all.extend(conversations::endpoints());
    all.extend(models::endpoints());
    all.extend(files::endpoints());
    all.extend(images::endpoints());
    all.extend(embeddings::endpoints());
    all
}

/// The schemas of what the dialect answers.
pub(crate) fn schemas(components: ComponentsBuilder) -> ComponentsBuilder {
    components
        .schema_from::<error::ErrorBody>()
        .schema_from::<error::ErrorDetail>()
        .schema_from::<conversations::ConversationView>()
        .schema_from::<files::FileView>()
        .schema_from::<files::FileList>()
        .schema_from::<images::ImageList>()
        .schema_from::<images::ImageView>()
        .schema_from::<images::UsageView>()
        .schema_from::<images::InputTokens>()
        .schema_from::<embeddings::EmbeddingList>()
        .schema_from::<embeddings::EmbeddingView>()
        .schema_from::<embeddings::Numbers>()
        .schema_from::<embeddings::UsageView>()
        .schema_from::<models::ModelView>()
        .schema_from::<models::ModelList>()
}

/// What this service tells beside what OpenAI's does.
fn told(run: &Run) -> Value {
    let outcome = &run.outcome;
    json!({
        "response_id": run.id,
        "assistant_id": run.assistant,
        "assistant_version": run.version,
        "stop_reason": outcome.stop_reason,
        "citations": outcome.citations,
        "notices": outcome.notices,
    })
}
