//! The binary as an operator meets it: started, read, signalled, refused.
#![expect(clippy::unwrap_used, reason = "a failing test panics")]

mod commands;
mod first_start;
mod refusals;
mod stopping;
mod support;
