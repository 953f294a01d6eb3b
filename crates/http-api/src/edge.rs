//! What every request passes, whatever its route: identifier, span, log line,
//! metrics, safe headers, and errors as problem documents.

use std::time::Duration;

use actix_web::{
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method, StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web,
};
use tokio::time::Instant;
use tracing::{Instrument, Span, field};

use crate::{
    openai,
    payload::Kept,
    problem::{Code, MEDIA_TYPE, Problem},
    request_id::{self, RequestId},
    server::State,
    trace_context::TraceContext,
};

const REQUEST_ID: HeaderName = HeaderName::from_static(request_id::HEADER);
const NO_CONTENT_OF_ITS_OWN: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
const A_YEAR: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// The outermost middleware.
pub(crate) async fn edge(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let Some(state) = request.app_data::<web::Data<State>>().cloned() else {
        return next.call(request).await.map(ServiceResponse::map_into_boxed_body);
    };
    let start = Instant::now();
    let id = RequestId::assign(&request, &*state.services.ids);
    let span = span(&request, &id, &state);
    let body = Kept::of(&mut request);

    let response = next.call(request).instrument(span.clone()).await?;
    let mut response = as_problem(response.map_into_boxed_body(), &id);
    dress(&mut response, &id, &state);
    if let Some(body) = body {
        body.hold(response.response_mut());
    }
    span.in_scope(|| report(&response, start.elapsed()));
    Ok(response)
}

/// The span of a request, tied to the caller's trace if there is one.
fn span(request: &ServiceRequest, id: &RequestId, state: &State) -> Span {
    let span = tracing::info_span!(
        "request",
        request_id = id.as_str(),
        method = %request.method(),
        path = logged(request.path()),
        trace_id = field::Empty,
    );
    if let Some(context) = TraceContext::of(request.headers()) {
        span.record("trace_id", context.trace_id());
        if let Some(follow) = &state.options.continue_trace {
            follow(&span, &context);
        }
    }
    span
}

/// A path as the log has it: whoever knows the address of a picture can see it.
fn logged(path: &str) -> &str {
    if path.starts_with("/images/") { "/images/********" } else { path }
}

/// Every error as a problem document, those of the framework included.
fn as_problem(response: ServiceResponse<BoxBody>, id: &RequestId) -> ServiceResponse<BoxBody> {
    let status = response.status();
    if status.is_success() || status.is_redirection() || status.is_informational() {
        return response;
    }
    let path = response.request().path().to_owned();
    let cause = response.response().error();
    let rendered = match cause.and_then(|error| error.as_error::<Problem>()) {
        Some(problem) => problem.render(&path, id.as_str()),
        None if is_told(response.headers()) => return response,
        None => {
            let problem = Problem::new(code_of(status));
            // A client's fault may be told; what the framework says of ours is not.
            match cause.filter(|_| status.is_client_error()) {
                Some(error) => problem.detail(error.to_string()).render(&path, id.as_str()),
                None => problem.render(&path, id.as_str()),
            }
        }
    };
    response.into_response(rendered)
}

/// Whether an error is written in the form of its dialect.
fn is_told(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind == MEDIA_TYPE || kind == "application/json")
}

/// What a status that the framework answered means here.
fn code_of(status: StatusCode) -> Code {
    match status {
        StatusCode::NOT_FOUND => Code::NoSuchRoute,
        StatusCode::METHOD_NOT_ALLOWED => Code::MethodNotAllowed,
        StatusCode::NOT_ACCEPTABLE => Code::NotAcceptable,
        StatusCode::REQUEST_TIMEOUT => Code::RequestTimeout,
        StatusCode::PAYLOAD_TOO_LARGE => Code::BodyTooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Code::UnsupportedMediaType,
        status if status.is_client_error() => Code::BadRequest,
        _ => Code::Internal,
    }
}

/// The headers that every answer has, unless its route set its own.
fn dress(response: &mut ServiceResponse<BoxBody>, id: &RequestId, state: &State) {
    let path = response.request().path();
    let is_api = path.starts_with("/api/") || path.starts_with(openai::PREFIX);
    let is_tls = state.options.public_url.starts_with("https:");
    let headers = response.headers_mut();
    // It is there for our own compression to see; it is not for the wire.
    if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding == "identity") {
        headers.remove(header::CONTENT_ENCODING);
    }
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        headers.insert(REQUEST_ID, id);
    }
    let mut default = |name: HeaderName, value: HeaderValue| {
        if !headers.contains_key(&name) {
            headers.insert(name, value);
        }
    };
    default(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    default(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    default(header::CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    default(header::CONTENT_SECURITY_POLICY, NO_CONTENT_OF_ITS_OWN);
    if is_api {
        default(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    }
    if is_tls {
        default(header::STRICT_TRANSPORT_SECURITY, A_YEAR);
    }
}

/// One line and two metrics for a finished request. Reads that succeed are most of
/// the traffic and the least of the news: they are told at `debug`.
fn report(response: &ServiceResponse<BoxBody>, took: Duration) {
    let request = response.request();
    let route = request.match_pattern().unwrap_or_else(|| "unmatched".to_owned());
    let status = response.status().as_u16();
    let duration_ms = (took.as_secs_f64() * 1_000_000.0).round() / 1_000.0;
    let is_read = request.method().is_safe() && response.status().is_success();
    if is_read {
        tracing::debug!(status, route, duration_ms, "answered a request");
    } else {
        tracing::info!(status, route, duration_ms, "answered a request");
    }
    let method = known_method(request.method());
    let counter = metrics::counter!(
        "http_requests_total",
        "method" => method, "route" => route.clone(), "status" => status.to_string(),
    );
    counter.increment(1);
    let histogram = metrics::histogram!(
        "http_request_duration_seconds", "method" => method, "route" => route,
    );
    histogram.record(took.as_secs_f64());
}

/// A label has few values: callers may make up methods.
fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_picture_is_not_logged() {
        assert_eq!(logged("/images/pZx2"), "/images/********");
        assert_eq!(logged("/api/images/img_1"), "/api/images/img_1");
    }
}
