//! Comments, and who has read them.

use understudy_domain::{
    Comment, CommentId, User,
    comment::CommentSummary,
    ports::{CommentListQuery, Store},
};

use super::stage::{add, assert_conflict, begin, home, people, refusal};
use crate::sample::{Members, assistant, comment, id, instant, organization, reply, user};

/// Users 1 to 3 with assistants 1 and 2.
async fn discussed(store: &dyn Store) {
    people(store, 3).await;
    add(store, vec![assistant(1, id(1), "Ada").into(), assistant(2, id(1), "Bob").into()]).await;
}

/// Comment `n` on assistant 1 by user `author`.
fn said(n: u32, author: u32) -> Comment {
    comment(n, &assistant(1, id(1), "Ada"), id(author))
}

/// A comment with nothing at its default.
fn full_comment(n: u32) -> Comment {
    Comment {
        message: "Größe «7» – \"ok?\" \\ 👩‍🚀\r\n100 %".to_owned(),
        pointer: Some("/metadata/gr~1öße".to_owned()),
        resolved: Some((instant(345_678), id(3))),
        created_at: instant(123_456),
        updated_at: instant(234_567),
        revision: 7,
        ..said(n, 2)
    }
}

async fn found(store: &dyn Store, n: u32) -> Option<Comment> {
    let in_work = begin(store).await.comments().find(id(n)).await.unwrap();
    let summary = store.comments().find(home(), id(n)).await.unwrap();
    assert_eq!(summary.map(|summary| summary.comment), in_work);
    in_work
}

/// A comment reads back as it was written, and so does a reply.
pub async fn a_saved_comment_reads_back_equal(store: &dyn Store) {
    discussed(store).await;
    let answer = reply(2, &full_comment(1), id(1));
    add(store, vec![full_comment(1).into(), answer.clone().into()]).await;

    assert_eq!(found(store, 1).await, Some(full_comment(1)));
    assert_eq!(found(store, 2).await, Some(answer));
    assert_eq!(found(store, 9).await, None);
}

/// A changed comment has its next revision.
pub async fn an_updated_comment_reads_back_with_its_next_revision(store: &dyn Store) {
    discussed(store).await;
    add(store, vec![said(1, 2).into()]).await;
    let changed = Comment { revision: 1, created_at: said(1, 2).created_at, ..full_comment(1) };
    let mut work = begin(store).await;
    let updated = work.comments().update(changed.clone()).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(updated, Comment { revision: 2, ..changed });
    assert_eq!(found(store, 1).await, Some(updated.clone()));

    let reopened = Comment { resolved: None, ..updated };
    let mut work = begin(store).await;
    let updated = work.comments().update(reopened).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(found(store, 1).await, Some(updated));
}

/// The second of two changes of the same revision is refused, and that of no comment.
pub async fn a_stale_comment_conflicts(store: &dyn Store) {
    discussed(store).await;
    add(store, vec![said(1, 1).into()]).await;
    let mut work = begin(store).await;
    work.comments().update(said(1, 1)).await.unwrap();
    work.commit().await.unwrap();

    assert_conflict(&begin(store).await.comments().update(said(1, 1)).await.unwrap_err());
    assert_conflict(&begin(store).await.comments().update(said(9, 1)).await.unwrap_err());
}

/// Nobody replies to what is not there, or not theirs.
pub async fn a_reply_needs_its_comment(store: &dyn Store) {
    discussed(store).await;
    add(store, vec![organization(2).into(), user(4).of(2).into()]).await;
    let foreign = comment(1, &assistant(4, id(4), "Eve").of(2), id(4));
    add(store, vec![assistant(4, id(4), "Eve").of(2).into(), foreign.clone().into()]).await;

    assert_conflict(&refusal(store, reply(2, &said(9, 1), id(1))).await);
    let intruder = Comment { assistant: id(1), ..reply(2, &foreign, id(1)).of(1) };
    assert_conflict(&refusal(store, intruder).await);
}

/// A comment is removed with its replies, once.
pub async fn a_removed_comment_takes_its_replies_along(store: &dyn Store) {
    discussed(store).await;
    let (gone, stays) = (said(1, 1), said(2, 1));
    add(store, vec![gone.clone().into(), stays.clone().into()]).await;
    add(store, vec![reply(3, &gone, id(2)).into(), reply(4, &stays, id(2)).into()]).await;
    add(store, vec![reply(5, &stays, id(2)).into()]).await;
    let mut work = begin(store).await;
    assert!(work.comments().delete(id(1)).await.unwrap());
    assert!(!work.comments().delete(id(1)).await.unwrap());
    assert!(work.comments().delete(id(5)).await.unwrap());
    work.commit().await.unwrap();

    for (n, there) in [(1, false), (2, true), (3, false), (4, true), (5, false)] {
        assert_eq!(found(store, n).await.is_some(), there, "comment {n}");
    }
}

/// Comments and replies of an assistant are counted together.
pub async fn comments_of_an_assistant_are_counted(store: &dyn Store) {
    discussed(store).await;
    let elsewhere = comment(4, &assistant(2, id(1), "Bob"), id(1));
    add(store, vec![said(1, 1).into(), said(2, 2).into(), elsewhere.into()]).await;
    add(store, vec![reply(3, &said(1, 1), id(1)).into()]).await;

    let mut work = begin(store).await;
    assert_eq!(work.comments().count(id(1)).await.unwrap(), 3);
    assert_eq!(work.comments().count(id(2)).await.unwrap(), 1);
    assert_eq!(work.comments().count(id(9)).await.unwrap(), 0);
}

/// Comments come with the name of who wrote them and the number of their replies.
pub async fn a_listed_comment_tells_author_and_replies(store: &dyn Store) {
    discussed(store).await;
    let nameless = User { name: String::new(), ..user(5) };
    add(store, vec![user(4).into(), nameless.into()]).await;
    let comments = [said(1, 2), said(2, 4), said(3, 5)];
    add(store, comments.iter().cloned().map(Into::into).collect()).await;
    let answers = [reply(4, &said(1, 2), id(1)), reply(5, &said(1, 2), id(2))];
    add(store, answers.iter().cloned().map(Into::into).collect()).await;
    let mut work = begin(store).await;
    assert!(work.users().delete(id(4)).await.unwrap());
    work.commit().await.unwrap();

    let [first, second, third] = comments;
    let summary = |comment, author: &str, replies| CommentSummary {
        comment,
        author_name: author.to_owned(),
        replies,
    };
    let expected =
        [summary(first.clone(), "User 2", 2), summary(second, "", 0), summary(third, "", 0)];
    let listed = store.comments().list(home(), &of_assistant()).await.unwrap();
    assert_eq!(listed, expected);
    let single = store.comments().find(home(), id(1)).await.unwrap();
    assert_eq!(single, Some(summary(first, "User 2", 2)));
}

/// All comments on assistant 1 that reply to none, oldest first.
fn of_assistant() -> CommentListQuery {
    CommentListQuery {
        assistant: id(1),
        parent: None,
        newest_first: false,
        resolved: None,
        after: None,
        limit: 100,
    }
}

/// Comments are listed in the order of ids either way, of one assistant, or the replies
/// to one, settled or not.
pub async fn comments_are_listed_in_order_as_filtered(store: &dyn Store) {
    discussed(store).await;
    let settled = |n| Comment { resolved: Some((instant(50), id(1))), ..said(n, 1) };
    add(store, vec![settled(4).into(), said(1, 1).into(), settled(2).into()]).await;
    let answers = [5, 7].map(|n| reply(n, &said(1, 1), id(2)).into());
    add(store, answers.into()).await;
    add(store, vec![comment(3, &assistant(2, id(1), "Bob"), id(1)).into()]).await;
    add(store, vec![said(6, 2).into()]).await;

    let all = of_assistant();
    let newest = CommentListQuery { newest_first: true, ..all };
    let of_first = CommentListQuery { parent: Some(id(1)), ..all };
    let cases: [(CommentListQuery, &[u32]); 11] = [
        (all, &[1, 2, 4, 6]),
        (newest, &[6, 4, 2, 1]),
        (CommentListQuery { limit: 2, ..all }, &[1, 2]),
        (CommentListQuery { after: Some(id(2)), limit: 1, ..all }, &[4]),
        (CommentListQuery { after: Some(id(4)), ..newest }, &[2, 1]),
        (CommentListQuery { after: Some(id(5)), ..newest }, &[4, 2, 1]),
        (CommentListQuery { resolved: Some(true), ..all }, &[2, 4]),
        (CommentListQuery { resolved: Some(false), ..newest }, &[6, 1]),
        (of_first, &[5, 7]),
        (CommentListQuery { newest_first: true, limit: 1, ..of_first }, &[7]),
        (CommentListQuery { parent: Some(id(2)), ..all }, &[]),
    ];
    for (query, numbers) in cases {
        let listed = store.comments().list(home(), &query).await.unwrap();
        let ids: Vec<CommentId> = listed.into_iter().map(|summary| summary.comment.id).collect();
        assert_eq!(ids, numbers.iter().map(|n| id(*n)).collect::<Vec<_>>(), "{query:?}");
    }
}

/// Notes that user `n` has read assistant 1's comments until an instant.
async fn mark(store: &dyn Store, n: u32, until: u32) {
    let mut work = begin(store).await;
    work.comments().mark_read(id(n), id(1), instant(until)).await.unwrap();
    work.commit().await.unwrap();
}

/// What was read stays read: the later of two times counts.
pub async fn what_was_read_stays_read(store: &dyn Store) {
    discussed(store).await;
    let until = async |user| store.comments().read_until(home(), id(user), id(1)).await.unwrap();
    assert_eq!(until(1).await, None);
    for (read, expected) in [(5, 5), (3, 5), (123_456, 123_456)] {
        mark(store, 1, read).await;
        assert_eq!(until(1).await, Some(instant(expected)));
    }

    assert_eq!(until(2).await, None);
    assert_eq!(store.comments().read_until(home(), id(1), id(2)).await.unwrap(), None);
}

/// What others wrote behind what was read is unread, replies included.
pub async fn comments_of_others_are_unread_until_they_are_read(store: &dyn Store) {
    discussed(store).await;
    add(store, vec![said(1, 1).into(), said(2, 2).into(), said(5, 2).into()]).await;
    add(store, vec![reply(3, &said(1, 1), id(3)).into()]).await;
    add(store, vec![comment(4, &assistant(2, id(1), "Bob"), id(3)).into()]).await;
    let unread = async |user| store.comments().unread(home(), id(user), id(1)).await.unwrap();
    assert_eq!([unread(1).await, unread(2).await, unread(3).await], [3, 2, 3]);

    mark(store, 1, 3).await;
    assert_eq!([unread(1).await, unread(2).await, unread(3).await], [1, 2, 3]);
    mark(store, 1, 5).await;
    assert_eq!([unread(1).await, unread(2).await, unread(3).await], [0, 2, 3]);
}

/// A removed user takes along what they had read, but not what they wrote.
pub async fn a_removed_user_takes_their_notes_of_reading_along(store: &dyn Store) {
    discussed(store).await;
    add(store, vec![said(1, 2).into()]).await;
    mark(store, 1, 5).await;
    mark(store, 2, 5).await;
    let mut work = begin(store).await;
    assert!(work.users().delete(id(2)).await.unwrap());
    work.commit().await.unwrap();

    let until = async |user| store.comments().read_until(home(), id(user), id(1)).await.unwrap();
    assert_eq!((until(1).await, until(2).await), (Some(instant(5)), None));
    assert_eq!(found(store, 1).await, Some(said(1, 2)));
}
