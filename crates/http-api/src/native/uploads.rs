//! Uploads: bytes that are sent before they are attached. The same paths speak the
//! tus protocol to those who say so.

use std::time::SystemTime;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, header, header::HttpDate},
    web,
};
use serde::Serialize;
use understudy_domain::{
    Digest, Upload, UploadId,
    usecases::uploads::{self, NewUpload},
};
use utoipa::ToSchema;

use super::receiving::{PARTS, receive_form, told};
use crate::{
    answer::{self, Answer, set_header},
    call::Call,
    endpoint::Endpoint,
    idempotency::once,
    openapi::Doc,
    problem::Code,
};

mod checksum;
mod tus;

const ALL: &str = "/api/uploads";
const ONE: &str = "/api/uploads/{uploadId}";

/// An upload.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Upload)]
pub(crate) struct UploadView {
    /// Its identifier, which attaching it takes.
    #[schema(value_type = String, example = "upl_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    upload_id: UploadId,
    /// The same.
    #[schema(value_type = String)]
    id: UploadId,
    /// What its sender calls it.
    name: Option<String>,
    /// What it is, as its bytes tell it; only of a complete one.
    content_type: Option<String>,
    /// How many bytes it has; only of a complete one.
    size: Option<u64>,
    /// The SHA-256 of them; only of a complete one.
    #[schema(value_type = Option<String>)]
    sha256: Option<Digest>,
    /// How many bytes came so far.
    offset: u64,
    /// How many it will have, if its sender said so.
    length: Option<u64>,
    /// Whether it can be attached.
    complete: bool,
    /// When it will be gone, if nobody attaches it.
    #[schema(format = DateTime)]
    expires_at: String,
}

impl From<&Upload> for UploadView {
    fn from(upload: &Upload) -> Self {
        let whole = upload.whole.as_ref();
        Self {
            upload_id: upload.id,
            id: upload.id,
            name: upload.name.clone(),
            content_type: whole.map(|whole| whole.media_type.clone()),
            size: whole.map(|whole| whole.blob.size),
            sha256: whole.map(|whole| whole.blob.digest),
            offset: upload.received(),
            length: upload.length,
            complete: whole.is_some(),
            expires_at: upload.expires_at.to_rfc3339(),
        }
    }
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::POST, ALL, create_upload, |doc: Doc| {
            tus::creation(doc.op("uploads", "createUpload", "Upload a file, to be attached later"))
                .about("A form with the file. Or, with `Tus-Resumable`, the beginning of an upload by the tus 1.0.0 protocol, with or without its first bytes. Nobody else reaches the upload; it is gone when it is attached, and after 24 hours.")
                .form_body(PARTS.0, PARTS.1)
                .bytes_body(tus::MEDIA_TYPE)
                .located("The upload.", "Upload")
                .codes(&[Code::LimitReached, Code::AiSeatRequired, Code::TusVersion, Code::ChecksumMismatch])
        }),
        Endpoint::new(Method::OPTIONS, ALL, tus::options, |doc: Doc| {
            tus::capabilities(doc.open("uploads", "getUploadOptions", "What of tus is spoken"))
        }),
        Endpoint::new(Method::GET, ONE, read_upload, |doc: Doc| {
            tus::state(
                doc.op("uploads", "getUpload", "Read the state of an upload")
                    .about("`HEAD` is how the tus protocol asks for it.")
                    .json(200, "The upload.", "Upload"),
            )
            .with_head()
            .codes(&[Code::AiSeatRequired, Code::NotFound, Code::TusVersion])
        }),
        Endpoint::new(Method::PATCH, ONE, tus::append, |doc: Doc| {
            tus::appending(doc.op("uploads", "appendUpload", "Send the next bytes of an upload"))
        }),
        Endpoint::new(Method::POST, ONE, tus::overridden, |doc: Doc| {
            tus::appending(doc.op("uploads", "postUpload", "Send the next bytes by `POST`"))
                .about("For senders that know no `PATCH` and `DELETE`: `X-HTTP-Method-Override` names which of them is meant.")
                .asks("X-HTTP-Method-Override", "`PATCH` or `DELETE`.", "PATCH")
                .codes(&[Code::MethodNotAllowed])
        }),
        Endpoint::new(Method::DELETE, ONE, tus::terminate, |doc: Doc| {
            doc.op("uploads", "deleteUpload", "End an upload")
                .about("Its bytes are forgotten.")
                .empty(204, "It is gone.")
                .codes(&[Code::AiSeatRequired, Code::NotFound, Code::TusVersion])
        }),
        Endpoint::new(Method::OPTIONS, ONE, tus::options, |doc: Doc| {
            tus::capabilities(doc.open("uploads", "getUploadOptionsOfOne", "What of tus is spoken"))
        }),
    ]
}

async fn create_upload(request: HttpRequest, payload: web::Payload) -> Answer {
    if tus::is_spoken(&request) {
        return tus::create(request, payload.into_inner()).await;
    }
    let mut call = Call::plain(request, payload.into_inner()).await?;
    let payload = call.take_payload();
    let max = call.state.options.max_file_bytes;
    let intake = uploads::begin_intake(call.deps(), &call.caller, max).await?;
    let (mut sent, received) = receive_form(&call, payload, intake).await?;
    let name = sent.text("name").or(sent.filename);
    once(call, told(name.as_deref(), &received), async move |call: Call, _| {
        let (deps, caller) = (call.deps(), &call.caller);
        let new = NewUpload { name, declared_type: sent.content_type, ..NewUpload::default() };
        let upload = uploads::keep_upload(deps, caller, new, received).await?;
        created(&upload)
    })
    .await
}

async fn read_upload(call: Call) -> Answer {
    let answered = async {
        if tus::is_spoken(&call.request) {
            tus::require_version(&call.request)?;
        }
        let id = call.id("uploadId", "upload")?;
        let upload = uploads::view_upload(call.deps(), &call.caller, id).await?;
        let mut answer = answer::ok(&UploadView::from(&upload))?;
        tell_state(&mut answer, &upload);
        Ok(answer)
    };
    tus::spoken(answered.await)
}

/// `201` with an upload and where it is.
fn created(upload: &Upload) -> Answer {
    let mut answer = answer::json(actix_web::http::StatusCode::CREATED, &UploadView::from(upload))?;
    set_header(&mut answer, header::LOCATION, &format!("{ALL}/{}", upload.id));
    tell_state(&mut answer, upload);
    Ok(answer)
}

/// The state of an upload, as the tus protocol has it.
fn tell_state(answer: &mut HttpResponse, upload: &Upload) {
    set_header(answer, tus::OFFSET, &upload.received().to_string());
    match upload.length {
        Some(length) => set_header(answer, tus::LENGTH, &length.to_string()),
        None => set_header(answer, tus::DEFER_LENGTH, "1"),
    }
    if !upload.metadata.is_empty() {
        set_header(answer, tus::METADATA, &upload.metadata);
    }
    let expires = HttpDate::from(SystemTime::from(upload.expires_at.as_offset_date_time()));
    set_header(answer, tus::EXPIRES, &expires.to_string());
}
