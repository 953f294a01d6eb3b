//! Brave Search.

use serde::Deserialize;
use understudy_domain::ports::{ToolError, WebQuery};
use understudy_outbound::{Method, OutboundResponse, StatusCode, Url};

use super::{Found, Line, below, limit, request, with_sites};

/// Most characters and words that it takes.
const MOST_CHARS: usize = 400;
const MOST_WORDS: usize = 50;

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    web: Option<Web>,
}

#[derive(Deserialize)]
struct Web {
    #[serde(default)]
    results: Vec<Page>,
}

#[derive(Deserialize)]
struct Page {
    url: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    description: Option<String>,
}

pub(super) async fn search(
    line: &Line<'_>,
    base: &Url,
    query: &WebQuery,
) -> Result<Vec<Found>, ToolError> {
    let mut answer = ask(line, base, query).await?;
    let is_local = query.country.is_some() || query.language.is_some();
    if answer.status == StatusCode::UNPROCESSABLE_ENTITY && is_local {
        // It knows some countries and languages only, and refuses others.
        let anywhere = WebQuery { country: None, language: None, ..query.clone() };
        answer = ask(line, base, &anywhere).await?;
    }
    let answer: Answer = line.read(&answer)?;
    let pages = answer.web.map(|web| web.results).unwrap_or_default();
    let found = pages.into_iter().map(|page| Found {
        title: page.title,
        url: page.url,
        excerpt: page.description.unwrap_or_default(),
    });
    Ok(found.collect())
}

async fn ask(line: &Line<'_>, base: &Url, query: &WebQuery) -> Result<OutboundResponse, ToolError> {
    let mut url = below(base, &["res", "v1", "web", "search"])?;
    let words = with_sites(query);
    let words: Vec<&str> = words.split(' ').take(MOST_WORDS).collect();
    let words: String = words.join(" ").chars().take(MOST_CHARS).collect();
    url.query_pairs_mut()
        .append_pair("q", &words)
        .append_pair("count", &limit(query).to_string())
        .append_pair("text_decorations", "false")
        .append_pair("result_filter", "web");
    if let Some(country) = &query.country {
        url.query_pairs_mut().append_pair("country", &country.to_ascii_uppercase());
    }
    if let Some(language) = &query.language {
        url.query_pairs_mut().append_pair("search_lang", &language.to_ascii_lowercase());
    }
    let request = request(Method::GET, url);
    line.ask(&line.with_key(request, "x-subscription-token", "")).await
}
