//! Providers whose models draw nothing: they are asked for the list of their
//! models, which costs nothing and needs the key.

use serde::{Deserialize, de::IgnoredAny};
use understudy_domain::ports::ProviderError;
use understudy_outbound::Method;

use crate::line::{Line, json};

/// Where Anthropic is.
pub(crate) const ANTHROPIC: &str = "https://api.anthropic.com";
/// The version of its protocol that is spoken; later ones refuse settings that
/// assistants have.
pub(crate) const ANTHROPIC_VERSION: &str = "2023-06-01";
/// Where Ollama is when it runs beside this server.
pub(crate) const OLLAMA: &str = "http://127.0.0.1:11434";

#[derive(Deserialize)]
struct Models {
    #[serde(rename = "data", alias = "models")]
    _models: Vec<IgnoredAny>,
}

/// Asks Anthropic.
pub(crate) async fn anthropic(line: &Line<'_>) -> Result<(), ProviderError> {
    let url = line.url(Some(ANTHROPIC), &["v1", "models"])?;
    let request = line.request(Method::GET, url).header("anthropic-version", ANTHROPIC_VERSION);
    listed(line, &line.with_key(request)).await
}

/// Asks Ollama.
pub(crate) async fn ollama(line: &Line<'_>) -> Result<(), ProviderError> {
    let url = line.url(Some(OLLAMA), &["api", "tags"])?;
    listed(line, &line.with_bearer(line.request(Method::GET, url))).await
}

/// Asks for a list of models.
pub(crate) async fn listed(
    line: &Line<'_>,
    request: &understudy_outbound::OutboundRequest,
) -> Result<(), ProviderError> {
    json(&line.ask(request).await?).map(|_: Models| ())
}
