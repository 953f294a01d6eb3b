//! Images inside of a file: taken out when somebody first asks for them, and kept
//! with the bytes they came from.

use super::{FileView, view_file};
use crate::{
    Digest, EmbeddedImage, EmbeddingId, Extraction, ExtractionOutcome, Id, OrganizationId,
    ports::{Documents, FoundImage, MediaError},
    usecases::{Caller, Deps, Error, Result, intake::take_in_derived},
};

/// The images inside of a file, in the order of the document; none in a file that
/// is no document.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::Media`] for a document that cannot be read.
pub async fn embedded_images(
    deps: Deps<'_>,
    documents: &dyn Documents,
    caller: &Caller,
    reference: &str,
    file: &str,
) -> Result<Vec<EmbeddedImage>> {
    let file = view_file(deps, caller, reference, file).await?;
    extracted(&deps, documents, &file).await
}

/// One image inside of a file, and the organization that has its bytes.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::Media`].
pub async fn embedded_image(
    deps: Deps<'_>,
    documents: &dyn Documents,
    caller: &Caller,
    reference: &str,
    file: &str,
    id: EmbeddingId,
) -> Result<(OrganizationId, EmbeddedImage)> {
    let file = view_file(deps, caller, reference, file).await?;
    let images = extracted(&deps, documents, &file).await?;
    let image = images.into_iter().find(|image| image.id == id);
    Ok((file.organization, image.ok_or(Error::NotFound("embedded image"))?))
}

async fn extracted(
    deps: &Deps<'_>,
    documents: &dyn Documents,
    file: &FileView,
) -> Result<Vec<EmbeddedImage>> {
    let (tenant, source) = (file.organization, file.entry.blob.digest);
    let known = deps.store.content().extraction(tenant, source).await?;
    let outcome = match known {
        Some(extraction) => extraction.outcome,
        None => extract(deps, documents, file).await?,
    };
    match outcome {
        ExtractionOutcome::Done { images } => Ok(images),
        ExtractionOutcome::Failed { reason } => Err(MediaError::Invalid(reason).into()),
    }
}

/// Takes a document apart, and keeps what comes of it unless it is our fault.
async fn extract(
    deps: &Deps<'_>,
    documents: &dyn Documents,
    file: &FileView,
) -> Result<ExtractionOutcome> {
    let (tenant, blob) = (file.organization, file.entry.blob);
    let reader = deps.blobs.read(tenant, blob.digest, None).await?;
    let found = documents.images(&file.entry.content_type, blob.size, reader).await;
    let outcome = match found {
        Ok(found) => {
            ExtractionOutcome::Done { images: keep(deps, tenant, blob.digest, found).await? }
        }
        Err(MediaError::Unsupported(_)) => {
            return Ok(ExtractionOutcome::Done { images: Vec::new() });
        }
        Err(error @ (MediaError::Invalid(_) | MediaError::TooLarge(_) | MediaError::TooCostly)) => {
            ExtractionOutcome::Failed { reason: error.to_string() }
        }
        Err(error @ MediaError::Unavailable(_)) => return Err(error.into()),
    };
    let extraction = Extraction {
        organization: tenant,
        source: blob.digest,
        outcome,
        created_at: deps.clock.now(),
    };
    let mut work = deps.store.begin(tenant).await?;
    work.blobs().save_extraction(&extraction).await?;
    work.commit().await?;
    Ok(extraction.outcome)
}

async fn keep(
    deps: &Deps<'_>,
    tenant: OrganizationId,
    source: Digest,
    found: Vec<FoundImage>,
) -> Result<Vec<EmbeddedImage>> {
    let mut images = Vec::with_capacity(found.len());
    for (index, image) in found.into_iter().enumerate() {
        let FoundImage { content_type, bytes, width, height, place } = image;
        let id = id_of(source, index);
        let blob = take_in_derived(deps, tenant, bytes).await?;
        let content_type = content_type.to_owned();
        images.push(EmbeddedImage { id, content_type, blob, width, height, place });
    }
    Ok(images)
}

/// The same document gives the same ids, wherever and whenever it is taken apart.
fn id_of(source: Digest, index: usize) -> EmbeddingId {
    let digest = Digest::of(format!("{source}/{index}").as_bytes());
    let mut half = [0; 16];
    half.iter_mut().zip(digest.as_bytes()).for_each(|(to, from)| *to = *from);
    Id::from_uuid(uuid::Builder::from_custom_bytes(half).into_uuid())
}
