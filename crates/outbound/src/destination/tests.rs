use super::*;

fn checked(url: &str, excepted: &[&str]) -> Result<Encryption, Why> {
    let excepted: Vec<IpNet> = excepted.iter().map(|network| network.parse().unwrap()).collect();
    check(&url.parse().unwrap(), &excepted)
}

fn answered(
    name: &str,
    addresses: &[&str],
    encryption: Encryption,
    excepted: &[&str],
) -> Result<(), Why> {
    let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
    let excepted: Vec<IpNet> = excepted.iter().map(|network| network.parse().unwrap()).collect();
    check_answer(name, &addresses, encryption, &excepted)
}

#[test]
fn every_spelling_of_a_private_address_is_refused() {
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "127.0.0.1.",
        "１２７.０.０.１",
        "0",
        "0.0.0.0",
        "10.0.0.1",
        "169.254.169.254",
        "2852039166",
        "168.63.129.16",
        "100.100.100.200",
        "[::]",
        "[::1]",
        "[::ffff:7f00:1]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b:1::a9fe:a9fe]",
        "[2002:7f00:1::]",
        "[2001:0:7f00:1::]",
        "[fec0::1]",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "[ff02::1]",
        "localhost",
        "LOCALHOST.",
        "a.localhost",
        "localhost.localdomain",
        "printer",
        "printer.local",
        "printer.lan",
        "metadata.google.internal",
        "metadata.google.internal.",
        "metadata.goog",
        "vault%2einternal",
    ] {
        for url in [format!("https://{host}/"), format!("https://{host}:8443/a?b")] {
            let refused = matches!(checked(&url, &[]), Err(Why::Private { .. }));
            assert!(refused, "{url} was {:?}", checked(&url, &[]));
        }
    }
}

#[test]
fn https_to_the_public_internet_passes_at_any_port() {
    for url in [
        "https://example.com/",
        "https://EXAMPLE.com.:8443/",
        "https://1.1.1.1/",
        "https://[2606:4700:4700::1111]:4433/",
        "https://localhost.example.com/",
        "https://my.local.example/",
        "https://notmetadata.google/",
    ] {
        assert_eq!(checked(url, &[]), Ok(Encryption::Tls), "{url}");
    }
}

#[test]
fn plain_http_passes_only_to_excepted_networks() {
    assert_eq!(checked("http://example.com/", &[]), Err(Why::Unencrypted));
    assert_eq!(checked("http://1.1.1.1/", &["10.0.0.0/8"]), Err(Why::Unencrypted));
    assert_eq!(checked("http://10.0.0.1:11434/", &["10.0.0.0/8"]), Ok(Encryption::None));
    assert_eq!(checked("http://1.1.1.1/", &["1.1.1.0/24"]), Ok(Encryption::None));
    // Where a name leads is seen when it is resolved.
    assert_eq!(checked("http://example.com/", &["10.0.0.0/8"]), Ok(Encryption::None));
}

#[test]
fn an_excepted_network_is_reached_and_its_neighbour_is_not() {
    assert_eq!(checked("https://10.1.0.1/", &["10.1.0.0/16"]), Ok(Encryption::Tls));
    assert!(checked("https://10.2.0.1/", &["10.1.0.0/16"]).is_err());
    assert!(checked("https://[::ffff:10.1.0.1]/", &["10.1.0.0/16"]).is_err());
    assert!(checked("https://169.254.169.254/", &["0.0.0.0/0"]).is_err());
}

#[test]
fn other_schemes_and_addresses_with_credentials_are_refused() {
    for url in ["ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "data:,x"] {
        assert_eq!(checked(url, &["0.0.0.0/0"]), Err(Why::Scheme), "{url}");
    }
    for url in ["https://user@example.com/", "https://:pw@example.com/"] {
        assert_eq!(checked(url, &[]), Err(Why::Credentials), "{url}");
    }
    // The part before the at sign is no host.
    assert_eq!(checked("https://example.com@127.0.0.1/", &[]), Err(Why::Credentials));
}

#[test]
fn names_that_are_too_long_or_have_empty_labels_are_refused() {
    let long = format!("https://{}com/", "a.".repeat(126));
    assert!(checked(&long, &[]).is_err());
    assert_eq!(checked("https://a..b.com/", &[]), Err(Why::Host));
    assert_eq!(checked("https://a.com../", &[]), Err(Why::Host));
}

#[test]
fn one_private_address_spoils_the_answer() {
    let tls = Encryption::Tls;
    let private = Err(Why::Private { host: "example.com".to_owned() });

    assert_eq!(answered("example.com", &["1.1.1.1", "2606:4700::1"], tls, &[]), Ok(()));
    for inward in ["127.0.0.1", "169.254.169.254", "::1", "::ffff:7f00:1", "64:ff9b::7f00:1"] {
        assert_eq!(answered("example.com", &["1.1.1.1", inward], tls, &[]), private, "{inward}");
        assert_eq!(answered("example.com.", &[inward, "1.1.1.1"], tls, &[]), private, "{inward}");
    }
    assert_eq!(answered("example.com", &["1.1.1.1", "10.0.0.1"], tls, &["10.0.0.0/8"]), Ok(()));
}

#[test]
fn names_of_the_inside_lead_to_excepted_networks_only() {
    for name in ["ollama", "ollama.internal", "printer.local.", "localhost"] {
        let there = answered(name, &["10.0.0.1"], Encryption::None, &["10.0.0.0/8"]);
        let elsewhere = answered(name, &["1.1.1.1"], Encryption::Tls, &["10.0.0.0/8"]);
        assert_eq!(there, Ok(()), "{name}");
        assert!(matches!(elsewhere, Err(Why::Private { .. })), "{name}");
    }
}

#[test]
fn plain_http_to_a_name_needs_all_its_addresses_excepted() {
    let plain = |addresses| answered("example.com", addresses, Encryption::None, &["10.0.0.0/8"]);

    assert_eq!(plain(&["10.0.0.1"]), Ok(()));
    assert!(plain(&["10.0.0.1", "1.1.1.1"]).is_err());
    assert_eq!(plain(&["1.1.1.1"]), Err(Why::Unencrypted));
}
