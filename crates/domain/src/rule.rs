//! Rules: texts of an organization that are put before the instructions of
//! assistants (reference §3.2).

use crate::{OrganizationId, RuleId, Timestamp, UserId, assistant::content::words};

words!(
    /// What a rule is about; rules of `safety` come first among equals.
    RuleCategory {
        /// Keeps people from harm.
        Safety = "safety",
        /// How one behaves at work.
        Professional = "professional",
        /// How one writes freely.
        Creative = "creative",
        /// How one writes about technology.
        Technical = "technical",
        /// Anything else.
        Custom = "custom",
    }
);

words!(
    /// What a rule regulates.
    RuleType {
        /// How to behave.
        Behavior = "behavior",
        /// What never to do.
        Guardrails = "guardrails",
        /// What answers look like.
        Formatting = "formatting",
        /// What to know.
        Context = "context",
        /// What may be said.
        ContentPolicy = "content_policy",
        /// What to keep within.
        Constraint = "constraint",
    }
);

words!(
    /// What a rule may be attached to.
    RuleScope {
        /// Anything.
        Organization = "organization",
        /// Models only.
        Model = "model",
        /// Assistants only.
        Assistant = "assistant",
        /// Users only.
        User = "user",
        /// Vector stores only.
        VectorStore = "vector_store",
    }
);

impl RuleScope {
    /// Whether rules of this scope may be attached to things of this kind, and count
    /// there: `assistant`, or a [`RuleEntity::kind`].
    #[must_use]
    pub fn covers(self, kind: &str) -> bool {
        self == Self::Organization || self.as_str() == kind
    }
}

words!(
    /// When a rule is applied.
    ApplyMode {
        /// In every turn.
        Always = "always",
        /// Where it is relevant.
        Auto = "auto",
        /// Where a request names it.
        Manual = "manual",
    }
);

/// A reusable text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its identifier.
    pub id: RuleId,
    /// The organization it belongs to.
    pub organization: OrganizationId,
    /// Its name, 1 to 255 characters, unique in the organization without regard to
    /// case.
    pub name: String,
    /// What it is for, at most 5,000 characters.
    pub description: Option<String>,
    /// The text, 1 to 50,000 characters.
    pub content: String,
    /// What it is about.
    pub category: RuleCategory,
    /// What it regulates.
    pub kind: RuleType,
    /// What it may be attached to.
    pub scope: RuleScope,
    /// When it is applied.
    pub apply_mode: ApplyMode,
    /// Whether every member may read and attach it; others only administrators.
    pub is_public: bool,
    /// Whether it is applied at all.
    pub is_active: bool,
    /// Counts changes, from 1; a stale update conflicts.
    pub version: i64,
    /// Who made it.
    pub created_by: UserId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What a rule is attached to, beside assistants, whose content carries theirs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RuleEntity {
    /// Everything in the organization.
    Organization,
    /// Everything that a user asks.
    User(UserId),
    /// Every answer of the model with this key.
    Model(String),
    /// Every answer that draws on the vector store with this id.
    VectorStore(String),
}

/// That a rule is attached to something other than an assistant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleAttachment {
    /// The organization it belongs to.
    pub organization: OrganizationId,
    /// The rule.
    pub rule: RuleId,
    /// What it is attached to.
    pub entity: RuleEntity,
    /// 1 to 100; higher first.
    pub priority: u8,
    /// Most characters of the rule's text that are used.
    pub character_limit: u32,
    /// Whether it counts.
    pub is_active: bool,
    /// When it was attached.
    pub attached_at: Timestamp,
    /// Who attached it.
    pub attached_by: UserId,
}

impl RuleEntity {
    /// Its kind in the API and in stores: `organization`, `user`, `model` or
    /// `vector_store`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::User(_) => "user",
            Self::Model(_) => "model",
            Self::VectorStore(_) => "vector_store",
        }
    }

    /// Its identifier in the API and in stores; of the organization, the
    /// organization's.
    #[must_use]
    pub fn id(&self, organization: OrganizationId) -> String {
        match self {
            Self::Organization => organization.to_string(),
            Self::User(user) => user.to_string(),
            Self::Model(key) | Self::VectorStore(key) => key.clone(),
        }
    }

    /// Reads what [`kind`](Self::kind) and [`id`](Self::id) say; `None` when it can
    /// name nothing of the organization.
    #[must_use]
    pub fn read(organization: OrganizationId, kind: &str, id: &str) -> Option<Self> {
        match kind {
            "organization" => (id.parse() == Ok(organization)).then_some(Self::Organization),
            "user" => id.parse().ok().map(Self::User),
            "model" => Some(Self::Model(id.to_owned())),
            "vector_store" => Some(Self::VectorStore(id.to_owned())),
            _ => None,
        }
    }
}
