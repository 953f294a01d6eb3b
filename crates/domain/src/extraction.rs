//! What was found inside of a document.

use serde::{Deserialize, Serialize};

use crate::{Blob, Digest, EmbeddingId, OrganizationId, Timestamp};

/// What extraction made of a document. It belongs to the document's bytes: files
/// with the same bytes share it, and it goes when they go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extraction {
    /// The organization it belongs to.
    pub organization: OrganizationId,
    /// The document.
    pub source: Digest,
    /// What came of it.
    pub outcome: ExtractionOutcome,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What came of an extraction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "camelCase")]
pub enum ExtractionOutcome {
    /// It was read.
    Done {
        /// The images in it, in the order of the document.
        images: Vec<EmbeddedImage>,
    },
    /// It cannot be read; trying again will not help.
    Failed {
        /// Why, for people.
        reason: String,
    },
}

/// An image inside of a document, encoded anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EmbeddedImage {
    /// Its identifier, made of document and place.
    pub id: EmbeddingId,
    /// `image/png` or `image/jpeg`.
    pub content_type: String,
    /// Its bytes.
    #[serde(flatten)]
    pub blob: Blob,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Where it was, for example `page 3` or `word/media/image1.png`.
    pub place: String,
}

impl Extraction {
    /// Every blob that it names, its source not among them.
    pub fn blobs(&self) -> impl Iterator<Item = Blob> + '_ {
        let images = match &self.outcome {
            ExtractionOutcome::Done { images } => images.as_slice(),
            ExtractionOutcome::Failed { .. } => &[],
        };
        images.iter().map(|image| image.blob)
    }
}
