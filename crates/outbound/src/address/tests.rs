use proptest::prelude::*;

use super::*;

/// What is refused, written once more and in another form than the code.
const REFUSED: [&str; 22] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "168.63.129.16/32",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/3",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "3fff::/20",
    "4000::/2",
];

/// The upper half of IPv6: unique local, link-local, site-local, multicast.
const UPPER: &str = "8000::/1";

fn refused() -> Vec<IpNet> {
    REFUSED.iter().chain([&UPPER]).map(|network| network.parse().unwrap()).collect()
}

fn by_table(address: IpAddr) -> bool {
    !refused().iter().any(|network| network.contains(&address))
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// The addresses next to `address`, below and above.
fn neighbours(address: IpAddr) -> [IpAddr; 2] {
    match address {
        IpAddr::V4(address) => {
            let bits = address.to_bits();
            [bits.wrapping_sub(1), bits.wrapping_add(1)]
                .map(|bits| Ipv4Addr::from_bits(bits).into())
        }
        IpAddr::V6(address) => {
            let bits = address.to_bits();
            [bits.wrapping_sub(1), bits.wrapping_add(1)]
                .map(|bits| Ipv6Addr::from_bits(bits).into())
        }
    }
}

#[test]
fn the_edges_of_every_refused_network_are_where_the_table_says() {
    for network in refused() {
        for edge in [network.network(), network.broadcast()] {
            assert!(!is_public(edge), "{edge} of {network}");
            for beside in neighbours(edge) {
                assert_eq!(is_public(beside), by_table(beside), "{beside} beside {network}");
            }
        }
    }
}

#[test]
fn well_known_public_addresses_pass() {
    for public in [
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "100.63.255.255",
        "100.128.0.0",
        "168.63.129.15",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.1",
        "223.255.255.255",
        "2001:4860:4860::8888",
        "2606:4700:4700::1111",
        "2a00::1",
    ] {
        assert!(is_public(address(public)), "{public}");
    }
}

#[test]
fn forms_that_carry_an_address_are_refused_whatever_they_carry() {
    for carrier in [
        "::ffff:127.0.0.1",
        "::ffff:7f00:1",
        "::ffff:8.8.8.8",
        "::ffff:0:8.8.8.8",
        "::127.0.0.1",
        "::8.8.8.8",
        "64:ff9b::7f00:1",
        "64:ff9b::808:808",
        "64:ff9b:1::a00:1",
        "2002:7f00:1::",
        "2002:808:808::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    ] {
        assert!(!is_public(address(carrier)), "{carrier}");
    }
}

#[test]
fn what_is_private_by_another_name_is_refused() {
    for private in [
        "::",
        "::1",
        "fe80::1",
        "fec0::1",
        "feff::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "100::1",
        "5f00::1",
        "100.100.100.200",
        "255.255.255.255",
    ] {
        assert!(!is_public(address(private)), "{private}");
    }
}

#[test]
fn an_excepted_network_excepts_what_lies_in_it_and_nothing_else() {
    let networks = ["10.1.0.0/16".parse().unwrap(), "fd00::/8".parse().unwrap()];

    assert!(is_excepted(address("10.1.2.3"), &networks));
    assert!(is_excepted(address("fd12::1"), &networks));
    assert!(!is_excepted(address("10.2.0.1"), &networks));
    assert!(!is_excepted(address("::ffff:10.1.2.3"), &networks));
    assert!(!is_excepted(address("10.1.2.3"), &[]));
}

#[test]
fn a_metadata_service_is_excepted_by_its_own_address_only() {
    for metadata in METADATA {
        let around: [IpNet; 2] = ["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()];
        assert!(!is_public(metadata), "{metadata}");
        assert!(!is_excepted(metadata, &around), "{metadata}");
        assert!(is_excepted(metadata, &[IpNet::from(metadata)]), "{metadata}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn every_ipv4_address_is_judged_as_the_table_says(bits: u32) {
        let address = IpAddr::V4(Ipv4Addr::from_bits(bits));
        prop_assert_eq!(is_public(address), by_table(address));
    }

    #[test]
    fn every_ipv6_address_is_judged_as_the_table_says(bits: u128, near in 0_u16..4) {
        // Half of them close to where the rules are.
        let prefix = [0x2001_u128, 0x2002, 0x3fff, bits >> 112][usize::from(near)];
        let bits = (prefix << 112) | (bits >> 16);
        let address = IpAddr::V6(Ipv6Addr::from_bits(bits));
        prop_assert_eq!(is_public(address), by_table(address));
    }

    #[test]
    fn no_ipv4_address_passes_inside_of_an_ipv6_one(bits: u32) {
        let inner = u128::from(bits);
        let nat64 = 0x0064_ff9b_u128 << 96;
        let six_to_four = (0x2002_u128 << 112) | (inner << 80);
        for outer in [inner, (0xffff << 32) | inner, nat64 | inner, nat64 | (1 << 80) | inner, six_to_four] {
            prop_assert!(!is_public(IpAddr::V6(Ipv6Addr::from_bits(outer))));
        }
    }
}
