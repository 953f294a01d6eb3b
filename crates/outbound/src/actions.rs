//! Requests to services of anybody, for custom skills and automations.

use std::fmt;

use async_trait::async_trait;
use reqwest::{Method, header::CONTENT_TYPE};
use understudy_domain::ports::{ActionAnswer, ActionCaller, ActionRequest, ToolError};
use url::Url;

use crate::{
    client::Outbound,
    error::OutboundError,
    request::{Body, OutboundRequest},
};

/// What requests are made with.
const METHODS: [Method; 5] =
    [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

#[async_trait]
impl ActionCaller for Outbound {
    async fn call(&self, request: &ActionRequest) -> Result<ActionAnswer, ToolError> {
        let answer = self.send(&prepared(request)?).await.map_err(|error| {
            tracing::debug!(%error, "a service gave no answer");
            ToolError::from(&error)
        })?;
        let content_type = answer.headers.get(CONTENT_TYPE);
        Ok(ActionAnswer {
            status: answer.status.as_u16(),
            content_type: content_type
                .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()),
            body: answer.body,
        })
    }
}

fn prepared(request: &ActionRequest) -> Result<OutboundRequest, ToolError> {
    let refused = |what: &dyn fmt::Display| ToolError::NotAllowed(what.to_string());
    let method = METHODS.into_iter().find(|method| method.as_str() == request.method);
    let method = method.ok_or_else(|| refused(&"this method cannot be sent"))?;
    let url: Url = request.url.parse().map_err(|error| refused(&error))?;
    // A redirect is an answer: what is sent is meant for one address.
    let mut sent = OutboundRequest::new(method, url, request.timeout, request.max_bytes).as_it_is();
    for (name, value) in &request.headers {
        sent = sent.secret_header(name, value.clone());
    }
    if let Some((content_type, body)) = &request.body {
        sent = sent
            .header(CONTENT_TYPE.as_str(), content_type)
            .body(Body::Bytes(body.expose().clone().into()));
    }
    Ok(sent)
}

/// What an asker is told of a request that came to nothing.
impl From<&OutboundError> for ToolError {
    fn from(error: &OutboundError) -> Self {
        match error {
            OutboundError::NotAllowed { .. } => Self::NotAllowed(error.to_string()),
            OutboundError::Resolve { .. } | OutboundError::Connect { .. } => {
                Self::Unreachable(error.to_string())
            }
            OutboundError::TimedOut { .. } => Self::TimedOut,
            OutboundError::TooLarge { limit, .. } => Self::TooLarge { limit: *limit },
            OutboundError::Protocol { .. } => Self::Garbled(error.to_string()),
        }
    }
}
