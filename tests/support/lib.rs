//! Stores for tests: each call gives a fresh and empty one, which goes with the
//! value that owns it.
//!
//! [`postgres`] uses the server that `UNDERSTUDY_TEST_DATABASE_URL` names, as
//! `cargo xtask test` sets it, or starts one for this process. Without a server
//! it fails and says what to do; it never passes a test over in silence. So do
//! those that need what [`tools`] finds.

pub mod blobs;
mod cluster;
mod database;
mod http;
pub mod s3;
mod store;
pub mod tools;

pub use database::Database;
pub use http::http_client;
pub use store::{TestStore, memory, postgres, sqlite};
