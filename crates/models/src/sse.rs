//! Taking streams apart: server-sent events, and one JSON value a line.
//!
//! However a stream is cut into pieces, the same frames come of it, and a part of it
//! gives the first of them.

use std::collections::VecDeque;

/// Most bytes of one line, and of the data of one event.
pub(crate) const MOST_BYTES: usize = 1 << 20;
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// How a stream is put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Server-sent events.
    Events,
    /// A JSON value in each line.
    Lines,
    /// One JSON value, from those who do not stream although they are asked to.
    Whole,
}

/// A piece of a stream that means something by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Frame {
    /// The event's name; empty where it has none.
    pub(crate) event: String,
    /// What it says.
    pub(crate) data: String,
}

/// A line or an event is longer than anybody means it to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// Puts frames together from pieces of bytes, which may end anywhere.
#[derive(Debug)]
pub(crate) struct Frames {
    framing: Framing,
    line: Vec<u8>,
    is_first: bool,
    /// A line feed that comes next belongs to the line that ended last.
    after_return: bool,
    event: String,
    data: Option<String>,
}

impl Frames {
    pub(crate) const fn new(framing: Framing) -> Self {
        Self {
            framing,
            line: Vec::new(),
            is_first: true,
            after_return: false,
            event: String::new(),
            data: None,
        }
    }

    /// Takes the next bytes, and adds what is complete with them to `frames`.
    pub(crate) fn push(
        &mut self,
        bytes: &[u8],
        frames: &mut VecDeque<Frame>,
    ) -> Result<(), TooLong> {
        if self.framing == Framing::Whole {
            return self.extend(bytes);
        }
        let mut rest = bytes;
        loop {
            if self.after_return
                && let Some((first, others)) = rest.split_first()
            {
                self.after_return = false;
                if *first == b'\n' {
                    rest = others;
                }
            }
            let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
                return self.extend(rest);
            };
            let (line, ending) = rest.split_at(end);
            self.extend(line)?;
            self.after_return = ending.first() == Some(&b'\r');
            rest = ending.get(1..).unwrap_or_default();
            self.end_line(frames)?;
        }
    }

    /// Says that nothing follows. An event without its blank line is none; a line
    /// needs no ending.
    pub(crate) fn end(&mut self, frames: &mut VecDeque<Frame>) -> Result<(), TooLong> {
        match self.framing {
            Framing::Events => Ok(()),
            Framing::Lines | Framing::Whole => self.end_line(frames),
        }
    }

    fn extend(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        if self.line.len() + bytes.len() > MOST_BYTES {
            return Err(TooLong);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self, frames: &mut VecDeque<Frame>) -> Result<(), TooLong> {
        let bytes = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&bytes);
        let was_first = std::mem::take(&mut self.is_first);
        let line = if was_first {
            text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&text)
        } else {
            text.as_ref()
        };
        match self.framing {
            Framing::Lines | Framing::Whole if line.trim().is_empty() => Ok(()),
            Framing::Lines | Framing::Whole => {
                frames.push_back(Frame { event: String::new(), data: line.to_owned() });
                Ok(())
            }
            Framing::Events => self.take_field(line, frames),
        }
    }

    fn take_field(&mut self, line: &str, frames: &mut VecDeque<Frame>) -> Result<(), TooLong> {
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            frames.extend(self.data.take().map(|data| Frame { event, data }));
            return Ok(());
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event),
            "data" => return self.take_data(value),
            // A comment has no name; `id` and `retry` are for those who come back.
            _ => {}
        }
        Ok(())
    }

    fn take_data(&mut self, value: &str) -> Result<(), TooLong> {
        match &mut self.data {
            Some(data) if data.len() + value.len() >= MOST_BYTES => return Err(TooLong),
            Some(data) => {
                data.push('\n');
                data.push_str(value);
            }
            None => self.data = Some(value.to_owned()),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
