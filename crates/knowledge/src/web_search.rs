//! Searching the web.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use understudy_domain::{
    Secret,
    ports::{ToolError, WebPage, WebQuery, WebSearch},
    secret::mask,
    visible::visible_line,
};
use understudy_outbound::{Method, Outbound, OutboundRequest, OutboundResponse, StatusCode, Url};

use crate::plain::plain;

mod brave;
mod searxng;
mod tavily;

/// How long an engine may take.
const DEADLINE: Duration = Duration::from_secs(15);
/// Most bytes of its answer.
const MOST_BYTES: u64 = 4 * 1024 * 1024;
/// Most pages that are asked for.
const MOST_PAGES: u32 = 20;
/// Most characters of an excerpt, a title, an address, and of what an engine says
/// when it refuses.
const MOST_EXCERPT_CHARS: usize = 500;
const MOST_TITLE_CHARS: usize = 200;
const MOST_URL_CHARS: usize = 2_048;
const MOST_COMPLAINT_CHARS: usize = 300;
/// Most domains that are told to an engine within the words to search for.
const MOST_SITES: usize = 5;

/// Which engine searches.
#[derive(Clone, Debug)]
pub enum Engine {
    /// A `SearXNG`, which must have the format `json` enabled.
    SearxNg {
        /// Where it is.
        url: Url,
    },
    /// Brave Search.
    Brave {
        /// Where its API is.
        url: Url,
        /// What opens it.
        key: Secret<String>,
    },
    /// Tavily.
    Tavily {
        /// Where its API is.
        url: Url,
        /// What opens it.
        key: Secret<String>,
    },
}

/// What the operator decides about searching.
#[derive(Clone, Debug)]
pub struct WebSearchConfig {
    /// Who searches.
    pub engine: Engine,
}

/// Searches the web.
pub struct WebSearcher {
    outbound: Arc<Outbound>,
    engine: Engine,
}

impl fmt::Debug for WebSearcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSearcher").field("engine", &self.engine).finish_non_exhaustive()
    }
}

impl WebSearcher {
    /// Goes out by `outbound`.
    #[must_use]
    pub fn new(outbound: Arc<Outbound>, config: WebSearchConfig) -> Self {
        Self { outbound, engine: config.engine }
    }
}

#[async_trait]
impl WebSearch for WebSearcher {
    #[tracing::instrument(name = "web.search", skip_all)]
    async fn search(&self, query: &WebQuery) -> Result<Vec<WebPage>, ToolError> {
        let line = Line { outbound: &self.outbound, key: self.engine.key() };
        let found = match &self.engine {
            Engine::SearxNg { url } => searxng::search(&line, url, query).await,
            Engine::Brave { url, .. } => brave::search(&line, url, query).await,
            Engine::Tavily { url, .. } => tavily::search(&line, url, query).await,
        }?;
        let pages = found.iter().filter_map(page).filter(|page| is_wanted(&page.url, query));
        Ok(pages.take(limit(query)).collect())
    }
}

impl Engine {
    const fn key(&self) -> Option<&Secret<String>> {
        match self {
            Self::SearxNg { .. } => None,
            Self::Brave { key, .. } | Self::Tavily { key, .. } => Some(key),
        }
    }
}

/// A page as engines tell of it.
struct Found {
    title: String,
    url: String,
    excerpt: String,
}

/// The way to an engine.
struct Line<'a> {
    outbound: &'a Outbound,
    key: Option<&'a Secret<String>>,
}

impl Line<'_> {
    /// With the key in a header, after a few words of its own.
    fn with_key(&self, request: OutboundRequest, name: &str, before: &str) -> OutboundRequest {
        match self.key {
            Some(key) => {
                request.secret_header(name, Secret::new(format!("{before}{}", key.expose())))
            }
            None => request,
        }
    }

    async fn ask(&self, request: &OutboundRequest) -> Result<OutboundResponse, ToolError> {
        self.outbound.send(request).await.map_err(|error| {
            tracing::warn!(%error, "a search engine cannot be asked");
            ToolError::from(&error)
        })
    }

    /// What was found, unless the engine refuses.
    fn read<T: DeserializeOwned>(&self, answer: &OutboundResponse) -> Result<T, ToolError> {
        if !answer.status.is_success() {
            return Err(self.refusal(answer));
        }
        serde_json::from_slice(&answer.body).map_err(|error| {
            tracing::warn!(%error, "a search engine answered what is not understood");
            ToolError::Garbled("the search engine answered what is not understood".to_owned())
        })
    }

    fn refusal(&self, answer: &OutboundResponse) -> ToolError {
        let said = self.words(answer);
        let status = answer.status.as_u16();
        tracing::warn!(status, said, "a search engine refuses");
        match answer.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ToolError::Refused(format!(
                "the search engine does not let this server search (HTTP {status})"
            )),
            StatusCode::TOO_MANY_REQUESTS => {
                ToolError::Refused("the search engine has been asked too often".to_owned())
            }
            code if code.is_server_error() => {
                ToolError::Garbled(format!("the search engine failed (HTTP {status})"))
            }
            _ => ToolError::Refused(format!("the search engine refuses (HTTP {status}): {said}")),
        }
    }

    /// Its words, without the key.
    fn words(&self, answer: &OutboundResponse) -> String {
        let text = String::from_utf8_lossy(&answer.body);
        let text = plain(&text, text.len());
        let text = mask(&text, self.key.map(std::slice::from_ref).unwrap_or_default());
        visible_line(&text, MOST_COMPLAINT_CHARS)
    }
}

fn request(method: Method, url: Url) -> OutboundRequest {
    OutboundRequest::new(method, url, DEADLINE, MOST_BYTES).header("accept", "application/json")
}

/// The address of something below another's.
fn below(base: &Url, segments: &[&str]) -> Result<Url, ToolError> {
    let mut url = base.clone();
    match url.path_segments_mut() {
        Ok(mut path) => path.pop_if_empty().extend(segments),
        Err(()) => {
            return Err(ToolError::NotAllowed(
                "the search engine has no usable address".to_owned(),
            ));
        }
    };
    Ok(url)
}

fn limit(query: &WebQuery) -> usize {
    usize::try_from(query.limit.clamp(1, MOST_PAGES)).unwrap_or(1)
}

/// The words with the domains, in the way that most engines understand, if there are
/// few of them.
fn with_sites(query: &WebQuery) -> String {
    let mut words = query.query.split_whitespace().collect::<Vec<_>>().join(" ");
    let allowed = query.allowed_domains.as_slice();
    if (1..=MOST_SITES).contains(&allowed.len()) {
        let sites: Vec<String> = allowed.iter().map(|domain| format!("site:{domain}")).collect();
        words = format!("{words} {}", sites.join(" OR "));
    }
    for domain in query.blocked_domains.iter().take(MOST_SITES) {
        words = format!("{words} -site:{domain}");
    }
    words
}

fn page(found: &Found) -> Option<WebPage> {
    let url = Url::parse(found.url.trim()).ok()?;
    let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
    let is_plain = url.username().is_empty() && url.password().is_none();
    if !is_web || !is_plain || url.as_str().len() > MOST_URL_CHARS {
        return None;
    }
    let title = match plain(&found.title, MOST_TITLE_CHARS) {
        title if title.is_empty() => url.host_str().unwrap_or_default().to_owned(),
        title => title,
    };
    let excerpt = plain(&found.excerpt, MOST_EXCERPT_CHARS);
    Some(WebPage { title, url: url.into(), excerpt })
}

fn is_wanted(url: &str, query: &WebQuery) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let host = url.host_str().unwrap_or_default().trim_end_matches('.');
    let lies_in = |domain: &String| {
        let domain = domain.trim_matches('.').to_ascii_lowercase();
        let before = host.strip_suffix(&domain);
        before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
    };
    let allowed = &query.allowed_domains;
    (allowed.is_empty() || allowed.iter().any(lies_in))
        && !query.blocked_domains.iter().any(lies_in)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(allowed: &[&str], blocked: &[&str]) -> WebQuery {
        let owned = |domains: &[&str]| domains.iter().map(|&domain| domain.to_owned()).collect();
        WebQuery {
            query: "a  b".to_owned(),
            allowed_domains: owned(allowed),
            blocked_domains: owned(blocked),
            ..WebQuery::default()
        }
    }

    #[test]
    fn pages_lie_in_the_domains_that_are_wanted_and_below_them() {
        let wanted = query(&["Example.com", "b.org"], &["private.example.com"]);
        for (url, expected) in [
            ("https://example.com/x", true),
            ("https://www.EXAMPLE.com./", true),
            ("http://b.org:8080/", true),
            ("https://notexample.com/", false),
            ("https://example.com.evil.org/", false),
            ("https://a.private.example.com/", false),
            ("https://c.net/?u=example.com", false),
        ] {
            assert_eq!(is_wanted(url, &wanted), expected, "{url}");
        }
        assert!(is_wanted("https://c.net/", &query(&[], &["d.net"])));
    }

    #[test]
    fn engines_are_told_of_a_few_domains() {
        assert_eq!(with_sites(&query(&[], &[])), "a b");
        assert_eq!(
            with_sites(&query(&["c.d", "e.f"], &["g.h"])),
            "a b site:c.d OR site:e.f -site:g.h"
        );
        assert_eq!(with_sites(&query(&["a.b"; 6], &[])), "a b");
    }

    #[test]
    fn what_is_no_page_of_the_web_is_left_out() {
        let page = |url: &str| {
            let (title, excerpt) = ("<b>T</b>".to_owned(), "e".to_owned());
            super::page(&Found { title, url: url.to_owned(), excerpt })
        };
        assert_eq!(page(" https://a.b/c ").unwrap().title, "T");
        for url in ["javascript:alert(1)", "file:///etc/passwd", "https://u:p@a.b/", "a.b", ""] {
            assert_eq!(page(url), None, "{url}");
        }
        assert_eq!(page(&format!("https://a.b/{}", "x".repeat(MOST_URL_CHARS))), None);
    }
}
