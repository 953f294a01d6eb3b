//! Where a request may go, as far as its address alone tells.
//!
//! Only [`Url::host`] is asked, never the text: `http://2130706433/`, `0x7f.1` and
//! full-width digits are all the same IPv4 address there.

use std::net::IpAddr;

use ipnet::IpNet;
use url::{Host, Url};

use crate::{
    address::{is_excepted, is_public},
    error::Why,
};

const MOST_NAME_BYTES: usize = 253;

/// Ends of names that are for the inside of a network.
const INSIDE: [&str; 9] = [
    "corp",
    "home",
    "home.arpa",
    "internal",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "metadata.goog",
];

/// Whether what is sent can be read on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encryption {
    /// https.
    Tls,
    /// http.
    None,
}

impl Encryption {
    /// Whether a request may go to `address` in this way.
    ///
    /// Without encryption only what the operator excepted is reached.
    pub(crate) fn may_reach(self, address: IpAddr, excepted: &[IpNet]) -> bool {
        let public = match self {
            Self::Tls => is_public(address),
            Self::None => false,
        };
        public || is_excepted(address, excepted)
    }
}

/// Checks all of an address but where its host's name leads, which is found out on
/// connecting.
pub(crate) fn check(url: &Url, excepted: &[IpNet]) -> Result<Encryption, Why> {
    let encryption = match url.scheme() {
        "https" => Encryption::Tls,
        "http" => Encryption::None,
        _ => return Err(Why::Scheme),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Why::Credentials);
    }
    if encryption == Encryption::None && excepted.is_empty() {
        return Err(Why::Unencrypted);
    }
    let literal = match url.host() {
        Some(Host::Domain(name)) => return check_name(name, excepted).map(|()| encryption),
        Some(Host::Ipv4(address)) => IpAddr::V4(address),
        Some(Host::Ipv6(address)) => IpAddr::V6(address),
        None => return Err(Why::Host),
    };
    if encryption.may_reach(literal, excepted) {
        return Ok(encryption);
    }
    Err(refusal(&literal.to_string(), encryption, is_public(literal)))
}

fn check_name(name: &str, excepted: &[IpNet]) -> Result<(), Why> {
    let bare = name.strip_suffix('.').unwrap_or(name);
    if bare.len() > MOST_NAME_BYTES || bare.split('.').any(str::is_empty) {
        return Err(Why::Host);
    }
    if excepted.is_empty() && is_inside(bare) {
        return Err(Why::Private { host: bare.to_owned() });
    }
    Ok(())
}

/// Whether a name is one of the inside of a network, wherever it leads.
fn is_inside(name: &str) -> bool {
    !name.contains('.')
        || INSIDE.iter().any(|end| {
            name.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
}

/// Checks where the name of a host leads: one address that must not be reached
/// spoils the whole answer.
pub(crate) fn check_answer(
    name: &str,
    addresses: &[IpAddr],
    encryption: Encryption,
    excepted: &[IpNet],
) -> Result<(), Why> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let all = |holds: &dyn Fn(IpAddr) -> bool| addresses.iter().copied().all(holds);
    let allowed = if is_inside(name) {
        all(&|address| is_excepted(address, excepted))
    } else {
        all(&|address| encryption.may_reach(address, excepted))
    };
    if allowed { Ok(()) } else { Err(refusal(name, encryption, all(&is_public))) }
}

fn refusal(host: &str, encryption: Encryption, public: bool) -> Why {
    match encryption {
        Encryption::None if public => Why::Unencrypted,
        Encryption::None | Encryption::Tls => Why::Private { host: host.to_owned() },
    }
}

#[cfg(test)]
mod tests;
