//! What a provider says about a request that it refuses, made fit for people.

use serde_json::Value;
use understudy_domain::{Secret, ports::ProviderError, secret::mask};
use understudy_outbound::OutboundResponse;

const MOST_CHARS: usize = 500;

/// The provider's own words, without control characters, without `key` in any of
/// its usual spellings, and at most 500 characters.
pub(crate) fn complaint(answer: &OutboundResponse, key: Option<&Secret<String>>) -> String {
    let text = String::from_utf8_lossy(&answer.body);
    let said = serde_json::from_str(&text).ok().and_then(|body: Value| words(&body));
    let text = tidy(said.as_deref().unwrap_or(&text), key);
    if text.is_empty() {
        return answer.status.canonical_reason().unwrap_or("it does not say why").to_owned();
    }
    text
}

/// Any words of a provider without what [`complaint`] leaves out.
fn tidy(text: &str, key: Option<&Secret<String>>) -> String {
    let text = one_line(text);
    let text = mask(&text, key.map(std::slice::from_ref).unwrap_or_default());
    text.chars().take(MOST_CHARS).collect()
}

/// What a failure means that a provider tells of in the middle of its answer, by its
/// `kind`: a word such as `rate_limit_error`, or an HTTP status.
pub(crate) fn reported(kind: &str, message: &str) -> ProviderError {
    let message = if message.trim().is_empty() { kind } else { message }.to_owned();
    let status = match kind {
        _ if kind.contains("rate_limit") => 429,
        "insufficient_quota" | "tokens" | "requests" => 429,
        "authentication_error" | "invalid_api_key" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" | "model_not_found" => 404,
        "request_too_large" => 413,
        "timeout_error" => return ProviderError::TimedOut,
        _ if kind.contains("overloaded") => 529,
        "api_error" | "server_error" | "internal_server_error" => 500,
        _ => kind.parse().ok().filter(|status| (400..600).contains(status)).unwrap_or(400),
    };
    match status {
        429 | 529 => ProviderError::Busy { retry_after: None, message },
        _ => ProviderError::Refused { status, message },
    }
}

/// Where the protocols put what is for people.
fn words(body: &Value) -> Option<String> {
    let places = ["/error/message", "/error", "/message", "/detail"];
    let mut said = places.iter().filter_map(|place| body.pointer(place).and_then(Value::as_str));
    said.next().map(str::to_owned)
}

/// The error with its words fit for people, and without the key.
pub(crate) fn masked(error: ProviderError, key: Option<&Secret<String>>) -> ProviderError {
    match error {
        ProviderError::Refused { status, message } => {
            ProviderError::Refused { status, message: tidy(&message, key) }
        }
        ProviderError::Busy { retry_after, message } => {
            ProviderError::Busy { retry_after, message: tidy(&message, key) }
        }
        ProviderError::Unreachable(why) => ProviderError::Unreachable(tidy(&why, key)),
        ProviderError::Garbled(why) => ProviderError::Garbled(tidy(&why, key)),
        ProviderError::TimedOut => ProviderError::TimedOut,
    }
}

fn one_line(text: &str) -> String {
    let visible = text.replace(|c: char| c.is_control(), " ");
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;
    use understudy_outbound::{HeaderMap, StatusCode};

    use super::*;

    fn said(status: u16, body: &str, key: &str) -> String {
        let status = StatusCode::from_u16(status).unwrap();
        let body = body.to_owned().into();
        let answer = OutboundResponse { status, headers: HeaderMap::new(), body };
        complaint(&answer, Some(&Secret::new(key.to_owned())))
    }

    #[test]
    fn the_words_are_found_where_the_protocols_put_them() {
        for body in [
            r#"{"error":{"message":"too dark","code":"x"}}"#,
            r#"{"error":"too dark"}"#,
            r#"{"message":"too dark"}"#,
            r#"{"detail":"too dark"}"#,
            "too\r\n\tdark\u{7}\n",
        ] {
            assert_eq!(said(400, body, "sesame"), "too dark", "{body}");
        }
        assert_eq!(said(400, r#"{"detail":[1]}"#, "sesame"), r#"{"detail":[1]}"#);
        assert_eq!(said(502, "", "sesame"), "Bad Gateway");
    }

    #[test]
    fn long_words_are_cut_after_500_characters() {
        assert_eq!(said(400, &"ä".repeat(600), "sesame"), "ä".repeat(500));
    }

    #[test]
    fn a_key_at_the_cut_leaves_nothing_of_itself() {
        let body = format!("{}sk-sesame-open", "x".repeat(495));
        assert!(!said(400, &body, "sk-sesame-open").contains('s'));
    }

    #[test]
    fn an_empty_key_masks_nothing() {
        assert_eq!(said(400, "no key", ""), "no key");
    }

    proptest! {
        #[test]
        fn no_spelling_of_the_key_comes_back(
            key in "[ -~]{0,2}[!-~]{12,40}",
            before in "[a-z]{0,5}",
        ) {
            use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
            let key = key.trim();
            let basic = STANDARD.encode(format!("{before}:{key}:x"));
            let url = URL_SAFE_NO_PAD.encode(key);
            let percent = utf8_percent_encode(key, NON_ALPHANUMERIC).to_string();
            let body = serde_json::json!({"error": {"message": format!("<{key}> <{basic}> <{url}> <{percent}>")}});
            let text = said(401, &body.to_string(), key);

            let middle = basic.get(10..18).unwrap();
            let pieces = [key, url.as_str(), percent.as_str(), middle];
            for piece in pieces {
                prop_assert!(!text.contains(piece), "{} holds {}", text, piece);
            }
        }
    }
}
