//! Rules and what they are attached to.

use async_trait::async_trait;
use understudy_domain::{
    Assistant, AssistantId, OrganizationId, Rule, RuleAttachment, RuleEntity, RuleId,
    ports::{
        Page, RuleFilter, RuleListQuery, RuleQueries, RuleRepository, StoreError, StoreResult,
    },
};

use super::{
    MemoryStore,
    queries::{page, total},
    work::MemoryUnitOfWork,
};

impl MemoryUnitOfWork {
    fn rule_name_is_free(&self, rule: &Rule) -> StoreResult<()> {
        let mut others = self.state.rules.of(self.tenant).filter(|other| other.id != rule.id);
        if others.any(|other| place(other).0 == place(rule).0) {
            return Err(StoreError::AlreadyExists { what: "name" });
        }
        Ok(())
    }
}

#[async_trait]
impl RuleRepository for MemoryUnitOfWork {
    async fn find(&mut self, ids: &[RuleId]) -> StoreResult<Vec<Rule>> {
        let rules = self.state.rules.of(self.tenant);
        Ok(rules.filter(|rule| ids.contains(&rule.id)).cloned().collect())
    }

    async fn insert(&mut self, rule: &Rule) -> StoreResult<()> {
        self.rule_name_is_free(rule)?;
        self.state.rules.insert(self.tenant, rule.id, rule.clone())
    }

    async fn update(&mut self, mut rule: Rule) -> StoreResult<Rule> {
        let stored = self.state.rules.find(self.tenant, &rule.id);
        if stored.is_none_or(|stored| stored.version != rule.version) {
            return Err(StoreError::Conflict);
        }
        self.rule_name_is_free(&rule)?;
        rule.version += 1;
        self.state.rules.put(rule.id, rule.clone());
        Ok(rule)
    }

    async fn delete(&mut self, id: RuleId) -> StoreResult<bool> {
        if !self.state.rules.delete(self.tenant, &id) {
            return Ok(false);
        }
        self.state.attachments.retain(|attachment| attachment.rule != id);
        Ok(true)
    }

    async fn assistants_with(&mut self, id: RuleId) -> StoreResult<Vec<AssistantId>> {
        let names_it = |assistant: &&Assistant| assistant.content.rule_ids().any(|rule| rule == id);
        let assistants = self.state.assistants.of(self.tenant);
        Ok(assistants.filter(names_it).map(|assistant| assistant.id).collect())
    }

    async fn save_attachment(&mut self, attachment: &RuleAttachment) -> StoreResult<bool> {
        let is_ours = attachment.organization == self.tenant;
        if !is_ours || self.state.rules.find(self.tenant, &attachment.rule).is_none() {
            return Err(StoreError::Conflict);
        }
        let key = (attachment.rule, attachment.entity.clone());
        let is_new = self.state.attachments.get(&key).is_none();
        self.state.attachments.put(key, attachment.clone());
        Ok(is_new)
    }

    async fn delete_attachment(&mut self, rule: RuleId, entity: &RuleEntity) -> StoreResult<bool> {
        Ok(self.state.attachments.delete(self.tenant, &(rule, entity.clone())))
    }
}

#[async_trait]
impl RuleQueries for MemoryStore {
    async fn list(&self, tenant: OrganizationId, query: &RuleListQuery) -> StoreResult<Page<Rule>> {
        let state = self.shared.read()?;
        let rules = state.rules.of(tenant).filter(|rule| matches(&query.filter, rule));
        let mut rules: Vec<Rule> = rules.cloned().collect();
        let total = query.count.then(|| total(rules.len()));
        rules.sort_by_key(place);
        rules.retain(|rule| query.after.as_ref().is_none_or(|after| place(rule) > *after));
        Ok(page(rules, query.limit, total))
    }

    async fn find(&self, tenant: OrganizationId, ids: &[RuleId]) -> StoreResult<Vec<Rule>> {
        let state = self.shared.read()?;
        let rules = state.rules.of(tenant);
        Ok(rules.filter(|rule| ids.contains(&rule.id)).cloned().collect())
    }

    async fn attachments(
        &self,
        tenant: OrganizationId,
        rule: RuleId,
    ) -> StoreResult<Vec<RuleAttachment>> {
        let state = self.shared.read()?;
        let attachments = state.attachments.of(tenant).filter(|row| row.rule == rule);
        let mut attachments: Vec<RuleAttachment> = attachments.cloned().collect();
        attachments.sort_by_key(|row| (row.entity.kind(), row.entity.id(tenant)));
        Ok(attachments)
    }

    async fn attached_to(
        &self,
        tenant: OrganizationId,
        entities: &[RuleEntity],
    ) -> StoreResult<Vec<(Rule, RuleAttachment)>> {
        let state = self.shared.read()?;
        let attachments = state.attachments.of(tenant);
        let wanted = attachments.filter(|row| entities.contains(&row.entity));
        let with_rule = |attachment: &RuleAttachment| {
            let rule = state.rules.find(tenant, &attachment.rule)?;
            Some((rule.clone(), attachment.clone()))
        };
        Ok(wanted.filter_map(with_rule).collect())
    }
}

/// Where the rule stands in lists.
fn place(rule: &Rule) -> (String, RuleId) {
    (rule.name.to_lowercase(), rule.id)
}

fn matches(filter: &RuleFilter, rule: &Rule) -> bool {
    let contains = |q: &String| {
        let description = rule.description.as_deref().unwrap_or_default();
        rule.name.to_lowercase().contains(q) || description.to_lowercase().contains(q)
    };
    filter.q.as_ref().is_none_or(contains)
        && filter.category.is_none_or(|category| rule.category == category)
        && filter.kind.is_none_or(|kind| rule.kind == kind)
        && filter.is_active.is_none_or(|active| rule.is_active == active)
        && (rule.is_public || !filter.public_only)
}
