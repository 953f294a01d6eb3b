//! Comments on assistants.

mod view;

use actix_web::http::Method;
use understudy_domain::{
    Timestamp,
    usecases::comments::{self, ListComments, NewComment, UpdateComment},
};
pub(crate) use view::{AuthorView, CommentLinks, CommentView, LinkView, UnreadView};

use crate::{
    answer::{self, Answer},
    call::{Asked, Call},
    endpoint::Endpoint,
    fields::Fields,
    idempotency::once,
    input::{self, Input},
    openapi::{Doc, Parameter},
    problem::{Code, Problem},
    query::Query,
};

const OF_ASSISTANT: &str = "/api/assistants/{id}/comments";
const ONE: &str = "/api/comments/{id}";
const REPLIES: &str = "/api/comments/{id}/replies";

/// What only the server sets.
const READ_ONLY: &[&str] = &[
    "id",
    "assistantId",
    "parentId",
    "userId",
    "user",
    "resolved",
    "resolvedAt",
    "resolvedBy",
    "replies",
    "unread",
    "createdAt",
    "updatedAt",
    "_links",
];

/// Comments of an assistant.
pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, OF_ASSISTANT, list_comments, |doc: Doc| {
            listed(doc.op("comments", "listComments", "List the comments on an assistant"))
                .about(
                    "Those that reply to none. Needs view access, in the assistant's organization.",
                )
                .codes(&[Code::OtherOrganization])
                .needs_seat()
        }),
        Endpoint::new(Method::POST, OF_ASSISTANT, create_comment, |doc: Doc| {
            doc.op("comments", "createComment", "Comment on an assistant")
                .about("On the whole of it, or on the value that `pointer` leads to in the assistant object as the caller sees it. Needs view access, in the assistant's organization.")
                .body("CommentCreate")
                .created("The comment.", "Comment")
                .codes(&[Code::OtherOrganization, Code::LimitReached, Code::ConcurrentChange])
                .needs_seat()
        }),
        Endpoint::new(
            Method::GET,
            "/api/assistants/{id}/comments/_unread",
            read_unread,
            |doc: Doc| {
                doc.op("comments", "getUnreadComments", "Count what one has not read")
                    .about("Comments and replies of others, written behind what one marked as read. Needs view access, in the assistant's organization.")
                    .json(200, "How many, and until when one has read.", "UnreadComments")
                    .codes(&[Code::OtherOrganization])
                    .needs_seat()
            },
        ),
        Endpoint::new(
            Method::POST,
            "/api/assistants/{id}/comments/_read",
            mark_read,
            |doc: Doc| {
                doc.op("comments", "markCommentsRead", "Mark comments as read")
                    .about("Up to `until`, or up to now; it never goes back, nor into the future. Needs view access, in the assistant's organization.")
                    .optional_body("CommentsRead")
                    .json(200, "How many are left, and until when one has read.", "UnreadComments")
                    .codes(&[Code::OtherOrganization, Code::ConcurrentChange])
                    .needs_seat()
            },
        ),
    ]
}

/// Comments by their own ids.
pub(super) fn single() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, ONE, read_comment, |doc: Doc| {
            doc.op("comments", "getComment", "Read a comment or reply")
                .about("Needs view access to its assistant.")
                .tagged(200, "The comment.", "Comment")
                .needs_seat()
        }),
        Endpoint::new(Method::PUT, ONE, update_comment, |doc: Doc| {
            doc.op("comments", "updateComment", "Change one's comment or reply")
                .about("What is not named stays. For its author, as long as they have view access to its assistant.")
                .body("CommentUpdate")
                .tagged(200, "The comment as it is now.", "Comment")
                .codes(&[Code::NotTheAuthor, Code::ConcurrentChange])
                .needs_seat()
        }),
        Endpoint::new(Method::DELETE, ONE, delete_comment, |doc: Doc| {
            doc.op("comments", "deleteComment", "Delete a comment with its replies, or a reply")
                .about("For its author, and for those with manage access to its assistant.")
                .empty(204, "It is gone.")
                .conditional()
                .codes(&[Code::ConcurrentChange])
                .needs_seat()
        }),
        Endpoint::new(Method::GET, REPLIES, list_replies, |doc: Doc| {
            listed(doc.op("comments", "listReplies", "List the replies to a comment"))
                .about("Needs view access to its assistant.")
                .needs_seat()
        }),
        Endpoint::new(Method::POST, REPLIES, create_reply, |doc: Doc| {
            doc.op("comments", "createReply", "Reply to a comment")
                .about("Replies have no replies of their own. Needs view access to its assistant.")
                .body("ReplyCreate")
                .created("The reply.", "Comment")
                .codes(&[Code::LimitReached, Code::ConcurrentChange])
                .needs_seat()
        }),
        Endpoint::new(Method::POST, "/api/comments/{id}/_resolve", resolve_comment, |doc: Doc| {
            doc.op("comments", "resolveComment", "Settle a comment, or open it again")
                .about("For its author, and for those with edit access to its assistant. Replies are not settled.")
                .optional_body("CommentResolve")
                .tagged(200, "The comment as it is now.", "Comment")
                .conditional()
                .codes(&[Code::ConcurrentChange])
                .needs_seat()
        }),
    ]
}

/// The parameters of a list of comments.
fn listed(doc: Doc) -> Doc {
    doc.query(
        "sort",
        "The order; `-createdAt`, newest first, when absent.",
        Parameter::word(&["createdAt", "-createdAt"]),
    )
    .limit_parameter()
    .query("after", "Only those behind this comment, in the order of the list.", Parameter::text())
    .query("resolved", "Settled ones (`true`) or open ones (`false`).", Parameter::flag())
    .json(200, "The comments.", "CommentList")
}

fn which(mut query: Query) -> Result<ListComments, Problem> {
    let newest_first = |text: &str| match text {
        "createdAt" | "created_at" => Some(false),
        "-createdAt" | "-created_at" => Some(true),
        _ => None,
    };
    let command = ListComments {
        newest_first: query
            .read("sort", "`createdAt` or `-createdAt`", newest_first)
            .unwrap_or(true),
        resolved: query.flag("resolved"),
        after: query.read("after", "the id of a comment", |text| text.parse().ok()),
        limit: query.limit(),
    };
    query.finish()?;
    Ok(command)
}

async fn list_comments(Asked { call, query }: Asked) -> Answer {
    let command = which(query)?;
    let (deps, caller, assistant) = (call.deps(), &call.caller, call.path("id"));
    let all = comments::list_comments(deps, caller, assistant, command).await?;
    answer::ok(&all.into_iter().map(CommentView::from).collect::<Vec<_>>())
}

async fn list_replies(Asked { call, query }: Asked) -> Answer {
    let command = which(query)?;
    let id = call.id("id", "comment")?;
    let all = comments::list_replies(call.deps(), &call.caller, id, command).await?;
    answer::ok(&all.into_iter().map(CommentView::from).collect::<Vec<_>>())
}

async fn create_comment(mut call: Call) -> Answer {
    let input = call.input(input::SMALL).await?;
    once(call, input, async |call: Call, input: Input| {
        let mut fields = Fields::of(input.value)?.ignoring(READ_ONLY);
        let message = fields.required("message", Fields::text);
        let pointer = fields.nullable("pointer", Fields::text).flatten();
        fields.finish()?;
        let new = NewComment { message, pointer };
        let (deps, caller, assistant) = (call.deps(), &call.caller, call.path("id"));
        written(comments::create_comment(deps, caller, assistant, new).await?)
    })
    .await
}

async fn create_reply(mut call: Call) -> Answer {
    let id = call.id("id", "comment")?;
    let input = call.input(input::SMALL).await?;
    once(call, input, async move |call: Call, input: Input| {
        let mut fields = Fields::of(input.value)?.ignoring(READ_ONLY);
        let message = fields.required("message", Fields::text);
        if fields.nullable("pointer", Fields::text).flatten().is_some() {
            fields.fault("pointer", "contradiction", "is only for comments, not for replies");
        }
        fields.finish()?;
        written(comments::create_reply(call.deps(), &call.caller, id, message).await?)
    })
    .await
}

fn written(comment: comments::CommentView) -> Answer {
    let location = format!("/api/comments/{}", comment.comment.id);
    answer::created(&location, &comments::etag(&comment), &CommentView::from(comment))
}

async fn read_comment(call: Call) -> Answer {
    let id = call.id("id", "comment")?;
    let found = comments::view_comment(call.deps(), &call.caller, id).await?;
    answer::resource(&call.request, &comments::etag(&found), &CommentView::from(found))
}

async fn update_comment(mut call: Call) -> Answer {
    let (id, precondition) = (call.id("id", "comment")?, call.precondition()?);
    let mut fields = call.fields().await?.ignoring(READ_ONLY);
    let message = fields.text("message");
    let pointer = fields.nullable("pointer", Fields::text);
    fields.finish()?;
    let command = UpdateComment { message, pointer, precondition };
    let comment = comments::update_comment(call.deps(), &call.caller, id, command).await?;
    answer::changed(&comments::etag(&comment), &CommentView::from(comment))
}

async fn delete_comment(call: Call) -> Answer {
    let (id, precondition) = (call.id("id", "comment")?, call.precondition()?);
    comments::delete_comment(call.deps(), &call.caller, id, precondition).await?;
    answer::gone()
}

async fn resolve_comment(mut call: Call) -> Answer {
    let (id, precondition) = (call.id("id", "comment")?, call.precondition()?);
    let input = call.optional_input().await?;
    once(call, input, async move |call: Call, input: Input| {
        let mut fields = Fields::of(input.value)?;
        let resolved = fields.flag("resolved").unwrap_or(true);
        fields.finish()?;
        let (deps, caller) = (call.deps(), &call.caller);
        let comment = comments::resolve_comment(deps, caller, id, resolved, precondition).await?;
        answer::changed(&comments::etag(&comment), &CommentView::from(comment))
    })
    .await
}

async fn read_unread(call: Call) -> Answer {
    let unread = comments::unread_comments(call.deps(), &call.caller, call.path("id")).await?;
    answer::ok(&UnreadView::from(unread))
}

async fn mark_read(mut call: Call) -> Answer {
    let input = call.optional_input().await?;
    once(call, input, async |call: Call, input: Input| {
        let mut fields = Fields::of(input.value)?;
        let until = fields.nullable("until", time).flatten();
        fields.finish()?;
        let (deps, caller, assistant) = (call.deps(), &call.caller, call.path("id"));
        let unread = comments::mark_comments_read(deps, caller, assistant, until).await?;
        answer::ok(&UnreadView::from(unread))
    })
    .await
}

fn time(fields: &mut Fields, name: &str) -> Option<Timestamp> {
    let text = fields.text(name)?;
    let time = Timestamp::parse_rfc3339(&text);
    if time.is_none() {
        fields.fault(name, "invalid", "must be an RFC 3339 time, for example 2027-01-31T12:00:00Z");
    }
    time
}
