//! Tags: labels of an organization for its assistants.

use crate::{OrganizationId, TagId, Timestamp};

/// A label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Its identifier.
    pub id: TagId,
    /// The organization it belongs to.
    pub organization: OrganizationId,
    /// Its name, 1 to 100 characters, unique in the organization without regard to
    /// case.
    pub name: String,
    /// Its colour as `#rrggbb`, or empty for none.
    pub color: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Counts changes; a stale update conflicts.
    pub revision: i64,
}
