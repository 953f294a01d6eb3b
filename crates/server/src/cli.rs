//! The command line: what there is to run, and how it ends.
//!
//! Every failure is one line on stderr that begins `understudy: ` and exit code
//! 1; wrong usage is exit code 2.

use std::{
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use tokio::runtime::{Builder, Runtime};

use crate::{
    config::{Config, InvalidConfig, Options},
    error::chain,
    installation::InstallationError,
    running::StartError,
    telemetry::TelemetryError,
};

mod audit;
mod config;
mod doctor;
mod fsck;
mod keys;
mod migrate;
mod serve;
mod token;
mod user;
mod welcome;

/// Threads that wait for SQLite and files end when idle for so long.
const THREADS_IDLE: Duration = Duration::from_secs(5);

/// A self-hosted platform for AI assistants
#[derive(Debug, Parser)]
#[command(name = "understudy", version, about, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve; this is what no command means
    Serve,
    /// Bring the database up to date, then exit
    Migrate,
    /// API tokens
    #[command(subcommand)]
    Token(token::Command),
    /// Users
    #[command(subcommand)]
    User(user::Command),
    /// Print the OpenAPI document
    Openapi,
    /// The configuration
    #[command(subcommand)]
    Config(config::Command),
    /// Look for what would keep the server from working, and say what to do
    Doctor,
    /// The keys that stored secrets are sealed with
    #[command(subcommand)]
    Keys(keys::Command),
    /// The audit log
    #[command(subcommand)]
    Audit(audit::Command),
    /// Check that all stored bytes are there, and sweep out what nothing needs
    Fsck(fsck::Fsck),
    /// Works on one picture or document for a server that started it
    #[command(hide = true)]
    MediaWorker,
}

/// A command failed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// The configuration is not valid.
    #[error(transparent)]
    Config(#[from] InvalidConfig),
    /// Logging cannot be set up.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// The database or the master key is not usable.
    #[error(transparent)]
    Installation(#[from] InstallationError),
    /// The server cannot start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A use case refused.
    #[error("{0}")]
    Refused(String),
    /// The operating system refused.
    #[error("{what}")]
    System {
        /// What.
        what: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It was said already, line by line.
    #[error("")]
    Said,
}

type Done = Result<(), Failure>;

/// Runs what the process's arguments say.
#[must_use]
pub fn run() -> ExitCode {
    let parsed = Cli::command().try_get_matches().and_then(|matches| {
        let cli = Cli::from_arg_matches(&matches)?;
        Ok((cli, matches))
    });
    let (cli, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => {
            // Help and version come this way too; a closed pipe is no fault.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let command = cli.command.unwrap_or(Command::Serve);
    if matches!(command, Command::MediaWorker) {
        return understudy_media::worker::run(); // before there are threads or files
    }
    match dispatch(command, &matches) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Said) => ExitCode::FAILURE,
        Err(failure) => {
            complain(&chain(&failure));
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: Command, matches: &ArgMatches) -> Done {
    match command {
        Command::Openapi => say(understudy_http_api::openapi_json().trim_end()),
        Command::Config(config::Command::Check) => config::check(matches),
        Command::Serve => serve::serve(Config::load(matches)?),
        Command::Migrate => block_on(migrate::migrate(&Config::load(matches)?))?,
        Command::Token(command) => block_on(token::run(&Config::load(matches)?, command))?,
        Command::User(command) => block_on(user::run(&Config::load(matches)?, command))?,
        Command::Doctor => block_on(doctor::doctor(matches))?,
        Command::MediaWorker => Ok(()), // it has run
        Command::Keys(command) => block_on(keys::run(&Config::load(matches)?, command))?,
        Command::Audit(command) => block_on(audit::run(&Config::load(matches)?, command))?,
        Command::Fsck(command) => block_on(fsck::run(&Config::load(matches)?, command))?,
    }
}

/// An async runtime of the size that the machine is good for.
fn runtime() -> Result<Runtime, Failure> {
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    Builder::new_multi_thread()
        .worker_threads(cores.max(2))
        .thread_keep_alive(THREADS_IDLE)
        .enable_all()
        .build()
        .map_err(|source| Failure::System { what: "no threads can be started", source })
}

fn block_on<T>(work: impl Future<Output = T>) -> Result<T, Failure> {
    Ok(runtime()?.block_on(work))
}

/// Prints a line on stdout.
fn say(line: &str) -> Done {
    let mut stdout = io::stdout().lock();
    let written = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::System { what: "stdout cannot be written", source: error })
        }
        _ => Ok(()),
    }
}

/// Prints a line on stderr, as every refusal is.
fn complain(line: &str) {
    // Where stderr is gone, the exit code says it.
    let _ = writeln!(io::stderr().lock(), "understudy: {line}");
}

/// A refusal of a use case as a line.
fn refused(error: &understudy_domain::usecases::Error) -> Failure {
    use understudy_domain::usecases::Error;
    match error {
        Error::Invalid(faults) => {
            let faults = faults.iter().map(|fault| format!("{}: {}", fault.field(), fault.message));
            Failure::Refused(faults.collect::<Vec<_>>().join("; "))
        }
        other => Failure::Refused(chain(other)),
    }
}
