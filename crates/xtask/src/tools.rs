//! Programs of others that tests talk to: servers and clients that we did not
//! write, in pinned versions, in the target folder.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use crate::{process, workspace::Workspace};

/// Where tests look for the tools.
pub(crate) const VARIABLE: &str = "UNDERSTUDY_TEST_TOOLS";

/// An S3 server, a client of the tus protocol, one that asks an API for all that its
/// OpenAPI document has, a receiver of webhooks, an MCP server, and OpenAI's client.
const PYTHON: [&str; 6] = [
    "moto[server]==5.2.5",
    "tuspy==1.1.0",
    "schemathesis==4.32.5",
    "standardwebhooks==1.1.0",
    "mcp-server-time==2026.10.19",
    "openai==3.54.0",
];
/// A server that answers as OpenAI's does, an `OpenID` provider, an MCP server, and
/// OpenAI's client.
const NODE: [&str; 4] = [
    "@copilotkit/aimock@1.43.0",
    "oidc-provider@9.13.3",
    "@modelcontextprotocol/server-everything@2026.8.31",
    "openai@6.49.0",
];

/// Installs what is not installed yet, and says where it all is.
///
/// # Errors
///
/// Says in one line what is missing.
pub(crate) async fn install() -> Result<PathBuf> {
    let tools = Workspace::find().await?.target.join("tools");
    fs::create_dir_all(&tools)?;
    set_up(&tools.join("python"), &PYTHON, install_python).await?;
    set_up(&tools.join("node"), &NODE, install_node).await?;
    Ok(tools)
}

/// Installs packages in a folder, unless the stamp says that they are there. The
/// stamp is written last, so that what was interrupted is done again.
async fn set_up(
    folder: &Path,
    packages: &[&str],
    install: impl AsyncFnOnce(&Path, &[&str]) -> Result<()>,
) -> Result<()> {
    let (stamp, wanted) = (folder.join("installed"), packages.join("\n"));
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    eprintln!("xtask: installing {}", packages.join(", "));
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    install(folder, packages).await?;
    Ok(fs::write(stamp, wanted)?)
}

async fn install_python(folder: &Path, packages: &[&str]) -> Result<()> {
    if !process::succeeds(Command::new("python3").args(["-c", "import venv, ensurepip"])).await {
        bail!("python3 is missing (Debian: apt-get install python3-venv)");
    }
    process::output(Command::new("python3").args(["-m", "venv"]).arg(folder)).await?;
    let mut pip = Command::new(folder.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check"]).args(packages);
    process::output(&mut pip).await.context("the Python tools cannot be installed")?;
    Ok(())
}

async fn install_node(folder: &Path, packages: &[&str]) -> Result<()> {
    if !process::succeeds(Command::new("npm").arg("--version")).await {
        bail!("npm is missing (Debian: apt-get install npm)");
    }
    // Without it npm installs in the nearest folder above that has one.
    fs::write(folder.join("package.json"), "{ \"private\": true }\n")?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]);
    npm.args(packages).current_dir(folder);
    process::output(&mut npm).await.context("the Node tools cannot be installed")?;
    Ok(())
}
