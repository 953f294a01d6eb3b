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
mod comments;
mod directory;
mod drafts;
mod embeddings;
mod events;
mod file_knowledge;
mod files;
mod housekeeping;
mod icons;
mod images;
mod keys;
mod organization;
mod people;
mod providers;
mod references;
mod rules;
mod runs;
mod secrets;
mod sharing;
mod skills;
mod stage;
mod tags;
mod thread_items;
mod threads;
mod transfer;
mod uploads;
mod watching;
mod webhooks;
mod write_only;
