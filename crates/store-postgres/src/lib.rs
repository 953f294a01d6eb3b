//! Understudy's store on PostgreSQL.
//!
//! - **Two walls.** Every statement names its organization, and row-level security
//!   lets the role that every pooled connection acts as see no other.
//! - **One round trip.** Reads on the hot path call a function of the database that
//!   sets the tenant and reads; other reads send the setting along with the query.
//! - **Owned transactions.** A unit of work owns its connection. Whoever drops it
//!   undoes it; the connection goes back only when the server has said so.
//!
//! Start reading at [`PgStore`]; each file beside it is one aggregate.

mod assistant_list;
mod assistant_queries;
mod assistants;
mod audience;
mod audit;
mod automations;
mod blobs;
mod callers;
mod chain;
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
mod imports;
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
mod transaction;
mod unit_of_work;
mod uploads;
mod usage;
mod users;
mod values;
mod webhooks;

pub use migrations::{MigrateError, SchemaState};
pub use store::{OpenError, PgOptions, PgStore};
