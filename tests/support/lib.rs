//! Stores for tests: each call gives a fresh and empty one, which goes with the
//! value that owns it.
//!
//! [`postgres`] uses the server that `UNDERSTUDY_TEST_DATABASE_URL` names, as
//! `cargo xtask test` sets it, or starts one for this process. Without a server
//! it fails and says what to do; it never passes a test over in silence.

mod cluster;
mod database;
mod store;

pub use database::Database;
pub use store::{TestStore, memory, postgres, sqlite};
