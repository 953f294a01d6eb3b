//! The line to one provider: where it is, with which key, and what its failures
//! mean.

use std::time::Duration;

use serde::de::DeserializeOwned;
use understudy_domain::{
    ProviderKind, Secret,
    ports::{ProviderAccess, ProviderError},
};
use understudy_outbound::{
    Method, Outbound, OutboundError, OutboundRequest, OutboundResponse, Url, header::RETRY_AFTER,
};

use crate::complaint::complaint;

/// Most bytes of a picture.
pub(crate) const MAX_PICTURE_BYTES: u64 = 20 << 20;
/// Most bytes of an answer: a picture of the largest size in base64, and words
/// around it.
const MAX_ANSWER_BYTES: u64 = MAX_PICTURE_BYTES / 3 * 4 + (1 << 20);

/// The line to one provider.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    outbound: &'a Outbound,
    provider: &'a ProviderAccess,
    deadline: Duration,
}

impl<'a> Line<'a> {
    pub(crate) const fn new(
        outbound: &'a Outbound,
        provider: &'a ProviderAccess,
        deadline: Duration,
    ) -> Self {
        Self { outbound, provider, deadline }
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
        OutboundRequest::new(method, url, self.deadline, MAX_ANSWER_BYTES)
    }

    /// A request for a picture that lies somewhere, perhaps not at the provider.
    pub(crate) const fn fetch(&self, url: Url) -> OutboundRequest {
        OutboundRequest::new(Method::GET, url, self.deadline, MAX_PICTURE_BYTES)
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

    fn refusal(&self, answer: &OutboundResponse) -> ProviderError {
        let message = complaint(answer, self.provider.api_key.as_ref());
        if answer.status != 429 {
            return ProviderError::Refused { status: answer.status.as_u16(), message };
        }
        let retry_after = answer.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(|seconds| seconds.trim().parse().ok());
        ProviderError::Busy { retry_after, message }
    }
}

fn unanswered(error: &OutboundError) -> ProviderError {
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
