//! Comments, replies, and what is unread of them.

use serde_json::json;
use understudy_domain::{
    Comment, EventFilter, Principal, ShareLevel,
    ports::{Store, Walk},
    usecases::{
        Caller, Denied, Error, Precondition, Result,
        assistants::delete_assistant,
        comments::{
            self, CommentView, ListComments, NewComment, UpdateComment, create_comment,
            create_reply, delete_comment, list_comments, list_replies, mark_comments_read,
            resolve_comment, unread_comments, update_comment, view_comment,
        },
        shares::{delete_share, put_share},
    },
};
use understudy_testkit::sample::{self, Members};

use crate::stage::{Stage, caller, id_of, named};

const NONE: Precondition = Precondition::None;

const NEWEST: ListComments =
    ListComments { newest_first: true, resolved: None, after: None, limit: 50 };

fn says(message: &str) -> NewComment {
    NewComment { message: message.to_owned(), pointer: None }
}

/// User 4 owns an assistant, 6 may view it, 3 may edit it.
async fn talked_about(stage: &Stage) -> String {
    let id = id_of(&stage.create(&caller(4), named("x")).await.unwrap());
    for (n, level) in [(6, ShareLevel::Read), (3, ShareLevel::Write)] {
        let whom = (Principal::User(sample::id(n)), level);
        put_share(stage.deps(), &caller(4), &id, whom, NONE).await.unwrap();
    }
    id
}

async fn comment(stage: &Stage, n: u32, id: &str, message: &str) -> CommentView {
    stage.clock.advance(time::Duration::SECOND);
    create_comment(stage.deps(), &caller(n), id, says(message)).await.unwrap()
}

fn messages(list: &[CommentView]) -> Vec<&str> {
    list.iter().map(|view| view.comment.message.as_str()).collect()
}

fn pointers<T: std::fmt::Debug>(result: Result<T>) -> Vec<String> {
    match result {
        Err(Error::Invalid(faults)) => faults.into_iter().map(|fault| fault.pointer).collect(),
        other => panic!("expected faults, got {other:?}"),
    }
}

fn is_gone<T>(result: &Result<T>) -> bool {
    matches!(result, Err(Error::NotFound("comment")))
}

#[tokio::test]
async fn whoever_sees_an_assistant_talks_about_it() {
    let stage = Stage::set().await;
    let id = talked_about(&stage).await;
    let deps = stage.deps();

    let first = comment(&stage, 6, &id, "First").await;
    let second = comment(&stage, 4, &id, "Second").await;
    let reply = create_reply(deps, &caller(3), first.comment.id, "Indeed".to_owned()).await;
    let reply = reply.unwrap();

    let list = list_comments(deps, &caller(6), &id, NEWEST).await.unwrap();
    assert_eq!(messages(&list), ["Second", "First"]);
    assert_eq!((list[1].replies, list[1].author_name.as_str()), (1, "User 6"));
    let oldest = ListComments { newest_first: false, ..NEWEST };
    let behind = ListComments { after: Some(first.comment.id), ..oldest };
    let behind = list_comments(deps, &caller(6), &id, behind).await.unwrap();
    assert_eq!(messages(&behind), ["Second"]);
    let replies = list_replies(deps, &caller(6), first.comment.id, oldest).await.unwrap();
    assert_eq!(messages(&replies), ["Indeed"]);
    assert_eq!(replies[0].comment.parent, Some(first.comment.id));
    let none = list_replies(deps, &caller(6), reply.comment.id, oldest).await.unwrap();
    assert_eq!(none, []);
    assert_eq!(view_comment(deps, &caller(3), second.comment.id).await.unwrap().replies, 0);

    let nested = create_reply(deps, &caller(6), reply.comment.id, "And".to_owned()).await;
    assert_eq!(pointers(nested), [""]);
}

#[tokio::test]
async fn a_comment_is_there_as_long_as_its_assistant_is() {
    let stage = Stage::set().await;
    let id = talked_about(&stage).await;
    let deps = stage.deps();
    let made = comment(&stage, 6, &id, "Hello").await.comment.id;

    let hidden = async |who: &Caller| {
        let change = UpdateComment { message: Some("x".to_owned()), ..Default::default() };
        assert!(is_gone(&view_comment(deps, who, made).await));
        assert!(is_gone(&list_replies(deps, who, made, NEWEST).await));
        assert!(is_gone(&create_reply(deps, who, made, "x".to_owned()).await));
        assert!(is_gone(&update_comment(deps, who, made, change).await));
        assert!(is_gone(&resolve_comment(deps, who, made, true, NONE).await));
        assert!(is_gone(&delete_comment(deps, who, made, NONE).await));
    };
    hidden(&caller(5)).await;
    let six = Principal::User(sample::id(6));
    delete_share(deps, &caller(4), &id, six, NONE).await.unwrap();
    hidden(&caller(6)).await;
    delete_assistant(deps, &caller(4), &id, NONE).await.unwrap();
    hidden(&caller(4)).await;
}

#[tokio::test]
async fn comments_on_a_global_assistant_are_for_its_organization() {
    let stage = Stage::set().await;
    let body = json!({"name": "x", "access_mode": "global"});
    let id = id_of(&stage.create(&caller(4), body).await.unwrap());
    sample::save(&stage.store, vec![sample::organization(2).into(), sample::user(20).of(2).into()])
        .await
        .unwrap();
    let mut stranger = caller(1);
    stranger.actor.organization = sample::id(2);
    stranger.actor.user = sample::id(20);
    let made = comment(&stage, 4, &id, "Hello").await.comment.id;
    let deps = stage.deps();

    let elsewhere = |error: Option<Error>| {
        assert!(matches!(error, Some(Error::Forbidden(Denied::OtherOrganization))), "{error:?}");
    };
    elsewhere(list_comments(deps, &stranger, &id, NEWEST).await.err());
    elsewhere(create_comment(deps, &stranger, &id, says("x")).await.err());
    elsewhere(unread_comments(deps, &stranger, &id).await.err());
    elsewhere(mark_comments_read(deps, &stranger, &id, None).await.err());
    assert!(is_gone(&view_comment(deps, &stranger, made).await));
}

#[tokio::test]
async fn authors_edit_authors_and_managers_delete_authors_and_editors_resolve() {
    let stage = Stage::set().await;
    let id = talked_about(&stage).await;
    let deps = stage.deps();
    let by_viewer = comment(&stage, 6, &id, "By a viewer").await.comment.id;
    let by_owner = comment(&stage, 4, &id, "By the owner").await.comment.id;
    let change = || UpdateComment { message: Some("Changed".to_owned()), ..Default::default() };
    let level = |error: Option<Error>| {
        assert!(matches!(error, Some(Error::Forbidden(Denied::Level { .. }))), "{error:?}");
    };

    for n in [3, 4, 1] {
        let refused = update_comment(deps, &caller(n), by_viewer, change()).await;
        assert!(matches!(refused, Err(Error::Forbidden(Denied::Author))), "{n}");
    }
    stage.clock.advance(time::Duration::SECOND);
    let changed = update_comment(deps, &caller(6), by_viewer, change()).await.unwrap();
    assert!(changed.comment.updated_at > changed.comment.created_at);

    level(resolve_comment(deps, &caller(6), by_owner, true, NONE).await.err());
    let settled = resolve_comment(deps, &caller(3), by_owner, true, NONE).await.unwrap();
    assert_eq!(settled.comment.resolved.map(|(_, by)| by), Some(sample::id(3)));
    resolve_comment(deps, &caller(6), by_viewer, true, NONE).await.unwrap();
    let open = resolve_comment(deps, &caller(6), by_viewer, false, NONE).await.unwrap();
    assert_eq!(open.comment.resolved, None);
    let only = ListComments { resolved: Some(true), ..NEWEST };
    let list = list_comments(deps, &caller(6), &id, only).await.unwrap();
    assert_eq!(messages(&list), ["By the owner"]);

    let reply = create_reply(deps, &caller(6), by_owner, "Why?".to_owned()).await.unwrap();
    let refused = resolve_comment(deps, &caller(6), reply.comment.id, true, NONE).await;
    assert_eq!(pointers(refused), [""]);
    level(delete_comment(deps, &caller(6), by_owner, NONE).await.err());
    level(delete_comment(deps, &caller(3), by_viewer, NONE).await.err());
    delete_comment(deps, &caller(6), by_viewer, NONE).await.unwrap();
    delete_comment(deps, &caller(1), by_owner, NONE).await.unwrap();
    assert!(is_gone(&view_comment(deps, &caller(6), reply.comment.id).await));
    assert!(is_gone(&delete_comment(deps, &caller(6), by_viewer, NONE).await));
}

#[tokio::test]
async fn a_comment_points_into_the_object_that_its_author_sees() {
    let stage = Stage::set().await;
    let id = talked_about(&stage).await;
    stage.patch(&caller(4), &id, json!({"metadata": {"a/b": "1"}})).await.unwrap();
    let deps = stage.deps();
    let about = |pointer: &str| NewComment {
        message: "Why?".to_owned(),
        pointer: Some(pointer.to_owned()),
    };

    for right in ["", "/instructions", "/metadata/a~1b", "/permissions/read", "/owner/id"] {
        let made = create_comment(deps, &caller(6), &id, about(right)).await.unwrap();
        assert_eq!(made.comment.pointer.as_deref(), Some(right));
    }
    for wrong in ["instructions", "/nothing", "/metadata/a/b", "/preset_prompts/0", "/ "] {
        let refused = create_comment(deps, &caller(6), &id, about(wrong)).await;
        assert_eq!(pointers(refused), ["/pointer"], "{wrong}");
    }
    let both = NewComment { message: " ".to_owned(), pointer: Some("/nothing".to_owned()) };
    let refused = create_comment(deps, &caller(6), &id, both).await;
    assert_eq!(pointers(refused), ["/message", "/pointer"]);

    // Where it led may be gone; the rest can still be changed.
    let made = create_comment(deps, &caller(6), &id, about("/metadata/a~1b")).await.unwrap();
    stage.put(&caller(4), &id, json!({"metadata": null})).await.unwrap();
    let pointer = Some(made.comment.pointer.clone());
    let change = UpdateComment { message: Some("Then".to_owned()), pointer, precondition: NONE };
    update_comment(deps, &caller(6), made.comment.id, change).await.unwrap();
    let away = UpdateComment { pointer: Some(None), ..Default::default() };
    let away = update_comment(deps, &caller(6), made.comment.id, away).await.unwrap();
    assert_eq!(away.comment.pointer, None);
}

#[tokio::test]
async fn a_message_is_a_text_of_bounded_length() {
    let stage = Stage::set().await;
    let id = talked_about(&stage).await;
    for right in ["x", "a\n\tb", &"é".repeat(comments::MAX_MESSAGE_CHARS)] {
        create_comment(stage.deps(), &caller(6), &id, says(right)).await.unwrap();
    }
    let long = "x".repeat(comments::MAX_MESSAGE_CHARS + 1);
    for wrong in ["", "\n", "a\rb", "a\u{7f}", "\u{1b}[31m", &long] {
        let refused = create_comment(stage.deps(), &caller(6), &id, says(wrong)).await;
        assert_eq!(pointers(refused), ["/message"]);
    }
}

#[tokio::test]
async fn an_assistant_has_ten_thousand_comments_and_replies_at_most() {
    let stage = Stage::set().await;
    let id = talked_about(&stage).await;
    let first = comment(&stage, 6, &id, "First").await.comment;
    let mut work = stage.store.begin(sample::id(1)).await.unwrap();
    for n in 1..u32::try_from(comments::MAX_COMMENTS).unwrap() {
        let more = Comment { id: sample::id(n), parent: Some(first.id), ..first.clone() };
        work.comments().insert(&more).await.unwrap();
    }
    work.commit().await.unwrap();
    let is_full = |error: Option<Error>| {
        assert!(matches!(error, Some(Error::TooMany { limit: 10_000, .. })), "{error:?}");
    };

    is_full(create_comment(stage.deps(), &caller(4), &id, says("x")).await.err());
    is_full(create_reply(stage.deps(), &caller(4), first.id, "x".to_owned()).await.err());
    delete_comment(stage.deps(), &caller(4), sample::id(1), NONE).await.unwrap();
    create_comment(stage.deps(), &caller(4), &id, says("x")).await.unwrap();
}

#[tokio::test]
async fn what_others_wrote_is_unread_until_it_is_marked() {
    let stage = Stage::set().await;
    let id = talked_about(&stage).await;
    let deps = stage.deps();
    let first = comment(&stage, 4, &id, "First").await.comment;
    let own = comment(&stage, 6, &id, "Own").await.comment;
    let second = comment(&stage, 4, &id, "Second").await.comment;
    stage.clock.advance(time::Duration::SECOND);
    create_reply(deps, &caller(3), own.id, "Reply".to_owned()).await.unwrap();
    let unread = async |n: u32| unread_comments(deps, &caller(n), &id).await.unwrap();
    let marks = async || {
        let list = list_comments(deps, &caller(6), &id, NEWEST).await.unwrap();
        list.iter().map(|view| view.unread).collect::<Vec<_>>()
    };

    assert_eq!((unread(6).await.count, unread(6).await.read_until), (3, None));
    assert_eq!(marks().await, [true, false, true]);
    let read = mark_comments_read(deps, &caller(6), &id, Some(first.created_at)).await.unwrap();
    assert_eq!((read.count, read.read_until), (2, Some(first.created_at)));
    assert_eq!(marks().await, [true, false, false]);
    let read = mark_comments_read(deps, &caller(6), &id, Some(second.created_at)).await.unwrap();
    assert_eq!(read.count, 1);
    let back = mark_comments_read(deps, &caller(6), &id, Some(first.created_at)).await.unwrap();
    assert_eq!(back, read, "it never goes back");

    let now = deps.clock.now();
    let future = now.plus(time::Duration::DAY);
    let read = mark_comments_read(deps, &caller(6), &id, Some(future)).await.unwrap();
    assert_eq!((read.count, read.read_until), (0, Some(now)));
    comment(&stage, 4, &id, "Third").await;
    assert_eq!(unread(6).await.count, 1);
    assert_eq!(unread(4).await.count, 2, "of others, not of oneself");
}

#[tokio::test]
async fn comments_through_a_drafts_id_are_the_live_ones() {
    let stage = Stage::set().await;
    let id = talked_about(&stage).await;
    let draft = id_of(&stage.open(&caller(4), &id).await.unwrap().0);

    let made = comment(&stage, 3, &draft, "On the draft").await;

    assert_eq!(made.comment.assistant.to_string(), id);
    let list = list_comments(stage.deps(), &caller(6), &id, NEWEST).await.unwrap();
    assert_eq!(messages(&list), ["On the draft"]);
    let through = list_comments(stage.deps(), &caller(4), &draft, NEWEST).await.unwrap();
    assert_eq!(messages(&through), ["On the draft"]);
}

#[tokio::test]
async fn a_comment_is_changed_in_the_state_that_was_named_only() {
    let stage = Stage::set().await;
    let id = talked_about(&stage).await;
    let made = comment(&stage, 6, &id, "Hello").await;
    let deps = stage.deps();
    let tag = comments::etag(&made);
    let change = |message: &str| UpdateComment {
        message: Some(message.to_owned()),
        precondition: Precondition::OneOf(vec![tag.clone()]),
        pointer: None,
    };

    update_comment(deps, &caller(6), made.comment.id, change("New")).await.unwrap();

    let refused = update_comment(deps, &caller(6), made.comment.id, change("Newer")).await;
    assert!(matches!(refused, Err(Error::PreconditionFailed)));
    let only = Precondition::OneOf(vec![tag]);
    let refused = delete_comment(deps, &caller(6), made.comment.id, only).await;
    assert!(matches!(refused, Err(Error::PreconditionFailed)));
}

#[tokio::test]
async fn the_audit_log_keeps_what_was_said_and_what_became_of_it() {
    let stage = Stage::set().await;
    let id = talked_about(&stage).await;
    let deps = stage.deps();
    let made = comment(&stage, 6, &id, "Before").await.comment.id;
    let change = UpdateComment { message: Some("After".to_owned()), ..Default::default() };
    update_comment(deps, &caller(6), made, change).await.unwrap();
    resolve_comment(deps, &caller(6), made, true, NONE).await.unwrap();
    resolve_comment(deps, &caller(6), made, true, NONE).await.unwrap();
    resolve_comment(deps, &caller(6), made, false, NONE).await.unwrap();
    delete_comment(deps, &caller(6), made, NONE).await.unwrap();

    let filter = EventFilter {
        assistant: Some(id.parse().unwrap()),
        target: Some(made.to_string()),
        ..EventFilter::default()
    };
    let events = stage.store.audit().events(sample::id(1), &filter, Walk::Forward(0), 50).await;
    let events: Vec<_> = events.unwrap().into_iter().map(|recorded| recorded.event).collect();
    let actions: Vec<_> = events.iter().map(|event| event.action.as_str()).collect();
    let expected = [
        "comment.created",
        "comment.updated",
        "comment.resolved",
        "comment.reopened",
        "comment.deleted",
    ];
    assert_eq!(actions, expected);
    assert_eq!(events[1].before, Some(json!({"message": "Before"})));
    assert_eq!(events[1].after, Some(json!({"message": "After"})));
    assert_eq!(events[4].before.as_ref().unwrap()["message"], "After");
}
