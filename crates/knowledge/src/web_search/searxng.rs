//! `SearXNG`, which must have the format `json` enabled.

use serde::Deserialize;
use understudy_domain::ports::{ToolError, WebQuery};
use understudy_outbound::{Method, Url};

use super::{Found, Line, below, request, with_sites};

#[derive(Deserialize)]
struct Answer {
    results: Vec<Page>,
}

#[derive(Deserialize)]
struct Page {
    url: String,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    content: Option<String>,
}

pub(super) async fn search(
    line: &Line<'_>,
    base: &Url,
    query: &WebQuery,
) -> Result<Vec<Found>, ToolError> {
    let mut url = below(base, &["search"])?;
    url.query_pairs_mut().append_pair("q", &with_sites(query)).append_pair("format", "json");
    if let Some(language) = locale(query) {
        url.query_pairs_mut().append_pair("language", &language);
    }
    let answer = line.ask(&request(Method::GET, url)).await?;
    let answer: Answer = line.read(&answer)?;
    let found = answer.results.into_iter().map(|page| Found {
        title: page.title.unwrap_or_default(),
        url: page.url,
        excerpt: page.content.unwrap_or_default(),
    });
    Ok(found.collect())
}

/// It knows countries only together with a language.
fn locale(query: &WebQuery) -> Option<String> {
    let language = query.language.as_ref()?.to_ascii_lowercase();
    Some(match &query.country {
        Some(country) => format!("{language}-{}", country.to_ascii_uppercase()),
        None => language,
    })
}
