//! Assistants as files: export and import.

use std::sync::Arc;

use actix_web::{
    HttpResponse,
    http::{
        Method, StatusCode,
        header::{self, ContentEncoding},
    },
};
use serde::Serialize;
use serde_json::Value;
use understudy_domain::{
    Digest,
    assistant::view::AssistantView,
    usecases::transfer::{self, Carrier, DOCUMENT, Import, Imported, MAX_DOCUMENT_BYTES, Report},
};

use self::{archive::Archive, spool::Spool};
use super::assistants::location;
use crate::{
    answer::{self, Answer},
    body::{Body, refuse_longer},
    call::{AnyKind, Asked, Call},
    endpoint::Endpoint,
    etag,
    idempotency::once,
    input::{self, Input},
    multipart::{self, Form, is_form},
    openapi::{Doc, Parameter},
    problem::{Code, Problem},
};

mod archive;
mod pack;
mod spool;

const EXPORT: &str = "/api/assistants/{id}/_export";
const IMPORT: &str = "/api/assistants/_import";

const ARCHIVE: &str = "application/zip";
const PARTS: &[&str] = &["file"];

/// Most bytes of an archive beside the files in it.
const OVERHEAD: u64 = 16 * 1024 * 1024;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, EXPORT, export_assistant, |doc: Doc| {
            doc.op("transfer", "exportAssistant", "Export an assistant or draft")
                .about("A zip with the content as `assistant.json`, the files and the icon. Write-only values are in it by name only; access, versions and comments are not. The same state gives the same bytes. Needs edit access.")
                .bytes("The export.", &[ARCHIVE])
                .needs_seat()
        }),
        Endpoint::new(Method::POST, IMPORT, import_assistant, |doc: Doc| {
            doc.op("transfer", "importAssistant", "Import an assistant")
                .about("An export, as a form or bare; its `assistant.json` alone; an assistant as OpenAI's retired Assistants API returned it; or an OpenAI prompt. All of it is done or nothing. What was imported before, under the same `externalId`, is changed instead of made again. Needs the role member or higher, and edit access to what is changed.")
                .query("rename", "Whether to choose another name where the name is taken.", Parameter::flag())
                .body("AssistantImport")
                .file_body(PARTS)
                .bytes_body(ARCHIVE)
                .json(200, "The assistant was imported before; it is changed.", "AssistantImported")
                .created("The new assistant.", "AssistantImported")
                .codes(&[Code::LimitReached,
                    Code::InvalidFile,
                    Code::UnsupportedFile,
                    Code::NameTaken,
                    Code::ImportedElsewhere,
                    Code::ConcurrentChange,
                    Code::ApiDisabled,
                ])
                .needs_seat()
        }),
    ]
}

/// What an import made or changed.
#[derive(Serialize)]
struct ImportedView<'a> {
    assistant: &'a AssistantView,
    created: bool,
    report: &'a Report,
}

async fn export_assistant(AnyKind(call): AnyKind) -> Answer {
    let export = transfer::export_assistant(call.deps(), &call.caller, call.path("id")).await?;
    let tag = [export.document.as_slice(), env!("CARGO_PKG_VERSION").as_bytes()].concat();
    let tag: String = Digest::of(&tag).to_string().chars().take(32).collect();
    if let Some(answer) = etag::not_modified(&call.request, &tag)? {
        return Ok(answer);
    }
    let disposition = format!("attachment; filename=\"{}.zip\"", export.name);
    Ok(HttpResponse::Ok()
        .insert_header((header::ETAG, etag::quoted(&tag)))
        .insert_header((header::CONTENT_DISPOSITION, disposition))
        // Compressed again, it would not be smaller, and other bytes than its tag says.
        .insert_header((header::CONTENT_ENCODING, ContentEncoding::Identity))
        .content_type(ARCHIVE)
        .streaming(pack::packed(export, call.state.clone())))
}

/// What came to be imported.
enum Arrived {
    Document(Value),
    Archive(Spool),
}

async fn import_assistant(Asked { mut call, mut query }: Asked) -> Answer {
    let rename = query.flag("rename").unwrap_or(false);
    query.finish()?;
    transfer::authorize_import(&call.caller)?;
    let (arrived, text) = arrive(&mut call).await?;
    let told = Input { text: format!("{rename} {text}"), value: Value::Null };
    once(call, told, async move |call: Call, _| carry_out(&call, arrived, rename).await).await
}

/// Reads the body, and what tells it from others.
async fn arrive(call: &mut Call) -> Result<(Arrived, String), Problem> {
    let is_json = is_of_kind(call, "application/json");
    if is_json {
        let most = usize::try_from(MAX_DOCUMENT_BYTES).unwrap_or(usize::MAX);
        let input = call.input(most).await?;
        return Ok((Arrived::Document(input.value), input.text));
    }
    let payload = call.take_payload();
    let max = call.state.options.max_file_bytes.saturating_add(OVERHEAD);
    let mut spool = Spool::new(max).map_err(|error| Problem::internal(&error))?;
    if is_form(call.request.headers()) {
        let form = Form { file: PARTS, texts: &[], max };
        multipart::one_file(&call.request, payload, form, &mut spool).await?;
    } else if is_of_kind(call, ARCHIVE) || is_of_kind(call, "application/x-zip-compressed") {
        refuse_longer(&call.request, max)?;
        let mut body = Body::new(payload);
        while let Some(piece) = body.next().await? {
            multipart::Sink::write(&mut spool, piece).await?;
        }
    } else {
        let detail = "the body must be application/zip, application/json or multipart/form-data";
        let problem = Problem::new(Code::UnsupportedMediaType).detail(detail);
        let taken = "application/zip, application/json, multipart/form-data";
        return Err(problem.header(header::ACCEPT, taken));
    }
    let digest = spool.finish().await?;
    match spool.document(MAX_DOCUMENT_BYTES).await? {
        Some(bytes) => Ok((Arrived::Document(input::parse(&bytes)?.value), digest)),
        None => Ok((Arrived::Archive(spool), digest)),
    }
}

fn is_of_kind(call: &Call, kind: &str) -> bool {
    let sent = call.request.headers().get(header::CONTENT_TYPE);
    let sent = sent.and_then(|sent| sent.to_str().ok()).unwrap_or_default();
    sent.split(';').next().is_some_and(|sent| sent.trim().eq_ignore_ascii_case(kind))
}

async fn carry_out(call: &Call, arrived: Arrived, rename: bool) -> Answer {
    let (deps, caller) = (call.deps(), &call.caller);
    let import = match arrived {
        Arrived::Document(document) => {
            transfer::begin_import(deps, caller, document, Carrier::Document).await?
        }
        Arrived::Archive(spool) => unpack(call, spool).await?,
    };
    let vault = &*call.state.services.vault;
    let done = transfer::finish_import(deps, vault, caller, import, rename).await?;
    let Imported { assistant, created, report } = &done;
    let view = ImportedView { assistant, created: *created, report };
    if *created {
        answer::created(&location(assistant), &assistant.etag(), &view)
    } else {
        answer::json(StatusCode::OK, &view)
    }
}

/// Takes in what an archive holds, none of which is believed.
async fn unpack(call: &Call, spool: Spool) -> Result<Import, Problem> {
    let (deps, caller) = (call.deps(), &call.caller);
    let max_file = call.state.options.max_file_bytes;
    let archive = Arc::new(archive::open(spool.into_file(), max_file).await?);
    let document = archive::read(&archive, DOCUMENT, MAX_DOCUMENT_BYTES).await?;
    let document = input::parse(&document)?.value;
    let carrier = Carrier::Archive { max_file };
    let mut import = transfer::begin_import(deps, caller, document, carrier).await?;
    expect_only(&archive, &import)?;
    if let Some((name, size)) = import.icon().map(|(name, size)| (name.to_owned(), size)) {
        let bytes = archive::read(&archive, &name, size).await?;
        import.receive_icon(bytes.into())?;
    }
    let files: Vec<_> = import.files().cloned().collect();
    for file in files {
        let mut intake = Import::begin_file(deps, caller, &file).await?;
        let mut pieces = archive::pour(Arc::clone(&archive), &file.entry, file.blob.size)?;
        while let Some(piece) = pieces.recv().await {
            intake.write(piece?).await?;
        }
        import.receive(&file, intake.finish().await?)?;
    }
    Ok(import)
}

/// Refuses an archive with anything that its document does not name.
fn expect_only(archive: &Archive, import: &Import) -> Result<(), Problem> {
    let icon = import.icon().map(|(name, _)| name);
    let files = import.files().map(|file| file.entry.as_str());
    let named: std::collections::HashSet<&str> = files.chain(icon).chain([DOCUMENT]).collect();
    match archive.names().find(|name| !named.contains(name)) {
        None => Ok(()),
        Some(name) => {
            let name: String = name.chars().take(100).collect();
            Err(archive::broken(format!(
                "the archive holds `{name}`, which {DOCUMENT} does not name"
            )))
        }
    }
}
