//! Values that can be written and used but never read back.

use crate::{AssistantId, DataKeyId, OrganizationId, SealedId, Timestamp};

/// What everyone sees instead of a write-only value. Sending it back keeps the
/// stored value.
pub const MASK: &str = "********";

/// A write-only value as stores keep it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedValue {
    /// Its identifier; contents and versions refer to it.
    pub id: SealedId,
    /// The organization it belongs to.
    pub organization: OrganizationId,
    /// The live assistant it is bound to.
    pub assistant: AssistantId,
    /// What it is, for example `mcp/github/authorization`; bound in as well.
    pub name: String,
    /// Version byte, key id, nonce and ciphertext (safety.md, 'secrets at rest').
    pub ciphertext: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl SealedValue {
    /// What the ciphertext is bound to: moving a value to another organization,
    /// assistant or name makes it unreadable. The live assistant, not the draft,
    /// so that a commit keeps it readable.
    #[must_use]
    pub fn associated_data(
        organization: OrganizationId,
        live: AssistantId,
        id: SealedId,
        name: &str,
    ) -> Vec<u8> {
        format!("{organization}/{live}/{id}/{name}").into_bytes()
    }
}

/// The key that an organization's values are sealed with, itself sealed with the
/// master key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataKey {
    /// Its identifier; every ciphertext names it.
    pub id: DataKeyId,
    /// The organization it belongs to.
    pub organization: OrganizationId,
    /// The key, wrapped.
    pub wrapped: Vec<u8>,
    /// When it was made; the newest one seals.
    pub created_at: Timestamp,
}
