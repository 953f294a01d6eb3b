//! Stores for tests: each call gives a fresh and empty one, which goes with the
//! value that owns it.

mod store;

pub use store::{TestStore, memory};
