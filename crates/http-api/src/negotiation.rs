//! Media types: what a caller takes, and what it sent.

use actix_web::http::header::{self, HeaderMap};

use crate::problem::{Code, Problem};

/// Refuses a caller that does not take JSON.
pub(crate) fn require_json_accepted(headers: &HeaderMap) -> Result<(), Problem> {
    require_accepted(headers, ("application", "json"))
}

/// Refuses a caller that does not take an event stream.
pub(crate) fn require_stream_accepted(headers: &HeaderMap) -> Result<(), Problem> {
    require_accepted(headers, ("text", "event-stream"))
}

/// Which of JSON and an event stream a caller names in `Accept`, when they name one of
/// the two.
pub(crate) fn named_kind(headers: &HeaderMap) -> Option<AnswerKind> {
    let lines = headers.get_all(header::ACCEPT).filter_map(|line| line.to_str().ok());
    let ranges: Vec<&str> = lines.flat_map(|line| line.split(',')).collect();
    let names =
        |kind| ranges.iter().filter_map(|range| quality_of(kind, range)).max() == Some((2, true));
    match (names(("application", "json")), names(("text", "event-stream"))) {
        (true, false) => Some(AnswerKind::Json),
        (false, true) => Some(AnswerKind::Stream),
        _ => None,
    }
}

/// How an answer can come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnswerKind {
    /// As JSON.
    Json,
    /// As a stream of events.
    Stream,
}

/// Refuses a caller that does not take this media type.
fn require_accepted(headers: &HeaderMap, kind: (&str, &str)) -> Result<(), Problem> {
    let mut lines = headers.get_all(header::ACCEPT).peekable();
    if lines.peek().is_none() {
        return Ok(());
    }
    let ranges = lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(','));
    let best = ranges.filter_map(|range| quality_of(kind, range)).max();
    if best.is_some_and(|(_, takes)| takes) {
        return Ok(());
    }
    let detail = format!("answers are `{}/{}`", kind.0, kind.1);
    Err(Problem::new(Code::NotAcceptable).detail(detail))
}

/// How closely a media range names a media type, and whether it takes it.
fn quality_of((kind, subtype): (&str, &str), range: &str) -> Option<(u8, bool)> {
    let mut parts = range.split(';');
    let named = parts.next()?.trim().to_ascii_lowercase();
    let closeness = match named.split_once('/')? {
        (first, second) if first == kind && second == subtype => 2,
        (first, "*") if first == kind => 1,
        ("*", "*") => 0,
        _ => return None,
    };
    let refused = parts.any(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        name.trim().eq_ignore_ascii_case("q") && value.trim().parse() == Ok(0.0_f32)
    });
    Some((closeness, !refused))
}

/// Refuses a body that is not JSON in one of these media types.
pub(crate) fn require_json_sent(headers: &HeaderMap, taken: &[&str]) -> Result<(), Problem> {
    let encoded = headers.get(header::CONTENT_ENCODING).is_some_and(|value| value != "identity");
    let sent = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let (kind, parameters) = match sent {
        Some(text) => text.split_once(';').unwrap_or((text, "")),
        None => ("", ""),
    };
    let utf8 = parameters.split(';').all(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        !name.trim().eq_ignore_ascii_case("charset")
            || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
    });
    let known = taken.iter().any(|taken| kind.trim().eq_ignore_ascii_case(taken));
    if known && utf8 && !encoded {
        return Ok(());
    }
    let detail = if encoded {
        "the body must not be compressed".to_owned()
    } else {
        format!("the body must be {}, in UTF-8", taken.join(" or "))
    };
    let taken = taken.join(", ");
    let problem = Problem::new(Code::UnsupportedMediaType).detail(detail);
    Err(problem.header(header::ACCEPT, &taken).header(header::ACCEPT_ENCODING, "identity"))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn takes_json(accept: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_str(accept).unwrap());
        require_json_accepted(&headers).is_ok()
    }

    fn is_json(kind: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(kind).unwrap());
        require_json_sent(&headers, &["application/json"]).is_ok()
    }

    #[test]
    fn the_closest_media_range_decides() {
        assert!(takes_json("text/html, */*;q=0.1"));
        assert!(takes_json("Application/JSON"));
        assert!(!takes_json("text/html"));
        assert!(!takes_json("application/json;q=0, */*"));
        assert!(!takes_json("application/json; q=0.000"));
    }

    #[test]
    fn an_answer_can_be_named_by_its_kind() {
        let kind = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_str(accept).unwrap());
            named_kind(&headers)
        };
        assert_eq!(kind("application/json"), Some(AnswerKind::Json));
        assert_eq!(kind("text/event-stream, */*;q=0.1"), Some(AnswerKind::Stream));
        assert_eq!(kind("application/json, text/event-stream"), None);
        assert_eq!(kind("*/*"), None);
        assert_eq!(kind("application/json;q=0, text/event-stream"), Some(AnswerKind::Stream));
    }

    #[test]
    fn json_is_sent_in_utf8_under_its_own_name() {
        assert!(is_json("application/json; charset=UTF-8"));
        assert!(!is_json("application/json; charset=latin1"));
        assert!(!is_json("application/x-www-form-urlencoded"));
        assert!(!is_json("text/json"));
    }
}
