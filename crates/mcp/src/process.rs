//! Servers that are programs of this machine.

use std::{collections::BTreeMap, ffi::OsStr, process::Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
};
use understudy_domain::{Secret, ports::ToolError, visible::visible_line};

/// Where programs are when nobody says where.
const USUAL_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Most characters of a line of complaints that are logged, and most bytes of one that
/// are read at once.
const MOST_CHARS: usize = 500;
const MOST_LINE_BYTES: u64 = 16 * 1024;

/// A program that speaks MCP over its input and output.
#[derive(Clone, Debug, Default)]
pub struct StdioServer {
    /// The program: a path, or a name to look for.
    pub command: String,
    /// What it is started with.
    pub args: Vec<String>,
    /// Its whole environment, besides `PATH`.
    pub env: BTreeMap<String, Secret<String>>,
}

/// A program that runs. It ends, with all that it started, when this is dropped.
pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// Starts the program.
    pub(crate) fn start(
        name: &str,
        server: &StdioServer,
        path: Option<&OsStr>,
    ) -> Result<(Self, ChildStdout, ChildStdin), ToolError> {
        let mut command = Command::new(&server.command);
        command.args(&server.args).env_clear();
        command.env("PATH", path.unwrap_or(OsStr::new(USUAL_PATH)));
        command.envs(server.env.iter().map(|(name, value)| (name, value.expose())));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own, so that it can be ended with its children.
        command.process_group(0).kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| {
            tracing::warn!(server = name, %error, "an MCP server cannot be started");
            ToolError::Unreachable(format!("the MCP server `{name}` cannot be started"))
        })?;
        let (output, input) = (child.stdout.take(), child.stdin.take());
        if let Some(complaints) = child.stderr.take() {
            tokio::spawn(log(name.to_owned(), complaints));
        }
        let (Some(output), Some(input)) = (output, input) else {
            let message = format!("the MCP server `{name}` has no input and output");
            return Err(ToolError::Unreachable(message));
        };
        Ok((Self { child }, output, input))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nobody waited for it, so the number is still its own.
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // Fails when all of the group have ended, which is as good.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

/// Whoever writes to a pipe that nobody reads has to wait.
async fn log(server: String, complaints: ChildStderr) {
    let mut lines = BufReader::new(complaints);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut lines).take(MOST_LINE_BYTES).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                let said = visible_line(&String::from_utf8_lossy(&line), MOST_CHARS);
                tracing::debug!(server, said, "an MCP server complains");
            }
        }
    }
}
