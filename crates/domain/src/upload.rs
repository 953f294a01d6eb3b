//! Uploads: bytes that were sent, or are being sent, and belong to nothing yet.

use crate::{Blob, OrganizationId, Timestamp, UploadId, UserId, assistant::content::words};

words!(
    /// What its sender says that an upload is for. Nothing depends on it.
    #[derive(Default)]
    UploadPurpose {
        /// Whatever they like.
        #[default]
        UserData = "user_data",
        /// Files of assistants.
        Assistants = "assistants",
        /// Pictures to look at.
        Vision = "vision",
    }
);

/// An upload of one user. It is used up when it is attached, and gone when it
/// expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Its identifier, 128 random bits.
    pub id: UploadId,
    /// The organization it belongs to.
    pub organization: OrganizationId,
    /// Who made it; nobody else reaches it.
    pub user: UserId,
    /// The name that came with it, cleaned for display.
    pub name: Option<String>,
    /// The media type that its sender claims; a hint.
    pub declared_type: Option<String>,
    /// How many bytes it will have; `None` while its sender does not know.
    pub length: Option<u64>,
    /// What arrived so far, in order. Empty once it is whole.
    pub parts: Vec<Blob>,
    /// Its bytes, once it is whole, with their media type.
    pub whole: Option<WholeUpload>,
    /// `Upload-Metadata` as it came (tus 1.0.0), to be told again.
    pub metadata: String,
    /// What it is for.
    pub purpose: UploadPurpose,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When it will be swept out.
    pub expires_at: Timestamp,
}

/// What a finished upload is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WholeUpload {
    /// Its bytes.
    pub blob: Blob,
    /// Its media type, as its bytes tell it.
    pub media_type: String,
}

impl Upload {
    /// How many bytes arrived.
    #[must_use]
    pub fn received(&self) -> u64 {
        match &self.whole {
            Some(whole) => whole.blob.size,
            None => self.parts.iter().map(|part| part.size).sum(),
        }
    }

    /// Every blob that it names.
    pub fn blobs(&self) -> impl Iterator<Item = Blob> + '_ {
        self.parts.iter().copied().chain(self.whole.iter().map(|whole| whole.blob))
    }
}
