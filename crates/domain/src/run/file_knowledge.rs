//! Searching the files of assistants here, by their words. It reads plain text of any
//! kind; vector stores and other documents are not its.

use std::{fmt, future::poll_fn, sync::Arc, task::Poll};

use async_trait::async_trait;

use super::{
    Citation,
    passages::{Ranking, chunk},
};
use crate::{
    OrganizationId,
    assistant::content::FileEntry,
    ports::{BlobError, BlobStore, KnowledgeIndex, KnowledgeScope, ToolError},
};

/// Most bytes of a file that is searched.
pub const MAX_FILE_BYTES: u64 = 2 * 1024 * 1024;
/// Most bytes of all files that one search reads.
pub const MAX_TOTAL_BYTES: u64 = 20 * 1024 * 1024;
/// Most files that one search reads.
pub const MAX_FILES: usize = 200;

/// What citations of files say they are.
const KIND: &str = "file";

/// Whether the file is text that can be searched and read here.
#[must_use]
pub fn is_readable(file: &FileEntry) -> bool {
    let kind = file.content_type.split(';').next().unwrap_or_default().trim();
    let is_text = kind.starts_with("text/")
        || matches!(
            kind,
            "application/json"
                | "application/x-ndjson"
                | "application/yaml"
                | "application/x-yaml"
                | "application/toml"
                | "application/xml"
                | "application/markdown"
                | "application/csv"
        );
    is_text && file.blob.size <= MAX_FILE_BYTES
}

/// A [`KnowledgeIndex`] over the bytes of files, without anything prepared.
pub struct FileKnowledge {
    blobs: Arc<dyn BlobStore>,
}

impl fmt::Debug for FileKnowledge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileKnowledge").finish_non_exhaustive()
    }
}

impl FileKnowledge {
    /// Reads files from `blobs`.
    #[must_use]
    pub fn new(blobs: Arc<dyn BlobStore>) -> Self {
        Self { blobs }
    }

    /// The text of a file; `None` when its bytes are gone.
    async fn text(
        &self,
        organization: OrganizationId,
        file: &FileEntry,
    ) -> Result<Option<String>, ToolError> {
        let opened = self.blobs.read(organization, file.blob.digest, None).await;
        let mut reader = match opened {
            Ok(reader) => reader,
            Err(BlobError::NotFound) => return Ok(None),
            Err(error) => return Err(unreachable(&error)),
        };
        let mut bytes = Vec::new();
        while let Some(chunk) = reader.next().await.map_err(|error| unreachable(&error))? {
            bytes.extend_from_slice(&chunk);
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Some(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)))
    }
}

fn unreachable(error: &BlobError) -> ToolError {
    ToolError::Unreachable(format!("the files cannot be read now: {error}"))
}

/// Lets others have the thread: looking through a large file takes it for a while.
async fn breathe() {
    let mut is_over = false;
    poll_fn(|context| {
        if std::mem::replace(&mut is_over, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[async_trait]
impl KnowledgeIndex for FileKnowledge {
    fn searches_vector_stores(&self) -> bool {
        false
    }

    async fn search(
        &self,
        scope: &KnowledgeScope,
        query: &str,
        limit: u32,
    ) -> Result<Vec<Citation>, ToolError> {
        let mut ranking = Ranking::new(query);
        let mut room = MAX_TOTAL_BYTES;
        for file in scope.files.iter().filter(|file| is_readable(file)).take(MAX_FILES) {
            let Some(left) = room.checked_sub(file.blob.size) else { break };
            room = left;
            if let Some(text) = self.text(scope.organization, file).await? {
                ranking.add(chunk(&text, &file.name, KIND, Some(&file.id.to_string())));
                breathe().await;
            }
        }
        Ok(ranking.finish(usize::try_from(limit).unwrap_or(usize::MAX)))
    }

    async fn read(
        &self,
        scope: &KnowledgeScope,
        file: &str,
        from: u64,
        max_chars: u64,
    ) -> Result<Option<String>, ToolError> {
        let file = file.trim();
        let by_id = scope.files.iter().find(|entry| entry.id.to_string() == file);
        let by_name = || {
            let called = |entry: &&FileEntry| entry.name.to_lowercase() == file.to_lowercase();
            scope.files.iter().find(called)
        };
        let Some(entry) = by_id.or_else(by_name).filter(|entry| is_readable(entry)) else {
            return Ok(None);
        };
        let text = self.text(scope.organization, entry).await?;
        let count = |number| usize::try_from(number).unwrap_or(usize::MAX);
        Ok(text.map(|text| text.chars().skip(count(from)).take(count(max_chars)).collect()))
    }
}
