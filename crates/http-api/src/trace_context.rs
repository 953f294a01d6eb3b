//! The caller's trace (W3C Trace Context).

use actix_web::http::header::HeaderMap;

/// What `traceparent` and `tracestate` say; the first was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The header `traceparent`.
    pub parent: String,
    /// The header `tracestate`, if it came along.
    pub state: Option<String>,
}

impl TraceContext {
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let parent = text("traceparent").filter(|text| is_valid(text))?;
        Some(Self { parent: parent.to_owned(), state: text("tracestate").map(str::to_owned) })
    }

    /// The 32 hex digits of the trace.
    pub(crate) fn trace_id(&self) -> &str {
        self.parent.split('-').nth(1).unwrap_or_default()
    }
}

fn is_valid(text: &str) -> bool {
    let fields: Vec<&str> = text.split('-').collect();
    let [version, trace, span, flags] = fields.as_slice() else { return false };
    let hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let some = |text: &str| text.bytes().any(|b| b != b'0');
    *version == "00"
        && hex(trace, 32)
        && hex(span, 16)
        && hex(flags, 2)
        && some(trace)
        && some(span)
}

#[cfg(test)]
mod tests {
    use super::is_valid;

    #[test]
    fn only_a_well_formed_parent_is_followed() {
        assert!(is_valid("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
        assert!(!is_valid("00-00000000000000000000000000000000-00f067aa0ba902b7-01"));
        assert!(!is_valid("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"));
        assert!(!is_valid("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"));
    }
}
