//! Conversations in the words of OpenAI: what is sent, and what comes of providers
//! that answer well and badly.

#![expect(clippy::unwrap_used, reason = "a failing test panics")]

mod bodies;
mod embedding;
mod faults;
mod judging;
mod support;
