//! Reading answers that come piece by piece: how many tokens came, and where the
//! answer ends.

use anyhow::{Context, Result, bail};

use crate::upstream::WORD;

/// Reads one answer after the other of a connection.
pub(crate) struct Listener {
    /// What was read and not understood yet.
    buffer: Vec<u8>,
    /// The beginning of a line whose end did not come yet.
    line: Vec<u8>,
    /// What stands before the text of a token, for example `"delta":"`.
    before: String,
    is_in_body: bool,
}

/// What some bytes told.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Heard {
    /// How many tokens.
    pub(crate) tokens: u64,
    /// Whether the answer has ended.
    pub(crate) is_over: bool,
}

impl Listener {
    /// Listens for tokens that stand behind `before`.
    pub(crate) fn new(before: &str) -> Self {
        let before = format!("{before}{WORD}");
        Self { buffer: Vec::new(), line: Vec::new(), before, is_in_body: false }
    }

    /// Where bytes are to be added.
    pub(crate) const fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Whether the answer has begun, so that its status was a good one.
    pub(crate) const fn has_begun(&self) -> bool {
        self.is_in_body
    }

    /// Understands what came.
    ///
    /// # Errors
    ///
    /// When it is no stream.
    pub(crate) fn listen(&mut self) -> Result<Heard> {
        let mut heard = Heard::default();
        let bytes = std::mem::take(&mut self.buffer);
        let mut rest = bytes.as_slice();
        if !self.is_in_body {
            let Some(end) = find(rest, b"\r\n\r\n") else {
                self.buffer = bytes;
                return Ok(heard);
            };
            self.begin(rest.get(..end).unwrap_or_default(), rest)?;
            rest = rest.get(end + 4..).unwrap_or_default();
        }
        while let Some((piece, behind)) = piece(rest)? {
            rest = behind;
            if piece.is_empty() {
                self.is_in_body = false;
                self.line.clear();
                heard.is_over = true;
                break;
            }
            heard.tokens += self.take(piece);
        }
        self.buffer = rest.to_vec();
        Ok(heard)
    }

    fn begin(&mut self, head: &[u8], all: &[u8]) -> Result<()> {
        let head = std::str::from_utf8(head)?;
        let status = head.split(' ').nth(1).context("no status")?;
        let is_chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
        if status != "200" || !is_chunked {
            bail!("no stream: {}", String::from_utf8_lossy(all));
        }
        self.is_in_body = true;
        Ok(())
    }

    /// Takes lines in; returns how many tokens stand in them.
    fn take(&mut self, mut bytes: &[u8]) -> u64 {
        let mut tokens = 0;
        while let Some(end) = find(bytes, b"\n") {
            let (line, rest) = bytes.split_at(end);
            if self.line.is_empty() {
                tokens += self.count(line);
            } else {
                self.line.extend_from_slice(line);
                tokens += self.count(&self.line);
                self.line.clear();
            }
            bytes = rest.get(1..).unwrap_or_default();
        }
        self.line.extend_from_slice(bytes);
        tokens
    }

    /// Tokens in a line: more than one where pieces of text were put together.
    fn count(&self, line: &[u8]) -> u64 {
        let Some(at) = find(line, self.before.as_bytes()) else { return 0 };
        let mut rest = line.get(at..).unwrap_or_default();
        let mut tokens = 0;
        while let Some(at) = find(rest, WORD.as_bytes()) {
            tokens += 1;
            rest = rest.get(at + WORD.len()..).unwrap_or_default();
        }
        tokens
    }
}

/// The next chunk of a body and what is behind it; an empty one is the last.
fn piece(bytes: &[u8]) -> Result<Option<(&[u8], &[u8])>> {
    let Some(end) = find(bytes, b"\r\n") else { return Ok(None) };
    let size = std::str::from_utf8(bytes.get(..end).unwrap_or_default())?;
    let size = usize::from_str_radix(size.trim(), 16).context("a chunk has no size")?;
    let from = end + 2;
    let (Some(piece), Some(behind)) = (bytes.get(from..from + size), bytes.get(from + size + 2..))
    else {
        return Ok(None);
    };
    Ok(Some((piece, behind)))
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    let first = what.first()?;
    let mut from = 0;
    loop {
        let rest = bytes.get(from..)?;
        let at = from + rest.iter().position(|byte| byte == first)?;
        if bytes.get(at..)?.starts_with(what) {
            return Some(at);
        }
        from = at + 1;
    }
}
