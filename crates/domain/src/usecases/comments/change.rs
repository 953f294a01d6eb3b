//! Changing, settling and removing comments.

use serde_json::{Map, Value, json};

use super::{
    CommentView, all_of, as_if_absent, check_message, check_pointer, create::state_of, etag,
    find_comment,
};
use crate::{
    Comment, CommentId, Scope,
    access::Level,
    assistant::view::AssistantView,
    ports::UnitOfWork,
    usecases::{
        Caller, Denied, Deps, Error, Precondition, Result,
        support::{lock, on_write, record_about, require_level},
    },
};

/// A change to a comment; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct UpdateComment {
    /// The text.
    pub message: Option<String>,
    /// What it is about; `Some(None)` for the whole of the assistant.
    pub pointer: Option<Option<String>>,
    /// What the caller demands of the state.
    pub precondition: Precondition,
}

/// A comment under change: it and its assistant are locked.
struct Locked {
    work: Box<dyn UnitOfWork>,
    about: AssistantView,
    view: CommentView,
}

impl Locked {
    async fn begin(deps: &Deps<'_>, caller: &Caller, id: CommentId) -> Result<Self> {
        let (view, about) = find_comment(deps, caller, id, Scope::Write).await?;
        let mut work = deps.store.begin(caller.tenant()).await?;
        let about = lock(&mut *work, &caller.actor, &about, Level::View).await;
        let about = about.map_err(as_if_absent)?;
        let comment = work.comments().find(id).await?.ok_or(Error::NotFound("comment"))?;
        Ok(Self { work, about, view: CommentView { comment, ..view } })
    }

    fn is_by(&self, caller: &Caller) -> bool {
        self.view.comment.author == caller.actor.user
    }

    async fn save(
        self,
        deps: &Deps<'_>,
        caller: &Caller,
        after: Comment,
        (action, values): (&str, (Option<Value>, Option<Value>)),
    ) -> Result<CommentView> {
        let Self { mut work, view, .. } = self;
        let comment = work.comments().update(after).await.map_err(on_write)?;
        let what = (action, comment.id.to_string());
        record_about(deps, caller, &mut *work, comment.assistant, what, values).await?;
        work.commit().await?;
        Ok(CommentView { comment, ..view })
    }
}

/// Changes a comment of the caller.
///
/// # Errors
///
/// [`Denied::Author`] for comments of others; [`Error::Invalid`] with every fault;
/// [`Error::NotFound`], [`Error::PreconditionFailed`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn update_comment(
    deps: Deps<'_>,
    caller: &Caller,
    id: CommentId,
    command: UpdateComment,
) -> Result<CommentView> {
    let locked = Locked::begin(&deps, caller, id).await?;
    if !locked.is_by(caller) {
        return Err(Denied::Author.into());
    }
    let UpdateComment { message, pointer, precondition } = command;
    precondition.check(&etag(&locked.view))?;
    let before = locked.view.comment.clone();
    let after = Comment {
        message: message.unwrap_or_else(|| before.message.clone()),
        pointer: pointer.unwrap_or_else(|| before.pointer.clone()),
        ..before.clone()
    };
    check(&before, &after, &locked.about)?;
    if after == before {
        return Ok(locked.view);
    }
    let after = Comment { updated_at: deps.clock.now(), ..after };
    let values = changes(&before, &after);
    locked.save(&deps, caller, after, ("comment.updated", values)).await
}

/// Only what is new must be right: what a pointer led to may be gone since.
fn check(before: &Comment, after: &Comment, about: &AssistantView) -> Result<()> {
    let message =
        if after.message == before.message { Ok(()) } else { check_message(&after.message) };
    let pointer = match &after.pointer {
        Some(pointer) if after.pointer != before.pointer => {
            if after.parent.is_some() {
                let message = "is only for comments, not for replies";
                Err(Error::invalid("/pointer", "contradiction", message))
            } else {
                check_pointer(pointer, about)
            }
        }
        Some(_) | None => Ok(()),
    };
    all_of([message, pointer])
}

fn changes(before: &Comment, after: &Comment) -> (Option<Value>, Option<Value>) {
    let (mut old, mut new) = (Map::new(), Map::new());
    if before.message != after.message {
        old.insert("message".to_owned(), json!(before.message));
        new.insert("message".to_owned(), json!(after.message));
    }
    if before.pointer != after.pointer {
        old.insert("pointer".to_owned(), json!(before.pointer));
        new.insert("pointer".to_owned(), json!(after.pointer));
    }
    (Some(old.into()), Some(new.into()))
}

/// Settles a comment, or opens it again: its author, and those who may edit the
/// assistant.
///
/// # Errors
///
/// [`Error::Invalid`] for a reply, [`Error::NotFound`], [`Error::Forbidden`],
/// [`Error::PreconditionFailed`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn resolve_comment(
    deps: Deps<'_>,
    caller: &Caller,
    id: CommentId,
    resolved: bool,
    precondition: Precondition,
) -> Result<CommentView> {
    let locked = Locked::begin(&deps, caller, id).await?;
    if !locked.is_by(caller) {
        require_level(&locked.about, Level::Edit)?;
    }
    precondition.check(&etag(&locked.view))?;
    let before = locked.view.comment.clone();
    if before.parent.is_some() {
        return Err(Error::invalid("", "reply", "only comments are resolved, not replies"));
    }
    if before.resolved.is_some() == resolved {
        return Ok(locked.view);
    }
    let settled = resolved.then(|| (deps.clock.now(), caller.actor.user));
    let after = Comment { resolved: settled, ..before };
    let action = if resolved { "comment.resolved" } else { "comment.reopened" };
    let state = |resolved: bool| Some(json!({ "resolved": resolved }));
    locked.save(&deps, caller, after, (action, (state(!resolved), state(resolved)))).await
}

/// Removes a comment with its replies: its author, and those who manage the assistant.
///
/// # Errors
///
/// [`Error::NotFound`], also the second time; [`Error::Forbidden`],
/// [`Error::PreconditionFailed`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn delete_comment(
    deps: Deps<'_>,
    caller: &Caller,
    id: CommentId,
    precondition: Precondition,
) -> Result<()> {
    let locked = Locked::begin(&deps, caller, id).await?;
    if !locked.is_by(caller) {
        require_level(&locked.about, Level::Manage)?;
    }
    precondition.check(&etag(&locked.view))?;
    let Locked { mut work, view, .. } = locked;
    let CommentView { comment, replies, .. } = view;
    work.comments().delete(id).await?;
    let mut before = state_of(&comment);
    if let Some(before) = before.as_object_mut() {
        before.insert("replies".to_owned(), replies.into());
    }
    let what = ("comment.deleted", id.to_string());
    let values = (Some(before), None);
    record_about(&deps, caller, &mut *work, comment.assistant, what, values).await?;
    Ok(work.commit().await?)
}
