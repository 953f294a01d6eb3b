//! One HTTP/1.1 connection, as lean as it can be: the measuring must not cost
//! more than what is measured.

use anyhow::{Context, Result, bail};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// How much of an answer is kept.
const KEPT: usize = 512 * 1024;

/// Bytes that do not compress and are always the same.
fn filler_chunk() -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let next = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    next.take(32 * 1024).flatten().collect()
}

/// A kept-alive connection.
pub(crate) struct Connection {
    stream: TcpStream,
    /// What was read and not used yet; a whole answer after each exchange.
    buffer: Vec<u8>,
}

/// An answer.
pub(crate) struct Answer<'a> {
    /// Its status code.
    pub(crate) status: u16,
    /// Its body.
    pub(crate) body: &'a [u8],
}

impl Connection {
    /// Connects.
    pub(crate) async fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(2 * KEPT) })
    }

    /// Sends a whole request and reads the whole answer.
    ///
    /// # Errors
    ///
    /// When the connection breaks, or the answer does not tell its length.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.receive().await
    }

    /// Sends a request in parts, with `filler` bytes between them, and reads the
    /// answer.
    pub(crate) async fn exchange_filled(
        &mut self,
        [begin, end]: [&[u8]; 2],
        filler: u64,
    ) -> Result<Answer<'_>> {
        let chunk = filler_chunk();
        self.stream.write_all(begin).await?;
        let mut left = filler;
        while left > 0 {
            let length = usize::try_from(left).map_or(chunk.len(), |left| left.min(chunk.len()));
            self.stream.write_all(chunk.get(..length).unwrap_or_default()).await?;
            left -= u64::try_from(length)?;
        }
        self.stream.write_all(end).await?;
        self.receive().await
    }

    /// Reads an answer. Of a long body only the beginning is kept.
    async fn receive(&mut self) -> Result<Answer<'_>> {
        self.buffer.clear();
        let head = loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                bail!("the server closed the connection");
            }
            if let Some(head) = Head::read(&self.buffer)? {
                break head;
            }
        };
        let mut kept = (head.end + head.body).min(self.buffer.len().max(KEPT));
        let mut received = self.buffer.len();
        while received < head.end + head.body {
            if self.buffer.len() >= KEPT {
                self.buffer.truncate(KEPT);
                kept = KEPT;
            }
            let before = self.buffer.len();
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                bail!("the server closed the connection in the middle of an answer");
            }
            received += self.buffer.len() - before;
        }
        let body = self.buffer.get(head.end..kept).unwrap_or_default();
        Ok(Answer { status: head.status, body })
    }
}

/// The part of an answer before its body.
struct Head {
    status: u16,
    /// Where it ends and the body begins.
    end: usize,
    /// How long the body is.
    body: usize,
}

impl Head {
    /// Reads it once it is complete.
    fn read(bytes: &[u8]) -> Result<Option<Self>> {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Ok(None);
        };
        let text = std::str::from_utf8(bytes.get(..end).unwrap_or_default())?;
        let mut lines = text.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).context("no status")?;
        let status: u16 = status.parse()?;
        let mut length = None;
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            if name.eq_ignore_ascii_case("content-length") {
                length = Some(value.trim().parse()?);
            }
        }
        let body = match (length, status) {
            (Some(length), _) => length,
            (None, 204 | 304) => 0,
            (None, _) => bail!("an answer with status {status} does not tell its length"),
        };
        Ok(Some(Self { status, end: end + 4, body }))
    }
}

/// A request as bytes.
pub(crate) fn request(method: &str, path: &str, headers: &[String], body: &str) -> Vec<u8> {
    let length = u64::try_from(body.len()).unwrap_or_default();
    let mut bytes = request_head(method, path, headers, length);
    bytes.extend_from_slice(body.as_bytes());
    bytes
}

/// The head of a request whose body has `length` bytes.
pub(crate) fn request_head(method: &str, path: &str, headers: &[String], length: u64) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n");
    for header in headers {
        text.push_str(header);
        text.push_str("\r\n");
    }
    if method != "GET" {
        text.push_str("Content-Length: ");
        text.push_str(&length.to_string());
        text.push_str("\r\n");
    }
    text.push_str("\r\n");
    text.into_bytes()
}
