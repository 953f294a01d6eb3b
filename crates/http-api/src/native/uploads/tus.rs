//! The tus protocol, version 1.0.0: uploads that go on where they broke off.
//!
//! <https://tus.io/protocols/resumable-upload>, with its extensions `creation`,
//! `creation-with-upload`, `creation-defer-length`, `termination`, `checksum` and
//! `expiration`.

use actix_web::{
    HttpRequest, HttpResponse,
    dev::Payload,
    http::header::{self, HeaderName},
    rt, web,
};
use serde_json::Value;
use tracing::Instrument;
use understudy_domain::{
    Fault, Upload, UploadId, UploadPurpose,
    usecases::uploads::{self, NewUpload},
};

use super::{
    checksum::{ALGORITHMS, Checksum},
    created, tell_state,
};
use crate::{
    answer::{self, Answer, set_header},
    body::{Body, refuse_longer, too_large},
    call::{Call, state_of},
    idempotency::once,
    input::Input,
    openapi::Doc,
    problem::{Code, Problem},
};

mod metadata;

const VERSION: &str = "1.0.0";
const EXTENSIONS: &str =
    "creation,creation-with-upload,creation-defer-length,termination,checksum,expiration";
/// The media type of bytes that continue an upload.
pub(super) const MEDIA_TYPE: &str = "application/offset+octet-stream";

const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const KNOWN_VERSIONS: HeaderName = HeaderName::from_static("tus-version");
const KNOWN_EXTENSIONS: HeaderName = HeaderName::from_static("tus-extension");
const KNOWN_ALGORITHMS: HeaderName = HeaderName::from_static("tus-checksum-algorithm");
const MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");
const CHECKSUM: HeaderName = HeaderName::from_static("upload-checksum");
const OVERRIDE: HeaderName = HeaderName::from_static("x-http-method-override");
pub(super) const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
pub(super) const LENGTH: HeaderName = HeaderName::from_static("upload-length");
pub(super) const DEFER_LENGTH: HeaderName = HeaderName::from_static("upload-defer-length");
pub(super) const METADATA: HeaderName = HeaderName::from_static("upload-metadata");
pub(super) const EXPIRES: HeaderName = HeaderName::from_static("upload-expires");

/// What the description of the beginning of an upload adds.
pub(super) fn creation(doc: Doc) -> Doc {
    state(doc)
        .asks("Upload-Length", "How many bytes the upload will have.", "1048576")
        .asks("Upload-Defer-Length", "`1` when that is told later.", "1")
        .asks(
            "Upload-Metadata",
            "Pairs of key and base64; `filename` and `filetype` are heeded.",
            "filename bm90ZXMudHh0",
        )
        .asks("Upload-Checksum", "Checksum of the first bytes, as for `PATCH`.", SHA1)
}

const SHA1: &str = "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=";

/// What the description of a read of an upload adds.
pub(super) fn state(doc: Doc) -> Doc {
    version(doc)
        .tells("Upload-Offset", "How many bytes came so far.")
        .tells("Upload-Length", "How many it will have, if that was told.")
        .tells("Upload-Defer-Length", "`1` if it was not.")
        .tells("Upload-Metadata", "As it came.")
        .tells("Upload-Expires", "When it will be gone.")
}

fn version(doc: Doc) -> Doc {
    doc.asks("Tus-Resumable", "The version of the tus protocol that is spoken.", VERSION)
        .tells("Tus-Resumable", "The version of the tus protocol that is spoken.")
}

/// The description of bytes that continue an upload.
pub(super) fn appending(doc: Doc) -> Doc {
    version(doc)
        .about("Bytes that came stay when the sender breaks off, unless they told a checksum.")
        .asks("Upload-Offset", "How many bytes the upload has so far.", "0")
        .asks("Upload-Length", "How many it will have, if that was not told before.", "1048576")
        .asks(
            "Upload-Checksum",
            "`sha1` or `sha256` and the checksum of the body in base64: nothing of it is kept if it is another.",
            SHA1,
        )
        .bytes_body(MEDIA_TYPE)
        .empty(204, "They were added; `Upload-Offset` says how many there are.")
        .codes(&[
            Code::AiSeatRequired,
            Code::NotFound,
            Code::WrongOffset,
            Code::LimitReached,
            Code::TusVersion,
            Code::ChecksumMismatch,
        ])
}

/// The description of what is spoken.
pub(super) fn capabilities(doc: Doc) -> Doc {
    doc.empty(204, "The headers say what.")
        .tells("Tus-Version", "The versions of the protocol.")
        .tells("Tus-Extension", "Its extensions.")
        .tells("Tus-Max-Size", "Most bytes of an upload.")
        .tells("Tus-Checksum-Algorithm", "What checksums can be made with.")
}

/// Whether a request speaks tus.
pub(super) fn is_spoken(request: &HttpRequest) -> bool {
    request.headers().contains_key(RESUMABLE)
}

/// Refuses any other version.
pub(super) fn require_version(request: &HttpRequest) -> Result<(), Problem> {
    if request.headers().get(RESUMABLE).is_some_and(|version| version == VERSION) {
        return Ok(());
    }
    let detail = format!("`Tus-Resumable` must be {VERSION}");
    Err(Problem::new(Code::TusVersion).detail(detail).header(KNOWN_VERSIONS, VERSION))
}

/// Every answer but the one to `OPTIONS` says which version it speaks.
pub(super) fn spoken(answer: Answer) -> Answer {
    match answer {
        Ok(mut answer) => {
            set_header(&mut answer, RESUMABLE, VERSION);
            Ok(answer)
        }
        Err(problem) => Err(problem.header(RESUMABLE, VERSION)),
    }
}

pub(super) async fn options(request: HttpRequest) -> Answer {
    let max = state_of(&request)?.options.max_file_bytes;
    Ok(HttpResponse::NoContent()
        .insert_header((KNOWN_VERSIONS, VERSION))
        .insert_header((KNOWN_EXTENSIONS, EXTENSIONS))
        .insert_header((KNOWN_ALGORITHMS, ALGORITHMS))
        .insert_header((MAX_SIZE, max.to_string()))
        .finish())
}

pub(super) async fn create(request: HttpRequest, payload: Payload) -> Answer {
    spoken(undisturbed(begin(request, payload)).await)
}

async fn begin(request: HttpRequest, payload: Payload) -> Answer {
    let mut call = known(request, payload).await?;
    let new = new_upload(&call)?;
    let checksum = checksum(&call)?;
    let with_bytes = is_continued(&call)?;
    if !with_bytes || call.request.headers().contains_key("idempotency-key") {
        // What would come with it need not be taken: the answer says that nothing was.
        let text = format!("{:?} {:?}", new.length, new.metadata);
        return once(call, Input { text, value: Value::Null }, async move |call: Call, _| {
            created(&uploads::begin_upload(call.deps(), &call.caller, new).await?)
        })
        .await;
    }
    let payload = call.take_payload();
    let upload = uploads::begin_upload(call.deps(), &call.caller, new).await?;
    created(&add(&call, payload, (upload.id, 0), checksum).await?)
}

/// The caller of a request that speaks the right version.
async fn known(request: HttpRequest, payload: Payload) -> Result<Call, Problem> {
    let call = Call::plain(request, payload).await?;
    require_version(&call.request)?;
    Ok(call)
}

fn new_upload(call: &Call) -> Result<NewUpload, Problem> {
    let max = call.state.options.max_file_bytes;
    let length = number(call, &LENGTH)?;
    let deferred = header_text(call, &DEFER_LENGTH)?;
    match (length, deferred) {
        (Some(length), None) if length > max => return Err(too_large(max)),
        (Some(_), None) | (None, Some("1")) => {}
        _ => {
            let message = "either this says how many bytes will come, or `Upload-Defer-Length: 1` that it will be said later";
            return Err(wrong(&LENGTH, "required", message));
        }
    }
    let text = header_text(call, &METADATA)?.unwrap_or_default();
    let found = metadata::parse(text).map_err(|message| wrong(&METADATA, "invalid", message))?;
    let metadata = text.to_owned();
    Ok(NewUpload {
        name: found.filename,
        declared_type: found.filetype,
        length,
        metadata,
        purpose: UploadPurpose::UserData,
    })
}

/// Goes on when its sender hangs up, from the first moment on: they will come again,
/// and begin where the bytes that came end.
pub(super) async fn append(request: HttpRequest, payload: web::Payload) -> Answer {
    spoken(undisturbed(append_bytes(request, payload.into_inner())).await)
}

/// Carries something out to its end, whether or not anybody waits for it.
async fn undisturbed(act: impl Future<Output = Answer> + 'static) -> Answer {
    match rt::spawn(act.in_current_span()).await {
        Ok(answer) => answer,
        Err(error) => Err(Problem::internal(&error)),
    }
}

async fn append_bytes(request: HttpRequest, payload: Payload) -> Answer {
    let mut call = known(request, payload).await?;
    if !is_continued(&call)? {
        return Err(unsupported());
    }
    let id: UploadId = call.id("uploadId", "upload")?;
    let offset = number(&call, &OFFSET)?;
    let offset = offset.ok_or_else(|| wrong(&OFFSET, "required", "is required"))?;
    let checksum = checksum(&call)?;
    if let Some(length) = number(&call, &LENGTH)? {
        let max = call.state.options.max_file_bytes;
        if length > max {
            return Err(too_large(max));
        }
        uploads::set_length(call.deps(), &call.caller, id, length).await?;
    }
    let payload = call.take_payload();
    let upload = add(&call, payload, (id, offset), checksum).await?;
    let mut answer = answer::gone()?;
    tell_state(&mut answer, &upload);
    Ok(answer)
}

/// Adds the body to an upload; what came of it stays when it breaks off.
async fn add(
    call: &Call,
    payload: Payload,
    (id, offset): (UploadId, u64),
    mut checksum: Option<Checksum>,
) -> Result<Upload, Problem> {
    let (deps, caller, max) = (call.deps(), &call.caller, call.state.options.max_file_bytes);
    let mut body = Body::new(payload);
    let mut intake = uploads::begin_append(deps, caller, id, offset, max).await?;
    refuse_longer(&call.request, max)?;
    let ended = loop {
        match body.next().await {
            Ok(Some(piece)) => {
                if let Some(checksum) = &mut checksum {
                    checksum.update(&piece);
                }
                intake.write(piece).await?;
            }
            Ok(None) => break Ok(()),
            Err(problem) => break Err(problem),
        }
    };
    if let Some(checksum) = checksum {
        // Of bytes that broke off nobody can say whether they are right.
        ended?;
        if !checksum.matches() {
            return Err(Problem::new(Code::ChecksumMismatch));
        }
        return Ok(uploads::append_upload(deps, caller, id, offset, intake).await?);
    }
    let upload = uploads::append_upload(deps, caller, id, offset, intake).await?;
    ended.map(|()| upload)
}

pub(super) async fn terminate(call: Call) -> Answer {
    spoken(end(&call).await)
}

async fn end(call: &Call) -> Answer {
    if is_spoken(&call.request) {
        require_version(&call.request)?;
    }
    let id = call.id("uploadId", "upload")?;
    uploads::delete_upload(call.deps(), &call.caller, id).await?;
    answer::gone()
}

/// `POST` in the place of another method.
pub(super) async fn overridden(request: HttpRequest, payload: web::Payload) -> Answer {
    let meant =
        request.headers().get(OVERRIDE).map(|method| method.as_bytes().to_ascii_uppercase());
    match meant.as_deref() {
        Some(b"PATCH") => append(request, payload).await,
        Some(b"DELETE") => terminate(Call::plain(request, payload.into_inner()).await?).await,
        Some(_) | None => {
            Call::plain(request, payload.into_inner()).await?;
            let detail = "`X-HTTP-Method-Override` must be PATCH or DELETE";
            let problem = Problem::new(Code::MethodNotAllowed).detail(detail);
            Err(problem.header(header::ALLOW, "GET, HEAD, PATCH, DELETE, OPTIONS"))
        }
    }
}

fn wrong(name: &HeaderName, code: &'static str, message: impl Into<String>) -> Problem {
    Problem::invalid(vec![Fault::new(name.as_str(), code, message)])
}

fn header_text<'a>(call: &'a Call, name: &HeaderName) -> Result<Option<&'a str>, Problem> {
    let Some(value) = call.request.headers().get(name) else { return Ok(None) };
    let text = value.to_str().or(Err(wrong(name, "invalid", "must be visible ASCII characters")));
    text.map(Some)
}

fn number(call: &Call, name: &HeaderName) -> Result<Option<u64>, Problem> {
    let Some(text) = header_text(call, name)? else { return Ok(None) };
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let number = text.parse().ok().filter(|_| digits);
    number.map(Some).ok_or_else(|| wrong(name, "invalid", "must be a whole number from 0 on"))
}

fn checksum(call: &Call) -> Result<Option<Checksum>, Problem> {
    let Some(text) = header_text(call, &CHECKSUM)? else { return Ok(None) };
    let message = format!("must be one of {ALGORITHMS}, a space and the checksum in base64");
    Checksum::parse(text).map(Some).ok_or_else(|| wrong(&CHECKSUM, "invalid", message))
}

/// Whether bytes of the upload come with the request; none come without a type.
fn is_continued(call: &Call) -> Result<bool, Problem> {
    let headers = call.request.headers();
    if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(unsupported());
    }
    match headers.get(header::CONTENT_TYPE) {
        None => Ok(false),
        Some(kind) if kind == MEDIA_TYPE => Ok(true),
        // A browser names some type even where nothing is sent.
        Some(_) if headers.get(header::CONTENT_LENGTH).is_some_and(|length| length == "0") => {
            Ok(false)
        }
        Some(_) => Err(unsupported()),
    }
}

fn unsupported() -> Problem {
    let detail = format!("the body must be {MEDIA_TYPE}, and not compressed");
    let problem = Problem::new(Code::UnsupportedMediaType).detail(detail);
    problem.header(header::ACCEPT, MEDIA_TYPE)
}
