//! HTTP for tests.

#![expect(clippy::disallowed_types, reason = "a test is a client of the server")]

use reqwest::{Client, ClientBuilder};

/// A client of the tests themselves. It trusts nobody's certificate: to read those of
/// the machine takes a good part of a short test, and what tests ask is plain HTTP.
///
/// Without it `reqwest` panics when nothing in the process has chosen a
/// cryptography yet.
pub fn http_client() -> ClientBuilder {
    // Fails only when somebody has chosen already, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().tls_certs_only([])
}
