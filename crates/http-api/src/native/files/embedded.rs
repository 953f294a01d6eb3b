//! Images inside of files.

use actix_web::http::Method;
use serde::Serialize;
use serde_json::{Value, json};
use understudy_domain::{Digest, EmbeddedImage, EmbeddingId, usecases::files};
use utoipa::ToSchema;

use crate::{
    answer::{self, Answer},
    call::{AnyKind, Call},
    download::{Contents, contents},
    endpoint::Endpoint,
    openapi::Doc,
    problem::Code,
};

const ALL: &str = "/api/assistants/{id}/files/{file}/embeddings";
const IMAGE: &str = "/api/assistants/{id}/files/{file}/embeddings/{embeddingId}/image";

/// An image inside of a file.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EmbeddedImage)]
pub(crate) struct ImageView {
    /// Its identifier, the same wherever the file is.
    #[schema(value_type = String, example = "emb_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    id: EmbeddingId,
    /// What it was encoded as here.
    #[schema(example = "image/png")]
    content_type: String,
    /// How many bytes it has.
    size: u64,
    /// The SHA-256 of them.
    #[schema(value_type = String)]
    sha256: Digest,
    /// Its width in pixels.
    width: u32,
    /// Its height in pixels.
    height: u32,
    /// Where in the document it was.
    #[schema(example = "page 3")]
    place: String,
    /// Where it is.
    #[serde(rename = "_links")]
    #[schema(value_type = Object)]
    links: Value,
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, ALL, list_images, |doc: Doc| {
            doc.op("files", "listEmbeddedImages", "List the images inside of a file")
                .about("In the order of the document: PDF, DOCX, PPTX, XLSX or EPUB; other files have none. They are taken out when somebody first asks. Needs view access.")
                .json(200, "The images.", "EmbeddedImageList")
                .codes(&[Code::InvalidFile, Code::UnsupportedFile, Code::BodyTooLarge])
                .needs_seat()
        }),
        Endpoint::new(Method::GET, IMAGE, show_image, |doc: Doc| {
            doc.op("files", "getEmbeddedImage", "Show an image from inside of a file")
                .about("Encoded anew here, so that nothing else is in it. Needs view access.")
                .range()
                .contents(200, "All of it.")
                .contents(206, "The bytes that `Range` asks for.")
                .empty(307, "The bytes are at `Location` for a minute, without credentials.")
                .codes(&[
                    Code::InvalidFile,
                    Code::UnsupportedFile,
                    Code::BodyTooLarge,
                    Code::RangeNotSatisfiable,
                ])
                .needs_seat()
        }),
    ]
}

async fn list_images(call: Call) -> Answer {
    let file = call.segment("file", "file")?;
    let (documents, reference) = (&*call.state.services.documents, call.path("id"));
    let images =
        files::embedded_images(call.deps(), documents, &call.caller, reference, &file).await?;
    // Told by the file's id, whatever it was called in the request.
    let file = files::view_file(call.deps(), &call.caller, reference, &file).await?;
    let own = format!("/api/assistants/{}/files/{}/embeddings", file.assistant, file.entry.id);
    let view = |image: EmbeddedImage| ImageView {
        links: json!({"image": {"href": format!("{own}/{}/image", image.id)}}),
        id: image.id,
        content_type: image.content_type,
        size: image.blob.size,
        sha256: image.blob.digest,
        width: image.width,
        height: image.height,
        place: image.place,
    };
    answer::ok(&images.into_iter().map(view).collect::<Vec<_>>())
}

async fn show_image(AnyKind(call): AnyKind) -> Answer {
    let file = call.segment("file", "file")?;
    let id: EmbeddingId = call.id("embeddingId", "embedded image")?;
    let (documents, reference) = (&*call.state.services.documents, call.path("id"));
    let (deps, caller) = (call.deps(), &call.caller);
    let (organization, image) =
        files::embedded_image(deps, documents, caller, reference, &file, id).await?;
    let all =
        Contents { organization, blob: image.blob, media_type: &image.content_type, save_as: None };
    contents(&call.request, &call.state, all).await
}
