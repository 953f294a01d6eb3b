//! `understudy config check`.

use clap::{ArgMatches, Subcommand};

use super::{Done, Failure, complain, say};
use crate::config::Config;

/// What there is to do with the configuration.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print the effective configuration with where each value comes from
    Check,
}

/// Prints the configuration and, if it is not valid, every fault of it.
pub(super) fn check(matches: &ArgMatches) -> Done {
    let settings = Config::settings(matches);
    say(Config::show(&settings).trim_end())?;
    let Err(invalid) = Config::read(&settings) else { return Ok(()) };
    for fault in &invalid.faults {
        complain(&fault.to_string());
    }
    Err(Failure::Said)
}
