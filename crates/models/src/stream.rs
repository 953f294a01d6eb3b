//! Answers on their way, whatever the protocol: bytes are framed, and a [`Reader`]
//! makes events of the frames.

use std::collections::VecDeque;

use async_trait::async_trait;
use understudy_domain::{
    chat::ChatEvent,
    ports::{ChatStream, ProviderError},
};
use understudy_outbound::{OpenResponse, OutboundError};

use crate::{
    line::unanswered,
    sse::{Frame, Frames, Framing, MOST_BYTES},
};

/// What was understood and nobody has heard yet.
pub(crate) type Said = VecDeque<ChatEvent>;

/// Understands the frames of one protocol.
pub(crate) trait Reader: Send {
    /// Takes a frame, and adds what it says to `said`. Nothing is read after
    /// [`ChatEvent::Done`] and after an error.
    fn read(&mut self, frame: &Frame, said: &mut Said) -> Result<(), ProviderError>;

    /// Takes the end of the stream, before which nobody was done. It is an error
    /// unless all was said that there is to say.
    fn end(&mut self, said: &mut Said) -> Result<(), ProviderError> {
        let _ = said;
        Err(broke_off())
    }
}

/// A stream ended without saying that it was at its end.
pub(crate) fn broke_off() -> ProviderError {
    ProviderError::Garbled("the answer broke off".to_owned())
}

/// An answer that a `Reader` reads.
#[derive(Debug)]
pub(crate) struct Streamed<R> {
    response: OpenResponse,
    transcript: Transcript<R>,
}

impl<R: Reader> Streamed<R> {
    pub(crate) const fn new(response: OpenResponse, framing: Framing, reader: R) -> Self {
        Self { response, transcript: Transcript::new(framing, reader) }
    }
}

#[async_trait]
impl<R: Reader> ChatStream for Streamed<R> {
    async fn next(&mut self) -> Option<Result<ChatEvent, ProviderError>> {
        loop {
            if let Some(next) = self.transcript.next() {
                return Some(next);
            }
            if self.transcript.is_over {
                return None;
            }
            match self.response.chunk().await {
                Ok(Some(bytes)) => self.transcript.take(&bytes),
                Ok(None) | Err(OutboundError::Protocol { .. }) => self.transcript.end(broke_off()),
                Err(error) => self.transcript.end(unanswered(&error)),
            }
        }
    }
}

/// What came so far, without a connection.
#[derive(Debug)]
pub(crate) struct Transcript<R> {
    frames: Frames,
    framed: VecDeque<Frame>,
    reader: R,
    said: Said,
    fault: Option<ProviderError>,
    is_over: bool,
}

impl<R: Reader> Transcript<R> {
    pub(crate) const fn new(framing: Framing, reader: R) -> Self {
        Self {
            frames: Frames::new(framing),
            framed: VecDeque::new(),
            reader,
            said: Said::new(),
            fault: None,
            is_over: false,
        }
    }

    /// What was said next, if anything.
    pub(crate) fn next(&mut self) -> Option<Result<ChatEvent, ProviderError>> {
        self.said.pop_front().map(Ok).or_else(|| self.fault.take().map(Err))
    }

    /// Takes the next bytes.
    pub(crate) fn take(&mut self, bytes: &[u8]) {
        let framed = self.frames.push(bytes, &mut self.framed);
        self.read();
        if framed.is_err() && !self.is_over {
            let what = format!("a line of it has more than {MOST_BYTES} bytes");
            self.fail(ProviderError::Garbled(what));
        }
    }

    /// Takes the end, which is `fault` unless all was said.
    pub(crate) fn end(&mut self, fault: ProviderError) {
        // What is too long is no frame, and something is missing then.
        let _ = self.frames.end(&mut self.framed);
        self.read();
        if self.is_over {
            return;
        }
        match self.reader.end(&mut self.said) {
            Ok(()) => self.is_over = true,
            Err(_) => self.fail(fault),
        }
    }

    fn read(&mut self) {
        while let Some(frame) = self.framed.pop_front() {
            if self.is_over {
                continue;
            }
            if let Err(fault) = self.reader.read(&frame, &mut self.said) {
                self.fail(fault);
            } else if matches!(self.said.back(), Some(ChatEvent::Done { .. })) {
                self.is_over = true;
            }
        }
    }

    fn fail(&mut self, fault: ProviderError) {
        self.fault = Some(fault);
        self.is_over = true;
    }
}
