//! The rules of one assistant: part of its content, so drafts, versions and copies
//! carry them.

use super::attach::{ASSISTANT, attached, may_see};
use super::attachments::{AttachRule, check_precondition, tag_of};
use crate::{
    AssistantId, Rule, RuleId,
    access::Level,
    assistant::{content::AttachedRule, view::AssistantView},
    usecases::{
        Caller, Deps, Error, Result,
        change::Change,
        support::{find, find_to_write, require_level},
    },
};

/// Most rules of an assistant (assistant.schema.json, `rule_ids`).
pub const MAX_RULES_OF_ASSISTANT: usize = 100;

/// A rule as an assistant has it.
#[derive(Clone, Debug, PartialEq)]
pub struct AssistantRule {
    /// The assistant or draft.
    pub assistant: AssistantId,
    /// How it is attached.
    pub attached: AttachedRule,
    /// The rule; `None` when it is gone, or not for the caller to read.
    pub rule: Option<Rule>,
}

impl AssistantRule {
    /// The strong entity tag, without quotes.
    #[must_use]
    pub fn etag(&self) -> String {
        let AttachedRule { priority, character_limit, is_active, attached_at, .. } = self.attached;
        tag_of(priority, character_limit, is_active, attached_at)
    }
}

/// The rules of an assistant, as they were attached.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::Forbidden`] without edit access.
pub async fn list_assistant_rules(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
) -> Result<Vec<AssistantRule>> {
    let view = find(&deps, caller, reference).await?;
    require_level(&view, Level::Edit)?;
    let content = &view.record.assistant.content;
    let ids: Vec<_> = content.rule_ids().collect();
    let rules = if ids.is_empty() {
        Vec::new()
    } else {
        deps.store.rules().find(caller.tenant(), &ids).await?
    };
    let of = |attached: &AttachedRule| {
        let rule = rules.iter().find(|rule| rule.id == attached.rule_id);
        seen(caller, &view, attached.clone(), rule.cloned())
    };
    Ok(content.rules.iter().map(of).collect())
}

/// A rule of an assistant.
///
/// # Errors
///
/// As for [`list_assistant_rules`].
pub async fn view_assistant_rule(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    rule: RuleId,
) -> Result<AssistantRule> {
    let all = list_assistant_rules(deps, caller, reference).await?;
    all.into_iter().find(|known| known.attached.rule_id == rule).ok_or(Error::NotFound("rule"))
}

/// Attaches a rule to an assistant, or changes how it is attached; `true` when it
/// was not attached before.
///
/// # Errors
///
/// [`Error::Invalid`] with every fault, [`Error::NotFound`] also for a rule that
/// the caller may not read, [`Error::TooMany`], [`Error::PreconditionFailed`],
/// [`Error::Forbidden`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn attach_to_assistant(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    rule: RuleId,
    command: AttachRule,
) -> Result<(AssistantRule, bool)> {
    let found = find_to_write(&deps, caller, reference, Level::Edit).await?;
    let mut change = Change::begin(&deps, caller, &found).await?;
    let known = change.work.rules().find(&[rule]).await?.pop();
    let mut content = change.content().clone();
    let place = content.rules.iter().position(|attached| attached.rule_id == rule);
    let before = place.and_then(|place| content.rules.get(place));
    check_precondition(
        &command.precondition,
        before.map(|known| {
            tag_of(known.priority, known.character_limit, known.is_active, known.attached_at)
        }),
    )?;
    let before = if let Some(before) = before {
        before.clone()
    } else {
        require_attachable(caller, known.as_ref())?;
        if content.rules.len() >= MAX_RULES_OF_ASSISTANT {
            let limit = MAX_RULES_OF_ASSISTANT;
            return Err(Error::TooMany { what: "rules in an assistant", limit });
        }
        attached(&deps, caller, rule)
    };
    let settings = command.settings(before.priority, before.character_limit, before.is_active)?;
    let after = AttachedRule {
        priority: settings.priority,
        character_limit: settings.character_limit,
        is_active: settings.is_active,
        ..before
    };
    match place.and_then(|place| content.rules.get_mut(place)) {
        Some(place) => place.clone_from(&after),
        None => content.rules.push(after.clone()),
    }
    let view = change.commit(&deps, caller, content).await?;
    Ok((seen(caller, &view, after, known), place.is_none()))
}

/// Takes a rule away from an assistant.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::Forbidden`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn detach_from_assistant(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    rule: RuleId,
) -> Result<()> {
    let found = find_to_write(&deps, caller, reference, Level::Edit).await?;
    let change = Change::begin(&deps, caller, &found).await?;
    let mut content = change.content().clone();
    let before = content.rules.len();
    content.rules.retain(|attached| attached.rule_id != rule);
    if content.rules.len() == before {
        return Err(Error::NotFound("rule"));
    }
    change.commit(&deps, caller, content).await.map(drop)
}

fn require_attachable(caller: &Caller, rule: Option<&Rule>) -> Result<()> {
    let rule = rule.filter(|rule| may_see(caller, rule)).ok_or(Error::NotFound("rule"))?;
    super::attachments::require_scope_of(rule, ASSISTANT)
}

fn seen(
    caller: &Caller,
    view: &AssistantView,
    attached: AttachedRule,
    rule: Option<Rule>,
) -> AssistantRule {
    let rule = rule.filter(|rule| may_see(caller, rule));
    AssistantRule { assistant: view.record.assistant.id, attached, rule }
}
