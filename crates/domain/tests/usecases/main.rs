//! Use cases on the in-memory store: what they do, refuse and leave behind.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "a failing test panics"
)]

mod access;
mod assistants;
mod drafts;
mod people;
mod stage;
mod write_only;
