//! Makes or changes an assistant of what was exported, here or elsewhere: all of it
//! or nothing.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use serde_json::{Map, Value};

use super::{
    export::{icon_entry, secret_name},
    package::{Carrier, Package, PackedFile, PackedIcon, PackedReference},
    report::Report,
};
use crate::{
    Assistant, AssistantId, Blob, Content, Fault, Policy,
    access::Level,
    assistant::{
        AssistantRef,
        content::{FileEntry, McpServer, Reference, ReferenceType},
        edit::{self, Base, Edit, WriteMode},
        view::AssistantView,
    },
    ports::{StoreError, Vault},
    sealed::MASK,
    usecases::{
        Caller, Conflict, Deps, Error, Result,
        assistants::{add_assistant, blank, owned, require_creation},
        change::Change,
        icons::IconInput,
        intake::{ByteLimit, Intake, Received},
        references::target,
        support::{check_content, free_slug, fresh, judge, seal},
    },
};

/// Most tries to find a name that is free.
const MOST_NAMES: u32 = 100;

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

/// Carries an import out. `rename` gives it another name where its own is taken.
///
/// # Errors
///
/// [`Error::Invalid`], [`Error::Media`] for the icon, [`Conflict::Taken`],
/// [`Conflict::Concurrent`], [`Error::Forbidden`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn finish_import(
    deps: Deps<'_>,
    vault: &dyn Vault,
    caller: &Caller,
    import: Import,
    rename: bool,
) -> Result<Imported> {
    if import.files().any(|file| !import.received.contains_key(&file.blob)) {
        return Err(other_bytes("/files"));
    }
    let packed = matches!(import.carrier, Carrier::Archive { .. });
    if packed && import.package.icon.is_some() && import.icon.is_none() {
        return Err(other_bytes("/icon"));
    }
    let mut number = 1;
    loop {
        let done = Box::pin(attempt(&deps, vault, caller, &import, number)).await;
        match done {
            Err(Error::Conflict(Conflict::Taken { what: "name" }))
                if rename && number < MOST_NAMES =>
            {
                number += 1;
            }
            done => return done,
        }
    }
}

async fn attempt(
    deps: &Deps<'_>,
    vault: &dyn Vault,
    caller: &Caller,
    import: &Import,
    number: u32,
) -> Result<Imported> {
    let mut report = import.package.report.clone();
    report.external_id.clone_from(&import.package.external);
    let base = import.base(deps, caller).await?;
    let mut input = import.input(&base.content, &mut report);
    if let Some(Value::String(name)) = input.get_mut("name").filter(|_| number > 1) {
        let other = numbered(name, number);
        report.map(std::mem::replace(name, other.clone()), other);
    }
    report.icon = import.icon.is_some();
    let mut input = Value::Object(input);
    let icon = IconInput::take(deps, caller.tenant(), &base.content, &mut input).await?;
    let ready = Ready { import, input, icon, report };
    match &import.found {
        Some(found) => Box::pin(ready.update(deps, vault, caller, found)).await,
        None => Box::pin(ready.create(deps, vault, caller, base)).await,
    }
}

/// An import whose bytes are all stored.
struct Ready<'a> {
    import: &'a Import,
    input: Value,
    icon: IconInput,
    report: Report,
}

impl Ready<'_> {
    /// The content that it makes of `base`.
    async fn edit(&mut self, deps: &Deps<'_>, caller: &Caller, base: &Base) -> Result<Edit> {
        let input = std::mem::take(&mut self.input);
        let edit = edit::apply(base, input, WriteMode::Replace, &mut || fresh(deps));
        let mut edit = self.icon.join(edit).map_err(|error| match error {
            Error::Invalid(faults) => self.import.invalid(faults),
            error => error,
        })?;
        edit.content.files = self.import.entries(deps, caller, &base.content, &mut self.report);
        edit.content.references =
            self.import.references(deps, caller, &edit.content, &mut self.report).await?;
        Ok(edit)
    }

    async fn create(
        mut self,
        deps: &Deps<'_>,
        vault: &dyn Vault,
        caller: &Caller,
        base: Base,
    ) -> Result<Imported> {
        let Edit { mut content, sealed, .. } = self.edit(deps, caller, &base).await?;
        self.icon.put(&mut content);
        let content = check_content(content).map_err(|faults| self.import.invalid(faults))?;
        let mut work = deps.store.begin(caller.tenant()).await?;
        if let Some(external) = &self.import.package.external
            && work.imports().find(external).await? != self.import.noted
        {
            return Err(Conflict::Concurrent.into());
        }
        let slug = free_slug(deps, &mut *work, &content.name).await?;
        let assistant = Assistant { slug: Some(slug), content, ..blank(deps, caller) };
        add_assistant(deps, caller, &mut *work, &assistant, "assistant.imported").await?;
        let place = (assistant.organization, assistant.id);
        seal(deps, vault, &mut *work, place, sealed).await?;
        if let Some(external) = &self.import.package.external {
            work.imports().save(external, assistant.id).await?;
        }
        work.commit().await?;
        Ok(Imported { assistant: owned(assistant), created: true, report: self.report })
    }

    async fn update(
        mut self,
        deps: &Deps<'_>,
        vault: &dyn Vault,
        caller: &Caller,
        found: &AssistantView,
    ) -> Result<Imported> {
        // Outside of the transaction, since it asks the store whether targets are here.
        let seen = base_of(&found.record.assistant);
        let Edit { mut content, sealed, .. } = self.edit(deps, caller, &seen).await?;
        self.icon.put(&mut content);
        let content = check_content(content).map_err(|faults| self.import.invalid(faults))?;
        let mut change = Change::begin(deps, caller, found).await?;
        if change.view().record.assistant.revision != found.record.assistant.revision {
            return Err(StoreError::Conflict.into());
        }
        let place = (caller.tenant(), found.record.assistant.id);
        seal(deps, vault, &mut *change.work, place, sealed).await?;
        if let Some(external) = &self.import.package.external {
            change.work.imports().save(external, found.record.assistant.id).await?;
        }
        let assistant = Box::pin(change.commit(deps, caller, content)).await?;
        Ok(Imported { assistant, created: false, report: self.report })
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

/// `name (2)`, cut so that it can be kept.
fn numbered(name: &str, number: u32) -> String {
    const MAX_CHARS: usize = 255;
    let suffix = format!(" ({number})");
    let kept: String = name.chars().take(MAX_CHARS - suffix.len()).collect();
    format!("{}{suffix}", kept.trim_end())
}

/// Leaves identifiers out that name nothing here; those that the assistant has
/// already may stay.
fn drop_unknown(input: &mut Map<String, Value>, base: &Content, prefix: &str, report: &mut Report) {
    const GONE: &str = "there is none here";
    let mut filter = |at: String, value: &mut Value, known: &[String]| {
        let Value::Array(items) = value else { return };
        let mut index = 0;
        items.retain(|item| {
            let stays = item.as_str().is_none_or(|id| known.iter().any(|known| known == id));
            if !stays {
                report.drop(format!("{at}/{index}"), GONE);
            }
            index += 1;
            stays
        });
    };
    if let Some(rules) = input.get_mut("rule_ids") {
        filter(format!("{prefix}/rule_ids"), rules, &base.rule_ids);
    }
    if let Some(stores) = input.get_mut("vector_store_ids") {
        let known = base.vector_store_ids.as_deref().unwrap_or_default();
        filter(format!("{prefix}/vector_store_ids"), stores, known);
        if stores.as_array().is_some_and(Vec::is_empty) && base.vector_store_ids.is_none() {
            *stores = Value::Null;
        }
    }
    let tools = input.get_mut("tool_configurations");
    if let Some(tools) = tools.and_then(|tools| tools.get_mut("streamlineTools")) {
        let at = format!("{prefix}/tool_configurations/streamlineTools");
        filter(at, tools, &base.tool_configurations.streamline_tools);
    }
    if let Some(thread) = input.get_mut("instructions_thread_id")
        && !thread.is_null()
        && thread.as_str() != base.instructions_thread_id.as_deref()
    {
        *thread = Value::Null;
        report.drop(format!("{prefix}/instructions_thread_id"), GONE);
    }
}

/// Puts write-only values where they belong: those that somebody gave, and the mask
/// for those that are stored; the others are told.
fn fill_in(
    input: &mut Map<String, Value>,
    base: &Content,
    given: &BTreeMap<String, Option<String>>,
    report: &mut Report,
) {
    let servers = input
        .get_mut("tool_configurations")
        .and_then(|tools| tools.get_mut("mcpTools"))
        .and_then(Value::as_array_mut);
    for server in servers.into_iter().flatten().filter_map(Value::as_object_mut) {
        let text = |name: &str| server.get(name).and_then(Value::as_str);
        let Some(label) = text("serverLabel").map(str::to_owned) else { continue };
        let stored = base.tool_configurations.mcp_tools.iter().find(|known| {
            known.server_label == label
                && known.server_url.as_deref() == text("serverUrl")
                && known.connector_id.as_deref() == text("connectorId")
        });
        let mut value_of = |name: String, is_stored: bool| match given.get(&name) {
            Some(Some(value)) => Some(Value::from(value.as_str())),
            _ if is_stored => Some(MASK.into()),
            _ => {
                report.secrets.push(name);
                None
            }
        };
        let name = secret_name(&label, None);
        if server.get("authorization").is_none_or(Value::is_null) && given.contains_key(&name) {
            let is_stored = stored.is_some_and(|known| known.authorization.is_some());
            if let Some(value) = value_of(name, is_stored) {
                server.insert("authorization".to_owned(), value);
            }
        }
        let Some(Value::Object(headers)) = server.get_mut("headers") else { continue };
        headers.retain(|header, value| {
            if !value.is_null() {
                return true;
            }
            let is_stored = stored.is_some_and(|known| has_header(known, header));
            match value_of(secret_name(&label, Some(header)), is_stored) {
                Some(found) => {
                    *value = found;
                    true
                }
                None => false,
            }
        });
    }
}

fn has_header(server: &McpServer, header: &str) -> bool {
    server.headers.as_ref().is_some_and(|headers| headers.contains_key(header))
}
