//! Makes a draft's content the live one, in one transaction.

use super::open::refuse_draft;
use crate::{
    Assistant, Content,
    access::Level,
    assistant::view::AssistantView,
    merge::{self, MergeFailure, OnConflict},
    ports::UnitOfWork,
    usecases::{
        Caller, Conflict, Deps, Error, Precondition, Result,
        support::{
            add_version, changes_between, check_content, event_values, find_to_write,
            lock_matching, on_write, record_about,
        },
        versions::MAX_MESSAGE_CHARS,
    },
};

/// A commit.
#[derive(Clone, Debug, Default)]
pub struct CommitDraft {
    /// What the author says about it, at most 1,000 characters.
    pub message: Option<String>,
    /// What to do where draft and live assistant changed the same values.
    pub on_conflict: OnConflict,
    /// What the caller demands of the live assistant's state.
    pub precondition: Precondition,
}

/// Commits the draft of a live assistant: its content becomes the live one,
/// merged with what changed there since the draft was opened; a version is added;
/// the draft is gone. All of it or nothing.
///
/// # Errors
///
/// [`Error::NotFound`] when there is no draft (any more): of simultaneous commits
/// one succeeds. [`Error::Conflict`] with every value that both sides changed.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn commit_draft(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    command: CommitDraft,
) -> Result<AssistantView> {
    let CommitDraft { message, on_conflict, precondition } = command;
    check_message(message.as_deref())?;
    let seen = find_to_write(&deps, caller, reference, Level::Edit).await?;
    refuse_draft(&seen)?;
    let missing = || Error::NotFound("draft");
    seen.record.draft.ok_or_else(missing)?;
    let mut work = deps.store.begin(caller.tenant()).await?;

    let mut view =
        lock_matching(&mut *work, &caller.actor, &seen, Level::Edit, &precondition).await?;
    let before = view.record.assistant.clone();
    let draft = work.assistants().find_draft_of(before.id).await?.ok_or_else(missing)?;

    let content = merged(&mut *work, &before, &draft, on_conflict).await?;
    let content =
        check_content(content).map_err(|faults| Error::from(Conflict::MergeInvalid(faults)))?;
    let after = Assistant {
        content,
        updated_at: deps.clock.now(),
        version: before.version + 1,
        ..before.clone()
    };
    let changes = changes_between(&before, &after);

    work.assistants().delete_draft(draft.id).await?;
    let after = work.assistants().update(after).await.map_err(on_write)?;
    add_version(&deps, caller, &mut *work, &after, (changes.len(), message)).await?;
    let what = ("draft.committed", after.id.to_string());
    record_about(&deps, caller, &mut *work, after.id, what, event_values(&changes)).await?;
    work.commit().await?;

    view.record.assistant = after;
    view.record.draft = None;
    Ok(view)
}

fn check_message(message: Option<&str>) -> Result<()> {
    match message {
        Some(text) if text.chars().count() > MAX_MESSAGE_CHARS => {
            let words = format!("must have at most {MAX_MESSAGE_CHARS} characters");
            Err(Error::invalid("/message", "too_long", words))
        }
        _ => Ok(()),
    }
}

/// The draft's content, merged with what changed on the live assistant since.
async fn merged(
    work: &mut dyn UnitOfWork,
    live: &Assistant,
    draft: &Assistant,
    on_conflict: OnConflict,
) -> Result<Content> {
    if draft.version == live.version {
        return Ok(draft.content.clone());
    }
    let base = work.records().find_version(live.id, draft.version).await?;
    let base = base.ok_or(Error::NotFound("version"))?;
    merge::merge(&base.content, &live.content, &draft.content, on_conflict).map_err(|failure| {
        match failure {
            MergeFailure::Conflicts(conflicts) => Conflict::Merge(conflicts).into(),
            MergeFailure::Unreadable(words) => {
                Conflict::MergeInvalid(vec![crate::Fault::new("", "invalid", words)]).into()
            }
        }
    })
}
