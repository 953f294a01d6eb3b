//! What assistants can do beyond speaking: the tools that the configuration gives.

use std::{collections::BTreeMap, sync::Arc};

use understudy_domain::Secret;
use understudy_knowledge::{Engine, WebSearchConfig, WebSearcher};
use understudy_mcp::{Mcp, McpConfig};
use understudy_outbound::{Outbound, Url};

use crate::config::{CONNECTOR, Config, SearchEngine, UnreadableSecret};

/// Where the engines are that have a usual place.
const BRAVE: &str = "https://api.search.brave.com/";
const TAVILY: &str = "https://api.tavily.com/";

/// The web cannot be searched as it is configured.
#[derive(Debug, thiserror::Error)]
pub enum WebSearchError {
    /// The key cannot be read.
    #[error(transparent)]
    Key(#[from] UnreadableSecret),
    /// The engine has no address.
    #[error("the search engine has no address")]
    Address,
}

/// Speaks to MCP servers: those behind an address, and the programs that the file
/// lists, which assistants call `connector_` and their name.
#[must_use]
pub fn mcp(config: &Config, outbound: Arc<Outbound>) -> Mcp {
    let listed = config.mcp.iter();
    let servers: BTreeMap<_, _> =
        listed.map(|(name, server)| (format!("{CONNECTOR}{name}"), server.clone())).collect();
    let path = config.foreign.first(&["PATH"]).map(|path| path.expose().into());
    Mcp::new(outbound, McpConfig { servers, path })
}

/// Searches the web, if the configuration says by which engine.
///
/// # Errors
///
/// [`WebSearchError`] when its key cannot be read.
pub fn web_search(
    config: &Config,
    outbound: Arc<Outbound>,
) -> Result<Option<WebSearcher>, WebSearchError> {
    let Some(settings) = &config.web_search else { return Ok(None) };
    let url = |usual: &str| {
        let usual = || usual.parse::<Url>().ok();
        settings.url.clone().or_else(usual).ok_or(WebSearchError::Address)
    };
    let key = || match &settings.key {
        Some(source) => source.read(),
        None => Ok(Secret::new(String::new())),
    };
    let engine = match settings.engine {
        SearchEngine::SearxNg => Engine::SearxNg { url: url("")? },
        SearchEngine::Brave => Engine::Brave { url: url(BRAVE)?, key: key()? },
        SearchEngine::Tavily => Engine::Tavily { url: url(TAVILY)?, key: key()? },
    };
    Ok(Some(WebSearcher::new(outbound, WebSearchConfig { engine })))
}
