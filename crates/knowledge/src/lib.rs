//! Finds what assistants do not know themselves.
//!
//! [`WebSearcher`] searches the web by the engine that the operator chose, on the
//! guarded way out. What an engine says is a stranger's: pages are bounded, their
//! excerpts are plain text, and the domains that were wanted or not are looked at
//! here once more, whatever the engine makes of them.

mod plain;
mod web_search;

pub use web_search::{Engine, WebSearchConfig, WebSearcher};
