//! Streamable HTTP on the guarded way out.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use futures_util::{StreamExt, stream, stream::BoxStream};
use rmcp::{
    model::{ClientJsonRpcMessage, ServerJsonRpcMessage},
    transport::streamable_http_client::{
        SseError, StreamableHttpClient, StreamableHttpError, StreamableHttpPostResponse,
    },
};
use sse_stream::{Sse, SseStream};
use understudy_domain::{Secret, ports::ToolError, visible::visible_line};
use understudy_outbound::{
    Body, Method, OpenResponse, Outbound, OutboundError, OutboundRequest, StatusCode, Url,
    header::{HeaderName, HeaderValue},
};

/// Most bytes of an answer, or of a stream of events until it is asked for anew.
pub(crate) const MOST_BYTES: usize = 8 * 1024 * 1024;
/// Most bytes of an answer that says no.
const MOST_COMPLAINT_BYTES: usize = 64 * 1024;
/// Most characters of it that are told.
const MOST_CHARS: usize = 300;
/// How long an exchange may take; those who ask give up earlier.
const EXCHANGE: Duration = Duration::from_secs(90);
/// How long a stream of events is listened to until it is asked for anew.
const LISTENING: Duration = Duration::from_hours(1);
/// How long saying goodbye may take.
const GOODBYE: Duration = Duration::from_secs(5);

const SESSION: &str = "mcp-session-id";
const LAST_EVENT: &str = "last-event-id";
const EVENTS: &str = "text/event-stream";
const JSON: &str = "application/json";
const ACCEPTED: &str = "application/json, text/event-stream";
/// Headers that are the protocol's own.
const OWN: [&str; 5] = ["accept", "content-type", LAST_EVENT, "mcp-protocol-version", SESSION];

/// The way to one server, with what opens it.
#[derive(Clone)]
pub(crate) struct Wire(Arc<Inner>);

struct Inner {
    outbound: Arc<Outbound>,
    url: Url,
    headers: Vec<(String, Secret<String>)>,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("host", &self.0.url.host_str()).finish_non_exhaustive()
    }
}

/// An exchange came to nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WireError {
    /// There was no whole answer.
    #[error("{0}")]
    Outbound(OutboundError),
    /// The server said no in the way of HTTP.
    #[error("HTTP status {status}")]
    Status {
        /// How.
        status: StatusCode,
        /// In its words.
        said: String,
    },
    /// The answer is none of MCP.
    #[error("it answered what is not MCP")]
    NotMcp,
}

impl WireError {
    /// The same in the words of the port.
    pub(crate) fn fault(&self) -> ToolError {
        match self {
            Self::Outbound(error) => ToolError::from(error),
            Self::NotMcp => ToolError::Garbled(self.to_string()),
            Self::Status { status, said } => {
                let said = if said.is_empty() { String::new() } else { format!(": {said}") };
                let code = status.as_u16();
                match status {
                    &StatusCode::UNAUTHORIZED | &StatusCode::FORBIDDEN => ToolError::Refused(
                        format!("it does not take the credentials (HTTP {code}){said}"),
                    ),
                    &StatusCode::TOO_MANY_REQUESTS => {
                        ToolError::Refused(format!("it has too much to do (HTTP {code}){said}"))
                    }
                    status if status.is_client_error() => {
                        ToolError::Refused(format!("it says no (HTTP {code}){said}"))
                    }
                    _ => ToolError::Garbled(format!("it failed (HTTP {code}){said}")),
                }
            }
        }
    }
}

type Failure = StreamableHttpError<WireError>;

fn failure(error: OutboundError) -> Failure {
    StreamableHttpError::Client(WireError::Outbound(error))
}

impl Wire {
    /// The way to the server at `url`.
    pub(crate) fn new(
        outbound: Arc<Outbound>,
        url: &str,
        authorization: Option<Secret<String>>,
        mut headers: Vec<(String, Secret<String>)>,
    ) -> Result<Self, ToolError> {
        let refused = |message: String| Err(ToolError::NotAllowed(message));
        let Ok(url) = url.parse::<Url>() else {
            return refused("the address of the MCP server is none".to_owned());
        };
        for (name, _) in &headers {
            if OWN.iter().any(|own| name.eq_ignore_ascii_case(own)) {
                return refused(format!("the header `{name}` is the protocol's own"));
            }
        }
        if let Some(token) = authorization {
            headers.retain(|(name, _)| !name.eq_ignore_ascii_case("authorization"));
            let bearer = Secret::new(format!("Bearer {}", token.expose()));
            headers.push(("authorization".to_owned(), bearer));
        }
        Ok(Self(Arc::new(Inner { outbound, url, headers })))
    }

    fn request(
        &self,
        method: Method,
        deadline: Duration,
        session: Option<&str>,
        headers: &HashMap<HeaderName, HeaderValue>,
    ) -> OutboundRequest {
        let bytes = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX);
        let mut request = OutboundRequest::new(method, self.0.url.clone(), deadline, bytes);
        for (name, value) in &self.0.headers {
            request = request.secret_header(name, value.clone());
        }
        for (name, value) in headers {
            if let Ok(value) = value.to_str() {
                request = request.header(name.as_str(), value);
            }
        }
        match session {
            // Whoever knows it is taken for the one who began the session.
            Some(session) => request.secret_header(SESSION, Secret::new(session.to_owned())),
            None => request,
        }
    }
}

impl StreamableHttpClient for Wire {
    type Error = WireError;

    async fn post_message(
        &self,
        _: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        _: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<StreamableHttpPostResponse, Failure> {
        let body = serde_json::to_vec(&message)?;
        let request = self
            .request(Method::POST, EXCHANGE, session.as_deref(), &headers)
            .header("accept", ACCEPTED)
            .header("content-type", JSON)
            .body(Body::Bytes(body.into()));
        let answer = self.0.outbound.open(&request).await.map_err(failure)?;
        let status = answer.status();
        if status == StatusCode::NOT_FOUND && session.is_some() {
            return Err(StreamableHttpError::SessionExpired);
        }
        if !status.is_success() {
            return refusal(answer, &message).await;
        }
        let ClientJsonRpcMessage::Request(_) = message else {
            // Nobody waits for an answer.
            return Ok(StreamableHttpPostResponse::Accepted);
        };
        if matches!(status, StatusCode::ACCEPTED | StatusCode::NO_CONTENT) {
            return Ok(StreamableHttpPostResponse::Accepted);
        }
        let begun = header(&answer, SESSION);
        if is_of(&answer, EVENTS) {
            return Ok(StreamableHttpPostResponse::Sse(events(answer), begun));
        }
        if !is_of(&answer, JSON) {
            return Err(StreamableHttpError::Client(WireError::NotMcp));
        }
        let answer = answer.whole().await.map_err(failure)?;
        match serde_json::from_slice(&answer.body) {
            Ok(message) => Ok(StreamableHttpPostResponse::Json(message, begun)),
            Err(_) => Err(StreamableHttpError::Client(WireError::NotMcp)),
        }
    }

    async fn get_stream(
        &self,
        _: Arc<str>,
        session: Option<Arc<str>>,
        last_event: Option<String>,
        _: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<BoxStream<'static, Result<Sse, SseError>>, Failure> {
        let mut request = self
            .request(Method::GET, LISTENING, session.as_deref(), &headers)
            .header("accept", EVENTS);
        if let Some(last_event) = last_event {
            request = request.header(LAST_EVENT, last_event);
        }
        let answer = self.0.outbound.open(&request).await.map_err(failure)?;
        if answer.status().is_success() && is_of(&answer, EVENTS) {
            Ok(events(answer))
        } else {
            Err(StreamableHttpError::ServerDoesNotSupportSse)
        }
    }

    async fn delete_session(
        &self,
        _: Arc<str>,
        session: Arc<str>,
        _: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<(), Failure> {
        let request = self.request(Method::DELETE, GOODBYE, Some(&session), &headers);
        // Servers need not listen to goodbyes.
        self.0.outbound.open(&request).await.map(drop).map_err(failure)
    }
}

fn header(answer: &OpenResponse, name: &str) -> Option<String> {
    answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

fn is_of(answer: &OpenResponse, kind: &str) -> bool {
    let given = header(answer, "content-type").unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case(kind)
}

fn events(answer: OpenResponse) -> BoxStream<'static, Result<Sse, SseError>> {
    let chunks = stream::try_unfold(answer, |mut answer| async move {
        let chunk = answer.chunk().await?;
        Ok::<_, OutboundError>(chunk.map(|chunk| (chunk, answer)))
    });
    SseStream::from_bytes_stream(chunks).boxed()
}

/// What an answer that says no means for a message: an error of the protocol if it is
/// one that answers this very request, else one of HTTP.
async fn refusal(
    mut answer: OpenResponse,
    message: &ClientJsonRpcMessage,
) -> Result<StreamableHttpPostResponse, Failure> {
    let status = answer.status();
    let mut body = Vec::new();
    while body.len() < MOST_COMPLAINT_BYTES
        && let Ok(Some(chunk)) = answer.chunk().await
    {
        body.extend_from_slice(&chunk);
    }
    let mut said = String::new();
    if let Ok(ServerJsonRpcMessage::Error(error)) = serde_json::from_slice(&body) {
        said = visible_line(&error.error.message, MOST_CHARS);
        if let ClientJsonRpcMessage::Request(request) = message
            && error.id.as_ref() == Some(&request.id)
        {
            let answer = ServerJsonRpcMessage::Error(error);
            return Ok(StreamableHttpPostResponse::Json(answer, None));
        }
    }
    Err(StreamableHttpError::Client(WireError::Status { status, said }))
}
