//! Files of an assistant: a manifest in its content, bytes in the blob store.

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::json;

use super::{
    Caller, Deps, Error, Precondition, Result,
    change::Change,
    intake::{ByteLimit, Intake, Received},
    names::{check_description, check_name, clean_name},
    support::{find, find_to_write, fresh},
    uploads,
};
use crate::{
    AssistantId, Blob, Content, Digest, FileId, OrganizationId, UploadId,
    access::Level,
    assistant::{content::FileEntry, view::AssistantView},
};

mod embedded;

pub use embedded::{embedded_image, embedded_images};

/// Most files of one assistant (assistant.md, 'limits').
pub const MAX_FILES: usize = 1_000;

/// A file of an assistant, as its readers see it.
#[derive(Clone, Debug, PartialEq)]
pub struct FileView {
    /// The assistant or draft.
    pub assistant: AssistantId,
    /// The organization that has the bytes.
    pub organization: OrganizationId,
    /// The file.
    pub entry: FileEntry,
}

impl FileView {
    /// The strong entity tag of what is said about the file, without quotes.
    #[must_use]
    pub fn etag(&self) -> String {
        let text = serde_json::to_vec(&self.entry).unwrap_or_default();
        Digest::of(&text).to_string().chars().take(32).collect()
    }
}

impl Serialize for FileView {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let FileEntry { id, name, description, content_type, blob, .. } = &self.entry;
        let own = format!("/api/assistants/{}/files/{id}", self.assistant);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", id)?;
        map.serialize_entry("assistantId", &self.assistant)?;
        map.serialize_entry("name", name)?;
        map.serialize_entry("description", description)?;
        map.serialize_entry("contentType", content_type)?;
        map.serialize_entry("size", &blob.size)?;
        map.serialize_entry("sha256", &blob.digest)?;
        map.serialize_entry("createdAt", &self.entry.created_at)?;
        map.serialize_entry("createdBy", &self.entry.created_by)?;
        map.serialize_entry("modifiedAt", &self.entry.modified_at)?;
        let links = json!({
            "self": {"href": own},
            "contents": {"href": format!("{own}/contents")},
            "embeddings": {"href": format!("{own}/embeddings")},
        });
        map.serialize_entry("_links", &links)?;
        map.end()
    }
}

/// What is to be changed of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilePatch {
    /// Another name.
    pub name: Option<String>,
    /// Another description, or none.
    pub description: Option<Option<String>>,
}

/// The files of an assistant, in the order in which they were attached.
///
/// # Errors
///
/// [`Error::NotFound`].
pub async fn list_files(deps: Deps<'_>, caller: &Caller, reference: &str) -> Result<Vec<FileView>> {
    let view = find(&deps, caller, reference).await?;
    let files = view.record.assistant.content.files.iter();
    Ok(files.map(|entry| seen(&view, entry.clone())).collect())
}

/// One file, by its id, or by its name when no other file has that name.
///
/// # Errors
///
/// [`Error::NotFound`].
pub async fn view_file(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    file: &str,
) -> Result<FileView> {
    let view = find(&deps, caller, reference).await?;
    let entry = locate(&view.record.assistant.content, file)?.clone();
    Ok(seen(&view, entry))
}

/// One file, for somebody who is about to change it.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::Forbidden`].
pub async fn view_file_to_write(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    file: &str,
) -> Result<FileView> {
    let view = find_to_write(&deps, caller, reference, Level::Edit).await?;
    let entry = locate(&view.record.assistant.content, file)?.clone();
    Ok(seen(&view, entry))
}

fn seen(view: &AssistantView, entry: FileEntry) -> FileView {
    let assistant = &view.record.assistant;
    FileView { assistant: assistant.id, organization: assistant.organization, entry }
}

fn locate<'a>(content: &'a Content, file: &str) -> Result<&'a FileEntry> {
    content.files.get(place_of(content, file)?).ok_or(Error::NotFound("file"))
}

fn place_of(content: &Content, file: &str) -> Result<usize> {
    let missing = || Error::NotFound("file");
    let files = &content.files;
    if let Ok(id) = file.parse::<FileId>() {
        return files.iter().position(|entry| entry.id == id).ok_or_else(missing);
    }
    let mut named = files.iter().enumerate().filter(|(_, entry)| entry.name == file);
    match (named.next(), named.next()) {
        (Some((place, _)), None) => Ok(place),
        _ => Err(missing()),
    }
}

/// Begins to take in a file of at most `max` bytes for an assistant that the
/// caller may edit; nothing is read from those who may not.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::Forbidden`], [`Error::TooMany`],
/// [`Error::Blobs`].
pub async fn begin_file<'a>(
    deps: Deps<'a>,
    caller: &Caller,
    reference: &str,
    max: u64,
) -> Result<Intake<'a>> {
    find_to_write(&deps, caller, reference, Level::Edit).await?;
    let limit = ByteLimit { what: "a file", bytes: max };
    Intake::begin(deps, caller.tenant(), limit).await
}

/// Attaches bytes that were taken in.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::Forbidden`], [`Error::TooMany`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn add_file(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    name: Option<String>,
    received: Received,
) -> Result<FileView> {
    let name = clean_name(name.as_deref().unwrap_or_default());
    let found = find_to_write(&deps, caller, reference, Level::Edit).await?;
    let change = Change::begin(&deps, caller, &found).await?;
    let content_type = received.media_type(Some(&name)).to_owned();
    attach(&deps, caller, change, (name, content_type, received.blob)).await
}

/// Attaches an upload of the caller, which is used up.
///
/// # Errors
///
/// [`Error::NotFound`] for the assistant or the upload,
/// [`super::Conflict::UploadIncomplete`], [`Error::Forbidden`],
/// [`Error::TooMany`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn attach_upload(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    upload: UploadId,
    name: Option<String>,
) -> Result<FileView> {
    let found = find_to_write(&deps, caller, reference, Level::Edit).await?;
    let name = name.map(|name| check_name(&name)).transpose()?;
    let upload = uploads::require_whole(&deps, caller, upload).await?;
    let whole = upload.whole.ok_or(Error::NotFound("upload"))?;
    let name = name.or(upload.name).unwrap_or_else(|| clean_name(""));
    let mut change = Change::begin(&deps, caller, &found).await?;
    // First, so that two attachments of one upload wait for each other here.
    uploads::claim(&mut *change.work, upload.id).await?;
    attach(&deps, caller, change, (name, whole.media_type, whole.blob)).await
}

async fn attach(
    deps: &Deps<'_>,
    caller: &Caller,
    change: Change,
    (name, content_type, blob): (String, String, Blob),
) -> Result<FileView> {
    let mut content = change.content().clone();
    if content.files.len() >= MAX_FILES {
        return Err(Error::TooMany { what: "files in an assistant", limit: MAX_FILES });
    }
    let now = deps.clock.now();
    let entry = FileEntry {
        id: fresh(deps),
        name,
        description: None,
        content_type,
        blob,
        created_at: now,
        created_by: caller.actor.user,
        modified_at: now,
    };
    content.files.push(entry.clone());
    let view = Box::pin(change.commit(deps, caller, content)).await?;
    Ok(seen(&view, entry))
}

/// Changes name and description of a file.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::Forbidden`], [`Error::Invalid`],
/// [`Error::PreconditionFailed`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn update_file(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    file: &str,
    patch: FilePatch,
    precondition: Precondition,
) -> Result<FileView> {
    let FilePatch { name, description } = patch;
    let name = name.map(|name| check_name(&name)).transpose()?;
    let description = description.map(check_description).transpose()?;
    edit_file(&deps, caller, reference, file, precondition, |entry| {
        entry.name = name.unwrap_or_else(|| std::mem::take(&mut entry.name));
        entry.description = description.unwrap_or_else(|| entry.description.take());
    })
    .await
}

/// Replaces the bytes of a file.
///
/// # Errors
///
/// As for [`update_file`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn replace_file(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    file: &str,
    received: Received,
    precondition: Precondition,
) -> Result<FileView> {
    edit_file(&deps, caller, reference, file, precondition, |entry| {
        received.media_type(Some(&entry.name)).clone_into(&mut entry.content_type);
        entry.blob = received.blob;
    })
    .await
}

async fn edit_file(
    deps: &Deps<'_>,
    caller: &Caller,
    reference: &str,
    file: &str,
    precondition: Precondition,
    edit: impl FnOnce(&mut FileEntry),
) -> Result<FileView> {
    let found = find_to_write(deps, caller, reference, Level::Edit).await?;
    let change = Change::begin(deps, caller, &found).await?;
    let mut content = change.content().clone();
    let place = place_of(&content, file)?;
    let entry = content.files.get_mut(place).ok_or(Error::NotFound("file"))?;
    precondition.check(&seen(change.view(), entry.clone()).etag())?;
    let before = entry.clone();
    edit(entry);
    if *entry != before {
        entry.modified_at = deps.clock.now();
    }
    let entry = entry.clone();
    let view = Box::pin(change.commit(deps, caller, content)).await?;
    Ok(seen(&view, entry))
}

/// Takes a file off an assistant. Versions that have it keep it.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::Forbidden`], [`Error::PreconditionFailed`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn delete_file(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    file: &str,
    precondition: Precondition,
) -> Result<()> {
    let found = find_to_write(&deps, caller, reference, Level::Edit).await?;
    let change = Change::begin(&deps, caller, &found).await?;
    let mut content = change.content().clone();
    let entry = content.files.remove(place_of(&content, file)?);
    precondition.check(&seen(change.view(), entry).etag())?;
    change.commit(&deps, caller, content).await.map(drop)
}
