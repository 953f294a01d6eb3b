//! Documents: which are taken, and the images in them.

mod archive;
mod found;
mod pdf;

use understudy_domain::ports::MediaError;

use self::found::Found;
use crate::protocol::{DocumentFormat, Piece};

/// What a document may weigh.
const MAX_DOCUMENT: u64 = 100 * 1024 * 1024;

/// The format of a document by its media type.
pub(crate) fn format(media_type: &str) -> Result<DocumentFormat, MediaError> {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    Ok(match essence.as_str() {
        "application/pdf" => DocumentFormat::Pdf,
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document" => {
            DocumentFormat::Docx
        }
        "application/vnd.openxmlformats-officedocument.presentationml.presentation" => {
            DocumentFormat::Pptx
        }
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => DocumentFormat::Xlsx,
        "application/epub+zip" => DocumentFormat::Epub,
        _ => {
            return Err(MediaError::Unsupported(
                "images are found in PDF, DOCX, PPTX, XLSX and EPUB documents".to_owned(),
            ));
        }
    })
}

/// Refuses a document that is too large.
pub(crate) fn check_size(size: u64) -> Result<(), MediaError> {
    if size > MAX_DOCUMENT {
        return Err(MediaError::TooLarge("a document has at most 100 MiB".to_owned()));
    }
    Ok(())
}

/// The images in a document, encoded anew, in its order.
pub(crate) fn extract(format: DocumentFormat, document: Vec<u8>) -> Result<Vec<Piece>, MediaError> {
    let mut found = Found::default();
    match format {
        DocumentFormat::Pdf => pdf::extract(&document, &mut found)?,
        DocumentFormat::Docx
        | DocumentFormat::Pptx
        | DocumentFormat::Xlsx
        | DocumentFormat::Epub => {
            archive::extract(format, document, &mut found)?;
        }
    }
    Ok(found.into_pieces())
}
