//! Reading the body of a request: how much, how fast, and as what.

use std::time::Duration;

use actix_web::{
    HttpRequest,
    dev::Payload,
    http::header,
    web::{Bytes, BytesMut},
};
use futures_util::StreamExt;
use serde_json::Value;
use tokio::time::{Instant, timeout};
use understudy_domain::Fault;

use crate::{
    negotiation::require_json_sent,
    problem::{Code, Problem},
};

mod json;

/// Most bytes of a body with an assistant: its content has 1 MiB at most, the icon
/// in it 5 MiB in base64, and JSON may escape characters.
pub(crate) const ASSISTANT: usize = 8 * 1024 * 1024;
/// Most bytes of a body with a rule: its text has 50,000 characters, and JSON may
/// escape each of them.
pub(crate) const RULE: usize = 1024 * 1024;
/// Most bytes of a body with what is asked of an assistant: texts of a million
/// characters at most, and pictures and documents in base64 beside them.
pub(crate) const RUN: usize = 16 * 1024 * 1024;
/// Most bytes of any other body.
pub(crate) const SMALL: usize = 64 * 1024;
/// How deep arrays and objects may be nested.
pub(crate) const MAX_DEPTH: usize = 64;

/// How long a body may take in all.
const LONGEST: Duration = Duration::from_mins(2);
/// From when on it must have come at [`SLOWEST`].
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes a second.
const SLOWEST: u64 = 1024;
/// How often a silent sender is looked at.
const TICK: Duration = Duration::from_secs(5);

/// The media type of JSON.
pub(crate) const JSON: &[&str] = &["application/json"];
/// The media types of a merge patch.
pub(crate) const MERGE_PATCH: &[&str] = &["application/merge-patch+json", "application/json"];

/// A body that was read.
#[derive(Debug)]
pub(crate) struct Input {
    /// As it was sent.
    pub(crate) text: String,
    /// As JSON.
    pub(crate) value: Value,
}

impl Input {
    /// No body where none is needed: an empty object.
    pub(crate) fn empty() -> Self {
        Self { text: String::new(), value: Value::Object(serde_json::Map::new()) }
    }
}

/// Reads a JSON body of one of the `taken` media types; `None` when there is no
/// body at all.
pub(crate) async fn read(
    request: &HttpRequest,
    payload: &mut Payload,
    limit: usize,
    taken: &[&str],
) -> Result<Option<Input>, Problem> {
    let announced = announced(request);
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large(limit));
    }
    if announced == Some(0) || (announced.is_none() && !is_chunked(request)) {
        return Ok(None);
    }
    require_json_sent(request.headers(), taken)?;
    let bytes = collect(payload, limit).await?;
    if bytes.is_empty() {
        return Ok(None);
    }
    parse(&bytes).map(Some)
}

fn announced(request: &HttpRequest) -> Option<usize> {
    let length = request.headers().get(header::CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

fn is_chunked(request: &HttpRequest) -> bool {
    request.headers().contains_key(header::TRANSFER_ENCODING)
}

fn too_large(limit: usize) -> Problem {
    let detail = format!("the body of this request has at most {limit} bytes");
    Problem::new(Code::BodyTooLarge).detail(detail).header(header::CONNECTION, "close")
}

/// The body, unless it is too large or comes too slowly: else a client that
/// sends a byte a second would hold a connection for ever.
async fn collect(payload: &mut Payload, limit: usize) -> Result<Bytes, Problem> {
    let start = Instant::now();
    let mut body = BytesMut::new();
    loop {
        let next = timeout(TICK, payload.next()).await;
        if is_too_slow(body.len(), start.elapsed()) {
            let problem = Problem::new(Code::RequestTimeout);
            return Err(problem.header(header::CONNECTION, "close"));
        }
        match next {
            Err(_) => {}
            Ok(None) => return Ok(body.freeze()),
            Ok(Some(Err(error))) => {
                let detail = format!("the body cannot be read: {error}");
                return Err(Problem::new(Code::BadRequest).detail(detail));
            }
            Ok(Some(Ok(chunk))) => {
                if body.len() + chunk.len() > limit {
                    return Err(too_large(limit));
                }
                body.extend_from_slice(&chunk);
            }
        }
    }
}

fn is_too_slow(received: usize, elapsed: Duration) -> bool {
    let expected = elapsed.as_secs() * SLOWEST;
    let late = elapsed >= PATIENCE && u64::try_from(received).is_ok_and(|got| got < expected);
    late || elapsed >= LONGEST
}

/// Reads JSON: in UTF-8, not nested too deeply, without names that come twice.
pub(crate) fn parse(bytes: &[u8]) -> Result<Input, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let detail = format!("byte {} of the body is not UTF-8", error.valid_up_to());
        Problem::new(Code::InvalidUtf8).detail(detail)
    })?;
    if json::is_deeper_than(bytes, MAX_DEPTH) {
        let detail = format!("arrays and objects may be nested {MAX_DEPTH} deep");
        return Err(Problem::new(Code::TooDeep).detail(detail));
    }
    let value = json::parse(text)
        .map_err(|error| Problem::new(Code::MalformedJson).detail(error.to_string()))?;
    let mut faults = Vec::new();
    json::find_nul(&value, "", &mut faults);
    if faults.is_empty() {
        Ok(Input { text: text.to_owned(), value })
    } else {
        Err(Problem::invalid(faults))
    }
}

/// That a body is needed and there was none.
pub(crate) fn missing() -> Problem {
    Problem::invalid(vec![Fault::new("", "required", "a body is required")])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_must_come_at_a_kibibyte_a_second_after_half_a_minute() {
        assert!(!is_too_slow(0, Duration::from_secs(29)));
        assert!(is_too_slow(30_000, Duration::from_secs(30)));
        assert!(!is_too_slow(31_000, Duration::from_secs(30)));
        assert!(is_too_slow(usize::MAX, Duration::from_mins(2)));
    }

    fn code_of(body: &[u8]) -> Code {
        parse(body).unwrap_err().code()
    }

    #[test]
    fn each_way_of_being_no_json_has_its_name() {
        assert_eq!(code_of(b"{\"a\": \xff}"), Code::InvalidUtf8);
        assert_eq!(code_of(b"{\"a\": 1,}"), Code::MalformedJson);
        assert_eq!(code_of(b"{\"a\": 1, \"a\": 2}"), Code::MalformedJson);
        assert_eq!(code_of("[".repeat(65).as_bytes()), Code::TooDeep);
        assert_eq!(code_of(br#"{"a": ["x\u0000"]}"#), Code::ValidationFailed);
    }

    #[test]
    fn malformed_json_is_told_by_line_and_column() {
        let problem = parse(b"{\n  \"a\": }").unwrap_err();

        let body = problem.render("/", "r");

        assert_eq!(body.status(), 400);
        assert!(format!("{problem:?}").contains("line 2 column 8"), "{problem:?}");
    }
}
