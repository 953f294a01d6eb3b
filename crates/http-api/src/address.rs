//! Where a request came from.

use std::net::IpAddr;

use actix_web::HttpRequest;
use ipnet::IpNet;

/// The client's address: the socket's, unless that is a trusted proxy; then the
/// right-most one of `X-Forwarded-For` that is not. What stands left of it was
/// said by the client itself, and is not believed.
pub(crate) fn client_address(request: &HttpRequest, trusted: &[IpNet]) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip().to_canonical();
    let lines = request.headers().get_all("x-forwarded-for");
    let hops: Vec<&str> = lines.filter_map(|line| line.to_str().ok()).collect();
    Some(behind_proxies(peer, &hops, trusted))
}

fn behind_proxies(peer: IpAddr, lines: &[&str], trusted: &[IpNet]) -> IpAddr {
    let is_proxy = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    let mut address = peer;
    for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        if !is_proxy(&address) {
            break;
        }
        let Ok(hop) = hop.trim().parse::<IpAddr>() else { break };
        address = hop.to_canonical();
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, lines: &[&str], trusted: &[&str]) -> String {
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        behind_proxies(peer.parse().unwrap(), lines, &trusted).to_string()
    }

    #[test]
    fn without_trusted_proxies_the_header_is_not_believed() {
        assert_eq!(seen("192.0.2.1", &["203.0.113.9"], &[]), "192.0.2.1");
    }

    #[test]
    fn the_right_most_address_that_is_no_proxy_counts() {
        let lines = ["198.51.100.7, 203.0.113.9", "10.0.0.2"];

        assert_eq!(seen("10.0.0.1", &lines, &["10.0.0.0/8"]), "203.0.113.9");
    }

    #[test]
    fn behind_text_that_is_no_address_nothing_is_believed() {
        assert_eq!(seen("10.0.0.1", &["203.0.113.9, junk"], &["10.0.0.0/8"]), "10.0.0.1");
    }

    #[test]
    fn a_proxy_that_says_nothing_is_the_client() {
        assert_eq!(seen("10.0.0.1", &[], &["10.0.0.0/8"]), "10.0.0.1");
    }
}
