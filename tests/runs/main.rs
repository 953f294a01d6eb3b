//! Runs from the question to the last event, with the real adapters of models and a
//! provider that records what it is asked.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test panics")]

mod cancelling;
mod faults;
mod fields;
mod probes;
mod prompt_cache;
mod stage;
