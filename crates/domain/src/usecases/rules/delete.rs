//! Deleting a rule, by force with everything that it is attached to.

use std::collections::{BTreeMap, BTreeSet};

use super::manage::{etag, state_of};
use crate::{
    Assistant, AssistantId, AssistantRef, RuleId, Scope,
    ports::UnitOfWork,
    usecases::{
        Caller, Conflict, Deps, Error, Precondition, Result,
        change::save,
        support::{changes_between, record, require_admin},
    },
};

/// Deletes a rule. `force` detaches it from everything first: from assistants and
/// drafts as a change of their content, with version and event; versions that had
/// it keep its id.
///
/// # Errors
///
/// [`Conflict::RuleAttached`] without `force`, [`Error::NotFound`],
/// [`Error::PreconditionFailed`], [`Conflict::Concurrent`] when it is attached to
/// something meanwhile, [`Error::Forbidden`] for all but administrators.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn delete_rule(
    deps: Deps<'_>,
    caller: &Caller,
    id: RuleId,
    (precondition, force): (Precondition, bool),
) -> Result<()> {
    require_admin(&caller.actor, Scope::Admin)?;
    let holders = holders(&deps, caller, id).await?;
    let count = holders.values().map(BTreeSet::len).sum::<usize>()
        + deps.store.rules().attachments(caller.tenant(), id).await?.len();

    let mut work = deps.store.begin(caller.tenant()).await?;
    // Assistants before the rule, as everybody locks who attaches one.
    if force {
        for (live, ids) in holders {
            detach(&deps, caller, &mut *work, (live, ids), id).await?;
        }
    }
    let rule = work.rules().find(&[id]).await?.pop().ok_or(Error::NotFound("rule"))?;
    precondition.check(&etag(&rule))?;
    if count > 0 && !force {
        return Err(Conflict::RuleAttached { count }.into());
    }
    if !work.rules().assistants_with(id).await?.is_empty() {
        return Err(Conflict::Concurrent.into());
    }
    work.rules().delete(id).await?;
    let values = (Some(state_of(&rule)), None);
    record(&deps, caller, &mut *work, "rule.deleted", id.to_string(), values).await?;
    Ok(work.commit().await?)
}

/// The assistants and drafts that have the rule, by the live assistant that they
/// are or belong to. Nothing of it is locked.
pub(super) async fn holders(
    deps: &Deps<'_>,
    caller: &Caller,
    id: RuleId,
) -> Result<BTreeMap<AssistantId, BTreeSet<AssistantId>>> {
    let mut work = deps.store.begin(caller.tenant()).await?;
    let ids = work.rules().assistants_with(id).await?;
    work.commit().await?;
    let mut holders: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for id in ids {
        let found = deps.store.assistants().find(caller.tenant(), &AssistantRef::Id(id)).await?;
        if let Some(record) = found {
            holders.entry(record.assistant.lineage()).or_default().insert(id);
        }
    }
    Ok(holders)
}

/// Takes the rule out of a live assistant, its draft or both. The live row is
/// locked before its draft, always.
async fn detach(
    deps: &Deps<'_>,
    caller: &Caller,
    work: &mut dyn UnitOfWork,
    (live, ids): (AssistantId, BTreeSet<AssistantId>),
    rule: RuleId,
) -> Result<()> {
    let mut locked = vec![work.assistants().find(live).await?];
    for draft in ids.into_iter().filter(|id| *id != live) {
        locked.push(work.assistants().find(draft).await?);
    }
    for before in locked.into_iter().flatten() {
        let mut after = Assistant { content: before.content.clone(), ..before.clone() };
        after.content.rules.retain(|attached| attached.rule_id != rule);
        let changes = changes_between(&before, &after);
        if !changes.is_empty() {
            save(deps, caller, work, after, &changes).await?;
        }
    }
    Ok(())
}
