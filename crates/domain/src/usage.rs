//! What was used of providers, for counting.

use crate::{AssistantId, OrganizationId, Timestamp, UsageId, UserId};

/// One use of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Its identifier.
    pub id: UsageId,
    /// The organization that pays.
    pub organization: OrganizationId,
    /// Who used it.
    pub user: UserId,
    /// The live assistant it was for, if it was for one.
    pub assistant: Option<AssistantId>,
    /// What was used: `response`, `image` or `embedding`.
    pub kind: String,
    /// The provider's kind.
    pub provider: String,
    /// The model's key.
    pub model: String,
    /// How much of it: images, or tokens of both kinds.
    pub quantity: u64,
    /// Tokens that the model read, as far as its provider tells.
    pub input_tokens: u64,
    /// Tokens that it wrote, likewise.
    pub output_tokens: u64,
    /// Millionths of a US dollar by the catalogue's prices, where one is known.
    pub cost_micros: u64,
    /// When.
    pub at: Timestamp,
}

/// Uses of one kind on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageTotal {
    /// The day in UTC, `YYYY-MM-DD`.
    pub day: String,
    /// Who used it.
    pub user: UserId,
    /// The assistant it was for.
    pub assistant: Option<AssistantId>,
    /// What was used.
    pub kind: String,
    /// The provider's kind.
    pub provider: String,
    /// The model's key.
    pub model: String,
    /// How often.
    pub count: u64,
    /// How much in all.
    pub quantity: u64,
    /// Tokens that models read.
    pub input_tokens: u64,
    /// Tokens that they wrote.
    pub output_tokens: u64,
    /// Millionths of a US dollar.
    pub cost_micros: u64,
}
