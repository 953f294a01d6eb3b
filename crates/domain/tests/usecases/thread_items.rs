//! What users add to their threads and take out of them, without asking anybody.

use serde_json::json;
use understudy_domain::{
    Message, Thread,
    assistant::content::MessageRole,
    conversation::{Item, MediaSource, Order, Part, ReasoningBlock, ThreadSummary},
    ports::Store,
    usecases::{
        Caller, Conflict, Error,
        threads::{
            CreateThread, MAX_ADDED_ITEMS, UpdateThread, add_items, create_thread, delete_item,
            list_messages, update_thread, view_item, view_thread,
        },
    },
};
use understudy_testkit::sample;

use crate::stage::{Stage, caller, id_of, named};

fn said(text: &str) -> Item {
    Item::text(MessageRole::User, text)
}

async fn thread(stage: &Stage, items: Vec<Item>) -> Thread {
    let command = CreateThread { items, ..CreateThread::default() };
    create_thread(stage.deps(), &caller(4), command).await.unwrap()
}

async fn put(stage: &Stage, thread: Thread) -> Thread {
    let mut work = stage.store.begin(thread.organization).await.unwrap();
    let thread = work.conversations().update_thread(thread).await.unwrap();
    work.commit().await.unwrap();
    thread
}

async fn messages(stage: &Stage, caller: &Caller, thread: &Thread) -> Vec<Message> {
    let page = (None, Order::Ascending, 50);
    list_messages(stage.deps(), caller, thread.id, page).await.unwrap().messages
}

#[tokio::test]
async fn a_thread_begins_with_what_was_said_and_is_called_by_it() {
    let stage = Stage::set().await;
    let thought = ReasoningBlock {
        protocol: "openai_responses".to_owned(),
        summary: "Hm.".to_owned(),
        raw: json!({}),
    };
    let items = vec![said("Hello there.\nHow are you?"), Item::Reasoning(thought)];

    let made = thread(&stage, items).await;

    assert_eq!((made.assistant, made.message_count, made.last_position), (None, 1, 1));
    assert_eq!(made.title.as_deref(), Some("Hello there."));
    let kept = messages(&stage, &caller(4), &made).await;
    assert_eq!(kept[0].item, said("Hello there.\nHow are you?"));
    assert_eq!((kept.len(), kept[0].run), (1, None));
}

#[tokio::test]
async fn items_are_added_behind_the_others() {
    let stage = Stage::set().await;
    let made = thread(&stage, vec![said("one")]).await;

    let two = vec![said("two"), Item::text(MessageRole::Assistant, "three")];
    let added = add_items(stage.deps(), &caller(4), made.id, two).await.unwrap();

    assert_eq!(added.iter().map(|message| message.position).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(messages(&stage, &caller(4), &made).await[1..], added);
    let now = view_thread(stage.deps(), &caller(4), made.id).await.unwrap();
    assert_eq!((now.message_count, now.title.as_deref()), (3, Some("one")));
    let found = view_item(stage.deps(), &caller(4), (made.id, added[1].id)).await.unwrap();
    assert_eq!(found, added[1]);
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused_with_every_fault() {
    let stage = Stage::set().await;
    let made = thread(&stage, Vec::new()).await;
    let file = Part::File { source: MediaSource::File(sample::id(1)), name: None };
    let foreign = Item::Message { role: MessageRole::User, parts: vec![file] };
    let local = Part::Image { source: MediaSource::Url("file:///etc/passwd".to_owned()) };
    let local = Item::Message { role: MessageRole::User, parts: vec![local] };

    let both = vec![said("x"), foreign, local];
    let refused = add_items(stage.deps(), &caller(4), made.id, both).await;
    let Err(Error::Invalid(faults)) = refused else { panic!("{refused:?}") };
    let pointers: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!(pointers, ["/items/1", "/items/2"]);
    for items in [Vec::new(), vec![said("x"); MAX_ADDED_ITEMS + 1]] {
        let refused = add_items(stage.deps(), &caller(4), made.id, items).await;
        assert!(matches!(refused, Err(Error::Invalid(_))));
    }
    let many =
        CreateThread { items: vec![said("x"); MAX_ADDED_ITEMS + 1], ..CreateThread::default() };
    let refused = create_thread(stage.deps(), &caller(4), many).await;
    assert!(matches!(refused, Err(Error::Invalid(_))));
}

#[tokio::test]
async fn an_item_that_is_taken_out_is_summed_up_no_more() {
    let stage = Stage::set().await;
    let made = thread(&stage, vec![said("one"), said("two"), said("three")]).await;
    let all = messages(&stage, &caller(4), &made).await;
    let summary = ThreadSummary { text: "One, two.".to_owned(), from: 1, until: 2 };
    put(&stage, Thread { summary: Some(summary.clone()), ..made.clone() }).await;

    let left = delete_item(stage.deps(), &caller(4), (made.id, all[2].id)).await.unwrap();
    assert_eq!((left.message_count, left.summary), (2, Some(summary)));
    let left = delete_item(stage.deps(), &caller(4), (made.id, all[0].id)).await.unwrap();
    assert_eq!((left.message_count, left.summary), (1, None));

    assert_eq!(messages(&stage, &caller(4), &made).await, [all[1].clone()]);
    let again = delete_item(stage.deps(), &caller(4), (made.id, all[0].id)).await;
    assert!(matches!(again, Err(Error::NotFound("item"))));
}

#[tokio::test]
async fn items_stay_as_they_are_while_an_answer_is_on_its_way() {
    let stage = Stage::set().await;
    let made = thread(&stage, vec![said("one")]).await;
    let [one] = messages(&stage, &caller(4), &made).await.try_into().unwrap();
    put(&stage, Thread { active_run: Some(sample::id(9)), ..made.clone() }).await;

    let added = add_items(stage.deps(), &caller(4), made.id, vec![said("two")]).await;
    assert!(matches!(added, Err(Error::Conflict(Conflict::ThreadBusy))));
    let removed = delete_item(stage.deps(), &caller(4), (made.id, one.id)).await;
    assert!(matches!(removed, Err(Error::Conflict(Conflict::ThreadBusy))));
}

#[tokio::test]
async fn items_are_their_users_alone_and_of_their_thread() {
    let stage = Stage::set().await;
    let made = thread(&stage, vec![said("one")]).await;
    let other = thread(&stage, Vec::new()).await;
    let [one] = messages(&stage, &caller(4), &made).await.try_into().unwrap();

    for person in [1, 2, 3, 6] {
        let at = (made.id, one.id);
        assert!(view_item(stage.deps(), &caller(person), at).await.is_err());
        assert!(delete_item(stage.deps(), &caller(person), at).await.is_err());
        let added = add_items(stage.deps(), &caller(person), made.id, vec![said("x")]).await;
        assert!(matches!(added, Err(Error::NotFound("thread"))));
    }
    let elsewhere = (other.id, one.id);
    assert!(matches!(
        view_item(stage.deps(), &caller(4), elsewhere).await,
        Err(Error::NotFound("item"))
    ));
    assert!(delete_item(stage.deps(), &caller(4), elsewhere).await.is_err());
    assert_eq!(messages(&stage, &caller(4), &made).await, [one]);
}

#[tokio::test]
async fn who_answers_is_open_until_somebody_does() {
    let stage = Stage::set().await;
    let one = stage.create(&caller(4), named("One")).await.unwrap();
    let made = thread(&stage, vec![said("one")]).await;
    let to = |view| UpdateThread { assistant: Some(Some(id_of(view))), ..UpdateThread::default() };

    let bound = update_thread(stage.deps(), &caller(4), made.id, to(&one)).await.unwrap();

    assert_eq!(bound.assistant, Some(one.record.assistant.id));
}
