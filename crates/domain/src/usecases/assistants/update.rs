//! Changes an assistant, or a draft under its own id.

use serde_json::Value;

use crate::{
    Assistant, Fault,
    access::Level,
    assistant::{
        edit::{self, Base, Edit, WriteMode},
        view::AssistantView,
    },
    ports::{UnitOfWork, Vault},
    usecases::{
        Caller, Conflict, Deps, Error, Precondition, Result,
        automations::require_known_automations,
        change::save,
        icons::IconInput,
        organization::require_allowed_model,
        rules::attach_rules,
        support::{
            changes_between, find_to_write, free_slug, fresh, lock_matching, require_known_users,
            require_level, seal,
        },
        threads::take_off_lists,
    },
};

/// A change to an assistant.
#[derive(Clone, Debug)]
pub struct UpdateAssistant {
    /// What the caller sent.
    pub input: Value,
    /// Whether it replaces fields or merges into them.
    pub mode: WriteMode,
    /// What the caller demands of the state.
    pub precondition: Precondition,
}

/// Changes an assistant; what changes a live one adds a version. A write that
/// changes nothing leaves no trace.
///
/// # Errors
///
/// [`Error::Invalid`] with every fault, [`Error::Forbidden`] when the policy would
/// change and the caller may not, [`Error::Conflict`] for a taken name or slug,
/// [`Error::PreconditionFailed`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn update_assistant(
    deps: Deps<'_>,
    vault: &dyn Vault,
    caller: &Caller,
    reference: &str,
    command: UpdateAssistant,
) -> Result<AssistantView> {
    let seen = find_to_write(&deps, caller, reference, Level::Edit).await?;
    update(&deps, vault, caller, &seen, command).await
}

/// Changes an assistant that was found.
pub(in crate::usecases) async fn update(
    deps: &Deps<'_>,
    vault: &dyn Vault,
    caller: &Caller,
    seen: &AssistantView,
    command: UpdateAssistant,
) -> Result<AssistantView> {
    let UpdateAssistant { mut input, mode, precondition } = command;
    let seen_content = &seen.record.assistant.content;
    let mut icon = IconInput::take(deps, caller.tenant(), seen_content, &mut input).await?;
    let mut work = deps.store.begin(caller.tenant()).await?;

    let mut view =
        lock_matching(&mut *work, &caller.actor, seen, Level::Edit, &precondition).await?;
    let before = view.record.assistant.clone();
    let base = Base {
        content: before.content.clone(),
        policy: view.record.authority().policy.clone(),
        slug: before.slug.clone(),
        is_default: before.is_default,
    };
    let edit = icon.join(edit::apply(&base, input, mode, &mut || fresh(deps)))?;
    check_reach(&view, &base, &edit)?;
    require_allowed_model(&mut *work, Some(&before.content), &edit.content).await?;
    require_known_automations(&mut *work, Some(&before.content), &edit.content).await?;
    take_off_lists(caller, &mut *work, Some(&before.content), &edit.content).await?;
    let named = edit::new_users(&base.policy, &edit.policy);
    require_known_users(work.users(), named).await?;

    let Edit { mut content, policy, slug, is_default, rule_ids, sealed } = edit;
    attach_rules(deps, caller, &mut *work, &mut content, rule_ids).await?;
    icon.put(&mut content);
    let mut after = Assistant { is_default, content, ..before.clone() };
    if !before.is_draft() {
        after.policy = policy;
        after.slug = match slug {
            Some(slug) => Some(slug),
            None => Some(free_slug(deps, &mut *work, &after.content.name).await?),
        };
    }
    let changes = changes_between(&before, &after);
    if changes.is_empty() {
        return Ok(view);
    }
    seal(deps, vault, &mut *work, (before.organization, before.lineage()), sealed).await?;
    if after.is_default {
        keep_one_default(&mut *work, &before, &after).await?;
    }
    view.record.assistant = save(deps, caller, &mut *work, after, &changes).await?;
    work.commit().await?;

    Ok(view)
}

/// Whether the caller may change what this write changes: the policy needs
/// manage, and a draft has none of its own.
fn check_reach(view: &AssistantView, base: &Base, edit: &Edit) -> Result<()> {
    let policy = base.policy != edit.policy || base.is_default != edit.is_default;
    if !view.record.assistant.is_draft() {
        return if policy { require_level(view, Level::Manage) } else { Ok(()) };
    }
    if policy || edit.slug.is_some() {
        let message = "access policy, slug and default are not part of a draft; \
                       change them on the live assistant";
        return Err(Error::Invalid(vec![Fault::new("", "not_on_draft", message)]));
    }
    Ok(())
}

/// Takes the default from the assistant that has it, in this transaction.
async fn keep_one_default(
    work: &mut dyn UnitOfWork,
    before: &Assistant,
    after: &Assistant,
) -> Result<()> {
    if !after.policy.is_active {
        return Err(Conflict::Inactive.into());
    }
    if !before.is_default {
        work.assistants().clear_default().await?;
    }
    Ok(())
}
