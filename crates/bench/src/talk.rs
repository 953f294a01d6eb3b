//! The load generator of streams: it asks and listens, or only holds streams open.
//! It runs as a process of its own, with one thread.

use std::{
    io::Write as _,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    sync::Semaphore,
    time::{sleep_until, timeout_at},
};

use crate::{client::request, speech::Listener};

/// What a generator prints when all its streams are open.
pub(crate) const OPEN: &str = "open";

/// How many streams are opened at the same time.
const OPENING: usize = 64;
/// How much a client that does not read lets come.
const DEAF_BYTES: u32 = 4 * 1024;

/// Whom to ask what, and how.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Talk {
    /// Host and port.
    pub(crate) address: String,
    /// How many streams there are at the same time.
    pub(crate) streams: u32,
    /// Who asks, in turn.
    pub(crate) askers: Vec<Asker>,
    /// The body of each request; a `GET` without one.
    pub(crate) body: String,
    /// What stands before the text of a token.
    pub(crate) before: String,
    /// What is done with the answers.
    pub(crate) manner: Manner,
    /// How long before anything counts.
    pub(crate) warm_up: Duration,
    /// How long it counts.
    pub(crate) run: Duration,
}

/// One who asks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Asker {
    /// What is asked for.
    pub(crate) path: String,
    /// Sent with each request.
    pub(crate) headers: Vec<String>,
}

/// What is done with answers.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum Manner {
    /// They are listened to, and the next question is asked `every` so often, or as
    /// soon as an answer ended if it took longer. The streams begin one after the
    /// other, over this time or over one answer's.
    Listen {
        /// From one question to the next.
        every: Duration,
        /// Over how long the streams begin.
        over: Duration,
    },
    /// Each stream is opened once and listened to until the time is over.
    Hold,
    /// Each question is asked once, and its answer is never read.
    Ignore,
}

/// What came of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Talked {
    /// Answers that began and ended while it counted.
    pub(crate) answers: u64,
    /// All answers.
    pub(crate) all_answers: u64,
    /// Tokens that came while it counted.
    pub(crate) tokens: u64,
    /// How long it counted.
    pub(crate) seconds: f64,
    /// Half of the first tokens took no longer, in microseconds.
    pub(crate) median: u32,
    /// 99 of 100 took no longer.
    pub(crate) p99: u32,
    /// Streams that broke.
    pub(crate) failed: u64,
    /// Why the first of them did.
    pub(crate) failure: Option<String>,
}

/// What one stream came to.
#[derive(Default)]
struct Part {
    firsts: Vec<u32>,
    answers: u64,
    all_answers: u64,
    tokens: u64,
}

/// When it counts.
#[derive(Clone, Copy)]
struct Window {
    from: Instant,
    until: Instant,
}

/// Carries out the plan in `file` and prints what came of it.
pub(crate) async fn run(file: &Path) -> Result<()> {
    let talk: Talk = serde_json::from_slice(&std::fs::read(file)?)?;
    let outcome = serde_json::to_string(&carry_out(talk).await?)?;
    writeln!(std::io::stdout(), "{outcome}")?;
    Ok(())
}

async fn carry_out(talk: Talk) -> Result<Talked> {
    let talk = Arc::new(talk);
    let (opening, opened) = (Arc::new(Semaphore::new(OPENING)), Arc::new(Semaphore::new(0)));
    let start = Instant::now();
    let from = start + talk.warm_up;
    let window = Window { from, until: from + talk.run };
    let mut streams = Vec::new();
    for number in 0..talk.streams {
        let (talk, opening, opened) =
            (Arc::clone(&talk), Arc::clone(&opening), Arc::clone(&opened));
        streams.push(tokio::spawn(async move {
            let mut part = Part::default();
            let done = match talk.manner {
                Manner::Listen { every, over } => {
                    let at = start + over * number / talk.streams.max(1);
                    listen(&talk, number, (at, every, window), &mut part).await
                }
                Manner::Hold | Manner::Ignore => {
                    let door = Door { opening: &opening, opened: &opened };
                    hold(&talk, number, (door, window), &mut part).await
                }
            };
            (part, done)
        }));
    }
    if !matches!(talk.manner, Manner::Listen { .. }) {
        drop(opened.acquire_many(talk.streams).await?);
        writeln!(std::io::stdout(), "{OPEN}")?;
    }
    gather(streams, talk.run).await
}

async fn gather(
    streams: Vec<tokio::task::JoinHandle<(Part, Result<()>)>>,
    run: Duration,
) -> Result<Talked> {
    let mut talked = Talked { seconds: run.as_secs_f64(), ..Talked::default() };
    let mut firsts = Vec::new();
    for stream in streams {
        let (part, done) = stream.await?;
        firsts.extend(part.firsts);
        talked.answers += part.answers;
        talked.all_answers += part.all_answers;
        talked.tokens += part.tokens;
        if let Err(error) = done {
            talked.failed += 1;
            talked.failure.get_or_insert_with(|| format!("{error:#}"));
        }
    }
    firsts.sort_unstable();
    let at = |part: usize| firsts.get(firsts.len() * part / 100).copied().unwrap_or_default();
    Ok(Talked { median: at(50), p99: at(99), ..talked })
}

fn question(talk: &Talk, number: u32) -> Result<Vec<u8>> {
    let place = usize::try_from(number)? % talk.askers.len().max(1);
    let asker = talk.askers.get(place).context("nobody asks")?;
    let method = if talk.body.is_empty() { "GET" } else { "POST" };
    Ok(request(method, &asker.path, &asker.headers, &talk.body))
}

/// Asks again and again, and listens.
async fn listen(
    talk: &Talk,
    number: u32,
    (mut at, every, window): (Instant, Duration, Window),
    part: &mut Part,
) -> Result<()> {
    let question = question(talk, number)?;
    let mut listener = Listener::new(&talk.before);
    let mut stream = TcpStream::connect(&talk.address).await?;
    stream.set_nodelay(true)?;
    loop {
        sleep_until(at.into()).await;
        let begun = Instant::now();
        if begun >= window.until {
            return Ok(());
        }
        stream.write_all(&question).await?;
        let mut has_spoken = false;
        loop {
            if stream.read_buf(listener.buffer()).await? == 0 {
                bail!("the connection was closed");
            }
            let now = Instant::now();
            let heard = listener.listen()?;
            if heard.tokens > 0 && !has_spoken {
                has_spoken = true;
                if begun >= window.from && now <= window.until {
                    part.firsts.push(u32::try_from((now - begun).as_micros())?);
                }
            }
            if now >= window.from && now <= window.until {
                part.tokens += heard.tokens;
            }
            if heard.is_over {
                if !has_spoken {
                    bail!("an answer has no token");
                }
                part.all_answers += 1;
                part.answers += u64::from(begun >= window.from && now <= window.until);
                break;
            }
        }
        at = (at + every).max(Instant::now());
    }
}

/// Opens one stream, and keeps it open until the time is over.
async fn hold(
    talk: &Talk,
    number: u32,
    (door, window): (Door<'_>, Window),
    part: &mut Part,
) -> Result<()> {
    let stream = door.pass(open(talk, number, part)).await;
    let (mut stream, mut listener) = stream?;
    let until = window.until.into();
    if matches!(talk.manner, Manner::Ignore) {
        sleep_until(until).await;
        return Ok(());
    }
    while let Ok(read) = timeout_at(until, stream.read_buf(listener.buffer())).await {
        let is_closed = read? == 0;
        let heard = listener.listen()?;
        part.tokens += heard.tokens;
        if is_closed || heard.is_over {
            bail!("a stream ended that was to be held open");
        }
    }
    Ok(())
}

/// Lets so many through at the same time, and counts who came through.
#[derive(Clone, Copy)]
struct Door<'a> {
    opening: &'a Semaphore,
    opened: &'a Semaphore,
}

impl Door<'_> {
    async fn pass<T>(self, act: impl Future<Output = Result<T>>) -> Result<T> {
        let place = self.opening.acquire().await?;
        let done = act.await;
        drop(place);
        self.opened.add_permits(1);
        done
    }
}

/// Asks, and waits until the answer begins if it is to be read.
async fn open(talk: &Talk, number: u32, part: &mut Part) -> Result<(TcpStream, Listener)> {
    let question = question(talk, number)?;
    let mut listener = Listener::new(&talk.before);
    let socket = TcpSocket::new_v4()?;
    let is_deaf = matches!(talk.manner, Manner::Ignore);
    if is_deaf {
        socket.set_recv_buffer_size(DEAF_BYTES)?;
    }
    let mut stream = socket.connect(talk.address.parse()?).await?;
    stream.write_all(&question).await?;
    while !is_deaf && !listener.has_begun() {
        if stream.read_buf(listener.buffer()).await? == 0 {
            bail!("the connection was closed");
        }
        part.tokens += listener.listen()?.tokens;
    }
    Ok((stream, listener))
}
