//! The binary as an operator meets it: started, read, signalled, refused.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test panics")]

mod canaries;
mod commands;
mod content;
mod contract;
mod events;
mod first_start;
mod keys;
mod refusals;
mod stopping;
mod support;
