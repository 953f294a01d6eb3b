//! The server: configuration, telemetry, wiring, commands and background work.
//!
//! The binary is [`cli::run`]; a test harness or an embedder starts a whole
//! server in its own process with [`start`].

pub mod abilities;
pub mod blobs;
pub mod cli;
pub mod config;
pub mod database;
mod error;
pub mod files;
pub mod installation;
pub mod running;
pub mod sign_on;
pub mod telemetry;
mod workers;

pub use config::Config;
pub use running::{Running, StartError, start};
