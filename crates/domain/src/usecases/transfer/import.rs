//! Makes or changes an assistant of what was exported, here or elsewhere: all of it
//! or nothing.

mod abilities;
mod adapt;
mod finish;

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
pub use finish::finish_import;
use serde_json::{Map, Value};

use self::adapt::{drop_unknown, fill_in};
use super::{
    export::icon_entry,
    package::{Carrier, Package, PackedFile, PackedIcon, PackedReference},
    report::Report,
};
use crate::{
    Assistant, AssistantId, Blob, Content, Fault, Policy,
    access::Level,
    assistant::{
        AssistantRef,
        content::{FileEntry, Reference, ReferenceType},
        edit::{self, Base, WriteMode},
        view::AssistantView,
    },
    usecases::{
        Caller, Conflict, Deps, Error, Result,
        assistants::require_creation,
        intake::{ByteLimit, Intake, Received},
        references::target,
        support::{fresh, judge},
    },
};

/// An import that was understood and may be carried out, once its bytes are there.
pub struct Import {
    package: Package,
    carrier: Carrier,
    /// What it changes; `None` when it makes a new one.
    found: Option<AssistantView>,
    /// What was noted of the identifier.
    noted: Option<AssistantId>,
    received: BTreeMap<Blob, Received>,
    icon: Option<Bytes>,
}

/// What an import made or changed.
#[derive(Debug)]
pub struct Imported {
    /// The assistant.
    pub assistant: AssistantView,
    /// Whether it is new.
    pub created: bool,
    /// What became of what came.
    pub report: Report,
}

/// Reads the document of an import and finds what it is to change.
///
/// # Errors
///
/// [`Error::Invalid`] with every fault of the document, [`Error::Forbidden`] for
/// those who may not create, [`Conflict::ImportedElsewhere`].
pub async fn begin_import(
    deps: Deps<'_>,
    caller: &Caller,
    document: Value,
    carrier: Carrier,
) -> Result<Import> {
    require_creation(caller)?;
    let package = Package::read(document, carrier)?;
    let (noted, found) = match &package.external {
        Some(external) => find_target(&deps, caller, external).await?,
        None => (None, None),
    };
    let received = BTreeMap::new();
    let import = Import { package, carrier, found, noted, received, icon: None };
    import.check(&deps, caller).await?;
    Ok(import)
}

/// Whether the caller may import at all; to be asked before anything is read.
///
/// # Errors
///
/// [`Error::Forbidden`], [`Error::SeatRequired`].
pub fn authorize_import(caller: &Caller) -> Result<()> {
    require_creation(caller)
}

async fn find_target(
    deps: &Deps<'_>,
    caller: &Caller,
    external: &str,
) -> Result<(Option<AssistantId>, Option<AssistantView>)> {
    let noted = {
        let mut work = deps.store.begin(caller.tenant()).await?;
        work.imports().find(external).await?
    };
    let Some(id) = noted.or_else(|| external.parse().ok()) else { return Ok((None, None)) };
    let record = deps.store.assistants().find(caller.tenant(), &AssistantRef::Id(id)).await?;
    let here = record.filter(|record| {
        let assistant = &record.assistant;
        let at_home = assistant.organization == caller.tenant();
        at_home && !assistant.is_draft() && assistant.deleted_at.is_none()
    });
    let Some(record) = here else { return Ok((noted, None)) };
    match judge(&caller.actor, record) {
        Ok(view) if view.level >= Level::Edit => Ok((noted, Some(view))),
        // One that was never imported and that they cannot see is as if it were not.
        Err(Error::NotFound(_)) if noted.is_none() => Ok((None, None)),
        Ok(_) | Err(Error::NotFound(_)) => Err(Conflict::ImportedElsewhere.into()),
        Err(error) => Err(error),
    }
}

impl Import {
    /// The files whose bytes must come, each once.
    pub fn files(&self) -> impl Iterator<Item = &PackedFile> {
        let all = self.package.files.iter().flatten();
        let mut seen = std::collections::BTreeSet::new();
        let wanted = matches!(self.carrier, Carrier::Archive { .. });
        all.filter(move |file| wanted && seen.insert(file.blob))
    }

    /// What the icon is called in the archive, and how many bytes it has.
    #[must_use]
    pub fn icon(&self) -> Option<(&str, u64)> {
        self.package.icon.as_ref().map(|icon| (icon.entry.as_str(), icon.blob.size))
    }

    /// Begins to take in the bytes of a file.
    ///
    /// # Errors
    ///
    /// [`Error::Blobs`].
    pub async fn begin_file<'a>(
        deps: Deps<'a>,
        caller: &Caller,
        file: &PackedFile,
    ) -> Result<Intake<'a>> {
        let limit = ByteLimit { what: "a file", bytes: file.blob.size };
        Intake::begin(deps, caller.tenant(), limit).await
    }

    /// Notes that the bytes of a file came.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] when they are not those that the document names.
    pub fn receive(&mut self, file: &PackedFile, received: Received) -> Result<()> {
        if received.blob != file.blob {
            return Err(other_bytes(&file.pointer));
        }
        self.received.insert(file.blob, received);
        Ok(())
    }

    /// Notes that the bytes of the icon came.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] when they are not those that the document names.
    pub fn receive_icon(&mut self, bytes: Bytes) -> Result<()> {
        if self.package.icon.as_ref().is_none_or(|icon| icon.blob != Blob::of(&bytes)) {
            return Err(other_bytes("/icon"));
        }
        self.icon = Some(bytes);
        Ok(())
    }

    /// Everything that is wrong with the fields, before any bytes are taken in.
    async fn check(&self, deps: &Deps<'_>, caller: &Caller) -> Result<()> {
        let base = self.base(deps, caller).await?;
        let mut report = Report::default();
        let input = self.input(&base.content, &mut report);
        let mut ids = || fresh(deps);
        edit::apply(&base, input.into(), WriteMode::Replace, &mut ids)
            .map(drop)
            .map_err(|faults| self.invalid(faults))
    }

    /// What the import starts from.
    async fn base(&self, deps: &Deps<'_>, caller: &Caller) -> Result<Base> {
        if let Some(found) = &self.found {
            return Ok(base_of(&found.record.assistant));
        }
        let organization = deps.store.directory().organization(caller.tenant()).await?;
        let organization = organization.ok_or(Error::NotFound("organization"))?;
        let content = Content {
            default_model_key: organization.settings.default_model_key,
            ..Content::default()
        };
        Ok(Base { content, policy: Policy::default(), slug: None, is_default: false })
    }

    /// The fields as a write would name them: without what cannot be kept.
    fn input(&self, base: &Content, report: &mut Report) -> Map<String, Value> {
        let mut input = self.package.fields.clone();
        let prefix = self.package.places.prefix;
        drop_unknown(&mut input, base, prefix, report);
        fill_in(&mut input, base, &self.package.secrets, report);
        let uploaded = input.get("icon_type").and_then(Value::as_str) == Some("upload");
        if let Some(data) = self.icon_data(base).filter(|_| uploaded) {
            input.insert("icon_data".to_owned(), data.into());
        }
        input
    }

    /// The icon as a write would bring it; that of the base, if it is the same.
    fn icon_data(&self, base: &Content) -> Option<String> {
        let PackedIcon { blob, .. } = self.package.icon.as_ref()?;
        let kept = base.icon_image.as_ref().filter(|image| icon_entry(image).1 == *blob);
        if kept.is_some() {
            return base.icon_data.clone();
        }
        match (&self.icon, self.carrier) {
            (Some(bytes), _) => {
                Some(format!("data:application/octet-stream;base64,{}", BASE64.encode(bytes)))
            }
            (None, Carrier::Archive { .. }) => Some(PLACEHOLDER.to_owned()),
            (None, Carrier::Document) => None,
        }
    }

    /// A refusal, its faults where the document has them.
    fn refused(&self, error: Error) -> Error {
        match error {
            Error::Invalid(faults) => self.invalid(faults),
            error => error,
        }
    }

    fn invalid(&self, faults: Vec<Fault>) -> Error {
        let packed = self.icon.is_some();
        let there = |fault: Fault| match fault.pointer.as_str() {
            "/icon_data" if packed => Fault { pointer: "/icon".to_owned(), ..fault },
            _ => self.package.places.there(fault),
        };
        Error::Invalid(faults.into_iter().map(there).collect())
    }

    /// The files that the assistant will have. Those that it has already stay what
    /// they are.
    fn entries(
        &self,
        deps: &Deps<'_>,
        caller: &Caller,
        base: &Content,
        report: &mut Report,
    ) -> Vec<FileEntry> {
        let Some(files) = &self.package.files else { return base.files.clone() };
        let now = deps.clock.now();
        let mut entries = Vec::with_capacity(files.len());
        for file in files {
            let before = base.files.iter().find(|known| known.id == file.id);
            let there = base.files.iter().find(|known| known.blob == file.blob);
            let (name, description) = (file.name.clone(), file.description.clone());
            let content_type = match (self.received.get(&file.blob), there) {
                (Some(received), _) => received.media_type(Some(&name)).to_owned(),
                (None, Some(known)) => known.content_type.clone(),
                (None, None) => {
                    report.drop(&file.pointer, "its bytes did not come with the document");
                    continue;
                }
            };
            let (created_at, created_by) = before
                .map_or((now, caller.actor.user), |known| (known.created_at, known.created_by));
            let modified_at = before.map_or(now, |known| known.modified_at);
            let entry = FileEntry {
                id: file.id,
                name,
                description,
                content_type,
                blob: file.blob,
                created_at,
                created_by,
                modified_at,
            };
            let changed = before.is_some_and(|known| *known != entry);
            entries.push(if changed { FileEntry { modified_at: now, ..entry } } else { entry });
        }
        report.files = entries.len();
        entries
    }

    /// The references whose targets are here.
    async fn references(
        &self,
        deps: &Deps<'_>,
        caller: &Caller,
        content: &Content,
        report: &mut Report,
    ) -> Result<Vec<Reference>> {
        let Some(packed) = &self.package.references else { return Ok(content.references.clone()) };
        let now = deps.clock.now();
        let mut references: Vec<Reference> = Vec::with_capacity(packed.len());
        for reference in packed {
            let found = self.target(deps, caller, reference, content).await?;
            let target_id = match found {
                Ok(target) => target,
                Err(reason) => {
                    report.drop(&reference.pointer, reason);
                    continue;
                }
            };
            if target_id != reference.target_id {
                report.map(&reference.target_id, &target_id);
            }
            if references.iter().any(|known| known.target_id == target_id) {
                report.drop(&reference.pointer, "there is another reference to that target");
                continue;
            }
            let before = content.references.iter().find(|known| known.target_id == target_id);
            let (created_at, created_by) = before
                .map_or((now, caller.actor.user), |known| (known.created_at, known.created_by));
            references.push(Reference {
                target_id,
                target_type: reference.target_type,
                description: reference.description.clone(),
                created_at,
                created_by,
            });
        }
        Ok(references)
    }

    /// What a reference points to here, or why it points to nothing.
    async fn target(
        &self,
        deps: &Deps<'_>,
        caller: &Caller,
        reference: &PackedReference,
        content: &Content,
    ) -> Result<std::result::Result<String, String>> {
        let PackedReference { target_id, target_type, .. } = reference;
        let is_there = content.references.iter().any(|known| known.target_id == *target_id);
        if matches!(target_type, ReferenceType::Dataset | ReferenceType::VectorStore) && !is_there {
            return Ok(Err("there is none here".to_owned()));
        }
        let mut text = target_id.clone();
        if *target_type == ReferenceType::Assistant {
            let mut work = deps.store.begin(caller.tenant()).await?;
            if let Some(imported) = work.imports().find(target_id).await? {
                text = imported.to_string();
            }
        }
        let own = self.found.as_ref().map(|found| found.record.assistant.id.to_string());
        let own = own.unwrap_or_default();
        match target(deps, caller, (*target_type, &text), (content, &own)).await {
            Ok(target) => Ok(Ok(target)),
            Err(Error::Invalid(faults)) => {
                Ok(Err(faults.into_iter().map(|fault| fault.message).collect()))
            }
            Err(error) => Err(error),
        }
    }
}

fn base_of(assistant: &Assistant) -> Base {
    Base {
        content: assistant.content.clone(),
        policy: assistant.policy.clone(),
        slug: assistant.slug.clone(),
        is_default: assistant.is_default,
    }
}

fn other_bytes(pointer: &str) -> Error {
    Error::invalid(pointer, "digest", "the bytes that came are not those that it names")
}

/// A PNG by its first bytes, in place of one that is not there yet.
const PLACEHOLDER: &str = "iVBORw0KGgo=";
