//! Tavily.

use serde::{Deserialize, Serialize};
use understudy_domain::ports::{ToolError, WebQuery};
use understudy_outbound::{Body, Method, Url};

use super::{Found, Line, below, limit, request};

/// Countries are known to it by their English names only, so none is told.
#[derive(Serialize)]
struct Wish<'a> {
    query: &'a str,
    max_results: usize,
    search_depth: &'static str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    include_domains: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    exclude_domains: &'a [String],
}

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
    let wish = Wish {
        query: &query.query,
        max_results: limit(query),
        search_depth: "basic",
        include_domains: &query.allowed_domains,
        exclude_domains: &query.blocked_domains,
    };
    let body = serde_json::to_vec(&wish)
        .map_err(|error| ToolError::Garbled(format!("the search has no form: {error}")))?;
    let request = request(Method::POST, below(base, &["search"])?)
        .header("content-type", "application/json")
        .body(Body::Bytes(body.into()));
    let answer = line.ask(&line.with_key(request, "authorization", "Bearer ")).await?;
    let answer: Answer = line.read(&answer)?;
    let found = answer.results.into_iter().map(|page| Found {
        title: page.title.unwrap_or_default(),
        url: page.url,
        excerpt: page.content.unwrap_or_default(),
    });
    Ok(found.collect())
}
