//! The identifier of a request: the caller's, if it is a fit one, or our own.

use std::rc::Rc;

use actix_web::{HttpMessage, HttpRequest, dev::ServiceRequest};
use understudy_domain::ports::IdSource;

/// Most characters of an identifier.
const MAX_CHARS: usize = 128;

/// The header that carries it, both ways.
pub(crate) const HEADER: &str = "x-request-id";

/// The identifier of a request.
#[derive(Clone)]
pub(crate) struct RequestId(Rc<str>);

impl RequestId {
    /// Takes the caller's or makes one, and keeps it with the request.
    pub(crate) fn assign(request: &ServiceRequest, ids: &dyn IdSource) -> Self {
        let given = request.headers().get(HEADER).and_then(|value| value.to_str().ok());
        let id = match given.filter(|text| is_fit(text)) {
            Some(text) => Self(text.into()),
            None => Self(ids.uuid().simple().to_string().into()),
        };
        request.extensions_mut().insert(id.clone());
        id
    }

    /// The identifier of a request that has one.
    pub(crate) fn of(request: &HttpRequest) -> Option<Self> {
        request.extensions().get::<Self>().cloned()
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Only what cannot be taken for anything else in a log or a header.
fn is_fit(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':' | b'/');
    (1..=MAX_CHARS).contains(&text.len()) && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::is_fit;

    #[test]
    fn only_plain_text_of_bounded_length_is_taken_over() {
        assert!(is_fit("01J9ZK-4.a:b/c_d"));
        assert!(!is_fit(""));
        assert!(!is_fit("two words"));
        assert!(!is_fit("line\nbreak"));
        assert!(!is_fit(&"a".repeat(129)));
    }
}
