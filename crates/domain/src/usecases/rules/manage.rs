//! Making, reading and changing rules.

use serde_json::{Value, json};

use super::attach::may_see;
use crate::{
    Fault, Rule, RuleId, Scope,
    ports::{Page, RuleFilter, RuleListQuery},
    rule::{ApplyMode, RuleCategory, RuleScope, RuleType},
    usecases::{
        Caller, Deps, Error, Precondition, Result,
        support::{fresh, on_write, record, require_admin, require_scope, require_unlimited},
    },
};

/// Most rules of an organization.
pub const MAX_RULES: usize = 1_000;
/// Most characters of a rule's name.
pub const MAX_NAME_CHARS: usize = 255;
/// Most characters of a rule's text.
pub const MAX_CONTENT_CHARS: usize = 50_000;
/// Most characters of what a rule is for.
pub const MAX_DESCRIPTION_CHARS: usize = 5_000;

/// A new rule.
#[derive(Clone, Debug)]
pub struct CreateRule {
    /// Its name, unique in the organization.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The text.
    pub content: String,
    /// What it is about.
    pub category: RuleCategory,
    /// What it regulates.
    pub kind: RuleType,
    /// What it may be attached to.
    pub scope: RuleScope,
    /// When it is applied.
    pub apply_mode: ApplyMode,
    /// Whether every member may read and attach it.
    pub is_public: bool,
    /// Whether it is applied at all.
    pub is_active: bool,
}

/// A change to a rule; what is `None` stays.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "as in CreateRule")]
pub struct UpdateRule {
    pub name: Option<String>,
    pub description: Option<Option<String>>,
    pub content: Option<String>,
    pub category: Option<RuleCategory>,
    pub kind: Option<RuleType>,
    pub scope: Option<RuleScope>,
    pub apply_mode: Option<ApplyMode>,
    pub is_public: Option<bool>,
    pub is_active: Option<bool>,
    /// What the caller demands of the state.
    pub precondition: Precondition,
}

/// Which rules to list.
#[derive(Clone, Debug, Default)]
pub struct ListRules {
    /// Text that name or description contains.
    pub q: Option<String>,
    /// What they are about.
    pub category: Option<RuleCategory>,
    /// What they regulate.
    pub kind: Option<RuleType>,
    /// Whether they are applied.
    pub is_active: Option<bool>,
    /// Behind the rule with this lower-cased name and id.
    pub after: Option<(String, RuleId)>,
    /// How many at most.
    pub limit: u32,
    /// Whether to count all.
    pub count: bool,
}

/// The strong entity tag of a rule, without quotes.
#[must_use]
pub fn etag(rule: &Rule) -> String {
    format!("{:x}", rule.version)
}

/// Makes a rule.
///
/// # Errors
///
/// [`Error::Invalid`] with every fault, [`Error::Conflict`] for a taken name,
/// [`Error::TooMany`], [`Error::Forbidden`] for all but administrators.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn create_rule(deps: Deps<'_>, caller: &Caller, command: CreateRule) -> Result<Rule> {
    require_admin(&caller.actor, Scope::Admin)?;
    let CreateRule { name, description, content, category, kind, scope, apply_mode, .. } = command;
    let now = deps.clock.now();
    let rule = checked(Rule {
        id: fresh(&deps),
        organization: caller.tenant(),
        name,
        description,
        content,
        category,
        kind,
        scope,
        apply_mode,
        is_public: command.is_public,
        is_active: command.is_active,
        version: 1,
        created_by: caller.actor.user,
        created_at: now,
        updated_at: now,
    })?;
    let all = RuleListQuery { filter: RuleFilter::default(), after: None, limit: 1, count: true };
    let known = deps.store.rules().list(caller.tenant(), &all).await?.total.unwrap_or_default();
    if usize::try_from(known).unwrap_or(usize::MAX) >= MAX_RULES {
        return Err(Error::TooMany { what: "rules in an organization", limit: MAX_RULES });
    }

    let mut work = deps.store.begin(caller.tenant()).await?;
    work.rules().insert(&rule).await.map_err(on_write)?;
    let values = (None, Some(state_of(&rule)));
    record(&deps, caller, &mut *work, "rule.created", rule.id.to_string(), values).await?;
    work.commit().await?;

    Ok(rule)
}

/// A page of the rules that the caller may read, by name.
///
/// # Errors
///
/// [`Error::Forbidden`] for tokens that do not cover it.
pub async fn list_rules(deps: Deps<'_>, caller: &Caller, command: ListRules) -> Result<Page<Rule>> {
    require_reader(caller)?;
    let ListRules { q, category, kind, is_active, after, limit, count } = command;
    let q = q.map(|q| q.to_lowercase());
    let public_only = !caller.actor.role.is_admin();
    let filter = RuleFilter { q, category, kind, is_active, public_only };
    let query = RuleListQuery { filter, after, limit, count };
    Ok(deps.store.rules().list(caller.tenant(), &query).await?)
}

/// A rule: any for administrators, public ones for others.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::Forbidden`] for tokens that do not cover it.
pub async fn view_rule(deps: Deps<'_>, caller: &Caller, id: RuleId) -> Result<Rule> {
    require_reader(caller)?;
    let found = deps.store.rules().find(caller.tenant(), &[id]).await?.pop();
    found.filter(|rule| may_see(caller, rule)).ok_or(Error::NotFound("rule"))
}

/// Changes a rule. A change of nothing leaves no trace.
///
/// # Errors
///
/// [`Error::Invalid`] with every fault, [`Error::NotFound`], [`Error::Conflict`]
/// for a taken name, [`Error::PreconditionFailed`], [`Error::Forbidden`] for all
/// but administrators.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn update_rule(
    deps: Deps<'_>,
    caller: &Caller,
    id: RuleId,
    command: UpdateRule,
) -> Result<Rule> {
    require_admin(&caller.actor, Scope::Admin)?;
    let mut work = deps.store.begin(caller.tenant()).await?;
    let before = work.rules().find(&[id]).await?.pop().ok_or(Error::NotFound("rule"))?;
    command.precondition.check(&etag(&before))?;
    let after = checked(Rule {
        name: command.name.unwrap_or_else(|| before.name.clone()),
        description: command.description.unwrap_or_else(|| before.description.clone()),
        content: command.content.unwrap_or_else(|| before.content.clone()),
        category: command.category.unwrap_or(before.category),
        kind: command.kind.unwrap_or(before.kind),
        scope: command.scope.unwrap_or(before.scope),
        apply_mode: command.apply_mode.unwrap_or(before.apply_mode),
        is_public: command.is_public.unwrap_or(before.is_public),
        is_active: command.is_active.unwrap_or(before.is_active),
        ..before.clone()
    })?;
    if after == before {
        return Ok(before);
    }
    let after = Rule { updated_at: deps.clock.now(), ..after };
    let values = (Some(state_of(&before)), Some(state_of(&after)));
    let after = work.rules().update(after).await.map_err(on_write)?;
    record(&deps, caller, &mut *work, "rule.updated", id.to_string(), values).await?;
    work.commit().await?;

    Ok(after)
}

/// Refuses tokens that do not reach rules.
pub(super) fn require_reader(caller: &Caller) -> Result<()> {
    require_unlimited(&caller.actor)?;
    require_scope(&caller.actor, Scope::Read)
}

/// The rule with its name trimmed, if its texts can be kept.
fn checked(rule: Rule) -> Result<Rule> {
    let rule = Rule { name: rule.name.trim().to_owned(), ..rule };
    let mut faults = Vec::new();
    if rule.name.is_empty()
        || rule.name.chars().count() > MAX_NAME_CHARS
        || rule.name.chars().any(char::is_control)
    {
        let message =
            format!("must have 1 to {MAX_NAME_CHARS} characters, and no control characters");
        faults.push(Fault::new("/name", "invalid", message));
    }
    if rule.content.trim().is_empty() || !fits(&rule.content, MAX_CONTENT_CHARS) {
        let message = format!(
            "must have 1 to {MAX_CONTENT_CHARS} characters, not be blank, and be without U+0000"
        );
        faults.push(Fault::new("/content", "invalid", message));
    }
    if rule.description.as_ref().is_some_and(|text| !fits(text, MAX_DESCRIPTION_CHARS)) {
        let message =
            format!("must have at most {MAX_DESCRIPTION_CHARS} characters, and be without U+0000");
        faults.push(Fault::new("/description", "invalid", message));
    }
    if faults.is_empty() { Ok(rule) } else { Err(Error::Invalid(faults)) }
}

fn fits(text: &str, most: usize) -> bool {
    text.chars().count() <= most && !text.contains('\0')
}

/// What the audit log keeps of a rule.
pub(super) fn state_of(rule: &Rule) -> Value {
    json!({
        "name": rule.name,
        "description": rule.description,
        "content": rule.content,
        "category": rule.category,
        "ruleType": rule.kind,
        "scope": rule.scope,
        "applyMode": rule.apply_mode,
        "isPublic": rule.is_public,
        "isActive": rule.is_active,
    })
}
