//! What became of an import.

use serde::Serialize;

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The identifier where it comes from; a second import under it is an update.
    pub external_id: Option<String>,
    /// How many files it has now that came with the import.
    pub files: usize,
    /// Whether its icon came with the import.
    pub icon: bool,
    /// Write-only values that it needs and that nobody gave yet.
    pub secrets: Vec<String>,
    /// What was left out.
    pub dropped: Vec<Dropped>,
    /// What has another name or value here.
    pub mapped: Vec<Mapped>,
    /// What its reader should look at.
    pub warnings: Vec<String>,
}

/// A part of what came that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dropped {
    /// Where it was.
    pub pointer: String,
    /// Why.
    pub reason: String,
}

/// A part of what came that is something else here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mapped {
    /// What it was.
    pub from: String,
    /// What it is here.
    pub to: String,
}

impl Report {
    pub(super) fn drop(&mut self, pointer: impl Into<String>, reason: impl Into<String>) {
        self.dropped.push(Dropped { pointer: pointer.into(), reason: reason.into() });
    }

    pub(super) fn map(&mut self, from: impl Into<String>, to: impl Into<String>) {
        self.mapped.push(Mapped { from: from.into(), to: to.into() });
    }
}
