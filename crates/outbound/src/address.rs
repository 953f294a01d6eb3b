//! Which addresses lie on the public internet.
//!
//! Pure, and from tables of our own: the predicates of the standard library know
//! neither shared address space nor the forms that carry an IPv4 address inside of
//! an IPv6 one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// Addresses behind which clouds tell a machine its own credentials. A network
/// around one does not except it, only its very address does.
const METADATA: [IpAddr; 5] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];

/// Whether everybody may be sent to `address`: it is globally routable, no
/// multicast, and does not stand for another address that might not be.
///
/// Of IPv6 only what is handed out as unicast passes. Mapped, compatible, NAT64,
/// 6to4 and Teredo addresses are all refused, whatever they carry: nobody needs
/// one, and who can write one chooses where the packets really go.
#[must_use]
pub const fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Whether the operator excepted `address`.
#[must_use]
pub fn is_excepted(address: IpAddr, networks: &[IpNet]) -> bool {
    let exactly = METADATA.contains(&address);
    networks.iter().any(|network| {
        network.contains(&address) && (!exactly || network.prefix_len() == network.max_prefix_len())
    })
}

const fn is_public_v4(address: Ipv4Addr) -> bool {
    !matches!(
        address.octets(),
        // 'This' network, private, loopback, multicast, reserved, broadcast, link-local.
        [0 | 10 | 127 | 224..=255, ..] | [172, 16..=31, ..] | [192, 168, ..] | [169, 254, ..]
        // Shared by carriers, where Alibaba's metadata is too.
        | [100, 64..=127, ..]
        // Azure's control channel, which is globally routable.
        | [168, 63, 129, 16]
        // Protocol assignments, three for documentation, the old 6to4 relays, benchmarks.
        | [192, 0, 0 | 2, _] | [198, 51, 100, _] | [203, 0, 113, _] | [192, 88, 99, _]
        | [198, 18 | 19, ..]
    )
}

const fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // Teredo and other protocol assignments, documentation, 6to4.
        [0x2001, 0..=0x01ff | 0x0db8, ..] | [0x2002, ..] | [0x3fff, 0..=0x0fff, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests;
