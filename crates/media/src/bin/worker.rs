//! The worker as a program of its own, for tests; the server is its own worker.

use std::process::ExitCode;

fn main() -> ExitCode {
    understudy_media::worker::run()
}
