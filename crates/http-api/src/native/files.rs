//! Files of assistants.

use actix_web::http::Method;
use understudy_domain::{
    UploadId,
    usecases::{
        Error,
        files::{self, FilePatch, FileView},
    },
};

use super::receiving::{PARTS, receive_form, told};
use crate::{
    answer::{self, Answer},
    call::Call,
    endpoint::Endpoint,
    fields::Fields,
    idempotency::once,
    input::{self, Input},
    openapi::Doc,
    problem::{Code, Problem},
};

mod contents;
mod embedded;

pub(super) use embedded::ImageView;

const ALL: &str = "/api/assistants/{id}/files";
const UPLOAD: &str = "/api/assistants/{id}/files/_upload";
const ONE: &str = "/api/assistants/{id}/files/{file}";

/// What only the server sets of a file.
const SET_HERE: &[&str] = &[
    "id",
    "assistantId",
    "contentType",
    "size",
    "sha256",
    "createdAt",
    "createdBy",
    "modifiedAt",
    "_links",
];

pub(super) fn endpoints() -> Vec<Endpoint> {
    let mut all = vec![
        Endpoint::new(Method::GET, ALL, list_files, |doc: Doc| {
            doc.op("files", "listFiles", "List the files of an assistant or draft")
                .about("In the order in which they were attached. Needs view access.")
                .json(200, "The files.", "FileList")
                .needs_seat()
        }),
        Endpoint::new(Method::POST, ALL, attach_upload, |doc: Doc| {
            doc.op("files", "attachFile", "Attach an upload to an assistant or draft")
                .about("The upload is used up. Needs edit access.")
                .body("FileAttach")
                .created("The file.", "File")
                .codes(&[Code::UploadIncomplete, Code::LimitReached, Code::ConcurrentChange])
                .needs_seat()
        }),
        Endpoint::new(Method::POST, UPLOAD, upload_file, |doc: Doc| {
            doc.op("files", "uploadFile", "Upload a file to an assistant or draft")
                .about("`name` counts before the name that comes with the part. What the file is, is told by its bytes. Needs edit access.")
                .form_body(PARTS.0, PARTS.1)
                .created("The file.", "File")
                .codes(&[Code::LimitReached, Code::ConcurrentChange])
                .needs_seat()
        }),
        Endpoint::new(Method::GET, ONE, read_file, |doc: Doc| {
            doc.op("files", "getFile", "Read what is said about a file")
                .about("Needs view access.")
                .tagged(200, "The file.", "File")
                .needs_seat()
        }),
        Endpoint::new(Method::PUT, ONE, update_file, |doc: Doc| {
            doc.op("files", "updateFile", "Change the name or description of a file")
                .about("What is not named stays. Needs edit access.")
                .body("FileWrite")
                .tagged(200, "The file as it is now.", "File")
                .codes(&[Code::ConcurrentChange])
                .needs_seat()
        }),
        Endpoint::new(Method::DELETE, ONE, delete_file, |doc: Doc| {
            doc.op("files", "deleteFile", "Take a file off an assistant or draft")
                .about("Versions that have it keep it. Needs edit access.")
                .empty(204, "It is gone.")
                .conditional()
                .codes(&[Code::ConcurrentChange])
                .needs_seat()
        }),
    ];
    all.extend(contents::endpoints());
    all.extend(embedded::endpoints());
    all
}

async fn list_files(call: Call) -> Answer {
    answer::ok(&files::list_files(call.deps(), &call.caller, call.path("id")).await?)
}

async fn read_file(call: Call) -> Answer {
    let view = view(&call).await?;
    answer::resource(&call.request, &view.etag(), &view)
}

/// The file that the path names.
async fn view(call: &Call) -> Result<FileView, Problem> {
    let file = call.segment("file", "file")?;
    Ok(files::view_file(call.deps(), &call.caller, call.path("id"), &file).await?)
}

fn created(view: &FileView) -> Answer {
    let location = format!("/api/assistants/{}/files/{}", view.assistant, view.entry.id);
    answer::created(&location, &view.etag(), view)
}

async fn attach_upload(mut call: Call) -> Answer {
    let input = call.input(input::SMALL).await?;
    once(call, input, async |call: Call, input: Input| {
        let mut fields = Fields::of(input.value)?;
        let upload = fields.required("uploadId", Fields::text);
        let name = fields.nullable("name", Fields::text).flatten();
        fields.finish()?;
        // What cannot name an upload names none that there is.
        let upload: UploadId = upload.parse().or(Err(Error::NotFound("upload")))?;
        let (deps, caller) = (call.deps(), &call.caller);
        let view = files::attach_upload(deps, caller, call.path("id"), upload, name).await?;
        created(&view)
    })
    .await
}

async fn upload_file(mut call: Call) -> Answer {
    let payload = call.take_payload();
    let max = call.state.options.max_file_bytes;
    let intake = files::begin_file(call.deps(), &call.caller, call.path("id"), max);
    let (mut sent, received) = receive_form(&call, payload, intake.await?).await?;
    let name = sent.text("name").or(sent.filename);
    once(call, told(name.as_deref(), &received), async move |call: Call, _| {
        let (deps, caller) = (call.deps(), &call.caller);
        let view = files::add_file(deps, caller, call.path("id"), name, received).await?;
        created(&view)
    })
    .await
}

async fn update_file(mut call: Call) -> Answer {
    let precondition = call.precondition()?;
    let mut fields = call.fields().await?.ignoring(SET_HERE);
    let name = fields.text("name");
    let description = fields.nullable("description", Fields::text);
    fields.finish()?;
    let (patch, file) = (FilePatch { name, description }, call.segment("file", "file")?);
    let (deps, caller, reference) = (call.deps(), &call.caller, call.path("id"));
    let view = files::update_file(deps, caller, reference, &file, patch, precondition).await?;
    answer::changed(&view.etag(), &view)
}

async fn delete_file(call: Call) -> Answer {
    let precondition = call.precondition()?;
    let file = call.segment("file", "file")?;
    files::delete_file(call.deps(), &call.caller, call.path("id"), &file, precondition).await?;
    answer::gone()
}
