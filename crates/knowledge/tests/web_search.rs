//! Searches by engines that answer as theirs do.

#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use std::sync::Arc;

use serde_json::{Value, json};
use understudy_domain::{
    Secret,
    ports::{ToolError, WebPage, WebQuery, WebSearch},
};
use understudy_knowledge::{Engine, WebSearchConfig, WebSearcher};
use understudy_outbound::{Outbound, OutboundOptions, Url};
use understudy_testkit::{Asked, Reply, Upstream};

const KEY: &str = "sk-sesame-open/now";

#[derive(Clone, Copy, Debug)]
enum Kind {
    SearxNg,
    Brave,
    Tavily,
}

const KINDS: [Kind; 3] = [Kind::SearxNg, Kind::Brave, Kind::Tavily];

impl Kind {
    fn engine(self, upstream: &Upstream) -> Engine {
        let url: Url = upstream.url("/base/").parse().unwrap();
        let key = Secret::new(KEY.to_owned());
        match self {
            Self::SearxNg => Engine::SearxNg { url },
            Self::Brave => Engine::Brave { url, key },
            Self::Tavily => Engine::Tavily { url, key },
        }
    }

    /// Pages as the engine tells of them: title, address and excerpt.
    fn answer(self, pages: &[(&str, &str, &str)]) -> Value {
        let excerpt = if matches!(self, Self::Brave) { "description" } else { "content" };
        let pages = pages.iter().map(
            |(title, url, text)| json!({"title": title, "url": url, excerpt: text, "score": 0.5}),
        );
        let pages: Vec<Value> = pages.collect();
        match self {
            Self::SearxNg => json!({"query": "x", "number_of_results": 0, "results": pages}),
            Self::Brave => json!({"type": "search", "query": {}, "web": {"results": pages}}),
            Self::Tavily => json!({"query": "x", "images": [], "results": pages}),
        }
    }
}

async fn search(
    kind: Kind,
    upstream: &Upstream,
    query: &WebQuery,
) -> Result<Vec<WebPage>, ToolError> {
    let allowed_networks = vec!["127.0.0.1/32".parse().unwrap()];
    let outbound = Arc::new(Outbound::new(OutboundOptions { allowed_networks }).unwrap());
    let config = WebSearchConfig { engine: kind.engine(upstream) };
    WebSearcher::new(outbound, config).search(query).await
}

async fn answering(answer: Value) -> Upstream {
    Upstream::always(Reply::new(200, answer.to_string())).await.unwrap()
}

fn wish() -> WebQuery {
    WebQuery { query: "red foxes".to_owned(), limit: 2, ..WebQuery::default() }
}

fn parameters(asked: &Asked) -> Vec<(String, String)> {
    let url = Url::parse("http://a").unwrap().join(&asked.path).unwrap();
    url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn pages_of_every_engine_come_as_plain_text_and_as_many_as_were_wanted() {
    let long = format!("<p>{}</p>", "ä".repeat(900));
    let pages = [
        ("Red &amp; <b>fox</b>", "https://a.example/1", "The <strong>fox</strong>\u{202e} runs."),
        ("", "javascript:alert(1)", "no page"),
        ("", "https://b.example/2", long.as_str()),
        ("Third", "https://c.example/3", ""),
    ];
    for kind in KINDS {
        let upstream = answering(kind.answer(&pages)).await;

        let found = search(kind, &upstream, &wish()).await.unwrap();

        let page = |title: &str, url: &str, excerpt: String| WebPage {
            title: title.to_owned(),
            url: url.to_owned(),
            excerpt,
        };
        let expected = [
            page("Red & fox", "https://a.example/1", "The fox runs.".to_owned()),
            page("b.example", "https://b.example/2", "ä".repeat(500)),
        ];
        assert_eq!(found, expected, "{kind:?}");
    }
}

#[tokio::test]
async fn searxng_is_asked_as_its_documentation_says() {
    let upstream = answering(Kind::SearxNg.answer(&[])).await;
    let query = WebQuery {
        language: Some("DE".to_owned()),
        country: Some("ch".to_owned()),
        blocked_domains: vec!["b.example".to_owned()],
        ..wish()
    };

    assert_eq!(search(Kind::SearxNg, &upstream, &query).await, Ok(Vec::new()));

    let asked = upstream.asked().remove(0);
    assert!(asked.path.starts_with("/base/search?"), "{}", asked.path);
    let expected = [("q", "red foxes -site:b.example"), ("format", "json"), ("language", "de-CH")];
    assert_eq!(parameters(&asked), pairs(&expected));
}

#[tokio::test]
async fn brave_is_asked_as_its_documentation_says() {
    let upstream = answering(Kind::Brave.answer(&[])).await;
    let query = WebQuery {
        language: Some("de".to_owned()),
        country: Some("ch".to_owned()),
        allowed_domains: vec!["a.example".to_owned()],
        ..wish()
    };

    assert_eq!(search(Kind::Brave, &upstream, &query).await, Ok(Vec::new()));

    let asked = upstream.asked().remove(0);
    assert_eq!(asked.header("x-subscription-token"), Some(KEY));
    assert!(asked.path.starts_with("/base/res/v1/web/search?"), "{}", asked.path);
    let expected = [
        ("q", "red foxes site:a.example"),
        ("count", "2"),
        ("text_decorations", "false"),
        ("result_filter", "web"),
        ("country", "CH"),
        ("search_lang", "de"),
    ];
    assert_eq!(parameters(&asked), pairs(&expected));
}

#[tokio::test]
async fn a_country_that_brave_does_not_know_is_left_out() {
    let upstream = Upstream::answering("127.0.0.1", |asked| {
        if asked.path.contains("country=") {
            return Reply::new(422, "{}");
        }
        Reply::new(200, Kind::Brave.answer(&[("a", "https://a.example/", "")]).to_string())
    });
    let upstream = upstream.await.unwrap();
    let query = WebQuery { country: Some("va".to_owned()), ..wish() };

    assert_eq!(search(Kind::Brave, &upstream, &query).await.unwrap().len(), 1);
}

#[tokio::test]
async fn tavily_is_asked_as_its_documentation_says() {
    let upstream = answering(Kind::Tavily.answer(&[])).await;
    let query = WebQuery {
        allowed_domains: vec!["a.example".to_owned()],
        blocked_domains: vec!["b.a.example".to_owned()],
        ..wish()
    };

    assert_eq!(search(Kind::Tavily, &upstream, &query).await, Ok(Vec::new()));

    let asked = upstream.asked().remove(0);
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/base/search"));
    assert_eq!(asked.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    let expected = json!({
        "query": "red foxes", "max_results": 2, "search_depth": "basic",
        "include_domains": ["a.example"], "exclude_domains": ["b.a.example"],
    });
    assert_eq!(serde_json::from_slice::<Value>(&asked.body).unwrap(), expected);
}

#[tokio::test]
async fn the_domains_hold_whatever_an_engine_answers() {
    let pages = [
        ("", "https://evil.example/", ""),
        ("", "https://sub.a.example/", ""),
        ("", "https://blocked.a.example/", ""),
    ];
    let query = WebQuery {
        allowed_domains: vec!["a.example".to_owned()],
        blocked_domains: vec!["blocked.a.example".to_owned()],
        ..wish()
    };
    for kind in KINDS {
        let upstream = answering(kind.answer(&pages)).await;
        let found = search(kind, &upstream, &query).await.unwrap();
        let urls: Vec<_> = found.iter().map(|page| page.url.as_str()).collect();
        assert_eq!(urls, ["https://sub.a.example/"], "{kind:?}");
    }
}

#[tokio::test]
async fn refusals_are_told_apart_and_never_tell_the_key() {
    for kind in KINDS {
        for (status, code) in [(401, 'r'), (403, 'r'), (429, 'r'), (400, 'r'), (503, 'g')] {
            let body = json!({"detail": format!("bad key {KEY}")}).to_string();
            let upstream = Upstream::always(Reply::new(status, body)).await.unwrap();
            let refused = search(kind, &upstream, &wish()).await.unwrap_err();
            let told = match refused {
                ToolError::Refused(message) => ('r', message),
                ToolError::Garbled(message) => ('g', message),
                other => panic!("{other:?}"),
            };
            assert_eq!(told.0, code, "{kind:?} {status}");
            let leaks = !matches!(kind, Kind::SearxNg) && told.1.contains("sesame");
            assert!(!leaks, "{}", told.1);
        }
        let garbled = answering(json!({"results": 1, "web": 1})).await;
        let error = search(kind, &garbled, &wish()).await.unwrap_err();
        assert!(matches!(error, ToolError::Garbled(_)), "{kind:?}: {error:?}");
    }
}
