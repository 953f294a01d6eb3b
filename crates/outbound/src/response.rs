//! What comes back.

use std::{fmt, time::Duration};

use bytes::{Bytes, BytesMut};
use reqwest::{Response, StatusCode, header::HeaderMap};
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::error::OutboundError;

/// An answer as a whole.
#[derive(Clone, Debug)]
pub struct OutboundResponse {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, of no more bytes than were wanted.
    pub body: Bytes,
}

/// An answer whose head is there and whose body comes piece by piece.
///
/// Dropping it ends the connection.
pub struct OpenResponse {
    response: Response,
    host: String,
    bounds: Bounds,
    left: u64,
}

/// What bounds the body of an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// When it must be whole.
    pub(crate) until: Instant,
    /// How long each piece of it may take.
    pub(crate) piece: Option<Duration>,
    /// How many bytes it has at most.
    pub(crate) limit: u64,
}

impl Bounds {
    /// When the next piece must be there.
    fn next(&self) -> Instant {
        let piece = self.piece.and_then(|piece| Instant::now().checked_add(piece));
        piece.map_or(self.until, |piece| piece.min(self.until))
    }
}

impl fmt::Debug for OpenResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("OpenResponse");
        shown.field("host", &self.host).field("status", &self.status()).finish_non_exhaustive()
    }
}

impl OpenResponse {
    pub(crate) fn new(
        response: Response,
        host: String,
        bounds: Bounds,
    ) -> Result<Self, OutboundError> {
        let limit = bounds.limit;
        if response.content_length().is_some_and(|length| length > limit) {
            return Err(OutboundError::TooLarge { host, limit });
        }
        Ok(Self { response, host, bounds, left: limit })
    }

    /// Its status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// Its headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// Where it came from at last, after redirects.
    #[must_use]
    pub fn url(&self) -> &Url {
        self.response.url()
    }

    /// The next piece of the body, `None` after the last.
    ///
    /// # Errors
    ///
    /// When the time is over, the limit is passed, or the body broke off.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, OutboundError> {
        let Ok(read) = timeout_at(self.bounds.next(), self.response.chunk()).await else {
            return Err(OutboundError::TimedOut { host: self.host.clone() });
        };
        let chunk = read.map_err(|error| OutboundError::Protocol {
            host: self.host.clone(),
            what: "the answer broke off",
            source: Some(error.without_url().into()),
        })?;
        let Some(chunk) = chunk else {
            return Ok(None);
        };
        let bytes = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        let Some(left) = self.left.checked_sub(bytes) else {
            let limit = self.bounds.limit;
            return Err(OutboundError::TooLarge { host: self.host.clone(), limit });
        };
        self.left = left;
        Ok(Some(chunk))
    }

    /// Reads it to its end.
    ///
    /// # Errors
    ///
    /// As [`chunk`](Self::chunk).
    pub async fn whole(mut self) -> Result<OutboundResponse, OutboundError> {
        let mut body = BytesMut::new();
        while let Some(chunk) = self.chunk().await? {
            body.extend_from_slice(&chunk);
        }
        let status = self.status();
        let headers = std::mem::take(self.response.headers_mut());
        Ok(OutboundResponse { status, headers, body: body.freeze() })
    }
}
