//! Immutable snapshots of an assistant's content.

use crate::{AssistantId, Content, OrganizationId, Timestamp, UserId, VersionId};

/// A snapshot, numbered from 1 in each assistant.
#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    /// Its identifier.
    pub id: VersionId,
    /// The organization it belongs to.
    pub organization: OrganizationId,
    /// The live assistant it is a version of.
    pub assistant: AssistantId,
    /// Its number, from 1.
    pub number: u32,
    /// Who made the change.
    pub author: UserId,
    /// When.
    pub created_at: Timestamp,
    /// What the author said about it.
    pub message: Option<String>,
    /// How many values differ from the version before.
    pub changes: u32,
    /// The content.
    pub content: Content,
}

/// A version without its content, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionSummary {
    /// Its identifier.
    pub id: VersionId,
    /// Its number, from 1.
    pub number: u32,
    /// Who made the change.
    pub author: UserId,
    /// When.
    pub created_at: Timestamp,
    /// What the author said about it.
    pub message: Option<String>,
    /// How many values differ from the version before.
    pub changes: u32,
}
