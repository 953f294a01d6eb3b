//! What the model is told of a service's answer.

use serde_json::Value;

use super::custom::Custom;
use crate::{ports::ActionAnswer, visible::visible};

/// Most characters of an answer that says no.
const MAX_COMPLAINT_CHARS: usize = 2_000;

/// The answer as text: all of it, or the part that `resultPointer` names.
///
/// # Errors
///
/// A text for the model, when the service said no or answered what is no text.
pub fn answer(custom: &Custom, answer: &ActionAnswer) -> Result<String, String> {
    let status = answer.status;
    if !(200..300).contains(&status) {
        return Err(complaint(answer));
    }
    if answer.body.is_empty() {
        return Ok(format!("It answered with status {status} and without a text."));
    }
    let Some(text) = text(answer) else {
        let bytes = answer.body.len();
        let kind = answer.content_type.as_deref().unwrap_or("an unknown type");
        return Ok(format!(
            "It answered with status {status} and {bytes} bytes of {}, which is no text.",
            visible(kind)
        ));
    };
    match &custom.result_pointer {
        Some(pointer) if !pointer.is_empty() => part(&text, pointer),
        _ => Ok(visible(&text)),
    }
}

fn complaint(answer: &ActionAnswer) -> String {
    let status = answer.status;
    let said = if (300..400).contains(&status) {
        "it says that it is somewhere else, where skills do not follow".to_owned()
    } else {
        visible(text(answer).unwrap_or_default().trim())
    };
    if said.is_empty() {
        return format!("The service answered with status {status}.");
    }
    let said: String = said.chars().take(MAX_COMPLAINT_CHARS).collect();
    format!("The service answered with status {status}: {said}")
}

fn part(text: &str, pointer: &str) -> Result<String, String> {
    let Ok(value) = serde_json::from_str::<Value>(text) else {
        return Err("The service answered what is no JSON.".to_owned());
    };
    match value.pointer(pointer) {
        Some(Value::String(text)) => Ok(visible(text)),
        Some(part) => Ok(visible(&part.to_string())),
        None => Err(format!("The answer of the service has nothing at `{pointer}`.")),
    }
}

/// The body, if it is a text.
fn text(answer: &ActionAnswer) -> Option<String> {
    match &answer.content_type {
        Some(kind) if is_text(kind) => Some(String::from_utf8_lossy(&answer.body).into_owned()),
        Some(_) => None,
        None => String::from_utf8(answer.body.to_vec()).ok().filter(|text| !text.contains('\0')),
    }
}

fn is_text(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let Some((kind, sub)) = essence.split_once('/') else { return false };
    let sub = sub.rsplit_once('+').map_or(sub, |(_, syntax)| syntax);
    let named = ["json", "xml", "yaml", "x-yaml", "javascript", "x-ndjson", "ndjson", "toml"];
    kind == "text"
        || (kind == "application" && named.contains(&sub))
        || essence == "application/x-www-form-urlencoded"
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;

    fn told(pointer: &str, status: u16, kind: Option<&str>, body: &[u8]) -> Result<String, String> {
        let data = json!({"method": "GET", "url": "https://a.b/", "resultPointer": pointer});
        let custom = Custom::read(data.as_object().unwrap()).unwrap();
        let content_type = kind.map(str::to_owned);
        answer(&custom, &ActionAnswer { status, content_type, body: Bytes::copy_from_slice(body) })
    }

    const JSON: Option<&str> = Some("application/json; charset=utf-8");

    #[test]
    fn a_text_is_told_as_it_is_and_of_json_the_part_that_was_named() {
        assert_eq!(told("", 200, Some("text/csv"), b"a,b\r\n"), Ok("a,b\n".to_owned()));
        assert_eq!(told("", 200, None, b"plain"), Ok("plain".to_owned()));
        let body = br#"{"data": [{"name": "x"}], "a/b": 1}"#;
        assert_eq!(told("/data/0/name", 201, JSON, body), Ok("x".to_owned()));
        assert_eq!(told("/a~1b", 200, Some("application/hal+json"), body), Ok("1".to_owned()));
        assert_eq!(told("/data", 200, JSON, body), Ok(r#"[{"name":"x"}]"#.to_owned()));
    }

    #[test]
    fn an_answer_without_the_part_that_was_named_is_an_error() {
        assert!(told("/nothing", 200, JSON, b"{}").unwrap_err().contains("`/nothing`"));
        assert!(told("/nothing", 200, JSON, b"<html>").unwrap_err().contains("no JSON"));
    }

    #[test]
    fn what_is_no_text_is_told_in_words() {
        let picture = told("", 200, Some("image/png"), b"\x89PNG").unwrap();
        assert_eq!(
            picture,
            "It answered with status 200 and 4 bytes of image/png, which is no text."
        );
        let unnamed = told("", 200, None, b"\xff\xfe\x00").unwrap();
        assert!(unnamed.contains("3 bytes of an unknown type"), "{unnamed}");
        assert!(told("", 204, None, b"").unwrap().contains("status 204"));
    }

    #[test]
    fn what_says_no_is_an_error_with_what_it_says() {
        let no = told("/data", 422, JSON, br#"{"error": "no such order"}"#).unwrap_err();
        assert_eq!(no, r#"The service answered with status 422: {"error": "no such order"}"#);
        let long = told("", 500, Some("text/html"), "ä".repeat(3_000).as_bytes()).unwrap_err();
        assert!(long.ends_with(&"ä".repeat(2_000)) && long.chars().count() < 2_100);
        assert_eq!(told("", 503, None, b"").unwrap_err(), "The service answered with status 503.");
        let moved = told("", 302, Some("text/html"), b"<a href=x>").unwrap_err();
        assert!(moved.contains("do not follow") && !moved.contains("href"), "{moved}");
    }
}
