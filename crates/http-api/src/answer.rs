//! Writing answers.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
};
use serde::Serialize;

use crate::{etag, problem::Problem};

/// What handlers return.
pub(crate) type Answer = Result<HttpResponse, Problem>;

/// Room for most assistants, so that writing one does not grow its buffer often.
const USUAL_BYTES: usize = 4_096;

/// A value as JSON.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Answer {
    Ok(HttpResponse::build(status).content_type("application/json").body(bytes(value)?))
}

/// `200` with a value.
pub(crate) fn ok(value: &impl Serialize) -> Answer {
    json(StatusCode::OK, value)
}

/// `200` with one resource in the state that `tag` names, or `304`.
pub(crate) fn resource(request: &HttpRequest, tag: &str, value: &impl Serialize) -> Answer {
    match etag::not_modified(request, tag)? {
        Some(answer) => Ok(answer),
        None => changed(tag, value),
    }
}

/// `200` with a resource as it is after a write.
pub(crate) fn changed(tag: &str, value: &impl Serialize) -> Answer {
    Ok(HttpResponse::Ok()
        .insert_header((header::ETAG, etag::quoted(tag)))
        .content_type("application/json")
        .body(bytes(value)?))
}

/// `201` with a new resource and where it is.
pub(crate) fn created(location: &str, tag: &str, value: &impl Serialize) -> Answer {
    Ok(HttpResponse::Created()
        .insert_header((header::LOCATION, location))
        .insert_header((header::ETAG, etag::quoted(tag)))
        .content_type("application/json")
        .body(bytes(value)?))
}

/// `204`.
#[expect(clippy::unnecessary_wraps, reason = "what every handler ends with")]
pub(crate) fn gone() -> Answer {
    Ok(HttpResponse::NoContent().finish())
}

/// Sets a header, unless the text cannot be one.
pub(crate) fn set_header(answer: &mut HttpResponse, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
}

fn bytes(value: &impl Serialize) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::with_capacity(USUAL_BYTES);
    match serde_json::to_writer(&mut bytes, value) {
        Ok(()) => Ok(bytes),
        Err(error) => Err(Problem::internal(&error)),
    }
}
