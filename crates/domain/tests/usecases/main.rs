//! Use cases on the in-memory store: what they do, refuse and leave behind.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "a failing test panics"
)]

mod access;
mod assistants;
mod avatar;
mod drafts;
mod files;
mod housekeeping;
mod icons;
mod images;
mod keys;
mod people;
mod providers;
mod references;
mod stage;
mod transfer;
mod uploads;
mod write_only;
