//! A provider of models that is as lean as it can be: it streams as many tokens as
//! it is asked for, at the pace that it is asked for.
//!
//! It speaks Chat Completions. What somebody says last decides: `speak 20 every
//! 5000 of 6` is answered with 20 tokens of 6 bytes, one every 5,000 microseconds;
//! `every 0` as fast as they can be sent, each by itself all the same.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::{Instant, sleep_until},
};

/// What every token begins with.
pub(crate) const WORD: &str = "lorem";

/// Arguments of `upstream`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Host and port to listen on
    #[arg(long)]
    listen: String,
}

/// What is to be said.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Speech {
    /// How many tokens.
    pub(crate) tokens: u32,
    /// How long from one to the next.
    pub(crate) every: Duration,
    /// How many bytes each has.
    pub(crate) bytes: usize,
}

impl Speech {
    /// Short words at this pace.
    pub(crate) const fn new(tokens: u32, every: Duration) -> Self {
        Self { tokens, every, bytes: WORD.len() + 1 }
    }

    /// The words that ask for it.
    pub(crate) fn wish(&self) -> String {
        let Self { tokens, every, bytes } = self;
        format!("speak {tokens} every {} of {bytes}", every.as_micros())
    }

    /// What a request asks for.
    fn of(body: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?;
        let (_, wish) = text.rsplit_once("speak ")?;
        let mut words = wish.split(|c: char| !c.is_ascii_alphanumeric());
        let tokens = words.next()?.parse().ok()?;
        let every = Duration::from_micros(words.nth(1)?.parse().ok()?);
        let bytes = words.nth(1)?.parse().ok()?;
        Some(Self { tokens, every, bytes })
    }
}

/// Serves until it is ended.
pub(crate) async fn run(args: Args) -> Result<()> {
    let listener = TcpListener::bind(&args.listen).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        // A connection that breaks is for those to notice who measure.
        tokio::spawn(async move { serve(stream).await });
    }
}

async fn serve(mut stream: TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(16 * 1024);
    while let Some(body) = receive(&mut stream, &mut buffer).await? {
        match Speech::of(&body) {
            Some(speech) => speak(&mut stream, speech).await?,
            None => {
                stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await?;
            }
        }
    }
    Ok(())
}

/// The body of the next request; `None` when there is none.
async fn receive(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<Option<Vec<u8>>> {
    loop {
        if let Some((end, length)) = head(buffer)?
            && buffer.len() >= end + length
        {
            let rest = buffer.split_off(end + length);
            let request = std::mem::replace(buffer, rest);
            return Ok(Some(request.get(end..).unwrap_or_default().to_vec()));
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}

/// Where the head of a request ends, and how long its body is.
fn head(bytes: &[u8]) -> Result<Option<(usize, usize)>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let text = std::str::from_utf8(bytes.get(..end).unwrap_or_default())?;
    let mut length = 0;
    for (name, value) in text.split("\r\n").filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().context("a length is no number")?;
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            bail!("a request does not tell its length");
        }
    }
    Ok(Some((end + 4, length)))
}

async fn speak(stream: &mut TcpStream, speech: Speech) -> Result<()> {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
                Transfer-Encoding: chunked\r\n\r\n";
    let opening = event(&choice(r#"{"role":"assistant","content":""}"#, "null"));
    let word = format!("{WORD:x<0$} ", speech.bytes.saturating_sub(1));
    let token = event(&choice(&format!(r#"{{"content":"{word}"}}"#), "null"));
    let begun = Instant::now();
    let first = [head.as_bytes(), &opening, &token].concat();
    stream.write_all(&first).await?;
    for number in 1..speech.tokens {
        if speech.every.is_zero() {
            // Others have their turn, too.
            tokio::task::yield_now().await;
        } else {
            sleep_until(begun + speech.every * number).await;
        }
        stream.write_all(&token).await?;
    }
    let ending = event(&choice("{}", r#""stop""#));
    let usage = format!(
        r#"{{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"bench","choices":[],"usage":{{"prompt_tokens":200,"completion_tokens":{0},"total_tokens":{1}}}}}"#,
        speech.tokens,
        speech.tokens + 200,
    );
    let last = [&ending[..], &event(&usage), &event("[DONE]"), b"0\r\n\r\n"].concat();
    Ok(stream.write_all(&last).await?)
}

fn choice(delta: &str, finish: &str) -> String {
    format!(
        r#"{{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"bench","choices":[{{"index":0,"delta":{delta},"finish_reason":{finish}}}]}}"#
    )
}

/// An event as a piece of its own.
fn event(data: &str) -> Vec<u8> {
    let text = format!("data: {data}\n\n");
    format!("{:x}\r\n{text}\r\n", text.len()).into_bytes()
}
