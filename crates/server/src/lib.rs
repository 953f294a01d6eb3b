//! The server: configuration, telemetry, wiring, commands and background work.

pub mod config;
pub mod files;
pub mod telemetry;
