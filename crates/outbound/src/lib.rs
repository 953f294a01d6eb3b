//! The one way out of Understudy over HTTP.
//!
//! Where requests go is often said by tenants: the address of a provider, a
//! picture, a web page, a webhook. [`Outbound`] sends them to the public internet
//! and to what the operator excepts, and nowhere else, whatever an address looks
//! like, wherever its name leads, and wherever an answer redirects. No other crate
//! makes an HTTP client (`.clippy.toml` sees to it).
//!
//! - https to any port of a public address; http, and anything that is not public,
//!   only in [`allowed_networks`](OutboundOptions::allowed_networks). A request to an
//!   address is judged as one to a name is.
//! - A name is resolved once for each connection. If one of its addresses must not
//!   be reached, none is; else the connection goes to the very addresses that were
//!   checked.
//! - Five redirects are followed, each judged like the first address, none from
//!   https to http. Another origin sees no header but harmless ones.
//! - No proxy of the environment, no cookies, no `Referer`, no decompression, no
//!   retries, HTTP/1.1 only. Time and size of each answer are bounded by its asker.

mod actions;
mod address;
mod client;
mod destination;
mod error;
mod names;
mod request;
mod response;
mod webhooks;

pub use address::{is_excepted, is_public};
pub use client::{NoTls, Outbound, OutboundOptions, install_tls};
pub use error::{Cause, OutboundError, Why};
pub use ipnet::IpNet;
pub use names::{Names, SystemNames};
pub use request::{Body, OutboundRequest, Pace};
pub use reqwest::{
    Method, StatusCode,
    header::{self, HeaderMap},
};
pub use response::{OpenResponse, OutboundResponse};
pub use url::Url;
pub use webhooks::Webhooks;
