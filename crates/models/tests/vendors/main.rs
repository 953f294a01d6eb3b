//! Conversations with Anthropic and Ollama: what is sent, and what comes of providers
//! that answer well and badly.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test panics")]

mod anthropic;
mod faults;
mod ollama;
mod streams;
mod support;
