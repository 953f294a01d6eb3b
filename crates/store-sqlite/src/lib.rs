//! Understudy's store on SQLite: one file, one process, one machine.
//!
//! - **One writer.** Every unit of work is a `BEGIN IMMEDIATE` transaction on the
//!   single write connection; the next one waits for it without a thread. Events of
//!   runs take turns with it on a connection whose commits do not wait for the disk.
//! - **Few readers.** Queries run on a handful of connections that cannot write.
//! - **Travelling connections.** SQLite blocks, so each statement moves its
//!   connection to a thread that may block and takes it back with the result. Who
//!   is cancelled takes nothing back; the connection then rolls back by itself.
//!
//! Start reading at [`SqliteStore`]; each file beside it is one aggregate.

mod assistant_list;
mod assistant_queries;
mod assistants;
mod audience;
mod audit;
mod automations;
mod blobs;
mod callers;
mod comments;
mod connections;
mod content_queries;
mod conversation_queries;
mod conversations;
mod credentials;
mod directory;
mod errors;
mod housekeeping;
mod idempotency;
mod images;
mod keys;
mod labels;
mod migrations;
mod names;
mod organizations;
mod providers;
mod records;
mod rules;
mod run_events;
mod run_news;
mod run_queries;
mod runs;
mod schema;
mod spending;
mod sql;
mod store;
mod teams;
mod unit_of_work;
mod uploads;
mod usage;
mod users;
mod values;
mod webhooks;

#[cfg(test)]
mod tests;

pub use migrations::{MigrateError, SchemaState};
pub use store::{OpenError, Sharing, SqliteOptions, SqliteStore};
