//! What a content carries besides its settings: files, references and an uploaded
//! icon. They have routes of their own and are no fields of the assistant object;
//! drafts, versions, copies and restores carry them with the rest, by digest.

use serde::{Deserialize, Serialize};

use super::words;
use crate::{Blob, FileId, Timestamp, UserId};

/// A file of an assistant. The bytes are a blob of the organization; drafts and
/// versions that name the same bytes share them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileEntry {
    /// Its identifier, the same in the draft and in every version.
    pub id: FileId,
    /// The name it is shown and downloaded under; never a path.
    pub name: String,
    /// What it is about, at most 1,000 characters.
    #[serde(default)]
    pub description: Option<String>,
    /// Its media type, as its bytes tell it.
    pub content_type: String,
    /// Its bytes.
    #[serde(flatten)]
    pub blob: Blob,
    /// When it was attached.
    pub created_at: Timestamp,
    /// Who attached it.
    pub created_by: UserId,
    /// When its name, description or bytes were last changed.
    pub modified_at: Timestamp,
}

words!(
    /// What a reference points to.
    ReferenceType {
        /// Another assistant.
        Assistant = "assistant",
        /// A dataset.
        Dataset = "dataset",
        /// A file of the assistant.
        File = "file",
        /// A page on the web.
        Url = "url",
        /// A vector store.
        VectorStore = "vector_store",
    }
);

/// A pointer to another document or resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reference {
    /// What it points to: an identifier, or an absolute http(s) URL. Unique in the
    /// assistant.
    pub target_id: String,
    /// What kind of thing that is.
    pub target_type: ReferenceType,
    /// What it is for, at most 1,000 characters.
    #[serde(default)]
    pub description: Option<String>,
    /// When it was added.
    pub created_at: Timestamp,
    /// Who added it.
    pub created_by: UserId,
}

/// An uploaded icon, made safe: re-encoded, without metadata and active content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IconImage {
    /// A PNG of at most 1,024 pixels a side, from which all sizes are rendered.
    pub png: Blob,
    /// The static shapes of an uploaded SVG.
    #[serde(default)]
    pub svg: Option<Blob>,
    /// Width of the PNG in pixels.
    pub width: u32,
    /// Height of the PNG in pixels.
    pub height: u32,
}
