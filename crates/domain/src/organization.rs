//! The tenant.

use serde::{Deserialize, Serialize};

use crate::{OrganizationId, Timestamp, budget::Budget};

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
    /// Counts changes; a stale update conflicts.
    pub revision: i64,
}

/// Choices of an organization that hold for all of its assistants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OrganizationSettings {
    /// The model key that a new assistant gets when it names none.
    pub default_model_key: String,
    /// The providers whose models may be used; `None` for all. It only tightens
    /// what an assistant allows (runtime.md: gates).
    pub allowed_providers: Option<Vec<String>>,
    /// How much there may be of things.
    pub limits: OrganizationLimits,
    /// How much may be used of models; at most 100.
    pub budgets: Vec<Budget>,
}

impl Default for OrganizationSettings {
    fn default() -> Self {
        Self {
            default_model_key: "gpt-4o".to_owned(), // reference §2, `default_model_key`
            allowed_providers: None,
            limits: OrganizationLimits::default(),
            budgets: Vec::new(),
        }
    }
}

impl OrganizationSettings {
    /// Whether models of this provider may be used.
    #[must_use]
    pub fn allows_provider(&self, provider: &str) -> bool {
        let allowed = self.allowed_providers.as_ref();
        allowed.is_none_or(|allowed| allowed.iter().any(|known| known == provider))
    }
}

/// How much an organization may have; `None` is as much as it likes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OrganizationLimits {
    /// Live assistants that are not deleted.
    pub max_assistants: Option<u64>,
    /// Users, disabled ones included.
    pub max_users: Option<u64>,
    /// API tokens of one user.
    pub max_tokens_per_user: Option<u64>,
    /// Days that a new API token lasts at most.
    pub max_token_days: Option<u64>,
    /// Bytes of files, icons and pictures, each counted once.
    pub max_storage_bytes: Option<u64>,
}
