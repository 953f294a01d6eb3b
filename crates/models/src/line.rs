//! The line to one provider: where it is, with which key, and what its failures
//! mean.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::{Instant, sleep};
use understudy_domain::{
    ProviderKind, Secret,
    ports::{ProviderAccess, ProviderError},
};
use understudy_outbound::{
    Body, HeaderMap, Method, OpenResponse, Outbound, OutboundError, OutboundRequest,
    OutboundResponse, Pace, Url, header::RETRY_AFTER,
};

use crate::{
    Timeouts,
    complaint::complaint,
    retry::{Failure, is_passing, luck, pause},
};

/// Most bytes of a picture.
pub(crate) const MAX_PICTURE_BYTES: u64 = 20 << 20;
/// Most bytes of an answer: a picture of the largest size in base64, and words
/// around it.
const MAX_ANSWER_BYTES: u64 = MAX_PICTURE_BYTES / 3 * 4 + (1 << 20);

/// Most bytes of an answer that comes piece by piece.
const MAX_STREAM_BYTES: u64 = 64 << 20;
/// How much of a refusal is read.
const REFUSAL_BYTES: usize = 64 << 10;

/// How long a provider is waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// For an answer that is wanted as a whole.
    pub(crate) deadline: Duration,
    /// For an answer that comes piece by piece.
    pub(crate) timeouts: Timeouts,
    /// At most, before asking again for the first time.
    pub(crate) pause: Duration,
}

/// The line to one provider.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    outbound: &'a Outbound,
    provider: &'a ProviderAccess,
    patience: Patience,
}

impl<'a> Line<'a> {
    pub(crate) const fn new(
        outbound: &'a Outbound,
        provider: &'a ProviderAccess,
        patience: Patience,
    ) -> Self {
        Self { outbound, provider, patience }
    }

    pub(crate) const fn kind(&self) -> ProviderKind {
        self.provider.kind
    }

    /// The address of `path` at the provider, which is at `usual` if nobody said
    /// where.
    pub(crate) fn url(&self, usual: Option<&str>, path: &[&str]) -> Result<Url, ProviderError> {
        let Some(base) = self.provider.base_url.as_deref().or(usual) else {
            let what = "this kind of provider needs a base URL";
            return Err(ProviderError::Unreachable(what.to_owned()));
        };
        let no_address = || ProviderError::Unreachable("its base URL is no address".to_owned());
        let mut url: Url = base.parse().ok().ok_or_else(no_address)?;
        match url.path_segments_mut() {
            Ok(mut segments) => segments.pop_if_empty().extend(path),
            Err(()) => return Err(no_address()),
        };
        Ok(url)
    }

    /// A request without key.
    pub(crate) const fn request(&self, method: Method, url: Url) -> OutboundRequest {
        OutboundRequest::new(method, url, self.patience.deadline, MAX_ANSWER_BYTES)
    }

    /// A request for a picture that lies somewhere, perhaps not at the provider.
    pub(crate) const fn fetch(&self, url: Url) -> OutboundRequest {
        OutboundRequest::new(Method::GET, url, self.patience.deadline, MAX_PICTURE_BYTES)
    }

    /// A request without key that posts JSON, and whose answer comes piece by piece.
    pub(crate) fn asking(&self, url: Url, body: &Value) -> OutboundRequest {
        let Timeouts { first_byte, idle, whole } = self.patience.timeouts;
        OutboundRequest::new(Method::POST, url, whole, MAX_STREAM_BYTES)
            .paced(Pace { head: first_byte, piece: idle })
            .header("content-type", "application/json")
            .body(Body::Bytes(body.to_string().into()))
    }

    /// The request with the key, if there is one, as a bearer's token.
    pub(crate) fn with_bearer(&self, request: OutboundRequest) -> OutboundRequest {
        match &self.provider.api_key {
            Some(key) => {
                let bearer = Secret::new(format!("Bearer {}", key.expose()));
                request.secret_header("authorization", bearer)
            }
            None => request,
        }
    }

    /// The request with the key, if there is one, in a header of its own.
    pub(crate) fn with_key(&self, request: OutboundRequest) -> OutboundRequest {
        match &self.provider.api_key {
            Some(key) => request.secret_header("x-api-key", key.clone()),
            None => request,
        }
    }

    /// Asks, once more if there was no connection, and gives what was answered with
    /// success.
    pub(crate) async fn ask(
        &self,
        request: &OutboundRequest,
    ) -> Result<OutboundResponse, ProviderError> {
        let first = self.outbound.send(request).await;
        let sent = match first {
            // Nothing was sent, so nothing can be done or paid twice.
            Err(OutboundError::Connect { .. }) => self.outbound.send(request).await,
            settled => settled,
        };
        let answer = sent.map_err(|error| unanswered(&error))?;
        if answer.status.is_success() { Ok(answer) } else { Err(self.refusal(&answer)) }
    }

    /// Asks, again where that may help, and gives what is answered with success as
    /// soon as its head is there.
    pub(crate) async fn open(
        &self,
        request: &OutboundRequest,
    ) -> Result<OpenResponse, ProviderError> {
        let until = Instant::now() + self.patience.timeouts.whole;
        let mut tries = 0;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let failure = match self.try_open(&request.clone().within(left)).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            tries += 1;
            let Some(pause) = pause(&failure, tries, self.patience.pause, luck()) else {
                return Err(failure.error);
            };
            if Instant::now() + pause >= until {
                return Err(failure.error);
            }
            sleep(pause).await;
        }
    }

    async fn try_open(&self, request: &OutboundRequest) -> Result<OpenResponse, Failure> {
        let answer = self.outbound.open(request).await.map_err(|error| Failure {
            // Nothing was sent, so nothing can be done or paid twice.
            is_passing: matches!(error, OutboundError::Connect { .. }),
            error: unanswered(&error),
            rest: None,
        })?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let answer = beginning(answer).await;
        Err(Failure {
            error: self.refusal(&answer),
            is_passing: is_passing(answer.status.as_u16()),
            rest: retry_after(&answer.headers),
        })
    }

    fn refusal(&self, answer: &OutboundResponse) -> ProviderError {
        let message = complaint(answer, self.provider.api_key.as_ref());
        if answer.status == 429 {
            return ProviderError::Busy { retry_after: retry_after(&answer.headers), message };
        }
        ProviderError::Refused { status: answer.status.as_u16(), message }
    }
}

/// The seconds that the provider wants to be left alone.
fn retry_after(headers: &HeaderMap) -> Option<u64> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()
}

/// As much of an answer as a refusal may have. What is missing is not missed.
async fn beginning(mut answer: OpenResponse) -> OutboundResponse {
    let mut body = Vec::new();
    while body.len() < REFUSAL_BYTES
        && let Ok(Some(piece)) = answer.chunk().await
    {
        body.extend_from_slice(&piece);
    }
    body.truncate(REFUSAL_BYTES);
    OutboundResponse {
        status: answer.status(),
        headers: answer.headers().clone(),
        body: body.into(),
    }
}

/// Why nothing, or nothing of use, came from the provider.
pub(crate) fn unanswered(error: &OutboundError) -> ProviderError {
    match error {
        OutboundError::NotAllowed { .. }
        | OutboundError::Resolve { .. }
        | OutboundError::Connect { .. } => ProviderError::Unreachable(error.to_string()),
        OutboundError::TimedOut { .. } => ProviderError::TimedOut,
        OutboundError::TooLarge { .. } | OutboundError::Protocol { .. } => {
            ProviderError::Garbled(error.to_string())
        }
    }
}

/// An answer's JSON.
pub(crate) fn json<T: DeserializeOwned>(answer: &OutboundResponse) -> Result<T, ProviderError> {
    // What serde says may quote the answer, which is of no use to people.
    let garbled = || ProviderError::Garbled("it is not the JSON that was expected".to_owned());
    serde_json::from_slice(&answer.body).ok().ok_or_else(garbled)
}
