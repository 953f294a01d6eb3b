//! The `understudy` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    understudy_server::cli::run()
}
