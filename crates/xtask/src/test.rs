//! `cargo xtask test`: every test, with what it needs around it.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use tokio::process::Command;

use crate::{
    postgres::{Binaries, Cluster},
    process, tools,
    workspace::cargo,
};

/// Where the tests find their PostgreSQL server.
const DATABASE_URL: &str = "UNDERSTUDY_TEST_DATABASE_URL";

/// Settings of a server whose data nobody will miss: each test makes a database
/// of its own, so many are connected at once.
const SETTINGS: [&str; 5] = [
    "fsync = off",
    "full_page_writes = off",
    "synchronous_commit = off",
    "max_connections = 300",
    "max_locks_per_transaction = 256",
];

/// Arguments of `cargo xtask test`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Leave out the tests that need PostgreSQL
    #[arg(long)]
    fast: bool,
    /// The folder of `initdb` and `pg_ctl`
    #[arg(long, env = "UNDERSTUDY_TEST_POSTGRES_BIN", value_name = "FOLDER")]
    postgres_bin: Option<PathBuf>,
    /// A running server to use; its superuser's address
    #[arg(long, env = DATABASE_URL, value_name = "URL")]
    database_url: Option<String>,
    /// Run only tests whose name contains one of these
    filters: Vec<String>,
}

/// Runs the tests and ends as their runner does.
pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let Args { fast, postgres_bin, database_url, filters } = args;
    let (url, _cluster) = match (fast, database_url) {
        (true, _) => (None, None),
        (false, Some(url)) => (Some(url), None),
        (false, None) => {
            let cluster = Cluster::start(Binaries::find(postgres_bin).await?, &SETTINGS).await?;
            (Some(cluster.url()), Some(cluster))
        }
    };
    let tools = tools::install().await?;
    for mut command in commands(fast, &filters).await {
        command.env(tools::VARIABLE, &tools);
        match &url {
            Some(url) => command.env(DATABASE_URL, url),
            None => command.env_remove(DATABASE_URL),
        };
        let status = process::status(&mut command).await?;
        if !status.success() {
            return Ok(process::code(status));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What runs the tests. The last command is the one that runs most of them, so
/// that the output ends with its summary.
async fn commands(fast: bool, filters: &[String]) -> Vec<Command> {
    if process::succeeds(cargo().args(["nextest", "--version"])).await {
        let mut commands = Vec::new();
        if filters.is_empty() {
            let mut examples = cargo();
            examples.args(["test", "--workspace", "--doc", "--quiet"]);
            commands.push(examples);
        }
        let mut nextest = cargo();
        nextest.args(["nextest", "run", "--workspace"]).args(filters);
        if fast {
            nextest.args(["-E", "not test(postgres)"]);
        }
        commands.push(nextest);
        return commands;
    }
    let mut tests = cargo();
    tests.args(["test", "--workspace", "--no-fail-fast", "--"]).args(filters);
    if fast {
        tests.args(["--skip", "postgres"]);
    }
    vec![tests]
}
