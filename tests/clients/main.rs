//! Our side of protocols of others, against programs that others wrote.

#![expect(clippy::unwrap_used, reason = "a failing test panics")]

mod aimock;
mod drawing;
mod embedding;
mod mcp;
mod oidc;
mod webhooks;
