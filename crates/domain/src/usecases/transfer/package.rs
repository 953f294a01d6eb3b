//! The document of an import, understood: what it brings, whatever it is written
//! in. Nothing in it is believed.

mod abilities;

use std::collections::{BTreeMap, BTreeSet};

pub(super) use abilities::{PackedRule, PackedSecret, PackedSkill};
use serde_json::{Map, Value};

use super::{FORMAT, FORMAT_VERSION, ICONS, SECRETS, export::entry_name, openai, report::Report};
use crate::{
    Blob, Digest, Fault, FileId,
    assistant::{
        content::{MANIFEST, ReferenceType},
        document::{self, Part},
    },
    fault::pointer_to,
    usecases::{
        Error, Result,
        files::MAX_FILES,
        icons::MAX_ICON_BYTES,
        names::{check_description, check_name},
        references::MAX_REFERENCES,
    },
};

/// What a document came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// An archive, with the bytes that the document names, each at most so many.
    Archive {
        /// Most bytes of a file.
        max_file: u64,
    },
    /// Alone.
    Document,
}

/// A file that a document names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedFile {
    /// What its bytes are called in the archive.
    pub entry: String,
    /// Which bytes they must be.
    pub blob: Blob,
    pub(super) id: FileId,
    pub(super) name: String,
    pub(super) description: Option<String>,
    /// Where it stands in the document.
    pub(super) pointer: String,
}

/// The icon that a document names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PackedIcon {
    pub(super) entry: String,
    pub(super) blob: Blob,
}

/// A reference that a document names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PackedReference {
    pub(super) target_id: String,
    pub(super) target_type: ReferenceType,
    pub(super) description: Option<String>,
    pub(super) pointer: String,
}

/// What a document brings.
#[derive(Debug, Default)]
pub(super) struct Package {
    /// The identifier where it comes from.
    pub(super) external: Option<String>,
    /// Fields of the content, as a write would name them.
    pub(super) fields: Map<String, Value>,
    /// Write-only values by name, where somebody gave them.
    pub(super) secrets: BTreeMap<String, Option<String>>,
    pub(super) icon: Option<PackedIcon>,
    /// `None` where the document's format has no files.
    pub(super) files: Option<Vec<PackedFile>>,
    pub(super) references: Option<Vec<PackedReference>>,
    pub(super) skills: Option<Vec<PackedSkill>>,
    pub(super) own_secrets: Option<Vec<PackedSecret>>,
    pub(super) rules: Option<Vec<PackedRule>>,
    pub(super) report: Report,
    /// Where the fields stand in the document, by where they stand here.
    pub(super) places: Places,
}

/// Leads from a field here to where it stood in the document.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    /// What stands before the name of every field.
    pub(super) prefix: &'static str,
    /// Fields with another name, and that name.
    pub(super) renamed: BTreeMap<String, String>,
}

impl Places {
    /// The fault, where the document has it.
    pub(super) fn there(&self, fault: Fault) -> Fault {
        let pointer = match self.renamed.get(fault.field()) {
            Some(pointer) => pointer.clone(),
            // Those stand beside the fields.
            None if MANIFEST.contains(&fault.field()) => fault.pointer.clone(),
            None => format!("{}{}", self.prefix, fault.pointer),
        };
        Fault { pointer, ..fault }
    }
}

impl Package {
    /// Reads a document of any of the known formats.
    pub(super) fn read(document: Value, carrier: Carrier) -> Result<Self> {
        let Value::Object(document) = document else {
            return Err(Error::invalid("", "type", "must be a JSON object"));
        };
        let text = |name: &str| document.get(name).and_then(Value::as_str);
        if document.contains_key("format") {
            return Reader::new(document, carrier).read();
        }
        match (text("object"), text("id")) {
            (Some("assistant"), _) => Ok(openai::assistant(document)),
            (Some("prompt"), _) => Ok(openai::prompt(document)),
            (_, Some(id)) if id.starts_with("pmpt_") => Ok(openai::prompt(document)),
            _ => Err(Error::invalid("", "format", UNKNOWN_FORMAT)),
        }
    }
}

const UNKNOWN_FORMAT: &str = "must be an export of this service (with `format`), an OpenAI \
     assistant (with `\"object\": \"assistant\"`) or an OpenAI prompt (with an `id` that begins \
     with `pmpt_`)";

/// Reads our own format, collecting all that is wrong with it.
struct Reader {
    document: Map<String, Value>,
    carrier: Carrier,
    faults: Vec<Fault>,
    report: Report,
}

impl Reader {
    const fn new(document: Map<String, Value>, carrier: Carrier) -> Self {
        let report = Report {
            external_id: None,
            files: 0,
            icon: false,
            secrets: Vec::new(),
            dropped: Vec::new(),
            mapped: Vec::new(),
            warnings: Vec::new(),
        };
        Self { document, carrier, faults: Vec::new(), report }
    }

    fn fault(&mut self, at: impl Into<String>, code: &'static str, message: impl Into<String>) {
        self.faults.push(Fault::new(at, code, message));
    }

    fn read(mut self) -> Result<Package> {
        self.version()?;
        let external = self.external();
        let fields = self.fields();
        let has_abilities = self.document.contains_key("skills");
        let (secrets, own_secrets) = self.secrets(has_abilities);
        let icon = self.icon();
        let files = self.files();
        let references = self.references();
        let skills = has_abilities.then(|| self.skills(&own_secrets));
        let rules = self.document.contains_key("rules").then(|| self.rules());
        for name in std::mem::take(&mut self.document).into_iter().map(|(name, _)| name) {
            self.report.drop(pointer_to("", &name), "is not known here");
        }
        if !self.faults.is_empty() {
            self.faults.truncate(document::MAX_FAULTS);
            return Err(Error::Invalid(self.faults));
        }
        let places = Places { prefix: "/assistant", renamed: BTreeMap::new() };
        let (files, references) = (Some(files), Some(references));
        let own_secrets = has_abilities.then_some(own_secrets);
        Ok(Package {
            external,
            fields,
            secrets,
            icon,
            files,
            references,
            skills,
            own_secrets,
            rules,
            report: self.report,
            places,
        })
    }

    fn version(&mut self) -> Result<()> {
        let format = self.document.remove("format");
        let version = self.document.remove("formatVersion");
        if format != Some(FORMAT.into()) {
            return Err(Error::invalid("/format", "format", UNKNOWN_FORMAT));
        }
        if version != Some(FORMAT_VERSION.into()) {
            let message = format!("must be {FORMAT_VERSION}; this service reads no other version");
            return Err(Error::invalid("/formatVersion", "version", message));
        }
        Ok(())
    }

    fn external(&mut self) -> Option<String> {
        const MAX_CHARS: usize = 200;
        match self.document.remove("externalId") {
            None | Some(Value::Null) => None,
            Some(Value::String(text))
                if !text.is_empty()
                    && text.chars().count() <= MAX_CHARS
                    && !text.chars().any(char::is_control) =>
            {
                Some(text)
            }
            Some(_) => {
                self.fault("/externalId", "type", "must be a text of 1 to 200 characters");
                None
            }
        }
    }

    /// The fields of the content; others of the object are left out.
    fn fields(&mut self) -> Map<String, Value> {
        let Some(Value::Object(mut fields)) = self.document.remove("assistant") else {
            self.fault("/assistant", "required", "must be an object with the fields");
            return Map::new();
        };
        let mut faults = Vec::new();
        document::canonicalize(&mut fields, &mut faults);
        self.faults.extend(
            faults
                .into_iter()
                .map(|fault| Fault { pointer: format!("/assistant{}", fault.pointer), ..fault }),
        );
        let mut left_out = Vec::new();
        fields.retain(|name, _| match document::part_of(name) {
            Some(Part::Policy | Part::Identity) => {
                left_out.push(name.clone());
                false
            }
            Some(Part::ReadOnly) => false,
            Some(Part::Content | Part::Alias) | None => true,
        });
        for name in left_out {
            let reason = "access, slug and default are not part of an import";
            self.report.drop(pointer_to("/assistant", &name), reason);
        }
        fields
    }

    /// Write-only values of the fields by name, and the secrets of the assistant,
    /// where the document is of a kind that has them.
    fn secrets(&mut self, has_own: bool) -> (BTreeMap<String, Option<String>>, Vec<PackedSecret>) {
        let mut secrets = BTreeMap::new();
        let mut own = Vec::new();
        for (at, item) in self.list("secrets", usize::MAX) {
            let name = item.get("name").and_then(Value::as_str);
            let value = match item.get("value") {
                None | Some(Value::Null) => Some(None),
                Some(Value::String(value)) => Some(Some(value.clone())),
                Some(_) => None,
            };
            match (name, value) {
                (Some(name), Some(_)) if has_own && name.starts_with(SECRETS) => {
                    let name = name.strip_prefix(SECRETS).unwrap_or(name);
                    if let Some(secret) = self.secret(&at, name, &item) {
                        own.push((at, secret));
                    }
                }
                (Some(name), Some(value)) => {
                    secrets.insert(name.to_owned(), value);
                }
                _ => self.fault(
                    at,
                    "type",
                    "must have a `name`, and a `value` that is null or a text",
                ),
            }
        }
        self.check_secrets(&own);
        (secrets, own.into_iter().map(|(_, secret)| secret).collect())
    }

    fn icon(&mut self) -> Option<PackedIcon> {
        let icon = self.document.remove("icon").filter(|icon| !icon.is_null())?;
        let icon = icon.as_object().cloned().unwrap_or_default();
        let entry = icon.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let blob = self.blob("/icon", &icon, MAX_ICON_BYTES)?;
        if ICONS.contains(&entry.as_str()) {
            return Some(PackedIcon { entry, blob });
        }
        self.fault("/icon/name", "enum", "must be `icon.png` or `icon.svg`");
        None
    }

    fn files(&mut self) -> Vec<PackedFile> {
        let max = match self.carrier {
            Carrier::Archive { max_file } => max_file,
            Carrier::Document => u64::MAX,
        };
        let mut files = Vec::new();
        let mut ids = BTreeSet::new();
        for (pointer, item) in self.list("files", MAX_FILES) {
            let Some(file) = self.file(&pointer, &item, max) else { continue };
            if !ids.insert(file.id) {
                self.fault(pointer + "/id", "duplicate", "is the id of a file before it");
                continue;
            }
            files.push(file);
        }
        files
    }

    fn file(&mut self, at: &str, item: &Map<String, Value>, max: u64) -> Option<PackedFile> {
        let blob = self.blob(at, item, max);
        let id = item.get("id").and_then(Value::as_str).and_then(|id| id.parse().ok());
        if id.is_none() {
            self.fault(format!("{at}/id"), "id", "must be the id of a file");
        }
        let name = item.get("name").and_then(Value::as_str).unwrap_or_default();
        let name = self.checked(at, check_name(name));
        let description = self.description(at, item);
        let (blob, id, name, description) = (blob?, id?, name?, description?);
        let (entry, pointer) = (entry_name(blob), at.to_owned());
        Some(PackedFile { entry, blob, id, name, description, pointer })
    }

    #[expect(clippy::option_option, reason = "a fault, none, or a text")]
    fn description(&mut self, at: &str, item: &Map<String, Value>) -> Option<Option<String>> {
        let text = match item.get("description") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(_) => {
                self.fault(format!("{at}/description"), "type", "must be a text or null");
                return None;
            }
        };
        self.checked(at, check_description(text))
    }

    fn references(&mut self) -> Vec<PackedReference> {
        let mut references = Vec::new();
        for (pointer, item) in self.list("references", MAX_REFERENCES) {
            let text = |name: &str| item.get(name).and_then(Value::as_str);
            let target_type = text("targetType").and_then(ReferenceType::from_word);
            let target = text("targetId").map(str::to_owned);
            let description = self.description(&pointer, &item);
            match (target, target_type, description) {
                (Some(target_id), Some(target_type), Some(description)) => {
                    references.push(PackedReference {
                        target_id,
                        target_type,
                        description,
                        pointer,
                    });
                }
                (_, _, None) => {}
                _ => self.fault(pointer, "type", "must have a `targetId` and a known `targetType`"),
            }
        }
        references
    }

    /// The objects of a list, each with its place.
    fn list(&mut self, name: &str, most: usize) -> Vec<(String, Map<String, Value>)> {
        let at = pointer_to("", name);
        let items = match self.document.remove(name) {
            None | Some(Value::Null) => return Vec::new(),
            Some(Value::Array(items)) if items.len() <= most => items,
            Some(Value::Array(_)) => {
                self.fault(at, "too_long", format!("must have at most {most} items"));
                return Vec::new();
            }
            Some(_) => {
                self.fault(at, "type", "must be a list");
                return Vec::new();
            }
        };
        let mut objects = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            match item {
                Value::Object(item) => objects.push((format!("{at}/{index}"), item)),
                _ => self.fault(format!("{at}/{index}"), "type", "must be an object"),
            }
        }
        objects
    }

    fn blob(&mut self, at: &str, item: &Map<String, Value>, max: u64) -> Option<Blob> {
        let digest = item.get("sha256").and_then(Value::as_str);
        let digest = digest.and_then(|text| text.parse::<Digest>().ok());
        let size = item.get("size").and_then(Value::as_u64);
        if digest.is_none() {
            self.fault(format!("{at}/sha256"), "digest", "must be a SHA-256 in lower-case hex");
        }
        if size.is_none_or(|size| size > max) {
            let message = format!("must be a number of bytes, at most {max}");
            self.fault(format!("{at}/size"), "maximum", message);
            return None;
        }
        Some(Blob { digest: digest?, size: size? })
    }

    fn checked<T>(&mut self, at: &str, checked: Result<T>) -> Option<T> {
        match checked {
            Ok(value) => Some(value),
            Err(Error::Invalid(faults)) => {
                self.faults.extend(
                    faults
                        .into_iter()
                        .map(|fault| Fault { pointer: format!("{at}{}", fault.pointer), ..fault }),
                );
                None
            }
            Err(_) => None,
        }
    }
}
