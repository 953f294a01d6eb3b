//! The library's requests, sent the one way out.

use std::{pin::Pin, time::Duration};

use openidconnect::{
    AsyncHttpClient, HttpRequest, HttpResponse,
    http::{Request, Response},
};
use understudy_domain::Secret;
use understudy_outbound::{Body, Outbound, OutboundError, OutboundRequest, Url, Why, header};

/// How long the provider may take for one answer.
const DEADLINE: Duration = Duration::from_secs(10);
/// Most bytes of an answer; the largest are sets of keys.
const MAX_BYTES: u64 = 1024 * 1024;

/// Sends requests of the library.
#[derive(Clone, Copy)]
pub(crate) struct Wire<'a>(pub(crate) &'a Outbound);

impl<'c> AsyncHttpClient<'c> for Wire<'_> {
    type Error = OutboundError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, OutboundError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(exchange(self.0, request))
    }
}

async fn exchange(
    outbound: &Outbound,
    request: Request<Vec<u8>>,
) -> Result<HttpResponse, OutboundError> {
    let (head, body) = request.into_parts();
    let url = Url::parse(&head.uri.to_string()).or(Err(Why::Host))?;
    let mut sent = OutboundRequest::new(head.method, url, DEADLINE, MAX_BYTES);
    for (name, value) in &head.headers {
        let text = value.to_str().or(Err(Why::HeaderValue(name.clone())))?.to_owned();
        sent = if *name == header::AUTHORIZATION {
            sent.secret_header(name.as_str(), Secret::new(text))
        } else {
            sent.header(name.as_str(), text)
        };
    }
    if !body.is_empty() {
        sent = sent.body(Body::Bytes(body.into()));
    }
    let answer = outbound.send(&sent).await?;
    let mut response = Response::new(answer.body.to_vec());
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    Ok(response)
}
