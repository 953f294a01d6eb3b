//! Where things are.

use std::path::PathBuf;

use anyhow::{Context, Result};
use tokio::process::Command;

use crate::process;

/// The folders of the workspace.
pub(crate) struct Workspace {
    /// Where its `Cargo.toml` is.
    pub(crate) root: PathBuf,
    /// Where cargo builds.
    pub(crate) target: PathBuf,
}

impl Workspace {
    /// Asks cargo.
    pub(crate) async fn find() -> Result<Self> {
        let mut metadata = cargo();
        metadata.args(["metadata", "--no-deps", "--format-version", "1"]);
        let metadata: serde_json::Value =
            serde_json::from_str(&process::output(&mut metadata).await?)?;
        let folder = |key: &str| -> Result<PathBuf> {
            let path = metadata.get(key).and_then(serde_json::Value::as_str);
            Ok(path.with_context(|| format!("cargo names no {key}"))?.into())
        };
        Ok(Self { root: folder("workspace_root")?, target: folder("target_directory")? })
    }
}

/// The cargo that runs this program, or the one on the `PATH`.
pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}
