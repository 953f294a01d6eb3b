//! What the work on this tree needs beyond a single cargo command.
//!
//! `cargo xtask --help` lists it. Each command sets up what it needs by itself
//! and takes it down again, also when it fails or is interrupted.

mod bench;
mod deny;
mod icons;
mod lint;
mod postgres;
mod process;
mod test;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run every test, on a PostgreSQL server of its own
    Test(test::Args),
    /// Install the servers and clients that tests talk to
    Tools,
    /// Check format, lints, documentation and dependencies
    Lint,
    /// Measure against the yardsticks and write docs/figures.md
    Bench(bench::Args),
    /// Download the icon library and the emoji anew, and write their data
    Icons,
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    tokio::select! {
        outcome = run(cli.command) => outcome.unwrap_or_else(|error| {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }),
        () = process::interrupted() => ExitCode::from(130),
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Test(args) => test::run(args).await,
        Command::Bench(args) => bench::run(args).await,
        Command::Icons => icons::run().await,
        Command::Lint => lint::run().await,
        Command::Tools => tools::install().await.map(|_| ExitCode::SUCCESS),
    }
}
