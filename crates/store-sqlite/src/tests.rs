//! What is SQLite's own; the cases of every store are in the conformance suite.

mod damage;
mod documents;
mod opening;
pub(crate) mod plans;
mod preparing;
mod run_events;
mod run_plans;
mod samples;
mod schemas;
mod transactions;
