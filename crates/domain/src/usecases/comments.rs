//! What people of its organization say about an assistant.
//!
//! A comment is there for whoever may see its assistant, and for nobody else. Comments
//! belong to the live assistant, also when the id of its draft names it.

mod change;
mod create;
mod unread;

pub use self::{
    change::{UpdateComment, delete_comment, resolve_comment, update_comment},
    create::{NewComment, create_comment, create_reply},
    unread::{Unread, mark_comments_read, unread_comments},
};
use serde_json::Value;

use super::{
    Caller, Deps, Error, Result,
    home::{find_at_home, find_at_home_to_write},
    support::{find, require_scope, require_seat},
};
use crate::{
    AssistantId, Comment, CommentId, Digest, Scope, Timestamp, access::Level,
    assistant::view::AssistantView, comment::CommentSummary, ports::CommentListQuery,
};

/// Most characters of a message.
pub const MAX_MESSAGE_CHARS: usize = 10_000;
/// Most characters of a pointer.
pub const MAX_POINTER_CHARS: usize = 2_048;
/// Most comments and replies of one assistant.
pub const MAX_COMMENTS: usize = 10_000;

/// Which comments to list.
#[derive(Clone, Copy, Debug)]
pub struct ListComments {
    /// Whether the newest come first.
    pub newest_first: bool,
    /// Only those that are settled, or only those that are not.
    pub resolved: Option<bool>,
    /// Behind this one.
    pub after: Option<CommentId>,
    /// How many at most.
    pub limit: u32,
}

/// A comment as the caller sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommentView {
    /// The comment.
    pub comment: Comment,
    /// The author's name; empty when the author is gone or has none.
    pub author_name: String,
    /// How many replies it has.
    pub replies: u64,
    /// Whether somebody else wrote it behind what the caller has read.
    pub unread: bool,
}

/// The strong entity tag of a comment as the caller sees it, without quotes.
#[must_use]
pub fn etag(view: &CommentView) -> String {
    let CommentView { comment, author_name, replies, unread } = view;
    let text = format!("{} {} {replies} {unread} {author_name}", comment.id, comment.revision);
    Digest::of(text.as_bytes()).to_string().chars().take(32).collect()
}

/// The comments on an assistant that reply to none.
///
/// # Errors
///
/// [`Error::NotFound`], [`super::Denied::OtherOrganization`].
pub async fn list_comments(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    command: ListComments,
) -> Result<Vec<CommentView>> {
    let about = find_at_home(&deps, caller, reference).await?;
    list(&deps, caller, (about.record.assistant.lineage(), None), command).await
}

/// The replies to a comment; those of a reply are none.
///
/// # Errors
///
/// [`Error::NotFound`].
pub async fn list_replies(
    deps: Deps<'_>,
    caller: &Caller,
    id: CommentId,
    command: ListComments,
) -> Result<Vec<CommentView>> {
    let (found, _) = find_comment(&deps, caller, id, Scope::Read).await?;
    list(&deps, caller, (found.comment.assistant, Some(id)), command).await
}

async fn list(
    deps: &Deps<'_>,
    caller: &Caller,
    (assistant, parent): (AssistantId, Option<CommentId>),
    command: ListComments,
) -> Result<Vec<CommentView>> {
    let ListComments { newest_first, resolved, after, limit } = command;
    let query = CommentListQuery { assistant, parent, newest_first, resolved, after, limit };
    let comments = deps.store.comments();
    let rows = comments.list(caller.tenant(), &query).await?;
    let read = comments.read_until(caller.tenant(), caller.actor.user, assistant).await?;
    Ok(rows.into_iter().map(|row| seen_by(caller, row, read)).collect())
}

/// A comment or reply.
///
/// # Errors
///
/// [`Error::NotFound`].
pub async fn view_comment(deps: Deps<'_>, caller: &Caller, id: CommentId) -> Result<CommentView> {
    let (found, _) = find_comment(&deps, caller, id, Scope::Read).await?;
    Ok(found)
}

fn seen_by(caller: &Caller, summary: CommentSummary, read: Option<Timestamp>) -> CommentView {
    let CommentSummary { comment, author_name, replies } = summary;
    let behind = read.is_none_or(|read| comment.created_at > read);
    let unread = behind && comment.author != caller.actor.user;
    CommentView { comment, author_name, replies, unread }
}

/// The comment and the live assistant that it is about, if the caller may see them and
/// their credential covers `scope`.
async fn find_comment(
    deps: &Deps<'_>,
    caller: &Caller,
    id: CommentId,
    scope: Scope,
) -> Result<(CommentView, AssistantView)> {
    // What the credential cannot do is told whether or not there is a comment.
    require_seat(&caller.actor)?;
    require_scope(&caller.actor, scope)?;
    let summary = deps.store.comments().find(caller.tenant(), id).await?;
    let summary = summary.ok_or(Error::NotFound("comment"))?;
    let assistant = summary.comment.assistant;
    let reference = assistant.to_string();
    let about = match scope {
        Scope::Read => find(deps, caller, &reference).await,
        Scope::Write | Scope::Run | Scope::Admin => {
            find_at_home_to_write(deps, caller, &reference, Level::View).await
        }
    };
    let about = about.map_err(as_if_absent)?;
    let read = deps.store.comments().read_until(caller.tenant(), caller.actor.user, assistant);
    Ok((seen_by(caller, summary, read.await?), about))
}

/// A comment whose assistant is not there for the caller is not there either.
fn as_if_absent(error: Error) -> Error {
    match error {
        Error::NotFound(_) => Error::NotFound("comment"),
        error => error,
    }
}

/// The faults of all checks at once.
fn all_of(checks: [Result<()>; 2]) -> Result<()> {
    let mut faults = Vec::new();
    for check in checks {
        match check {
            Ok(()) => {}
            Err(Error::Invalid(found)) => faults.extend(found),
            Err(error) => return Err(error),
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
}

fn check_message(message: &str) -> Result<()> {
    let wrong = |code, text: String| Err(Error::invalid("/message", code, text));
    if message.trim().is_empty() {
        return wrong("required", "must not be blank".to_owned());
    }
    if message.chars().count() > MAX_MESSAGE_CHARS {
        return wrong("too_long", format!("must have at most {MAX_MESSAGE_CHARS} characters"));
    }
    if message.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        let text = "must not contain control characters but line feeds and tabs";
        return wrong("pattern", text.to_owned());
    }
    Ok(())
}

/// Refuses a pointer that leads nowhere in the assistant as the caller sees it.
fn check_pointer(pointer: &str, about: &AssistantView) -> Result<()> {
    let wrong = |code, text: String| Err(Error::invalid("/pointer", code, text));
    if pointer.chars().count() > MAX_POINTER_CHARS {
        return wrong("too_long", format!("must have at most {MAX_POINTER_CHARS} characters"));
    }
    let object: Value = serde_json::to_value(about).unwrap_or_default();
    if object.pointer(pointer).is_some() {
        return Ok(());
    }
    wrong("pointer", "must be a JSON pointer (RFC 6901) to a value of the assistant".to_owned())
}
