//! Workers: one process for each job, as many at once as there are processors.

use std::{
    io,
    os::unix::process::ExitStatusExt,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStdin, Command},
    sync::Semaphore,
    time::timeout,
};
use understudy_domain::ports::{BlobReader, MediaError};

use crate::{
    media::WorkerCommand,
    protocol::{self, Answer, Job, MAX_ANSWER, MAX_HEADER, Meta, Piece, Request},
    worker::{self, NOT_CONFINED},
};

/// How long the bytes of a job may take to come from where they are stored.
const FEEDING: Duration = Duration::from_mins(1);
/// How much of what a worker complains about is looked at.
const MAX_COMPLAINT: u64 = 4 * 1024;

/// The bytes of a job.
pub(crate) enum Body {
    Bytes(Bytes),
    Stream { size: u64, reader: Box<dyn BlobReader> },
}

impl Body {
    fn size(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Self::Stream { size, .. } => *size,
        }
    }
}

/// Starts workers.
pub(crate) struct Pool {
    command: WorkerCommand,
    room: Semaphore,
}

impl Pool {
    /// Workers of this command, at most `processes` at once.
    pub(crate) fn new(command: WorkerCommand, processes: usize) -> Self {
        Self { command, room: Semaphore::new(processes.max(1)) }
    }

    /// Has a job done. The `deadline` counts from when the worker has its input.
    pub(crate) async fn run(
        &self,
        job: Job,
        body: Body,
        deadline: Duration,
    ) -> Result<Vec<Piece>, MediaError> {
        let _place = self.room.acquire().await.map_err(unavailable)?;
        let request = Request { job, size: body.size() };
        let header = protocol::header(&request).map_err(unavailable)?;
        let mut child = self.start().map_err(unavailable)?;
        let stdin = child.stdin.take().ok_or_else(no_pipe)?;
        match timeout(FEEDING, feed(stdin, &header, body)).await {
            Ok(fed) => fed?,
            Err(late) => return Err(unavailable(late)),
        }
        // Dropping the child, here or when nobody waits any more, kills it.
        match timeout(deadline, finish(child)).await {
            Ok(answer) => answer,
            Err(_) => Err(MediaError::TooCostly),
        }
    }

    fn start(&self) -> io::Result<Child> {
        Command::new(&self.command.program)
            .args(&self.command.args)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
    }
}

/// Writes the request. That a worker does not read to the end is no error: what
/// it has to say is in its answer.
async fn feed(mut stdin: ChildStdin, header: &[u8], body: Body) -> Result<(), MediaError> {
    if stdin.write_all(header).await.is_err() {
        return Ok(());
    }
    match body {
        Body::Bytes(bytes) => drop(stdin.write_all(&bytes).await),
        Body::Stream { size, mut reader } => {
            // The worker reads no more than it was told of.
            let mut left = size;
            while left > 0
                && let Some(mut chunk) = reader.next().await.map_err(unavailable)?
            {
                chunk.truncate(usize::try_from(left).unwrap_or(usize::MAX));
                left -= u64::try_from(chunk.len()).unwrap_or(left);
                if stdin.write_all(&chunk).await.is_err() {
                    break;
                }
            }
        }
    }
    Ok(())
}

/// Reads the answer, and tells the ways to end without one apart.
async fn finish(mut child: Child) -> Result<Vec<Piece>, MediaError> {
    let mut stdout = child.stdout.take().ok_or_else(no_pipe)?;
    let stderr = child.stderr.take().ok_or_else(no_pipe)?;
    let complaint = async {
        let mut text = Vec::new();
        // What cannot be read of it is of no interest either.
        drop(stderr.take(MAX_COMPLAINT).read_to_end(&mut text).await);
        String::from_utf8_lossy(&text).into_owned()
    };
    let answer = async {
        let answer = read_answer(&mut stdout).await;
        if answer.as_ref().is_err_and(is_nonsense) {
            // It may go on for ever. That it has ended by itself is no error.
            drop(child.start_kill());
        }
        answer
    };
    let (answer, complaint) = tokio::join!(answer, complaint);
    match answer {
        Ok(answer) => answer.map_err(MediaError::from),
        Err(error) if is_nonsense(&error) => Err(worker::unreadable()),
        Err(error) => {
            let status = child.wait().await.map_err(unavailable)?;
            tracing::debug!(%status, complaint, "a media worker gave no answer");
            Err(explain(status, &complaint, error))
        }
    }
}

/// Whether a worker said what none says that does its work.
fn is_nonsense(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidData
}

async fn read_answer(
    from: &mut (impl AsyncRead + Unpin),
) -> io::Result<Result<Vec<Piece>, protocol::Failure>> {
    let length = from.read_u32().await?;
    if length > MAX_HEADER {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let json = read_exactly(from, u64::from(length)).await?;
    let nonsense = |error| io::Error::new(io::ErrorKind::InvalidData, error);
    let metas = match serde_json::from_slice(&json).map_err(nonsense)? {
        Answer::Done(metas) => metas,
        Answer::Failed(failure) => return Ok(Err(failure)),
    };
    let total = metas.iter().fold(0_u64, |sum, meta| sum.saturating_add(meta.length));
    if total > MAX_ANSWER {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut pieces = Vec::with_capacity(metas.len());
    for Meta { label, width, height, place, length } in metas {
        let bytes = read_exactly(from, length).await?;
        pieces.push(Piece { label, width, height, place, bytes });
    }
    Ok(Ok(pieces))
}

async fn read_exactly(from: &mut (impl AsyncRead + Unpin), length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(length).read_to_end(&mut bytes).await?;
    if u64::try_from(bytes.len()) == Ok(length) {
        return Ok(bytes);
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}

/// Why a worker ended without an answer.
fn explain(status: ExitStatus, complaint: &str, error: io::Error) -> MediaError {
    if status.code() == Some(i32::from(NOT_CONFINED)) {
        return unavailable(io::Error::other(format!("it cannot be confined: {complaint}")));
    }
    if status.success() || status.code().is_some() {
        return unavailable(error);
    }
    let limits = [libc::SIGKILL, libc::SIGXCPU, libc::SIGXFSZ];
    let by_limit = status.signal().is_some_and(|signal| limits.contains(&signal));
    if by_limit || complaint.contains("memory allocation of") {
        return MediaError::TooCostly;
    }
    worker::unreadable()
}

fn no_pipe() -> MediaError {
    unavailable(io::Error::other("a worker has no pipes"))
}

fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> MediaError {
    MediaError::Unavailable(Box::new(error))
}
