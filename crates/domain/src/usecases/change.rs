//! A change of an assistant's content that is not a write of its fields: to its
//! files, references or icon.

use super::{
    Caller, Deps, Error, Result,
    support::{add_version, changes_between, event_values, lock, on_write, record_about},
};
use crate::{
    Assistant, Content,
    access::Level,
    assistant::{too_large, view::AssistantView},
    diff::Change as Changed,
    ports::UnitOfWork,
};

/// A change under way: the assistant is locked.
pub(super) struct Change {
    pub(super) work: Box<dyn UnitOfWork>,
    view: AssistantView,
}

impl Change {
    /// Locks an assistant that was found, if the caller may still edit it.
    pub(super) async fn begin(
        deps: &Deps<'_>,
        caller: &Caller,
        seen: &AssistantView,
    ) -> Result<Self> {
        let mut work = deps.store.begin(caller.tenant()).await?;
        let view = Box::pin(lock(&mut *work, &caller.actor, seen, Level::Edit)).await?;
        Ok(Self { work, view })
    }

    /// The assistant as it is.
    pub(super) const fn view(&self) -> &AssistantView {
        &self.view
    }

    /// Its content as it is.
    pub(super) const fn content(&self) -> &Content {
        &self.view.record.assistant.content
    }

    /// Makes `content` its content, with version and event. A change of nothing
    /// leaves no trace but what else the transaction did.
    pub(super) async fn commit(
        self,
        deps: &Deps<'_>,
        caller: &Caller,
        content: Content,
    ) -> Result<AssistantView> {
        if let Some(fault) = too_large(&content) {
            return Err(Error::Invalid(vec![fault]));
        }
        let Self { mut work, mut view } = self;
        let before = view.record.assistant.clone();
        let after = Assistant { content, ..before.clone() };
        let changes = changes_between(&before, &after);
        if !changes.is_empty() {
            view.record.assistant =
                Box::pin(save(deps, caller, &mut *work, after, &changes)).await?;
        }
        work.commit().await?;
        Ok(view)
    }
}

/// Stores a changed assistant or draft; a live one with a new version.
pub(super) async fn save(
    deps: &Deps<'_>,
    caller: &Caller,
    work: &mut dyn UnitOfWork,
    mut after: Assistant,
    changes: &[Changed],
) -> Result<Assistant> {
    after.updated_at = deps.clock.now();
    if !after.is_draft() {
        after.version += 1;
    }
    let after = work.assistants().update(after).await.map_err(on_write)?;
    if !after.is_draft() {
        add_version(deps, caller, work, &after, (changes.len(), None)).await?;
    }
    let action = if after.is_draft() { "draft.updated" } else { "assistant.updated" };
    let what = (action, after.id.to_string());
    record_about(deps, caller, work, after.lineage(), what, event_values(changes)).await?;
    Ok(after)
}
