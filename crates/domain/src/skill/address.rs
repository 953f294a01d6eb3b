//! Which addresses requests may be sent to, and how their origins are spelled.
//! What may really be reached is decided by the operator's networks, at the call.

use url::Url;

use crate::web_address::{self, SCHEMES, Unfit};

/// Most characters of an origin.
const MAX_ORIGIN_CHARS: usize = 300;

/// Whether a request may be sent there: by https, or by http within the operator's
/// own networks, and without credentials in the address.
pub(crate) fn check_address(url: &Url) -> Result<(), &'static str> {
    const HOST: &str = "must name a host";
    if url.domain().is_some_and(|name| !is_name(name)) {
        return Err(HOST);
    }
    web_address::check(url).map_err(|unfit| match unfit {
        Unfit::Host => HOST,
        Unfit::Scheme => SCHEMES,
        Unfit::Credentials => "must not contain credentials",
    })
}

/// Not, for example, `*.example.com`, which would be believed to stand for many.
fn is_name(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
}

/// Scheme, host and port in one spelling; the port only where it is not the usual.
pub(crate) fn origin_of(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// The origin that a text names, in one spelling.
pub(crate) fn read_origin(text: &str) -> Result<String, &'static str> {
    const FORM: &str = "must be an origin: scheme, host and perhaps a port, such as \
                        https://api.example.com";
    let text = text.trim();
    if text.chars().count() > MAX_ORIGIN_CHARS || text.chars().any(char::is_control) {
        return Err(FORM);
    }
    // The parser would take `https:///x` and `https:x` for `https://x`.
    let has_host = text.split_once("://").is_some_and(|(_, rest)| !rest.starts_with(['/', '\\']));
    let url = Url::parse(text).ok().filter(|_| has_host).ok_or(FORM)?;
    check_address(&url)?;
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if is_bare { Ok(origin_of(&url)) } else { Err(FORM) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_kept_in_one_spelling() {
        for (text, kept) in [
            ("https://API.Example.com", "https://api.example.com"),
            ("https://api.example.com/", "https://api.example.com"),
            ("https://api.example.com:443", "https://api.example.com"),
            (" https://api.example.com:8443 ", "https://api.example.com:8443"),
            ("http://192.168.1.7:8080", "http://192.168.1.7:8080"),
            ("http://[::1]", "http://[::1]"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
        ] {
            assert_eq!(read_origin(text).as_deref(), Ok(kept), "{text}");
        }
    }

    #[test]
    fn what_is_no_origin_or_cannot_be_trusted_is_refused() {
        for text in [
            "",
            "*",
            "api.example.com",
            "https://*.example.com",
            "https://",
            "https:///x",
            "https:x",
            "http://api.example.com",
            "ftp://api.example.com",
            "https://user@api.example.com",
            "https://user:password@api.example.com",
            "https://api.example.com/v1",
            "https://api.example.com?",
            "https://api.example.com#x",
            "https://a\nb.example.com",
        ] {
            let read = read_origin(text);
            assert!(read.is_err(), "{text:?}: {read:?}");
        }
    }
}
