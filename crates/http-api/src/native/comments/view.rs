//! Comments as the API tells them.

use serde::Serialize;
use understudy_domain::{
    AssistantId, CommentId, Timestamp, UserId,
    usecases::comments::{self, Unread},
};
use utoipa::ToSchema;

/// A comment on an assistant, or the reply to one.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Comment)]
pub(crate) struct CommentView {
    /// Its identifier.
    #[schema(value_type = String, example = "cmt_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    id: CommentId,
    /// The assistant that it is about.
    #[schema(value_type = String, example = "asst_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    assistant_id: AssistantId,
    /// The comment that it replies to; null if it is no reply.
    #[schema(value_type = Option<String>, example = "cmt_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    parent_id: Option<CommentId>,
    /// Who wrote it.
    #[schema(value_type = String, example = "usr_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    user_id: UserId,
    /// Who wrote it, by name.
    user: AuthorView,
    /// The text.
    #[schema(example = "Could it be friendlier?")]
    message: String,
    /// The JSON pointer (RFC 6901) of the value in the assistant object that it is about;
    /// null for the whole of it.
    #[schema(example = "/instructions")]
    pointer: Option<String>,
    /// Whether it is settled.
    resolved: bool,
    /// When it was settled; null if it is not.
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-01-31T12:00:00Z")]
    resolved_at: Option<Timestamp>,
    /// Who settled it; null if it is not.
    #[schema(value_type = Option<String>, example = "usr_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    resolved_by: Option<UserId>,
    /// How many replies it has.
    #[schema(example = 2)]
    replies: u64,
    /// Whether somebody else wrote it behind what the caller marked as read.
    unread: bool,
    /// When it was written.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T12:00:00Z")]
    created_at: Timestamp,
    /// When its text was last changed.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T12:00:00Z")]
    updated_at: Timestamp,
    /// Where it and its replies are.
    #[serde(rename = "_links")]
    links: CommentLinks,
}

/// Who wrote a comment.
#[derive(Serialize, ToSchema)]
#[schema(as = CommentAuthor)]
pub(crate) struct AuthorView {
    /// The user.
    #[schema(value_type = String, example = "usr_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    id: UserId,
    /// What people call them; empty when they are gone or have no name.
    #[schema(example = "Ada")]
    name: String,
}

/// Where a comment and its replies are.
#[derive(Serialize, ToSchema)]
pub(crate) struct CommentLinks {
    /// The comment.
    #[serde(rename = "self")]
    own: LinkView,
    /// Its replies; absent on replies, which have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    replies: Option<LinkView>,
}

/// Where something is.
#[derive(Serialize, ToSchema)]
#[schema(as = Link)]
pub(crate) struct LinkView {
    /// The path.
    #[schema(example = "/api/comments/cmt_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    href: String,
}

impl From<comments::CommentView> for CommentView {
    fn from(view: comments::CommentView) -> Self {
        let comments::CommentView { comment, author_name, replies, unread } = view;
        let own = format!("/api/comments/{}", comment.id);
        let below = comment.parent.is_none().then(|| LinkView { href: format!("{own}/replies") });
        Self {
            id: comment.id,
            assistant_id: comment.assistant,
            parent_id: comment.parent,
            user_id: comment.author,
            user: AuthorView { id: comment.author, name: author_name },
            message: comment.message,
            pointer: comment.pointer,
            resolved: comment.resolved.is_some(),
            resolved_at: comment.resolved.map(|(at, _)| at),
            resolved_by: comment.resolved.map(|(_, by)| by),
            replies,
            unread,
            created_at: comment.created_at,
            updated_at: comment.updated_at,
            links: CommentLinks { own: LinkView { href: own }, replies: below },
        }
    }
}

/// How much of what others said the caller has not read.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = UnreadComments)]
pub(crate) struct UnreadView {
    /// How many comments and replies.
    #[schema(example = 3)]
    count: u64,
    /// Until when everything is read; null if nothing was ever marked.
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-01-31T12:00:00Z")]
    read_until: Option<Timestamp>,
}

impl From<Unread> for UnreadView {
    fn from(unread: Unread) -> Self {
        let Unread { count, read_until } = unread;
        Self { count, read_until }
    }
}
