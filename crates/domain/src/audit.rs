//! The audit log: who did what to what, when and from where.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{EventId, OrganizationId, Timestamp, TokenId, UserId};

/// One entry, written in the transaction of the act it tells of. It never holds
/// a secret: write-only values appear as the mask.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEvent {
    /// Its identifier; version 7, so events sort by it.
    pub id: EventId,
    /// The organization it belongs to.
    pub organization: OrganizationId,
    /// When it happened.
    pub at: Timestamp,
    /// Who did it; `None` for the server itself.
    pub actor: Option<UserId>,
    /// The token they used, if it was one.
    pub token: Option<TokenId>,
    /// The address they came from, if known.
    pub address: Option<String>,
    /// The identifier of the request, if it came by one.
    pub request_id: Option<String>,
    /// What was done, for example `assistant.created`.
    pub action: String,
    /// What it was done to, as its prefixed identifier.
    pub target: String,
    /// The value before, of what changed only.
    pub before: Option<Value>,
    /// The value after, of what changed only.
    pub after: Option<Value>,
}
