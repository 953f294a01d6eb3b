//! Conversing.

use serde_json::Value;
use understudy_domain::{
    chat::ChatRequest,
    ports::{ChatStream, ListedByProvider, ProviderError},
};

use crate::line::Line;

/// What is sent.
pub(crate) fn body(request: &ChatRequest) -> Value {
    serde_json::json!({ "model": request.model })
}

/// Asks.
pub(crate) async fn converse(
    line: &Line<'_>,
    request: &ChatRequest,
) -> Result<Box<dyn ChatStream>, ProviderError> {
    line.open(&line.asking(line.url(None, &["chat"])?, &body(request))).await?;
    Err(crate::stream::broke_off())
}

/// The models that it says it has.
#[expect(clippy::unused_async, reason = "others ask")]
pub(crate) async fn list(_line: &Line<'_>) -> Result<Vec<ListedByProvider>, ProviderError> {
    Ok(Vec::new())
}
