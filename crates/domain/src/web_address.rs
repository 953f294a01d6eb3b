//! Which addresses requests may be sent to, as far as an address alone tells. What
//! may really be reached is decided by the operator's networks, at the call.

use url::{Host, Url};

/// What is said of an address that is neither.
pub(crate) const SCHEMES: &str = "must begin with https://, or with http:// for an IP address, \
                                  localhost or a name without a dot";

/// Why no request is sent to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// It names no host.
    Host,
    /// It is neither https nor http within the operator's own networks.
    Scheme,
    /// It holds a user's name or password.
    Credentials,
}

/// Whether requests may be sent there: by https, or by http where that stays within
/// the operator's own networks, and without credentials in the address.
pub(crate) fn check(url: &Url) -> Result<(), Unfit> {
    let plain_is_right = match url.host() {
        // A name without a dot is one of the operator's own network.
        Some(Host::Domain(name)) => !name.contains('.'),
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => true,
        None => return Err(Unfit::Host),
    };
    if url.scheme() != "https" && !(url.scheme() == "http" && plain_is_right) {
        return Err(Unfit::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Unfit::Credentials);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_stays_within_the_operators_networks() {
        let unfit = |text: &str| check(&text.parse().unwrap()).err();

        for fit in ["https://a.example", "http://10.0.0.1", "http://[::1]:80", "http://localhost"] {
            assert_eq!(unfit(fit), None, "{fit}");
        }
        assert_eq!(unfit("http://ollama:11434"), None);
        for plain in ["http://a.example", "ftp://localhost", "ws://a.example"] {
            assert_eq!(unfit(plain), Some(Unfit::Scheme), "{plain}");
        }
        assert_eq!(unfit("data:,x"), Some(Unfit::Host));
        assert_eq!(unfit("https://user@a.example"), Some(Unfit::Credentials));
        assert_eq!(unfit("https://:word@a.example"), Some(Unfit::Credentials));
    }
}
