//! The wall between organizations, where assistants answer.

use std::{collections::BTreeMap, time::Duration};

use understudy_domain::{
    Automation, Execution, Memory, Run, Thread, UserId,
    automation::ExecutionState,
    conversation::Order,
    ports::{Store, ThreadFilter},
    run::ApprovalState,
};

use super::stage::{add, assert_conflict, begin, home, people};
use crate::sample::{
    Members, Row, approval, assistant, automation, execution, id, memory, message, organization,
    run, thread, told, user,
};

/// User 2, who is of organization 2.
fn bob() -> UserId {
    id(2)
}

fn their_thread() -> Thread {
    Thread { user: bob(), ..thread(2) }.of(2)
}

fn their_memory() -> Memory {
    Memory { user: bob(), ..memory(2, &assistant(1, id(1), "Ada")) }.of(2)
}

fn their_run() -> Run {
    Run { user: bob(), ..run(2) }.of(2)
}

fn their_automation() -> Automation {
    Automation { created_by: bob(), ..automation(2) }.of(2)
}

/// Organization 2 with all that is asked and answered, of number 2 and user 2's.
async fn neighbours(store: &dyn Store) {
    people(store, 1).await;
    let rows: Vec<Row> = vec![
        organization(2).into(),
        user(2).of(2).into(),
        their_thread().into(),
        message(2, &their_thread()).into(),
        their_memory().into(),
        their_run().into(),
        approval(2, &their_run()).into(),
        their_automation().into(),
        execution(2, &their_automation()).into(),
    ];
    add(store, rows).await;
    store.run_events().append(&[(id(2), id(2), told(1))]).await.unwrap();
}

/// Threads, memories, runs and automations of another organization are not read, not
/// even by who knows their ids.
pub async fn what_others_ask_and_answer_is_not_read(store: &dyn Store) {
    neighbours(store).await;
    let of_bob = ThreadFilter {
        user: bob(),
        assistant: None,
        q: None,
        metadata: BTreeMap::new(),
        after: None,
        order: Order::Descending,
        limit: 9,
    };

    let talks = store.conversations();
    assert_eq!(talks.thread(home(), id(2)).await.unwrap(), None);
    assert_eq!(talks.threads(home(), &of_bob).await.unwrap(), []);
    assert_eq!(talks.messages(home(), id(2), None, Order::Ascending, 9).await.unwrap(), []);
    assert_eq!(talks.memories(home(), id(1), bob(), 9).await.unwrap(), []);
    let runs = store.runs();
    assert_eq!(runs.run(home(), id(2)).await.unwrap(), None);
    assert_eq!(runs.approvals(home(), id(2)).await.unwrap(), []);
    assert_eq!(runs.automations(home()).await.unwrap(), []);
    assert_eq!(runs.executions(home(), id(2), None, 9).await.unwrap(), []);
    let log = store.run_events();
    assert_eq!(log.events(home(), id(2), 0, 9).await.unwrap(), []);
    log.wait(home(), id(2), 0, Duration::ZERO).await.unwrap();
    let mut work = begin(store).await;
    assert_eq!(work.conversations().find_thread(id(2)).await.unwrap(), None);
    assert_eq!(work.runs().find(id(2)).await.unwrap(), None);
    assert_eq!(work.runs().approvals(id(2)).await.unwrap(), []);
    assert_eq!(work.runs().count_active(bob()).await.unwrap(), 0);
    assert_eq!(work.automations().find(id(2)).await.unwrap(), None);
}

/// Threads, memories, runs and automations of another organization are neither changed
/// nor removed.
pub async fn what_others_ask_and_answer_is_not_changed(store: &dyn Store) {
    neighbours(store).await;
    let mut work = begin(store).await;
    assert!(!work.conversations().delete_thread(id(2)).await.unwrap());
    assert_eq!(work.conversations().delete_messages(id(2), 0).await.unwrap(), 0);
    assert!(!work.conversations().delete_memory(id(1), bob(), id(2)).await.unwrap());
    assert_eq!(work.conversations().delete_memories(id(1), bob()).await.unwrap(), 0);
    assert!(!work.runs().delete(id(2)).await.unwrap());
    assert!(!work.automations().delete(id(2)).await.unwrap());
    work.commit().await.unwrap();
    for theirs in [their_thread(), their_thread().of(1)] {
        let refused = begin(store).await.conversations().update_thread(theirs).await;
        assert_conflict(&refused.unwrap_err());
    }
    for theirs in [their_run(), their_run().of(1)] {
        assert_conflict(&begin(store).await.runs().update(theirs).await.unwrap_err());
    }
    for theirs in [their_automation(), their_automation().of(1)] {
        assert_conflict(&begin(store).await.automations().update(theirs).await.unwrap_err());
    }

    assert_all_is_as_it_was(store).await;
}

/// What has the id of something in another organization does not take its place.
pub async fn an_id_of_another_organization_replaces_nothing(store: &dyn Store) {
    neighbours(store).await;
    add(store, vec![run(1).into(), automation(1).into()]).await;
    let mut decided = approval(2, &run(1));
    decided.state = ApprovalState::Approved;
    let done = Execution { state: ExecutionState::Failed, ..execution(2, &automation(1)) };
    for row in [Row::from(decided), done.into()] {
        let mut work = begin(store).await;
        // A store may have ids that are unique everywhere, or in an organization.
        if row.insert(&mut *work).await.is_ok() {
            work.commit().await.unwrap();
        }
    }
    store.run_events().append(&[(home(), id(2), told(2))]).await.unwrap();

    assert_all_is_as_it_was(store).await;
}

/// Asserts that [`neighbours`] are as they were.
async fn assert_all_is_as_it_was(store: &dyn Store) {
    let there = id(2);
    let (talks, runs) = (store.conversations(), store.runs());
    assert_eq!(talks.thread(there, id(2)).await.unwrap(), Some(their_thread()));
    let said = talks.messages(there, id(2), None, Order::Ascending, 9).await.unwrap();
    assert_eq!(said, [message(2, &their_thread())]);
    let noted = talks.memories(there, id(1), bob(), 9).await.unwrap();
    assert_eq!(noted, [their_memory()]);
    assert_eq!(runs.run(there, id(2)).await.unwrap(), Some(their_run()));
    assert_eq!(runs.approvals(there, id(2)).await.unwrap(), [approval(2, &their_run())]);
    assert_eq!(runs.automations(there).await.unwrap(), [their_automation()]);
    let executions = runs.executions(there, id(2), None, 9).await.unwrap();
    assert_eq!(executions, [execution(2, &their_automation())]);
    let told_there = store.run_events().events(there, id(2), 0, 9).await.unwrap();
    assert_eq!(told_there, [told(1)]);
}
