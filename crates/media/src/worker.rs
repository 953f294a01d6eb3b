//! The process that decodes what users uploaded.
//!
//! It does one job and ends. Before it reads a byte of a user it takes from
//! itself what it does not need: memory, time, files, processes, the network.
//! What is left to hostile bytes that take it over is to answer with other
//! bytes, which the process that started it does not trust.

mod confine;

use std::{
    io::{self, Read, Write},
    panic::{self, AssertUnwindSafe},
    process::ExitCode,
};

use understudy_domain::ports::MediaError;

use crate::{
    jobs,
    protocol::{self, Job, Request},
};

/// The status with which a worker ends that could not take its rights away.
pub(crate) const NOT_CONFINED: u8 = 70;

/// The whole life of a worker.
///
/// MUST be called before other threads are started: they would keep their rights.
#[must_use]
pub fn run() -> ExitCode {
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    match work(&mut input, &mut output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed::Confinement(error)) => {
            complain(&error);
            ExitCode::from(NOT_CONFINED)
        }
        Err(Failed::Talking(error)) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

enum Failed {
    Confinement(io::Error),
    Talking(io::Error),
}

fn complain(error: &io::Error) {
    // Nobody may be listening any more.
    drop(writeln!(io::stderr(), "{error}"));
}

fn work(input: &mut impl Read, output: &mut impl Write) -> Result<(), Failed> {
    confine::at_start().map_err(Failed::Confinement)?;
    // The header is from the process that started this one.
    let request: Request = protocol::read_header(input).map_err(Failed::Talking)?;
    let limits = match request.job {
        Job::Icon | Job::Reencode { .. } => confine::PICTURES,
        Job::Images { .. } => confine::DOCUMENTS,
    };
    confine::before_input(&limits).map_err(Failed::Confinement)?;

    let mut bytes = Vec::new();
    input.take(request.size).read_to_end(&mut bytes).map_err(Failed::Talking)?;
    if u64::try_from(bytes.len()) != Ok(request.size) {
        return Err(Failed::Talking(io::ErrorKind::UnexpectedEof.into()));
    }
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| jobs::run(&request.job, bytes)));
    let outcome = outcome.unwrap_or_else(|_| Err(unreadable()));
    protocol::write_answer(output, outcome).map_err(Failed::Talking)
}

/// What a file is called that breaks its reader.
pub(crate) fn unreadable() -> MediaError {
    MediaError::Invalid("the file cannot be read; it is broken".to_owned())
}
