//! Threads, their messages, and memories.

use std::collections::BTreeMap;

use serde_json::json;
use understudy_domain::{
    AssistantId, Memory, Message, Thread, ThreadId, UserId,
    assistant::content::MessageRole,
    conversation::{
        Item, MediaSource, Order, Part, ReasoningBlock, ThreadSummary, ToolCall, ToolResult,
    },
    ports::{Store, ThreadFilter},
};

use super::stage::{add, assert_conflict, assert_taken, begin, home, people, refusal};
use crate::sample::{
    Members, Row, approval, assistant, id, instant, memory, message, organization, run, thread,
    told, user,
};

/// Messages or memories enough for any list here.
const ALL: u32 = 100;

/// A thread with nothing at its default.
fn full_thread(n: u32) -> Thread {
    let pairs = [("größe", "«XXL» \\ 100 %"), ("", ""), ("a\"b", "'; --")];
    Thread {
        user: id(2),
        assistant: Some(id(7)),
        title: Some("Größe & 株式会社 🏛 %_\\".to_owned()),
        visible: false,
        metadata: pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        drafts_instructions: true,
        pinned_at: Some(instant(111)),
        last_position: 1 << 40,
        message_count: 1 << 33,
        last_model: Some("größer-1".to_owned()),
        summary: Some(ThreadSummary { text: "Kurz:\n…".to_owned(), from: 1, until: 1 << 39 }),
        active_run: Some(id(9)),
        created_at: instant(123_456),
        updated_at: instant(234_567),
        last_message_at: Some(instant(345_678)),
        revision: 7,
        ..thread(n)
    }
}

/// One of each kind of thing that is said or done.
fn all_items() -> Vec<Item> {
    let text = |text: &str| Part::Text { text: text.to_owned() };
    let data = || MediaSource::Data {
        content_type: "audio/wav".to_owned(),
        base64: "AAEC/w==".to_owned(),
    };
    let url = || MediaSource::Url("https://größe.example/a?b=c#d".to_owned());
    let parts = vec![
        text(""),
        text("Größe\u{0}\u{1f} \u{2028} 株式会社 🏛 \"\\"),
        Part::Image { source: url() },
        Part::File { source: MediaSource::File(id(3)), name: Some("ä.pdf".to_owned()) },
        Part::File { source: url(), name: None },
        Part::Audio { source: data() },
        Part::Refusal { text: "Nein.".to_owned() },
    ];
    let call = ToolCall {
        id: "call_1".to_owned(),
        name: "weather__forecast".to_owned(),
        arguments: "{\"days\": 3, no JSON".to_owned(),
    };
    let result =
        ToolResult { call_id: "call_1".to_owned(), content: "x".repeat(100_000), is_error: true };
    let thought = ReasoningBlock {
        protocol: "anthropic_messages".to_owned(),
        summary: "Hm…".to_owned(),
        raw: json!({ "z": 1, "a": [null, true, -1, 0.5, "\u{0}"], "signature": "c2ln" }),
    };
    vec![
        Item::Message { role: MessageRole::User, parts },
        Item::Message { role: MessageRole::Assistant, parts: Vec::new() },
        Item::text(MessageRole::System, "Sei nett."),
        Item::ToolCall(call),
        Item::ToolResult(result),
        Item::Reasoning(thought),
    ]
}

async fn found(store: &dyn Store, n: u32) -> Option<Thread> {
    let in_work = begin(store).await.conversations().find_thread(id(n)).await.unwrap();
    assert_eq!(store.conversations().thread(home(), id(n)).await.unwrap(), in_work);
    in_work
}

/// All messages of thread `n`.
async fn messages(store: &dyn Store, n: u32) -> Vec<Message> {
    let talks = store.conversations();
    talks.messages(home(), id(n), None, Order::Ascending, ALL).await.unwrap()
}

async fn positions(store: &dyn Store, n: u32) -> Vec<u64> {
    messages(store, n).await.into_iter().map(|message| message.position).collect()
}

/// Numbers of the memories that assistant `n` has of a user.
async fn memories(store: &dyn Store, n: u32, user: UserId) -> Vec<Memory> {
    store.conversations().memories(home(), id(n), user, ALL).await.unwrap()
}

/// A thread reads back as it was written, with all it can have or nothing.
pub async fn a_saved_thread_reads_back_equal(store: &dyn Store) {
    people(store, 2).await;
    let bare = Thread { title: None, ..thread(2) };
    add(store, vec![full_thread(1).into(), bare.clone().into()]).await;

    assert_eq!(found(store, 1).await, Some(full_thread(1)));
    assert_eq!(found(store, 2).await, Some(bare));
    assert_eq!(found(store, 9).await, None);
}

/// The id of a thread is taken.
pub async fn a_thread_is_added_once(store: &dyn Store) {
    people(store, 2).await;
    add(store, vec![thread(1).into()]).await;

    assert_taken(&refusal(store, full_thread(1)).await, "id");
    assert_eq!(found(store, 1).await, Some(thread(1)));
}

/// A changed thread has its next revision.
pub async fn an_updated_thread_reads_back_with_its_next_revision(store: &dyn Store) {
    people(store, 2).await;
    add(store, vec![thread(1).into()]).await;
    let changed = Thread { user: id(1), revision: 1, ..full_thread(1) };
    let mut work = begin(store).await;
    let updated = work.conversations().update_thread(changed.clone()).await.unwrap();
    work.commit().await.unwrap();

    assert_eq!(updated, Thread { revision: 2, ..changed });
    assert_eq!(found(store, 1).await, Some(updated));
}

/// The second of two changes of the same revision is refused, and that of no thread.
pub async fn a_stale_thread_conflicts(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![thread(1).into()]).await;
    let mut work = begin(store).await;
    let changed = Thread { message_count: 7, ..thread(1) };
    work.conversations().update_thread(changed).await.unwrap();
    work.commit().await.unwrap();

    for lost in [thread(1), thread(9), Thread { revision: 3, ..thread(1) }] {
        let mut work = begin(store).await;
        assert_conflict(&work.conversations().update_thread(lost).await.unwrap_err());
    }
    assert_eq!(found(store, 1).await.map(|thread| thread.message_count), Some(7));
}

/// Whatever is said or done reads back as it was written.
pub async fn a_saved_message_reads_back_equal(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![thread(1).into()]).await;
    let saved: Vec<Message> = (1_u32..)
        .zip(all_items())
        .map(|(n, item)| {
            let run = n.is_multiple_of(2).then(|| id(n));
            Message { item, run, created_at: instant(1_000_000 + n), ..message(n, &thread(1)) }
        })
        .collect();
    let mut work = begin(store).await;
    work.conversations().insert_messages(&saved).await.unwrap();
    work.conversations().insert_messages(&[]).await.unwrap();
    work.commit().await.unwrap();

    assert_eq!(messages(store, 1).await, saved);
    assert_eq!(messages(store, 9).await, []);
}

/// Order, after, limit, and the positions that come.
type Pages = (Order, Option<u64>, u32, &'static [u64]);

/// Messages are read by position, either way, from behind one, as many as asked.
pub async fn messages_are_read_by_position_either_way(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![thread(1).into(), thread(2).into()]).await;
    let at = |n: u32, position| Message { position, ..message(n, &thread(1)) };
    // Ids are in another order than positions.
    let rows = [at(1, 12), at(2, 3), at(3, 1 << 40), at(4, 1), at(5, 2)];
    add(store, rows.map(Into::into).into()).await;
    add(store, vec![message(6, &thread(2)).into()]).await;

    let (up, down) = (Order::Ascending, Order::Descending);
    let cases: [Pages; 9] = [
        (up, None, ALL, &[1, 2, 3, 12, 1 << 40]),
        (up, None, 2, &[1, 2]),
        (up, Some(2), 2, &[3, 12]),
        (up, Some(5), ALL, &[12, 1 << 40]),
        (up, Some(1 << 40), ALL, &[]),
        (down, None, 2, &[1 << 40, 12]),
        (down, Some(12), 2, &[3, 2]),
        (down, Some(5), ALL, &[3, 2, 1]),
        (down, Some(1), ALL, &[]),
    ];
    for (order, after, limit, expected) in cases {
        let talks = store.conversations();
        let found = talks.messages(home(), id(1), after, order, limit).await.unwrap();
        let found: Vec<u64> = found.into_iter().map(|message| message.position).collect();
        assert_eq!(found, expected, "{order:?}, {after:?}, {limit}");
    }
}

/// A place in a thread is taken until its message is removed, and free in others.
pub async fn a_position_of_a_thread_is_taken(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![thread(1).into(), thread(2).into(), message(1, &thread(1)).into()]).await;
    let twin = |n, thread: &Thread| Message { position: 1, ..message(n, thread) };

    assert_conflict(&refusal(store, twin(2, &thread(1))).await);
    let both = [twin(3, &thread(2)), twin(4, &thread(2))];
    let refused = begin(store).await.conversations().insert_messages(&both).await;
    assert_conflict(&refused.unwrap_err());
    add(store, vec![twin(3, &thread(2)).into()]).await;
    let mut work = begin(store).await;
    assert_eq!(work.conversations().delete_messages(id(1), 1).await.unwrap(), 1);
    work.conversations().insert_messages(&[twin(5, &thread(1))]).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(messages(store, 1).await, [twin(5, &thread(1))]);
    assert_eq!(messages(store, 2).await, [twin(3, &thread(2))]);
}

/// Nothing is said in a thread that is not there.
pub async fn a_message_needs_its_thread(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![thread(1).into()]).await;

    assert_conflict(&refusal(store, message(1, &thread(2))).await);
    let one_of_two = [message(1, &thread(1)), message(2, &thread(2))];
    let refused = begin(store).await.conversations().insert_messages(&one_of_two).await;
    assert_conflict(&refused.unwrap_err());
    assert_eq!(messages(store, 1).await, []);
}

/// Messages are removed from a position on, and counted; those before it and those of
/// other threads stay.
pub async fn messages_are_removed_from_a_position_on(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![thread(1).into(), thread(2).into()]).await;
    add(store, (1..=5).map(|n| message(n, &thread(1)).into()).collect()).await;
    add(store, (6..=9).map(|n| message(n, &thread(2)).into()).collect()).await;
    let mut work = begin(store).await;
    assert_eq!(work.conversations().delete_messages(id(1), 6).await.unwrap(), 0);
    assert_eq!(work.conversations().delete_messages(id(1), 4).await.unwrap(), 2);
    assert_eq!(work.conversations().delete_messages(id(9), 0).await.unwrap(), 0);
    work.commit().await.unwrap();

    assert_eq!(positions(store, 1).await, [1, 2, 3]);
    assert_eq!(positions(store, 2).await, [6, 7, 8, 9]);
    let mut work = begin(store).await;
    assert_eq!(work.conversations().delete_messages(id(1), 0).await.unwrap(), 3);
}

/// A message is found and removed, once, by its thread and its id together; the others
/// keep their places.
pub async fn a_message_is_found_and_removed_by_its_thread_and_its_id(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![thread(1).into(), thread(2).into(), organization(2).into()]).await;
    add(store, (1..=3).map(|n| message(n, &thread(1)).into()).collect()).await;
    add(store, vec![message(4, &thread(2)).into()]).await;
    let talks = store.conversations();
    let found = |thread: u32, n: u32| talks.message(home(), id(thread), id(n));

    assert_eq!(found(1, 2).await.unwrap(), Some(message(2, &thread(1))));
    assert_eq!(found(2, 2).await.unwrap(), None);
    assert_eq!(talks.message(id(2), id(1), id(2)).await.unwrap(), None);
    let mut work = begin(store).await;
    assert!(!work.conversations().delete_message(id(2), id(2)).await.unwrap());
    assert!(!work.conversations().delete_message(id(1), id(4)).await.unwrap());
    assert!(work.conversations().delete_message(id(1), id(2)).await.unwrap());
    assert!(!work.conversations().delete_message(id(1), id(2)).await.unwrap());
    work.commit().await.unwrap();
    assert_eq!(found(1, 2).await.unwrap(), None);
    assert_eq!(positions(store, 1).await, [1, 3]);
    assert_eq!(positions(store, 2).await, [4]);
}

/// A thread is removed with its messages, once. Runs and memories that name it stay.
pub async fn a_removed_thread_takes_its_messages_along(store: &dyn Store) {
    people(store, 1).await;
    let ada = assistant(1, id(1), "Ada");
    let run = understudy_domain::Run { thread: Some(id(1)), ..run(1) };
    let noted = Memory { thread: Some(id(1)), ..memory(1, &ada) };
    add(store, vec![ada.into(), thread(1).into(), thread(2).into()]).await;
    add(store, vec![message(1, &thread(1)).into(), message(2, &thread(2)).into()]).await;
    add(store, vec![run.clone().into(), noted.clone().into()]).await;
    let mut work = begin(store).await;
    assert!(work.conversations().delete_thread(id(1)).await.unwrap());
    assert!(!work.conversations().delete_thread(id(1)).await.unwrap());
    assert!(!work.conversations().delete_thread(id(9)).await.unwrap());
    work.commit().await.unwrap();

    assert_eq!((found(store, 1).await, messages(store, 1).await), (None, vec![]));
    assert_eq!(found(store, 2).await, Some(thread(2)));
    assert_eq!(messages(store, 2).await, [message(2, &thread(2))]);
    assert_eq!(store.runs().run(home(), id(1)).await.unwrap(), Some(run));
    assert_eq!(memories(store, 1, id(1)).await, [noted]);
    // A thread of the same id would begin anew.
    add(store, vec![thread(1).into()]).await;
    assert_eq!(messages(store, 1).await, []);
}

/// All threads of user 1 that can be seen, oldest first.
fn all_threads() -> ThreadFilter {
    ThreadFilter {
        user: id(1),
        assistant: None,
        q: None,
        metadata: BTreeMap::new(),
        after: None,
        order: Order::Ascending,
        limit: ALL,
    }
}

async fn listed(store: &dyn Store, filter: &ThreadFilter) -> Vec<ThreadId> {
    let found = store.conversations().threads(home(), filter).await.unwrap();
    found.into_iter().map(|thread| thread.id).collect()
}

fn ids(numbers: &[u32]) -> Vec<ThreadId> {
    numbers.iter().map(|n| id(*n)).collect()
}

/// Threads of a user are listed whole, in the order of ids, either way, from behind
/// one, as many as asked. Those that nobody may see, or that belong to the making of
/// an assistant, are not.
pub async fn threads_are_listed_in_the_order_of_ids(store: &dyn Store) {
    people(store, 2).await;
    let hidden = Thread { visible: false, ..thread(4) };
    let unlisted = Thread { drafts_instructions: true, ..thread(7) };
    let of_another = Thread { user: id(2), ..thread(5) };
    add(store, vec![unlisted.into()]).await;
    add(store, [6, 1, 3, 2].map(|n| thread(n).into()).into()).await;
    add(store, vec![hidden.into(), of_another.clone().into()]).await;

    let (up, down) = (Order::Ascending, Order::Descending);
    let cases: [(Order, Option<u32>, u32, &[u32]); 8] = [
        (up, None, ALL, &[1, 2, 3, 6]),
        (up, None, 3, &[1, 2, 3]),
        (up, Some(3), ALL, &[6]),
        (up, Some(4), 2, &[6]),
        (down, None, 2, &[6, 3]),
        (down, Some(3), 1, &[2]),
        (down, Some(5), ALL, &[3, 2, 1]),
        (down, Some(1), ALL, &[]),
    ];
    for (order, after, limit, expected) in cases {
        let filter = ThreadFilter { order, after: after.map(id), limit, ..all_threads() };
        let found = store.conversations().threads(home(), &filter).await.unwrap();
        let expected: Vec<Thread> = expected.iter().map(|n| thread(*n)).collect();
        assert_eq!(found, expected, "{filter:?}");
    }
    let theirs = ThreadFilter { user: id(2), ..all_threads() };
    assert_eq!(store.conversations().threads(home(), &theirs).await.unwrap(), [of_another]);
}

/// Threads that differ in all that is filtered by.
fn various() -> [Thread; 5] {
    let pairs = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    let titled = |n, title: &str, about: Option<u32>, metadata| Thread {
        title: Some(title.to_owned()),
        assistant: about.map(id),
        metadata,
        ..thread(n)
    };
    [
        titled(1, "GRÖSSE und Ähnliches", Some(1), pairs(&[("kind", "a"), ("größe", "xl")])),
        titled(2, "größe: 100 %", Some(2), pairs(&[("kind", "a")])),
        titled(3, "a_b\\c", Some(1), pairs(&[("kind", "A"), ("größe", "xl"), ("n", "")])),
        Thread { title: None, ..titled(4, "", None, pairs(&[("kind", "'a'")])) },
        titled(5, "", Some(1), pairs(&[("a", "kind"), ("n", "1")])),
    ]
}

/// Each field of a filter, and all of them together, keep exactly what matches.
pub async fn each_filter_of_threads_keeps_exactly_what_matches(store: &dyn Store) {
    people(store, 1).await;
    add(store, various().map(Into::into).into()).await;
    let q = |text: &str| ThreadFilter { q: Some(text.to_owned()), ..all_threads() };
    let about = |n| ThreadFilter { assistant: Some(id(n)), ..all_threads() };
    let with = |pairs: &[(&str, &str)]| ThreadFilter {
        metadata: pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        ..all_threads()
    };

    let cases: [(ThreadFilter, &[u32]); 19] = [
        (all_threads(), &[1, 2, 3, 4, 5]),
        (about(1), &[1, 3, 5]),
        (about(3), &[]),
        (q("ö"), &[1, 2]),
        (q("ähnlich"), &[1]),
        (q("%"), &[2]),
        (q("_"), &[3]),
        (q("\\"), &[3]),
        (q("a_b"), &[3]),
        (q("axb"), &[]),
        (q(""), &[1, 2, 3, 5]),
        (with(&[("kind", "a")]), &[1, 2]),
        (with(&[("kind", "a"), ("größe", "xl")]), &[1]),
        (with(&[("größe", "xl")]), &[1, 3]),
        (with(&[("kind", "'a'")]), &[4]),
        (with(&[("n", "")]), &[3]),
        (with(&[("größe", "x")]), &[]),
        (ThreadFilter { assistant: Some(id(1)), ..with(&[("größe", "xl")]) }, &[1, 3]),
        (ThreadFilter { assistant: Some(id(1)), after: Some(id(1)), limit: 1, ..q("a") }, &[3]),
    ];
    for (filter, expected) in cases {
        assert_eq!(listed(store, &filter).await, ids(expected), "{filter:?}");
    }
}

/// A thread is found by what it is now, not by what it was.
pub async fn an_updated_thread_is_listed_as_it_is_now(store: &dyn Store) {
    people(store, 1).await;
    let before = Thread { assistant: Some(id(1)), ..thread(1) };
    add(store, vec![before.clone().into()]).await;
    let changed = Thread {
        assistant: Some(id(2)),
        title: Some("NEU".to_owned()),
        metadata: [("kind".to_owned(), "new".to_owned())].into(),
        ..before
    };
    let mut work = begin(store).await;
    let changed = work.conversations().update_thread(changed).await.unwrap();
    work.commit().await.unwrap();

    let now = ThreadFilter {
        assistant: Some(id(2)),
        q: Some("neu".to_owned()),
        metadata: changed.metadata.clone(),
        ..all_threads()
    };
    let found = store.conversations().threads(home(), &now).await.unwrap();
    assert_eq!(found, std::slice::from_ref(&changed));
    let by_title = ThreadFilter { q: Some("thread".to_owned()), ..all_threads() };
    let by_assistant = ThreadFilter { assistant: Some(id(1)), ..all_threads() };
    assert_eq!(listed(store, &by_title).await, []);
    assert_eq!(listed(store, &by_assistant).await, []);
    let mut work = begin(store).await;
    work.conversations().update_thread(Thread { visible: false, ..changed }).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(listed(store, &all_threads()).await, []);
}

/// A memory reads back as it was written. What an assistant remembers of a user is
/// listed newest first, as much as asked, and nothing else.
pub async fn memories_are_listed_newest_first(store: &dyn Store) {
    people(store, 2).await;
    let [ada, eve] = [1, 2].map(|n| assistant(n, id(1), &format!("Assistant {n}")));
    let full = Memory {
        text: "Größe «XL» \\ 100 %".to_owned(),
        thread: Some(id(7)),
        created_at: instant(123_456),
        ..memory(3, &ada)
    };
    let of_another = Memory { user: id(2), ..memory(5, &ada) };
    let mut work = begin(store).await;
    let ours = [memory(4, &ada), memory(1, &ada), full.clone(), memory(2, &ada)];
    work.conversations().insert_memories(&ours).await.unwrap();
    let others = [of_another.clone(), memory(6, &eve)];
    work.conversations().insert_memories(&others).await.unwrap();
    work.conversations().insert_memories(&[]).await.unwrap();
    work.commit().await.unwrap();

    let expected = [memory(4, &ada), full, memory(2, &ada), memory(1, &ada)];
    assert_eq!(memories(store, 1, id(1)).await, expected);
    let two = store.conversations().memories(home(), id(1), id(1), 2).await.unwrap();
    assert_eq!(two, expected[..2]);
    assert_eq!(memories(store, 1, id(2)).await, [of_another]);
    assert_eq!(memories(store, 2, id(1)).await, [memory(6, &eve)]);
    assert_eq!(memories(store, 2, id(2)).await, []);
}

/// A memory is removed, once, by its assistant, its user and its id together.
pub async fn a_memory_is_removed_by_all_that_names_it(store: &dyn Store) {
    people(store, 2).await;
    let ada = assistant(1, id(1), "Ada");
    add(store, vec![memory(1, &ada).into(), memory(2, &ada).into()]).await;
    let mut work = begin(store).await;
    let talks = work.conversations();
    assert!(!talks.delete_memory(id(2), id(1), id(1)).await.unwrap());
    assert!(!talks.delete_memory(id(1), id(2), id(1)).await.unwrap());
    assert!(!talks.delete_memory(id(1), id(1), id(3)).await.unwrap());
    assert!(talks.delete_memory(id(1), id(1), id(1)).await.unwrap());
    assert!(!talks.delete_memory(id(1), id(1), id(1)).await.unwrap());
    work.commit().await.unwrap();

    assert_eq!(memories(store, 1, id(1)).await, [memory(2, &ada)]);
}

/// All that an assistant remembers of a user is removed together, and nothing else.
pub async fn an_assistant_forgets_a_user(store: &dyn Store) {
    people(store, 2).await;
    let [ada, eve] = [1, 2].map(|n| assistant(n, id(1), &format!("Assistant {n}")));
    let of_another = Memory { user: id(2), ..memory(4, &ada) };
    add(store, (1..=3).map(|n| memory(n, &ada).into()).collect()).await;
    add(store, vec![of_another.clone().into(), memory(5, &eve).into()]).await;
    let mut work = begin(store).await;
    assert_eq!(work.conversations().delete_memories(id(1), id(1)).await.unwrap(), 3);
    assert_eq!(work.conversations().delete_memories(id(1), id(1)).await.unwrap(), 0);
    work.commit().await.unwrap();

    assert_eq!(memories(store, 1, id(1)).await, []);
    assert_eq!(memories(store, 1, id(2)).await, [of_another]);
    assert_eq!(memories(store, 2, id(1)).await, [memory(5, &eve)]);
}

/// With a user go their threads with all messages, what is remembered of them, and
/// their runs with approvals and events; nobody else's.
pub async fn a_removed_user_takes_their_conversations_along(store: &dyn Store) {
    people(store, 2).await;
    add(store, vec![organization(2).into(), user(3).of(2).into()]).await;
    for (n, organization) in [(1, 1), (2, 1), (3, 2)] {
        let ada = assistant(1, id(1), "Ada");
        let talk = Thread { user: id(n), ..thread(n) }.of(organization);
        let noted = Memory { user: id(n), ..memory(n, &ada) }.of(organization);
        let run = understudy_domain::Run { user: id(n), ..run(n) }.of(organization);
        let rows: Vec<Row> = vec![
            message(n, &talk).into(),
            noted.into(),
            run.clone().into(),
            approval(n, &run).into(),
        ];
        add(store, vec![talk.into()]).await;
        add(store, rows).await;
        let event = (id(organization), id(n), told(1));
        store.run_events().append(&[event]).await.unwrap();
    }
    let mut work = begin(store).await;
    assert!(work.users().delete(id(1)).await.unwrap());
    work.commit().await.unwrap();

    let ada: AssistantId = id(1);
    let (talks, runs, log) = (store.conversations(), store.runs(), store.run_events());
    for (n, organization, is_there) in [(1, 1, false), (2, 1, true), (3, 2, true)] {
        let tenant = id(organization);
        let seen = [
            talks.thread(tenant, id(n)).await.unwrap().is_some(),
            !talks.messages(tenant, id(n), None, Order::Ascending, 9).await.unwrap().is_empty(),
            !talks.memories(tenant, ada, id(n), 9).await.unwrap().is_empty(),
            runs.run(tenant, id(n)).await.unwrap().is_some(),
            !runs.approvals(tenant, id(n)).await.unwrap().is_empty(),
            !log.events(tenant, id(n), 0, 9).await.unwrap().is_empty(),
        ];
        assert_eq!(seen, [is_there; 6], "of user {n}");
    }
}
