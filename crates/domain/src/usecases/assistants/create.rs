//! Makes an assistant.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    Assistant, Content, Policy, Principal, Scope,
    access::Level,
    assistant::{
        edit::{self, Base, Edit, WriteMode},
        view::AssistantView,
    },
    ports::{AssistantRecord, UnitOfWork, Vault},
    usecases::{
        Caller, Conflict, Denied, Deps, Error, Result,
        automations::require_known_automations,
        icons::IconInput,
        organization::{require_allowed_model, require_room_for_assistant},
        rules::attach_rules,
        support::{
            add_version, event_state, free_slug, fresh, on_write, record_about,
            require_known_users, require_scope, require_seat, require_unlimited, seal,
        },
        threads::take_off_lists,
    },
};

/// Makes an assistant of what the caller sent; what it does not name has its
/// default, and the model is the organization's default model.
///
/// # Errors
///
/// [`Error::Invalid`] with every fault, [`Error::Conflict`] for a taken name or
/// slug, [`Error::Forbidden`] for roles that may not create.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn create_assistant(
    deps: Deps<'_>,
    vault: &dyn Vault,
    caller: &Caller,
    mut input: Value,
) -> Result<AssistantView> {
    require_creation(caller)?;
    let organization = deps.store.directory().organization(caller.tenant()).await?;
    let organization = organization.ok_or(Error::NotFound("organization"))?;
    let base = Base {
        content: Content {
            default_model_key: organization.settings.default_model_key,
            ..Content::default()
        },
        policy: Policy::default(),
        slug: None,
        is_default: false,
    };
    let mut icon = IconInput::take(&deps, caller.tenant(), &base.content, &mut input).await?;
    let mut edit =
        icon.join(edit::apply(&base, input, WriteMode::Replace, &mut || fresh(&deps)))?;
    icon.put(&mut edit.content);
    if edit.is_default && !caller.actor.role.is_admin() {
        return Err(Denied::Role("the role admin or owner to choose the default assistant").into());
    }

    let mut work = deps.store.begin(caller.tenant()).await?;
    require_room_for_assistant(&mut *work).await?;
    require_allowed_model(&mut *work, None, &edit.content).await?;
    require_known_automations(&mut *work, None, &edit.content).await?;
    take_off_lists(caller, &mut *work, None, &edit.content).await?;
    let named = edit::new_users(&base.policy, &edit.policy);
    require_known_users(work.users(), named).await?;
    let slug = match edit.slug.clone() {
        Some(slug) => slug,
        None => free_slug(&deps, &mut *work, &edit.content.name).await?,
    };
    let Edit { mut content, policy, is_default, rule_ids, sealed, .. } = edit;
    attach_rules(&deps, caller, &mut *work, &mut content, rule_ids).await?;
    let assistant =
        Assistant { slug: Some(slug), is_default, content, policy, ..blank(&deps, caller) };
    if is_default {
        if !assistant.policy.is_active {
            return Err(Conflict::Inactive.into());
        }
        work.assistants().clear_default().await?;
    }
    add_assistant(&deps, caller, &mut *work, &assistant, "assistant.created").await?;
    // Behind the assistant, which the values refer to.
    seal(&deps, vault, &mut *work, (assistant.organization, assistant.id), sealed).await?;
    work.commit().await?;

    Ok(owned(assistant))
}

/// Whether the caller may make assistants (`assistants:create`).
pub(in crate::usecases) fn require_creation(caller: &Caller) -> Result<()> {
    require_seat(&caller.actor)?;
    require_unlimited(&caller.actor)?;
    require_scope(&caller.actor, Scope::Write)?;
    if caller.actor.role.may_create_assistants() {
        Ok(())
    } else {
        Err(Denied::Role("the role member or higher").into())
    }
}

/// A new assistant of the caller, without content.
pub(in crate::usecases) fn blank(deps: &Deps<'_>, caller: &Caller) -> Assistant {
    let now = deps.clock.now();
    Assistant {
        id: fresh(deps),
        organization: caller.tenant(),
        editing: None,
        slug: None,
        owner: Principal::User(caller.actor.user),
        created_by: caller.actor.user,
        created_at: now,
        updated_at: now,
        deleted_at: None,
        is_default: false,
        version: 1,
        revision: 1,
        content: Content::default(),
        policy: Policy::default(),
        shares: BTreeMap::new(),
        tags: BTreeSet::new(),
    }
}

/// Stores a new assistant with its first version and its event.
pub(in crate::usecases) async fn add_assistant(
    deps: &Deps<'_>,
    caller: &Caller,
    work: &mut dyn UnitOfWork,
    assistant: &Assistant,
    action: &str,
) -> Result<()> {
    work.assistants().insert(assistant).await.map_err(on_write)?;
    add_version(deps, caller, work, assistant, (0, None)).await?;
    let what = (action, assistant.id.to_string());
    record_about(deps, caller, work, assistant.id, what, event_state(assistant)).await
}

/// A new assistant as its maker sees it.
pub(in crate::usecases) fn owned(assistant: Assistant) -> AssistantView {
    let record = AssistantRecord { assistant, live: None, draft: None };
    AssistantView { record, level: Level::Owner, at_home: true }
}
