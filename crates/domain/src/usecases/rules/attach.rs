//! Which rules an assistant has.

use crate::{
    Content, Rule, RuleId,
    assistant::{content::AttachedRule, edit::unknown_rule},
    ports::UnitOfWork,
    usecases::{Caller, Deps, Error, Result},
};

/// What assistants are called among the things that rules are attached to.
pub(super) const ASSISTANT: &str = "assistant";

/// Makes `rule_ids` the rules of a content, in that order. Those that it has stay
/// as they are; new ones must be rules that the caller may see, and cannot be
/// removed before the transaction ends.
///
/// # Errors
///
/// [`Error::Invalid`] with every rule that is not there for the caller.
pub(in crate::usecases) async fn attach_rules(
    deps: &Deps<'_>,
    caller: &Caller,
    work: &mut dyn UnitOfWork,
    content: &mut Content,
    rule_ids: Vec<RuleId>,
) -> Result<()> {
    let before = std::mem::take(&mut content.rules);
    let is_new = |id: &RuleId| !before.iter().any(|attached| attached.rule_id == *id);
    let new: Vec<RuleId> = rule_ids.iter().copied().filter(is_new).collect();
    let known = if new.is_empty() { Vec::new() } else { work.rules().find(&new).await? };
    let mut faults = Vec::new();
    for (index, id) in rule_ids.into_iter().enumerate() {
        let kept = before.iter().find(|attached| attached.rule_id == id);
        if let Some(attached) = kept {
            content.rules.push(attached.clone());
        } else if known.iter().any(|rule| rule.id == id && may_attach(caller, rule)) {
            content.rules.push(attached(deps, caller, id));
        } else {
            faults.push(unknown_rule(index));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
}

/// A rule as it is attached where nothing else is said.
pub(super) fn attached(deps: &Deps<'_>, caller: &Caller, rule_id: RuleId) -> AttachedRule {
    AttachedRule {
        rule_id,
        priority: AttachedRule::PRIORITY,
        character_limit: AttachedRule::CHARACTER_LIMIT,
        is_active: true,
        attached_at: deps.clock.now(),
        attached_by: caller.actor.user,
    }
}

/// Whether the caller may read the rule.
pub(in crate::usecases) fn may_see(caller: &Caller, rule: &Rule) -> bool {
    rule.is_public || caller.actor.role.is_admin()
}

/// Whether the caller may see the rule, and it may be attached to assistants.
pub(in crate::usecases) fn may_attach(caller: &Caller, rule: &Rule) -> bool {
    may_see(caller, rule) && rule.scope.covers(ASSISTANT)
}
