//! The store of rules.

use async_trait::async_trait;

use super::{Page, StoreResult};
use crate::{
    AssistantId, OrganizationId, Rule, RuleAttachment, RuleEntity, RuleId,
    rule::{RuleCategory, RuleType},
};

/// Rules of the transaction's organization.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait RuleRepository: Send {
    /// Those of `ids` that exist, in the order of ids, locked until the end of the
    /// transaction: none can be removed while it is being attached.
    async fn find(&mut self, ids: &[RuleId]) -> StoreResult<Vec<Rule>>;

    /// Adds a rule.
    ///
    /// # Errors
    ///
    /// MUST be [`StoreError::AlreadyExists`](super::StoreError::AlreadyExists)
    /// `name` when the name is taken without regard to case.
    async fn insert(&mut self, rule: &Rule) -> StoreResult<()>;

    /// Replaces it and returns it with its next version.
    ///
    /// # Errors
    ///
    /// MUST be [`StoreError::Conflict`](super::StoreError::Conflict) when the
    /// stored version is another, and `AlreadyExists` as for
    /// [`insert`](Self::insert).
    async fn update(&mut self, rule: Rule) -> StoreResult<Rule>;

    /// Removes it with its attachments; `false` when there is none.
    async fn delete(&mut self, id: RuleId) -> StoreResult<bool>;

    /// Every live assistant (deleted ones included) and draft whose content names
    /// the rule, in the order of ids. Versions do not count.
    async fn assistants_with(&mut self, id: RuleId) -> StoreResult<Vec<AssistantId>>;

    /// Attaches a rule, or replaces how it is attached; `true` when it was not
    /// attached before.
    ///
    /// # Errors
    ///
    /// MUST be [`StoreError::Conflict`](super::StoreError::Conflict) when there is
    /// no such rule.
    async fn save_attachment(&mut self, attachment: &RuleAttachment) -> StoreResult<bool>;

    /// Detaches a rule; `false` when it was not attached.
    async fn delete_attachment(&mut self, rule: RuleId, entity: &RuleEntity) -> StoreResult<bool>;
}

/// Which rules to list.
#[derive(Clone, Debug, Default)]
pub struct RuleFilter {
    /// Lower-cased text that name or description contains.
    pub q: Option<String>,
    /// What they are about.
    pub category: Option<RuleCategory>,
    /// What they regulate.
    pub kind: Option<RuleType>,
    /// Whether they are applied.
    pub is_active: Option<bool>,
    /// Drops those that only administrators may read.
    pub public_only: bool,
}

/// One page of a list of rules, by name without regard to case.
#[derive(Clone, Debug)]
pub struct RuleListQuery {
    /// Which.
    pub filter: RuleFilter,
    /// Behind the rule with this lower-cased name and id.
    pub after: Option<(String, RuleId)>,
    /// How many at most.
    pub limit: u32,
    /// Whether to count all that match.
    pub count: bool,
}

/// Reads rules.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait RuleQueries: Send + Sync {
    /// A page of rules.
    async fn list(&self, tenant: OrganizationId, query: &RuleListQuery) -> StoreResult<Page<Rule>>;

    /// Those of `ids` that exist, in any order.
    async fn find(&self, tenant: OrganizationId, ids: &[RuleId]) -> StoreResult<Vec<Rule>>;

    /// What the rule is attached to beside assistants, by kind and id.
    async fn attachments(
        &self,
        tenant: OrganizationId,
        rule: RuleId,
    ) -> StoreResult<Vec<RuleAttachment>>;

    /// The rules that are attached to any of these, each as often as it is.
    async fn attached_to(
        &self,
        tenant: OrganizationId,
        entities: &[RuleEntity],
    ) -> StoreResult<Vec<(Rule, RuleAttachment)>>;
}
