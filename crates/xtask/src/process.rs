//! Other programs, run to their end.

use std::{
    process::{ExitCode, ExitStatus, Output, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use tokio::{
    process::{Child, Command},
    signal::unix::{SignalKind, signal},
};

/// How often a program that was asked to end is looked at, and how many times.
const PATIENCE: (Duration, u32) = (Duration::from_millis(50), 200);

/// A running program that ends when it is dropped.
///
/// It is asked to end and given time to do so: a test runner has children of its
/// own to stop.
pub(crate) struct Running(Child);

impl Running {
    /// Starts a program.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let name = name_of(command);
        Ok(Self(command.spawn().with_context(|| format!("cannot start {name}"))?))
    }

    /// Its process id; `None` when it has ended.
    pub(crate) fn id(&self) -> Option<u32> {
        self.0.id()
    }

    /// Waits for its end.
    pub(crate) async fn wait(&mut self) -> Result<ExitStatus> {
        self.0.wait().await.context("cannot wait for a program")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(id) = self.id() else { return };
        let asked = std::process::Command::new("kill").arg(id.to_string()).status();
        if asked.is_ok_and(|status| status.success()) {
            let (pause, times) = PATIENCE;
            for _ in 0..times {
                if !matches!(self.0.try_wait(), Ok(None)) {
                    return;
                }
                thread::sleep(pause);
            }
        }
        // It did not listen; there is nobody left to tell if this fails too.
        drop(self.0.start_kill());
    }
}

/// Runs a program with this one's terminal and says how it ended.
pub(crate) async fn status(command: &mut Command) -> Result<ExitStatus> {
    Running::start(command)?.wait().await
}

/// Runs a program that must succeed, and returns what it printed.
///
/// # Errors
///
/// Names the program and the last line of its complaint when it fails.
pub(crate) async fn output(command: &mut Command) -> Result<String> {
    let name = name_of(command);
    let Output { status, stdout, stderr } = command
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .with_context(|| format!("cannot start {name}"))?;
    if !status.success() {
        let complaint = String::from_utf8_lossy(&stderr);
        bail!(
            "{name} failed: {}",
            complaint.trim_end().lines().last().unwrap_or("no reason given")
        );
    }
    String::from_utf8(stdout).with_context(|| format!("{name} printed something that is no text"))
}

/// Whether a program is there and succeeds.
pub(crate) async fn succeeds(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().await.is_ok_and(|status| status.success())
}

/// Returns when the user or the system asks this process to end.
pub(crate) async fn interrupted() {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

/// The exit code of a program that ended with `status`.
pub(crate) fn code(status: ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}

fn name_of(command: &Command) -> String {
    command.as_std().get_program().to_string_lossy().into_owned()
}
