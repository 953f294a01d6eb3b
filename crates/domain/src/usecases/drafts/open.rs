//! Opens the draft of an assistant, or finds it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Assistant, Content, Editing, Scope,
    access::Level,
    assistant::view::AssistantView,
    ports::{AssistantRecord, UnitOfWork},
    usecases::{
        Caller, Deps, Error, Result,
        support::{
            event_values, find, find_to_write, fresh, judge, lock, on_write, record_about,
            require_level,
        },
    },
};

/// The assistant's draft, made if there is none; and whether it was made. Its
/// content is the live one's, so nothing is uploaded again.
///
/// # Errors
///
/// [`Error::Invalid`] when the assistant is itself a draft, [`Error::Forbidden`]
/// below edit.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn open_draft(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
) -> Result<(AssistantView, bool)> {
    let seen = find_to_write(&deps, caller, reference, Level::Edit).await?;
    refuse_draft(&seen)?;
    let mut work = deps.store.begin(caller.tenant()).await?;

    let view = lock(&mut *work, &caller.actor, &seen, Level::Edit).await?;
    let live = view.record.assistant.clone();
    if let Some(draft) = work.assistants().find_draft_of(live.id).await? {
        return Ok((as_draft(&view, draft, live), false));
    }
    let draft = make_draft(&deps, caller, &mut *work, &live, live.content.clone()).await?;
    work.commit().await?;

    Ok((as_draft(&view, draft, live), true))
}

/// The assistant's draft.
///
/// # Errors
///
/// [`Error::NotFound`] when there is none, [`Error::Forbidden`] below edit.
pub async fn view_draft(deps: Deps<'_>, caller: &Caller, reference: &str) -> Result<AssistantView> {
    find_draft(&deps, caller, reference, Scope::Read).await
}

/// The draft of the live assistant that a path names, for a credential that covers
/// `scope`: writing does not need the right to read.
pub(in crate::usecases) async fn find_draft(
    deps: &Deps<'_>,
    caller: &Caller,
    reference: &str,
    scope: Scope,
) -> Result<AssistantView> {
    let live = if scope == Scope::Read {
        find(deps, caller, reference).await?
    } else {
        find_to_write(deps, caller, reference, Level::Edit).await?
    };
    require_level(&live, Level::Edit)?;
    let missing = || Error::NotFound("draft");
    let mark = live.record.draft.ok_or_else(missing)?;
    let reference = crate::AssistantRef::Id(mark.id);
    let draft = deps.store.assistants().find(caller.tenant(), &reference).await?;
    judge(&caller.actor, draft.ok_or_else(missing)?)
}

/// Stores a draft of `live` with this content.
pub(in crate::usecases) async fn make_draft(
    deps: &Deps<'_>,
    caller: &Caller,
    work: &mut dyn UnitOfWork,
    live: &Assistant,
    content: Content,
) -> Result<Assistant> {
    let now = deps.clock.now();
    let draft = Assistant {
        id: fresh(deps),
        editing: Some(Editing { live: live.id }),
        slug: None,
        created_by: caller.actor.user,
        created_at: now,
        updated_at: now,
        is_default: false,
        revision: 1,
        shares: BTreeMap::new(),
        tags: BTreeSet::new(),
        content,
        ..live.clone()
    };
    work.assistants().insert(&draft).await.map_err(on_write)?;
    let what = ("draft.created", live.id.to_string());
    record_about(deps, caller, work, live.id, what, event_values(&[])).await?;
    Ok(draft)
}

pub(super) fn refuse_draft(view: &AssistantView) -> Result<()> {
    if view.record.assistant.is_draft() {
        let message = "a draft has no draft; name the live assistant";
        return Err(Error::invalid("", "not_on_draft", message));
    }
    Ok(())
}

fn as_draft(view: &AssistantView, draft: Assistant, live: Assistant) -> AssistantView {
    let record = AssistantRecord { assistant: draft, live: Some(Box::new(live)), draft: None };
    AssistantView { record, level: view.level, at_home: view.at_home }
}
