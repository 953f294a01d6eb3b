//! Bodies that are read piece by piece: no piece is kept, and no sender may be slow.

use std::time::Duration;

use actix_web::{HttpRequest, dev::Payload, http::header, web::Bytes};
use futures_util::StreamExt;
use tokio::time::{Instant, timeout};

use crate::problem::{Code, Problem};

/// The window in which the pace of a sender is measured.
const WINDOW: Duration = Duration::from_secs(30);
/// Bytes that must come in each window, a kibibyte a second.
const LEAST: u64 = 30 * 1024;
/// How often a silent sender is looked at.
const TICK: Duration = Duration::from_secs(5);

/// The body of a request, in the pieces in which it comes.
pub(crate) struct Body {
    payload: Payload,
    pace: Pace,
}

impl Body {
    pub(crate) fn new(payload: Payload) -> Self {
        Self { payload, pace: Pace::default() }
    }

    /// The next piece, of at most 64 KiB or so; `None` at the end.
    ///
    /// Only the time in which the sender is waited for counts: a store that is slow
    /// to take the pieces is not their fault.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        loop {
            let start = Instant::now();
            let next = timeout(TICK, self.payload.next()).await;
            let came = match &next {
                Ok(Some(Ok(piece))) => piece.len(),
                Ok(Some(Err(_)) | None) | Err(_) => 0,
            };
            if self.pace.is_too_slow(start.elapsed(), came) {
                let problem = Problem::new(Code::RequestTimeout);
                return Err(problem.header(header::CONNECTION, "close"));
            }
            match next {
                Err(_) => {}
                Ok(None) => return Ok(None),
                Ok(Some(Ok(piece))) => return Ok(Some(piece)),
                Ok(Some(Err(error))) => {
                    let detail = format!("the body cannot be read: {error}");
                    return Err(Problem::new(Code::BadRequest).detail(detail));
                }
            }
        }
    }
}

/// How long was waited in the present window, and how much came.
#[derive(Default)]
struct Pace {
    waited: Duration,
    received: u64,
}

impl Pace {
    fn is_too_slow(&mut self, waited: Duration, came: usize) -> bool {
        self.waited += waited;
        self.received = self.received.saturating_add(u64::try_from(came).unwrap_or(u64::MAX));
        if self.waited < WINDOW {
            return false;
        }
        let slow = self.received < LEAST;
        *self = Self::default();
        slow
    }
}

/// Refuses a body that says itself that it has more than `limit` bytes.
pub(crate) fn refuse_longer(request: &HttpRequest, limit: u64) -> Result<(), Problem> {
    let announced = request.headers().get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large(limit));
    }
    Ok(())
}

/// That a body has more than `limit` bytes.
pub(crate) fn too_large(limit: u64) -> Problem {
    let detail = format!("at most {limit} bytes are taken here");
    Problem::new(Code::BodyTooLarge).detail(detail).header(header::CONNECTION, "close")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_sender_must_keep_up_a_kibibyte_a_second_but_may_take_for_ever() {
        let mut pace = Pace::default();

        assert!((0..86_400).all(|_| !pace.is_too_slow(SECOND, 1_024)));
        assert!((0..30).any(|_| pace.is_too_slow(SECOND, 1_023)));
    }

    #[test]
    fn a_sender_that_falls_silent_is_too_slow_however_much_it_sent_before() {
        let mut pace = Pace::default();

        assert!(!pace.is_too_slow(WINDOW, usize::MAX));
        assert!(pace.is_too_slow(WINDOW, 0));
    }
}
