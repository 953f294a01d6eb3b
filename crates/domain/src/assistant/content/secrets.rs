//! Secrets and rules of an assistant, as its content carries them: secrets by
//! reference to their sealed value, rules by the identifier of the rule.

use serde::{Deserialize, Serialize};

use crate::{RuleId, SealedId, SecretId, Timestamp, UserId};

/// A secret that custom skills may use. The content holds its name and where it
/// may go, never its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretEntry {
    /// Its identifier, the same in the draft and in every version.
    pub id: SecretId,
    /// The name by which skills refer to it (`{{secrets.NAME}}`), unique in the
    /// assistant.
    pub name: String,
    /// What it is for, at most 1,000 characters.
    #[serde(default)]
    pub description: Option<String>,
    /// The origins (`https://api.example.com`) that it may be sent to. The sealed
    /// value is bound to them.
    #[serde(default)]
    pub origins: Vec<String>,
    /// Whether skills may use it in the runs of other people than its maker
    /// (runtime.md: 'Sharing an assistant does not hand over its owner's rights').
    #[serde(default)]
    pub shared: bool,
    /// The sealed value; `None` after a copy or an import, until somebody gives it.
    #[serde(default)]
    pub value: Option<SealedId>,
    /// When it was added.
    pub created_at: Timestamp,
    /// Who added it.
    pub created_by: UserId,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl SecretEntry {
    /// What the sealed value of a secret with this name and these origins is bound
    /// to, beside organization, assistant and identifier: neither a merge nor a
    /// hand-made row takes a value to another place.
    #[must_use]
    pub fn sealed_name(name: &str, origins: &[String]) -> String {
        format!("secret/{name}@{}", origins.join(" "))
    }
}

/// A rule as it is attached to an assistant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttachedRule {
    /// The rule.
    pub rule_id: RuleId,
    /// 1 to 100; those with a higher number come first (reference §3.2).
    pub priority: u8,
    /// Most characters of the rule's text that are used, 100 to 50,000.
    pub character_limit: u32,
    /// Whether it counts.
    pub is_active: bool,
    /// When it was attached.
    pub attached_at: Timestamp,
    /// Who attached it.
    pub attached_by: UserId,
}

impl AttachedRule {
    /// The priority of a rule that was attached without one.
    pub const PRIORITY: u8 = 50;
    /// The limit of a rule that was attached without one.
    pub const CHARACTER_LIMIT: u32 = 50_000;
}
