//! Images, documents and recordings of a conversation, as the model can take them.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{RunDeps, input::MAX_DATA_BYTES};
use crate::{
    FileId, ProviderKind,
    assistant::content::FileEntry,
    conversation::{Item, MediaSource, Part},
    ports::KnowledgeScope,
    run::{Notice, NoticeAction, route::ModelFacts},
};

/// Most characters of a text file that are told whole.
const MAX_FILE_CHARS: u64 = 100_000;

/// Where media are, and for whom.
pub(super) struct Media<'a> {
    pub(super) run: RunDeps<'a>,
    pub(super) scope: &'a KnowledgeScope,
    pub(super) model: &'a ModelFacts,
    pub(super) kind: ProviderKind,
}

impl Media<'_> {
    /// The items with what the model can take in place of files. What it cannot take
    /// becomes words and a notice.
    pub(super) async fn resolve(&self, items: Vec<Item>, notices: &mut Vec<Notice>) -> Vec<Item> {
        let mut resolved = Vec::with_capacity(items.len());
        for item in items {
            resolved.push(match item {
                Item::Message { role, parts } => {
                    let mut taken = Vec::with_capacity(parts.len());
                    for part in parts {
                        taken.push(self.part(part, notices).await);
                    }
                    Item::Message { role, parts: taken }
                }
                other => other,
            });
        }
        resolved
    }

    async fn part(&self, part: Part, notices: &mut Vec<Notice>) -> Part {
        let (field, taken) = match part {
            Part::Text { .. } | Part::Refusal { .. } => return part,
            Part::Image { source } => ("input.image", self.image(source).await),
            Part::Audio { source } => ("input.audio", self.audio(source).await),
            Part::File { source, name } => ("input.file", self.file(source, name).await),
        };
        taken.unwrap_or_else(|reason| {
            let text = format!("[left out: {reason}]");
            let notice = Notice::new(field, NoticeAction::Dropped, reason);
            if !notices.contains(&notice) {
                notices.push(notice);
            }
            Part::Text { text }
        })
    }

    async fn image(&self, source: MediaSource) -> Result<Part, String> {
        if !self.model.has("vision") {
            return Err(format!("an image, which `{}` does not look at", self.model.key));
        }
        let source = match source {
            MediaSource::File(id) => {
                let file = self.entry(id)?;
                if !file.content_type.starts_with("image/") {
                    return Err(format!("`{}`, which is no image", file.name));
                }
                self.data(file).await?
            }
            MediaSource::Url(_) if self.kind == ProviderKind::Ollama => {
                return Err("an image at an address, which Ollama does not fetch".to_owned());
            }
            other => other,
        };
        Ok(Part::Image { source })
    }

    async fn audio(&self, source: MediaSource) -> Result<Part, String> {
        if !self.model.has("audio") {
            return Err(format!("a recording, which `{}` does not listen to", self.model.key));
        }
        let source = match source {
            MediaSource::File(id) => self.data(self.entry(id)?).await?,
            MediaSource::Url(_) => return Err("a recording at an address".to_owned()),
            data @ MediaSource::Data { .. } => data,
        };
        Ok(Part::Audio { source })
    }

    async fn file(&self, source: MediaSource, name: Option<String>) -> Result<Part, String> {
        let MediaSource::File(id) = source else {
            return self.sent(source, name);
        };
        let file = self.entry(id)?;
        if let Some(text) = self.text_of(file).await? {
            return Ok(Part::Text { text: format!("[file {}]\n{text}", file.name) });
        }
        let data = self.data(file).await?;
        if file.content_type.starts_with("image/") {
            return self.image(data).await;
        }
        self.sent(data, Some(file.name.clone()))
    }

    /// A document as it is, for providers that read documents.
    fn sent(&self, source: MediaSource, name: Option<String>) -> Result<Part, String> {
        match self.kind {
            ProviderKind::Openai | ProviderKind::Anthropic => Ok(Part::File { source, name }),
            _ => {
                let what = name.unwrap_or_else(|| "a document".to_owned());
                Err(format!("{what}, which the provider does not read"))
            }
        }
    }

    async fn text_of(&self, file: &FileEntry) -> Result<Option<String>, String> {
        let read =
            self.run.knowledge.read(self.scope, &file.id.to_string(), 0, MAX_FILE_CHARS).await;
        read.map_err(|error| format!("`{}`: {error}", file.name))
    }

    fn entry(&self, id: FileId) -> Result<&FileEntry, String> {
        let file = self.scope.files.iter().find(|file| file.id == id);
        file.ok_or_else(|| format!("the file `{id}`, which is gone"))
    }

    async fn data(&self, file: &FileEntry) -> Result<MediaSource, String> {
        let too_large = u64::try_from(MAX_DATA_BYTES).is_ok_and(|most| file.blob.size > most);
        if too_large {
            return Err(format!("`{}`, which is larger than {MAX_DATA_BYTES} bytes", file.name));
        }
        let unread = |error: &dyn std::error::Error| {
            tracing::warn!(%error, "a file could not be read for a model");
            format!("`{}`, which could not be read", file.name)
        };
        let blobs = self.run.deps.blobs;
        let organization = self.scope.organization;
        let opened = blobs.read(organization, file.blob.digest, None).await;
        let mut reader = opened.map_err(|error| unread(&error))?;
        let mut bytes = Vec::new();
        while let Some(chunk) = reader.next().await.map_err(|error| unread(&error))? {
            bytes.extend_from_slice(&chunk);
        }
        let base64 = STANDARD.encode(&bytes);
        Ok(MediaSource::Data { content_type: file.content_type.clone(), base64 })
    }
}
