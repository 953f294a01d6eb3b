//! Writing comments and replies.

use serde_json::{Value, json};

use super::{
    CommentView, MAX_COMMENTS, all_of, as_if_absent, check_message, check_pointer, find_comment,
};
use crate::{
    Comment, CommentId, Scope,
    access::Level,
    assistant::view::AssistantView,
    usecases::{
        Caller, Denied, Deps, Error, Result,
        home::on_live,
        support::{find_to_write, fresh, lock, on_write, record_about},
    },
};

/// A comment to write.
#[derive(Clone, Debug)]
pub struct NewComment {
    /// The text.
    pub message: String,
    /// The JSON pointer of the value in the assistant object that it is about.
    pub pointer: Option<String>,
}

/// Writes a comment on an assistant.
///
/// # Errors
///
/// [`Error::Invalid`] for a message or pointer that cannot be one,
/// [`Error::NotFound`], [`Denied::OtherOrganization`], [`Error::TooMany`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn create_comment(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    new: NewComment,
) -> Result<CommentView> {
    let about = find_to_write(&deps, caller, reference, Level::View).await?;
    if !about.at_home {
        return Err(Denied::OtherOrganization.into());
    }
    let pointer = new.pointer.as_ref().map_or(Ok(()), |pointer| check_pointer(pointer, &about));
    all_of([check_message(&new.message), pointer])?;
    insert(&deps, caller, &on_live(about), (None, new)).await
}

/// Writes a reply to a comment.
///
/// # Errors
///
/// [`Error::Invalid`] for a message that cannot be one, and for a reply to a reply;
/// [`Error::NotFound`], [`Error::TooMany`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn create_reply(
    deps: Deps<'_>,
    caller: &Caller,
    id: CommentId,
    message: String,
) -> Result<CommentView> {
    let (found, about) = find_comment(&deps, caller, id, Scope::Write).await?;
    check_message(&message)?;
    if found.comment.parent.is_some() {
        return Err(Error::invalid("", "reply_to_reply", "a reply has no replies of its own"));
    }
    let new = NewComment { message, pointer: None };
    insert(&deps, caller, &about, (Some(id), new)).await.map_err(as_if_absent)
}

async fn insert(
    deps: &Deps<'_>,
    caller: &Caller,
    about: &AssistantView,
    (parent, new): (Option<CommentId>, NewComment),
) -> Result<CommentView> {
    let mut work = deps.store.begin(caller.tenant()).await?;
    // Whoever writes holds the assistant: it is still there, and nobody else counts.
    let about = lock(&mut *work, &caller.actor, about, Level::View).await?;
    let assistant = about.record.assistant.id;
    if let Some(parent) = parent {
        work.comments().find(parent).await?.ok_or(Error::NotFound("comment"))?;
    }
    let count = work.comments().count(assistant).await?;
    if usize::try_from(count).is_ok_and(|count| count >= MAX_COMMENTS) {
        return Err(Error::TooMany { what: "comments on an assistant", limit: MAX_COMMENTS });
    }
    let now = deps.clock.now();
    let NewComment { message, pointer } = new;
    let comment = Comment {
        id: fresh(deps),
        organization: caller.tenant(),
        assistant,
        parent,
        author: caller.actor.user,
        message,
        pointer,
        resolved: None,
        created_at: now,
        updated_at: now,
        revision: 1,
    };
    work.comments().insert(&comment).await.map_err(on_write)?;
    let what = ("comment.created", comment.id.to_string());
    let values = (None, Some(state_of(&comment)));
    record_about(deps, caller, &mut *work, assistant, what, values).await?;
    work.commit().await?;

    let author_name = caller.actor.name.clone();
    Ok(CommentView { comment, author_name, replies: 0, unread: false })
}

/// What the audit log keeps of a comment.
pub(super) fn state_of(comment: &Comment) -> Value {
    json!({
        "parentId": comment.parent,
        "message": comment.message,
        "pointer": comment.pointer,
        "resolved": comment.resolved.is_some(),
    })
}
