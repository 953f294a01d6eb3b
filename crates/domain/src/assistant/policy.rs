//! Who may reach an assistant: kept apart from its content, so that no draft,
//! version or merge ever changes it.

use serde::{Deserialize, Serialize};

use super::content::words;
use crate::{Department, Role, UserId};

words!(
    /// Who may see and run an assistant (assistant.md, access table).
    AccessMode {
        /// Its owner, editors and shares.
        Private = "private",
        /// Also `access_users` and `visible_to_roles`.
        Restricted = "restricted",
        /// Also `access_departments` and `visible_to_roles`.
        Department = "department",
        /// Every member of the organization.
        Organization = "organization",
        /// Every user of the installation.
        Global = "global",
        /// As global, and anyone through the public page.
        Public = "public",
    }
);

/// Who may edit an assistant by being named.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Editor {
    /// This user.
    User(UserId),
    /// `*`: every member of the organization.
    Everyone(Star),
}

words!(
    /// The wildcard `*`.
    Star {
        /// Everyone.
        Star = "*",
    }
);

/// Who may see, run, find and edit an assistant, and by what ways.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "assistant.schema.json describes every field, once")]
pub struct Policy {
    pub access_mode: AccessMode,
    pub access_departments: Vec<Department>,
    pub access_users: Vec<UserId>,
    pub editable_by_users: Vec<Editor>,
    pub visible_in_chat_to_users: Vec<UserId>,
    pub editable_by_roles: Vec<Role>,
    pub visible_to_roles: Vec<Role>,
    pub api_enabled: bool,
    pub public_enabled: bool,
    pub is_active: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            access_mode: AccessMode::Private,
            access_departments: Vec::new(),
            access_users: Vec::new(),
            editable_by_users: Vec::new(),
            visible_in_chat_to_users: Vec::new(),
            editable_by_roles: Vec::new(),
            visible_to_roles: Vec::new(),
            api_enabled: true,
            public_enabled: false,
            is_active: true,
        }
    }
}

impl Policy {
    /// Every user that it names.
    pub fn users(&self) -> impl Iterator<Item = UserId> + '_ {
        let editors = self.editable_by_users.iter().filter_map(|editor| match editor {
            Editor::User(user) => Some(*user),
            Editor::Everyone(_) => None,
        });
        self.access_users.iter().chain(&self.visible_in_chat_to_users).copied().chain(editors)
    }
}
