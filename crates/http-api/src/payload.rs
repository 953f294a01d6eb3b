//! Bodies of unknown length that nobody reads to their end.

use std::{
    cell::RefCell,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use actix_web::{
    HttpMessage, HttpResponse,
    dev::{Payload, ServiceRequest},
    error::PayloadError,
    http::header,
    web::Bytes,
};
use futures_util::{Stream, StreamExt};

/// A body that is kept until its answer is sent. Were it dropped before, the
/// server would read on for as long as the client sends; so it closes the
/// connection instead.
pub(crate) struct Kept(#[expect(dead_code, reason = "held, not used")] Rc<RefCell<Payload>>);

impl Kept {
    /// Keeps the body of a request, if its length is not known.
    pub(crate) fn of(request: &mut ServiceRequest) -> Option<Self> {
        if !request.headers().contains_key(header::TRANSFER_ENCODING) {
            return None;
        }
        let payload = Rc::new(RefCell::new(request.take_payload()));
        let shared = Shared(Rc::clone(&payload));
        request.set_payload(Payload::Stream { payload: Box::pin(shared) });
        Some(Self(payload))
    }

    /// Holds it until `answer` is sent.
    pub(crate) fn hold(self, answer: &mut HttpResponse) {
        answer.extensions_mut().insert(self);
    }
}

struct Shared(Rc<RefCell<Payload>>);

impl Stream for Shared {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.borrow_mut().poll_next_unpin(cx)
    }
}
