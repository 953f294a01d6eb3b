//! `cargo xtask lint`: all that can be said about the tree without running it.

use std::process::ExitCode;

use anyhow::Result;
use tokio::process::Command;

use crate::{
    deny, process,
    workspace::{Workspace, cargo},
};

/// Runs every check, quickest first, and fails if one fails.
///
/// It goes on after a failure, so that one run tells all.
pub(crate) async fn run() -> Result<ExitCode> {
    let workspace = Workspace::find().await?;
    let mut failed = Vec::new();
    for (name, mut command) in checks() {
        eprintln!("xtask: {name}");
        if !process::status(command.current_dir(&workspace.root)).await?.success() {
            failed.push(name);
        }
    }
    eprintln!("xtask: dependencies");
    if !deny::check(&workspace).await? {
        failed.push("dependencies");
    }
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("xtask: failed: {}", failed.join(", "));
    Ok(ExitCode::FAILURE)
}

fn checks() -> [(&'static str, Command); 3] {
    let mut format = cargo();
    format.args(["fmt", "--all", "--check"]);
    let mut lints = cargo();
    lints.args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]);
    let mut documentation = cargo();
    documentation.args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings");
    [("format", format), ("lints", lints), ("documentation", documentation)]
}
