//! The tenant.

use serde::{Deserialize, Serialize};

use crate::{OrganizationId, Timestamp};

/// An organization: nothing crosses its wall but assistants with access mode
/// `global` or `public`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// Its identifier; it leads every key in every store.
    pub id: OrganizationId,
    /// What people call it, 1 to 255 characters.
    pub name: String,
    /// What its administrators decide.
    pub settings: OrganizationSettings,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Choices of an organization that its assistants start from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OrganizationSettings {
    /// The model key that a new assistant gets when it names none.
    pub default_model_key: String,
}

impl Default for OrganizationSettings {
    fn default() -> Self {
        Self { default_model_key: "gpt-4o".to_owned() } // reference §2, `default_model_key`
    }
}
