//! Searching the web: by which engine, and with which key.

use url::Url;

use super::{Fault, Reader, SecretSource};

/// How the web is searched.
#[derive(Clone, Debug)]
pub struct WebSearchSettings {
    /// By which engine.
    pub engine: SearchEngine,
    /// Where the engine is, if not at the usual place.
    pub url: Option<Url>,
    /// What opens it.
    pub key: Option<SecretSource>,
}

/// The engines that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchEngine {
    /// A `SearXNG`, which has no usual place and needs no key.
    SearxNg,
    /// Brave Search.
    Brave,
    /// Tavily.
    Tavily,
}

impl Reader<'_> {
    pub(super) fn web_search(&mut self) -> Option<WebSearchSettings> {
        let chosen = self.optional("web_search", engine);
        let key = self.secret("web_search_key", "web_search_key_file");
        let Some((engine, url)) = chosen else {
            for name in ["web_search_key", "web_search_key_file"] {
                if self.settings.get(name).is_some() && self.settings.get("web_search").is_none() {
                    self.faults.push(Fault::new(name, "needs web_search, which is not set"));
                }
            }
            return None;
        };
        match (engine, &key) {
            (SearchEngine::Brave | SearchEngine::Tavily, None) => {
                self.faults
                    .push(Fault::new("web_search", "needs web_search_key, which is not set"));
            }
            (SearchEngine::SearxNg, Some(_)) => {
                self.faults
                    .push(Fault::new("web_search_key", "is not for searxng, which has none"));
            }
            (SearchEngine::Brave | SearchEngine::Tavily, Some(_))
            | (SearchEngine::SearxNg, None) => {}
        }
        Some(WebSearchSettings { engine, url, key })
    }
}

type Chosen = (SearchEngine, Option<Url>);

fn engine(text: &str) -> Result<Chosen, String> {
    let (name, address) = match text.split_once(':') {
        Some((name, address)) => (name, Some(address)),
        None => (text, None),
    };
    let fits = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    };
    let url = match address.map(Url::parse) {
        None => None,
        Some(Ok(url)) if fits(&url) => Some(url),
        Some(_) => {
            return Err("must have an http or https URL without query and password behind the \
                        colon, such as searxng:https://search.example.com"
                .to_owned());
        }
    };
    match name {
        "searxng" if url.is_some() => Ok((SearchEngine::SearxNg, url)),
        "brave" => Ok((SearchEngine::Brave, url)),
        "tavily" => Ok((SearchEngine::Tavily, url)),
        _ => Err("must be searxng:URL, brave or tavily".to_owned()),
    }
}
