//! Measures the service against yardsticks in the same run, on the same machine.
//!
//! `cargo xtask bench` builds what this needs and starts it. One process measures;
//! it starts the service, the yardsticks and the load generator as processes of
//! their own, so that the operating system can tell what each of them costs.

mod api;
mod bare;
mod client;
mod load;
mod machine;
mod measure;
mod report;
mod rounds;
mod seed;
mod speech;
mod statements;
mod system;
mod talk;
mod upstream;
mod yardstick;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure everything and write the page of figures
    Measure(measure::Args),
    /// Carry out the plan in a file and print what came of it
    Load {
        /// The plan
        plan: PathBuf,
    },
    /// Ask for streams by the plan in a file and print what came of it
    Talk {
        /// The plan
        plan: PathBuf,
    },
    /// Serve as a provider of models that streams tokens
    Upstream(upstream::Args),
    /// Repeat the statements of a file on SQLite
    Statements(statements::Args),
    /// Serve the bare handlers
    Yardstick(yardstick::Args),
    /// Serve a file from memory
    Bytes(bare::Bytes),
    /// Write what comes over a socket to a file, and sync it
    Sink(bare::Sink),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        // Generators and the provider have one thread, the others have one for each
        // core: as many as the service.
        Command::Load { plan } => {
            block_on(tokio::runtime::Builder::new_current_thread(), load::run(&plan))
        }
        Command::Talk { plan } => {
            block_on(tokio::runtime::Builder::new_current_thread(), talk::run(&plan))
        }
        Command::Upstream(args) => {
            block_on(tokio::runtime::Builder::new_current_thread(), upstream::run(args))
        }
        Command::Measure(args) => {
            block_on(tokio::runtime::Builder::new_multi_thread(), measure::run(args))
        }
        Command::Statements(args) => statements::run(&args),
        Command::Bytes(args) => {
            block_on(tokio::runtime::Builder::new_multi_thread(), bare::serve_bytes(args))
        }
        Command::Sink(args) => bare::sink(&args),
        Command::Yardstick(args) => {
            block_on(tokio::runtime::Builder::new_multi_thread(), yardstick::run(args))
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn block_on<F>(mut runtime: tokio::runtime::Builder, work: F) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>>,
{
    runtime.enable_all().build()?.block_on(work)
}
