//! Answers that are somebody's bytes: streamed, in parts if wanted, and shown by no
//! browser as anything that runs.

use std::{
    convert::Infallible,
    io,
    ops::Range,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    body::{BodySize, MessageBody, SizedStream},
    http::{
        Method, StatusCode,
        header::{self, ContentEncoding, HeaderName, HeaderValue},
    },
    web::Bytes,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use futures_util::{Stream, stream};
use understudy_domain::{
    Blob, OrganizationId,
    media_type::OCTET_STREAM,
    ports::{BlobError, BlobReader},
};

use crate::{
    answer::Answer,
    etag::{self, quoted},
    problem::{Code, Problem, chain},
    range::{Wanted, wanted},
    server::State,
};

mod disposition;

/// Nothing in it runs or loads anything, even when it is opened by itself.
const NOTHING_RUNS: HeaderValue = HeaderValue::from_static("sandbox; default-src 'none'");
/// A cache asks whether it has changed, as access may have.
const ASK_FIRST: HeaderValue = HeaderValue::from_static("private, no-cache");
const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");
/// How long an address of the bytes elsewhere is good for, in seconds.
const LINK_SECONDS: u32 = 60;

/// Bytes to be answered.
pub(crate) struct Contents<'a> {
    /// Who has them.
    pub(crate) organization: OrganizationId,
    /// Which they are.
    pub(crate) blob: Blob,
    /// Their media type.
    pub(crate) media_type: &'a str,
    /// What they are saved as; `None` shows them in place, which is for pictures
    /// that were encoded here.
    pub(crate) save_as: Option<&'a str>,
}

/// Media types that bytes are told by; others are `application/octet-stream`, as
/// are all that a browser would run.
const TOLD: &[&str] = &[
    "application/epub+zip",
    "application/gzip",
    "application/json",
    "application/msword",
    "application/ogg",
    "application/pdf",
    "application/rtf",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.oasis.opendocument.presentation",
    "application/vnd.oasis.opendocument.spreadsheet",
    "application/vnd.oasis.opendocument.text",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/x-ndjson",
    "application/yaml",
    "application/zip",
    "image/avif",
    "image/bmp",
    "image/gif",
    "image/heif",
    "image/jpeg",
    "image/png",
    "image/tiff",
    "image/webp",
    "text/csv",
    "text/markdown",
    "text/plain",
    "text/tab-separated-values",
];

/// The media type that a browser is told.
fn told(media_type: &str) -> String {
    match media_type {
        text if text.starts_with("text/") && TOLD.contains(&text) => {
            format!("{text}; charset=utf-8")
        }
        known if TOLD.contains(&known) => known.to_owned(),
        media if media.starts_with("audio/") || media.starts_with("video/") => media.to_owned(),
        _ => OCTET_STREAM.to_owned(),
    }
}

/// Answers `GET` and `HEAD` of somebody's bytes.
pub(crate) async fn contents(
    request: &HttpRequest,
    state: &State,
    contents: Contents<'_>,
) -> Answer {
    let Contents { organization, blob, .. } = contents;
    let tag = blob.digest.to_string();
    if let Some(mut answer) = etag::not_modified(request, &tag)? {
        answer.headers_mut().insert(header::CACHE_CONTROL, ASK_FIRST);
        return Ok(answer);
    }
    if request.method() == Method::HEAD {
        let mut answer = dressed(StatusCode::OK, &contents);
        return Ok(answer.body(Headless(blob.size)));
    }
    if let Some(address) =
        state.services.blobs.link(organization, blob.digest, LINK_SECONDS).await?
    {
        return Ok(HttpResponse::TemporaryRedirect()
            .insert_header((header::LOCATION, address.as_str()))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .finish());
    }
    let (status, range) = match wanted(request.headers(), blob.size, &tag) {
        Wanted::Whole => (StatusCode::OK, None),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, Some(range)),
        Wanted::Nothing => return Err(unsatisfiable(blob.size)),
    };
    let reader = state.services.blobs.read(organization, blob.digest, range.clone()).await?;
    let mut answer = dressed(status, &contents);
    if let Some(Range { start, end }) = range.clone() {
        let text = format!("bytes {start}-{}/{}", end.saturating_sub(1), blob.size);
        answer.insert_header((header::CONTENT_RANGE, text));
    }
    let length = range.map_or(blob.size, |range| range.end.saturating_sub(range.start));
    Ok(answer.body(SizedStream::new(length, pieces(reader))))
}

fn unsatisfiable(size: u64) -> Problem {
    let detail = format!("the contents have {size} bytes");
    let problem = Problem::new(Code::RangeNotSatisfiable).detail(detail);
    problem.header(header::CONTENT_RANGE, &format!("bytes */{size}"))
}

/// An answer with everything but the bytes.
fn dressed(status: StatusCode, contents: &Contents<'_>) -> HttpResponseBuilder {
    let Contents { blob, media_type, save_as, .. } = contents;
    let digest = BASE64_STANDARD.encode(blob.digest.as_bytes());
    let disposition = match save_as {
        Some(name) => disposition::attachment(name),
        None => "inline".to_owned(),
    };
    let mut answer = HttpResponse::build(status);
    answer
        .insert_header((header::ETAG, quoted(&blob.digest.to_string())))
        .insert_header((REPR_DIGEST, format!("sha-256=:{digest}:")))
        .insert_header((header::ACCEPT_RANGES, "bytes"))
        .insert_header((header::CONTENT_DISPOSITION, disposition))
        .insert_header((header::CACHE_CONTROL, ASK_FIRST))
        .insert_header((header::CONTENT_SECURITY_POLICY, NOTHING_RUNS))
        // Compressed, they would be other bytes than their tag and length say. The
        // edge takes it off again, since it says nothing.
        .insert_header((header::CONTENT_ENCODING, ContentEncoding::Identity))
        .content_type(told(media_type));
    answer
}

/// The bytes as they are read: the next piece when the one before was sent.
fn pieces(reader: Box<dyn BlobReader>) -> impl Stream<Item = io::Result<Bytes>> {
    stream::unfold(Some(reader), async |reader| {
        let mut reader = reader?;
        match reader.next().await {
            Ok(None) => None,
            Ok(Some(piece)) => Some((Ok(piece), Some(reader))),
            Err(error) => {
                report(&error);
                Some((Err(io::Error::other(error)), None))
            }
        }
    })
}

/// The head of the answer is gone already: all that is left is to break it off.
fn report(error: &BlobError) {
    tracing::error!(error = %chain(error), "a download was broken off");
}

/// A body of a length that is told and not sent.
struct Headless(u64);

impl MessageBody for Headless {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.0)
    }

    fn poll_next(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        Poll::Ready(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_browser_would_run_is_told_as_mere_bytes() {
        for active in [
            "text/html",
            "image/svg+xml",
            "application/xml",
            "text/xml",
            "text/javascript",
            "text/css",
            "application/xhtml+xml",
            "application/x-unheard-of",
        ] {
            assert_eq!(told(active), OCTET_STREAM);
        }
        assert_eq!(told("text/csv"), "text/csv; charset=utf-8");
        assert_eq!(told("application/pdf"), "application/pdf");
        assert_eq!(told("video/mp4"), "video/mp4");
    }
}
