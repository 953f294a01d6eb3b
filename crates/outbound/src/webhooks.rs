//! Messages to webhooks, signed by the Standard Webhooks scheme.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Method;
use sha2::Sha256;
use understudy_domain::{
    Secret,
    ports::{WebhookFailure, WebhookMessage, WebhookSender},
};
use url::Url;

use crate::{
    client::Outbound,
    error::OutboundError,
    request::{Body, OutboundRequest},
    response::OpenResponse,
};

/// How long a receiver may take, its name and its answer included.
const DEADLINE: Duration = Duration::from_secs(15);
/// How much of an answer is read, so that the receiver is not cut short; nobody looks
/// at it.
const READ_BYTES: usize = 64 * 1024;
/// What signing secrets begin with.
const PREFIX: &str = "whsec_";

/// Sends messages to webhooks, on the guarded way out.
pub struct Webhooks {
    outbound: Arc<Outbound>,
    deadline: Duration,
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhooks").field("outbound", &self.outbound).finish_non_exhaustive()
    }
}

impl Webhooks {
    /// Sends them by this way.
    #[must_use]
    pub const fn new(outbound: Arc<Outbound>) -> Self {
        Self { outbound, deadline: DEADLINE }
    }

    /// Waits for receivers so long instead of 15 seconds.
    #[must_use]
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }
}

#[async_trait]
impl WebhookSender for Webhooks {
    async fn send(&self, message: &WebhookMessage) -> Result<u16, WebhookFailure> {
        let WebhookMessage { url, id, at, body, .. } = message;
        let address = Url::parse(url).map_err(|error| {
            WebhookFailure::Unreachable(format!("the address is none: {error}"))
        })?;
        let seconds = at.unix_seconds();
        let signature = signature(message, seconds)?;
        // The length of the answer is of no interest, so none is too long.
        let request = OutboundRequest::new(Method::POST, address, self.deadline, u64::MAX)
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", seconds.to_string())
            .header("webhook-signature", signature)
            .body(Body::Bytes(body.clone()))
            .as_it_is();
        let answer = self.outbound.open(&request).await.map_err(|error| match error {
            OutboundError::TimedOut { .. } => WebhookFailure::TimedOut,
            other => WebhookFailure::Unreachable(other.to_string()),
        })?;
        let status = answer.status().as_u16();
        drain(answer).await;
        Ok(status)
    }
}

/// Reads what there is, up to a limit. What goes wrong changes nothing: the receiver
/// has answered.
async fn drain(mut answer: OpenResponse) {
    let mut read = 0;
    while let Ok(Some(piece)) = answer.chunk().await {
        read += piece.len();
        if read >= READ_BYTES {
            break;
        }
    }
}

/// `v1,` and the HMAC of id, time and body.
fn signature(message: &WebhookMessage, seconds: i64) -> Result<String, WebhookFailure> {
    let key = key_of(&message.secret).ok_or(WebhookFailure::InvalidSecret)?;
    let mac =
        Hmac::<Sha256>::new_from_slice(key.expose()).or(Err(WebhookFailure::InvalidSecret))?;
    let head = format!("{}.{seconds}.", message.id);
    let mac = mac.chain_update(head).chain_update(&message.body);
    Ok(format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes())))
}

fn key_of(secret: &Secret<String>) -> Option<Secret<Vec<u8>>> {
    let encoded = secret.expose().strip_prefix(PREFIX)?;
    BASE64_STANDARD.decode(encoded).ok().map(Secret::new)
}

#[cfg(test)]
mod tests {
    use understudy_domain::Timestamp;

    use super::*;

    #[test]
    fn a_message_is_signed_as_the_specification_shows() {
        let message = WebhookMessage {
            url: String::new(),
            secret: Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned()),
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned(),
            at: Timestamp::from_unix_micros(1_614_265_330_000_000).unwrap(),
            body: r#"{"test": 2432232314}"#.into(),
        };

        let signed = signature(&message, message.at.unix_seconds());

        assert_eq!(signed.unwrap(), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn what_is_no_secret_signs_nothing() {
        for secret in ["", "whsec_!", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
            assert!(key_of(&Secret::new(secret.to_owned())).is_none(), "{secret}");
        }
    }
}
