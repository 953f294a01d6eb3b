use std::collections::BTreeMap;

use serde_json::json;
use understudy_domain::ports::Store;
use understudy_domain::{
    Thread, TokenLimits,
    conversation::Order,
    usecases::{
        Caller, Conflict, Error, Precondition,
        threads::{
            CreateThread, ListThreads, UpdateThread, create_thread, delete_thread, list_messages,
            list_threads, update_thread, view_thread,
        },
    },
};
use understudy_testkit::sample;

use crate::stage::{Stage, by_token, caller, id_of, named, user};

async fn thread(stage: &Stage, caller: &Caller) -> Thread {
    create_thread(stage.deps(), caller, CreateThread::default()).await.unwrap()
}

/// The thread as something else made it.
async fn put(stage: &Stage, thread: Thread) {
    let mut work = stage.store.begin(thread.organization).await.unwrap();
    work.conversations().update_thread(thread).await.unwrap();
    work.commit().await.unwrap();
}

#[tokio::test]
async fn nobody_but_its_user_finds_a_thread() {
    let stage = Stage::set().await;
    let made = thread(&stage, &caller(4)).await;

    for other in [1, 2, 3, 6] {
        let seen = view_thread(stage.deps(), &caller(other), made.id).await;
        assert!(matches!(seen, Err(Error::NotFound("thread"))));
        let page = (None, Order::Ascending, 10);
        let said = list_messages(stage.deps(), &caller(other), made.id, page).await;
        assert!(matches!(said, Err(Error::NotFound("thread"))));
        let gone = delete_thread(stage.deps(), &caller(other), made.id, Precondition::None).await;
        assert!(matches!(gone, Err(Error::NotFound("thread"))));
    }
    assert_eq!(view_thread(stage.deps(), &caller(4), made.id).await.unwrap(), made);
}

#[tokio::test]
async fn a_thread_that_is_not_stored_is_there_for_nothing() {
    let stage = Stage::set().await;
    let made = thread(&stage, &caller(4)).await;
    put(&stage, Thread { visible: false, ..made.clone() }).await;

    assert!(view_thread(stage.deps(), &caller(4), made.id).await.is_err());
    let change = UpdateThread { pinned: Some(true), ..UpdateThread::default() };
    assert!(update_thread(stage.deps(), &caller(4), made.id, change).await.is_err());
    assert!(delete_thread(stage.deps(), &caller(4), made.id, Precondition::None).await.is_err());
}

#[tokio::test]
async fn a_thread_in_which_an_answer_is_on_its_way_is_not_removed() {
    let stage = Stage::set().await;
    let made = thread(&stage, &caller(4)).await;
    put(&stage, Thread { active_run: Some(sample::id(9)), ..made.clone() }).await;

    let gone = delete_thread(stage.deps(), &caller(4), made.id, Precondition::None).await;

    assert!(matches!(gone, Err(Error::Conflict(Conflict::ThreadBusy))));
}

#[tokio::test]
async fn the_assistant_is_settled_once_something_was_said() {
    let stage = Stage::set().await;
    let one = stage.create(&caller(4), named("One")).await.unwrap();
    let two = stage.create(&caller(4), named("Two")).await.unwrap();
    let made = thread(&stage, &caller(4)).await;
    let to = |view| UpdateThread { assistant: Some(Some(id_of(view))), ..UpdateThread::default() };
    let bound = update_thread(stage.deps(), &caller(4), made.id, to(&one)).await.unwrap();
    assert_eq!(bound.assistant, Some(one.record.assistant.id));
    put(&stage, Thread { last_position: 2, message_count: 2, ..bound }).await;

    let same = update_thread(stage.deps(), &caller(4), made.id, to(&one)).await;
    let other = update_thread(stage.deps(), &caller(4), made.id, to(&two)).await;

    assert!(same.is_ok());
    assert!(matches!(other, Err(Error::Conflict(Conflict::ThreadOfAnother))));
}

#[tokio::test]
async fn a_token_of_one_assistant_sees_its_threads_and_begins_no_others() {
    let stage = Stage::set().await;
    let one = stage.create(&caller(4), named("One")).await.unwrap();
    let (draft, _) = stage.open(&caller(4), &id_of(&one)).await.unwrap();
    let only = Some(one.record.assistant.id);
    let token = by_token(4, TokenLimits { assistant: only, ..TokenLimits::default() });
    let open = thread(&stage, &caller(4)).await;
    let of_draft = CreateThread { assistant: Some(id_of(&draft)), ..CreateThread::default() };
    let of_draft = create_thread(stage.deps(), &caller(4), of_draft).await.unwrap();

    let begun = thread(&stage, &token).await;

    assert_eq!(begun.assistant, only);
    assert!(view_thread(stage.deps(), &token, open.id).await.is_err());
    assert!(view_thread(stage.deps(), &token, of_draft.id).await.is_ok());
    let to_none = UpdateThread { assistant: Some(None), ..UpdateThread::default() };
    let loosened = update_thread(stage.deps(), &token, begun.id, to_none).await;
    assert!(matches!(loosened, Err(Error::Forbidden(_))));
    let all = ListThreads {
        assistant: None,
        q: None,
        metadata: BTreeMap::new(),
        after: None,
        order: Order::Ascending,
        limit: 10,
    };
    let listed = list_threads(stage.deps(), &token, all).await.unwrap().threads;
    assert_eq!(listed.iter().map(|thread| thread.id).collect::<Vec<_>>(), [begun.id]);
}

#[tokio::test]
async fn what_is_gone_is_told_and_what_was_said_is_not() {
    let stage = Stage::set().await;
    let command = CreateThread { title: Some("A secret".to_owned()), ..CreateThread::default() };
    let made = create_thread(stage.deps(), &caller(4), command).await.unwrap();
    delete_thread(stage.deps(), &caller(4), made.id, Precondition::None).await.unwrap();

    let filter = understudy_domain::EventFilter::default();
    let walk = understudy_domain::ports::Walk::Backward(None);
    let tenant = user(4).organization;
    let events = stage.store.audit().events(tenant, &filter, walk, 10).await.unwrap();

    assert_eq!(events[0].event.action, "thread.deleted");
    assert_eq!((&events[0].event.before, &events[0].event.after), (&None, &None));
    assert!(
        !json!(events.iter().map(|e| &e.event.target).collect::<Vec<_>>())
            .to_string()
            .contains("secret")
    );
}
