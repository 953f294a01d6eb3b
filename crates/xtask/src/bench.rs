//! `cargo xtask bench`: builds what is measured and what measures, and gives them
//! a PostgreSQL server.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use tokio::process::Command;

use crate::{
    postgres::{Binaries, Cluster},
    process,
    workspace::{Workspace, cargo},
};

/// Settings of a server that keeps what it acknowledges: writes are measured.
const SETTINGS: [&str; 3] =
    ["max_connections = 300", "shared_buffers = '1GB'", "max_wal_size = '4GB'"];

/// Arguments of `cargo xtask bench`.
#[derive(clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct Args {
    /// The folder of `initdb`, `pg_ctl` and `pgbench`
    #[arg(long, env = "UNDERSTUDY_TEST_POSTGRES_BIN", value_name = "FOLDER")]
    postgres_bin: Option<PathBuf>,
    /// Where the page of figures goes [default: docs/figures.md]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Let lists grow to 1,000,000 assistants instead of 100,000
    #[arg(long)]
    large: bool,
    /// Try everything once, quickly; the figures mean nothing
    #[arg(long)]
    quick: bool,
    /// Measure files and icons only
    #[arg(long)]
    content: bool,
    /// Measure streamed answers only, and leave the rest of the page as it is
    #[arg(long, conflicts_with = "content")]
    streams: bool,
    /// Measure on these databases only: sqlite, postgres
    #[arg(long, value_name = "NAMES")]
    databases: Option<String>,
}

/// Measures.
pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let workspace = Workspace::find().await?;
    for package in ["understudy-server", "understudy-bench"] {
        let mut build = cargo();
        build.args(["build", "--release", "--package", package]).current_dir(&workspace.root);
        let status = process::status(&mut build).await?;
        if !status.success() {
            return Ok(process::code(status));
        }
    }
    let binaries = Binaries::find(args.postgres_bin).await?;
    let cluster = Cluster::start(binaries.clone(), &SETTINGS).await?;
    let release = workspace.target.join("release");
    let mut measure = Command::new(release.join("understudy-bench"));
    measure.arg("measure").arg("--program").arg(release.join("understudy"));
    measure.args(["--postgres", &cluster.url(), "--postmaster", &cluster.process()?.to_string()]);
    measure.arg("--postgres-bin").arg(&binaries.folder);
    let output = args.output.unwrap_or_else(|| workspace.root.join("docs/figures.md"));
    measure.arg("--output").arg(output);
    let flags = [
        ("--large", args.large),
        ("--quick", args.quick),
        ("--content", args.content),
        ("--streams", args.streams),
    ];
    measure.args(flags.iter().filter(|(_, given)| *given).map(|(flag, _)| flag));
    measure.args(args.databases.iter().flat_map(|names| ["--databases", names]));
    Ok(process::code(process::status(&mut measure).await?))
}
