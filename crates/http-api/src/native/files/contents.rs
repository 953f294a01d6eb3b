//! The bytes of files.

use actix_web::{
    dev::Payload,
    http::{Method, header},
};
use understudy_domain::{
    media_type::OCTET_STREAM,
    usecases::{
        Precondition,
        files::{self, FileView},
        intake::{Intake, Received},
    },
};

use super::view;
use crate::{
    answer::{self, Answer},
    body::{Body, refuse_longer},
    call::{AnyKind, Call},
    download::{Contents, contents},
    endpoint::Endpoint,
    native::receiving::{PARTS, receive_form},
    openapi::Doc,
    problem::{Code, Problem},
};

const CONTENTS: &str = "/api/assistants/{id}/files/{file}/contents";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, CONTENTS, download_file, |doc: Doc| {
            doc.op("files", "downloadFile", "Download a file")
                .about("Needs view access. What a browser would run comes as `application/octet-stream`. Without `If-None-Match` and `Range`, all of it. A service that keeps its files in a bucket may lead there instead.")
                .range()
                .contents(200, "All of it.")
                .contents(206, "The bytes that `Range` asks for.")
                .empty(307, "The bytes are at `Location` for a minute, without credentials.")
                .codes(&[Code::RangeNotSatisfiable])
                .needs_seat()
        }),
        Endpoint::new(Method::PUT, CONTENTS, replace_contents, |doc: Doc| {
            doc.op("files", "replaceFile", "Replace the bytes of a file")
                .about("As a form, or bare as `application/octet-stream`. The file keeps its name. Needs edit access. `If-Match` may name the state of the contents or of the file.")
                .form_body(PARTS.0, PARTS.1)
                .bytes_body("application/octet-stream")
                .tagged(200, "The file as it is now; the `ETag` is that of its contents.", "File")
                .codes(&[Code::LimitReached, Code::ConcurrentChange])
                .needs_seat()
        }),
    ]
}

async fn download_file(AnyKind(call): AnyKind) -> Answer {
    let view = view(&call).await?;
    let all = Contents {
        organization: view.organization,
        blob: view.entry.blob,
        media_type: &view.entry.content_type,
        save_as: Some(&view.entry.name),
    };
    contents(&call.request, &call.state, all).await
}

async fn replace_contents(mut call: Call) -> Answer {
    let payload = call.take_payload();
    let (max, file) = (call.state.options.max_file_bytes, call.segment("file", "file")?);
    let intake = files::begin_file(call.deps(), &call.caller, call.path("id"), max).await?;
    let (deps, caller, reference) = (call.deps(), &call.caller, call.path("id"));
    let view = files::view_file_to_write(deps, caller, reference, &file).await?;
    let precondition = of_contents(call.precondition()?, &view)?;
    let received = if is_bare(&call) {
        receive_bare(&call, payload, intake).await?
    } else {
        receive_form(&call, payload, intake).await?.1
    };
    let (deps, caller, reference) = (call.deps(), &call.caller, call.path("id"));
    let replaced = files::replace_file(deps, caller, reference, &file, received, precondition);
    let view = replaced.await?;
    answer::changed(&view.entry.blob.digest.to_string(), &view)
}

/// What a write of the contents demands of the file: who names the state of its
/// contents means the file as it is with them.
fn of_contents(precondition: Precondition, view: &FileView) -> Result<Precondition, Problem> {
    let precondition = match precondition {
        Precondition::OneOf(tags) if tags.contains(&view.entry.blob.digest.to_string()) => {
            Precondition::OneOf(vec![view.etag()])
        }
        other @ (Precondition::None | Precondition::Exists | Precondition::OneOf(_)) => other,
    };
    precondition.check(&view.etag())?;
    Ok(precondition)
}

fn is_bare(call: &Call) -> bool {
    let kind = call.request.headers().get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind == OCTET_STREAM)
}

/// Takes in a body that is the file.
async fn receive_bare(
    call: &Call,
    payload: Payload,
    mut intake: Intake<'_>,
) -> Result<Received, Problem> {
    refuse_longer(&call.request, call.state.options.max_file_bytes)?;
    let mut body = Body::new(payload);
    while let Some(piece) = body.next().await? {
        intake.write(piece).await?;
    }
    Ok(intake.finish().await?)
}
