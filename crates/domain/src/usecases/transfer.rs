//! Assistants as files: what is exported, and what can be imported.
//!
//! An export is a document and the bytes that it names. How the two are packed is
//! the business of an adapter; it gives back the document first and then the bytes,
//! none of which is believed.

mod export;
mod import;
mod openai;
mod package;
mod report;

pub use export::{Export, ExportEntry, export_assistant};
pub use import::{Import, Imported, authorize_import, begin_import, finish_import};
pub use package::{Carrier, PackedFile};
pub use report::{Dropped, Mapped, Report};

/// What the document of an export says it is.
pub const FORMAT: &str = "understudy.assistant";
/// Its version. A reader takes only the one it knows.
pub const FORMAT_VERSION: u64 = 1;

/// What the document is called in an archive.
pub const DOCUMENT: &str = "assistant.json";
/// What the icon may be called in an archive.
pub const ICONS: [&str; 2] = ["icon.svg", "icon.png"];
/// What the names of files in an archive begin with; their digest follows.
pub const FILES: &str = "files/";

/// What the names of an assistant's secrets in a document begin with; those of the
/// write-only values of its fields begin otherwise.
const SECRETS: &str = "secrets/";

/// Most bytes of the document.
pub const MAX_DOCUMENT_BYTES: u64 = 8 * 1024 * 1024;
