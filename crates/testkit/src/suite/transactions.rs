//! Units of work: all or nothing, and nothing left behind.

use understudy_domain::{
    AssistantId, AssistantRef, RuleEntity,
    conversation::Order,
    ports::{Proof, Store, UnitOfWork, UsageFilter},
};

use super::{
    spending::spent_in,
    stage::{add, begin, events as logged, home, people, poll_once, prompt},
};
use crate::sample::{
    Row, approval, assistant, attachment, automation, blob, budget_month, comment, data_key,
    delivery, event, execution, extraction, id, image, instant, memory, message, organization,
    provider, rule, run, sealed_value, session, spent, tag, team, thread, token, touched, usage,
    user, version, webhook, whole_upload,
};

/// A row for every repository that adds rows of an organization.
fn one_of_each() -> Vec<Row> {
    let owner = user(2);
    let assistant = assistant(1, owner.id, "Ada");
    vec![
        owner.clone().into(),
        team(1, []).into(),
        token(1, &owner).into(),
        session(1, &owner).into(),
        assistant.clone().into(),
        version(1, &assistant).into(),
        sealed_value(1, &assistant).into(),
        data_key(1, home()).into(),
        event(1, &owner, &assistant.id.to_string()).into(),
        touched(1).into(),
        whole_upload(1).into(),
        image(1).into(),
        extraction(1, []).into(),
        provider(1).into(),
        usage(1).into(),
        rule(1).into(),
        attachment(id(1), RuleEntity::Organization).into(),
        comment(1, &assistant, owner.id).into(),
        tag(1).into(),
        webhook(1).into(),
        delivery(1, &webhook(1)).into(),
        thread(1).into(),
        message(1, &thread(1)).into(),
        memory(1, &assistant).into(),
        run(1).into(),
        approval(1, &run(1)).into(),
        spent(budget_month(1), 1).into(),
        automation(1).into(),
        execution(1, &automation(1)).into(),
    ]
}

/// How many of them queries see.
const SEEN: usize = 26;

/// How many of them a unit of work sees.
const FOUND: usize = 20;

async fn insert(rows: &[Row], work: &mut dyn UnitOfWork) {
    for row in rows {
        row.insert(work).await.unwrap();
    }
}

/// Whether queries see each of [`one_of_each`].
async fn seen(store: &dyn Store) -> Vec<bool> {
    let owner = user(2);
    let ada: AssistantId = id(1);
    let by_id = AssistantRef::Id(ada);
    let (token, session) = (token(1, &owner), session(1, &owner));
    let events = logged(store).await;
    let (blobs, content) = ([(home(), blob(1).digest)], store.content());
    let (talks, runs) = (store.conversations(), store.runs());
    let all = UsageFilter { from: instant(0), until: instant(10), user: None };
    vec![
        store.directory().user(home(), owner.id).await.unwrap().is_some(),
        store.directory().team(home(), id(1)).await.unwrap().is_some(),
        store.callers().find(Proof::Token(token.hash)).await.unwrap().is_some(),
        store.callers().find(Proof::Session(session.id)).await.unwrap().is_some(),
        store.assistants().find(home(), &by_id).await.unwrap().is_some(),
        store.assistants().version(home(), ada, 1).await.unwrap().is_some(),
        !events.is_empty(),
        !store.housekeeping().known_blobs(&blobs).await.unwrap().is_empty(),
        content.upload(home(), id(1)).await.unwrap().is_some(),
        content.image_by_key(image(1).key.expose()).await.unwrap().is_some(),
        content.extraction(home(), blob(1).digest).await.unwrap().is_some(),
        !content.providers(home()).await.unwrap().is_empty(),
        !content.usage(home(), &all).await.unwrap().is_empty(),
        !store.rules().find(home(), &[id(1)]).await.unwrap().is_empty(),
        !store.rules().attachments(home(), id(1)).await.unwrap().is_empty(),
        store.comments().find(home(), id(1)).await.unwrap().is_some(),
        !store.labels().tags(home()).await.unwrap().is_empty(),
        !store.webhooks().webhooks(home()).await.unwrap().is_empty(),
        !store.webhooks().due(instant(10), 1).await.unwrap().is_empty(),
        talks.thread(home(), id(1)).await.unwrap().is_some(),
        !talks.messages(home(), id(1), None, Order::Ascending, 1).await.unwrap().is_empty(),
        !talks.memories(home(), ada, id(1), 1).await.unwrap().is_empty(),
        runs.run(home(), id(1)).await.unwrap().is_some(),
        !runs.approvals(home(), id(1)).await.unwrap().is_empty(),
        !runs.automations(home()).await.unwrap().is_empty(),
        !runs.executions(home(), id(1), None, 1).await.unwrap().is_empty(),
    ]
}

/// Whether a unit of work sees each of [`one_of_each`].
async fn found(work: &mut dyn UnitOfWork) -> Vec<bool> {
    vec![
        work.users().find(id(2)).await.unwrap().is_some(),
        work.teams().find(id(1)).await.unwrap().is_some(),
        work.credentials().find_token(id(1)).await.unwrap().is_some(),
        work.assistants().find(id(1)).await.unwrap().is_some(),
        work.records().find_version(id(1), 1).await.unwrap().is_some(),
        !work.records().find_sealed(&[id(1)]).await.unwrap().is_empty(),
        work.records().newest_data_key().await.unwrap().is_some(),
        work.uploads().find(id(1)).await.unwrap().is_some(),
        work.images().find(id(1)).await.unwrap().is_some(),
        work.providers().find(id(1)).await.unwrap().is_some(),
        !work.rules().find(&[id(1)]).await.unwrap().is_empty(),
        work.comments().find(id(1)).await.unwrap().is_some(),
        work.labels().find(id(1)).await.unwrap().is_some(),
        work.webhooks().find(id(1)).await.unwrap().is_some(),
        work.webhooks().find_delivery(id(1)).await.unwrap().is_some(),
        work.conversations().find_thread(id(1)).await.unwrap().is_some(),
        work.runs().find(id(1)).await.unwrap().is_some(),
        !work.runs().approvals(id(1)).await.unwrap().is_empty(),
        work.automations().find(id(1)).await.unwrap().is_some(),
        spent_in(work, &budget_month(1)).await.tokens == 1,
    ]
}

/// What a unit of work wrote is seen by nobody until it commits, and by nobody
/// ever when it is dropped.
pub async fn nothing_is_visible_before_commit_or_after_a_drop(store: &dyn Store) {
    people(store, 1).await;
    let mut work = begin(store).await;
    insert(&one_of_each(), &mut *work).await;

    assert_eq!(seen(store).await, [false; SEEN], "before the commit");
    drop(work);
    assert_eq!(seen(store).await, [false; SEEN], "after the drop");
    assert_eq!(found(&mut *begin(store).await).await, [false; FOUND], "in the next unit of work");
}

/// A unit of work sees what it wrote itself.
pub async fn a_unit_of_work_sees_its_own_writes(store: &dyn Store) {
    people(store, 1).await;
    let mut work = begin(store).await;
    insert(&one_of_each(), &mut *work).await;

    assert_eq!(found(&mut *work).await, [true; FOUND]);
}

/// One commit makes the writes of all repositories visible.
pub async fn one_commit_covers_every_repository(store: &dyn Store) {
    people(store, 1).await;
    let mut work = begin(store).await;
    insert(&one_of_each(), &mut *work).await;
    work.commit().await.unwrap();

    assert_eq!(seen(store).await, [true; SEEN]);
    assert_eq!(found(&mut *begin(store).await).await, [true; FOUND]);
}

/// A refused write undoes all of its unit of work when that is dropped.
pub async fn a_refused_write_takes_the_writes_before_it_along(store: &dyn Store) {
    people(store, 1).await;
    let mut work = begin(store).await;
    work.users().insert(&user(2)).await.unwrap();
    work.users().insert(&user(1)).await.unwrap_err();
    drop(work);

    assert!(store.directory().user(home(), id(2)).await.unwrap().is_none());
}

/// A unit of work that is dropped frees what it had locked or written.
pub async fn a_dropped_unit_of_work_frees_its_locks(store: &dyn Store) {
    people(store, 1).await;
    let mut work = begin(store).await;
    let ada = work.users().find(id(1)).await.unwrap().unwrap();
    work.users().update(ada).await.unwrap();
    drop(work);

    prompt(rename(store, "after the drop")).await;
}

/// A unit of work whose statement is cancelled while it runs writes nothing and
/// frees its locks.
pub async fn a_cancelled_unit_of_work_releases_its_locks(store: &dyn Store) {
    people(store, 1).await;
    let mut work = begin(store).await;
    let mut ada = work.users().find(id(1)).await.unwrap().unwrap();
    ada.name = String::from("cancelled");
    {
        let update = std::pin::pin!(work.users().update(ada));
        poll_once(update).await;
    }
    drop(work);

    let before = prompt(rename(store, "after the cancellation")).await;
    assert_eq!(before, user(1).name);
}

/// A commit that is cancelled while it runs has happened or has not, and frees
/// its locks either way.
pub async fn a_cancelled_commit_is_whole_or_nothing(store: &dyn Store) {
    people(store, 1).await;
    let mut work = begin(store).await;
    // What the rename below needs: it waits until this one has ended, either way.
    work.users().find(id(1)).await.unwrap();
    insert(&one_of_each(), &mut *work).await;
    {
        let commit = std::pin::pin!(work.commit());
        poll_once(commit).await;
    }

    prompt(rename(store, "after the cancellation")).await;
    let seen = seen(store).await;
    assert!(seen == [true; SEEN] || seen == [false; SEEN], "got {seen:?}");
}

/// Whoever waits for a lock and is cancelled holds nothing later on.
pub async fn a_cancelled_wait_for_a_lock_holds_nothing(store: &dyn Store) {
    people(store, 1).await;
    let mut holder = begin(store).await;
    holder.users().find(id(1)).await.unwrap();
    {
        let mut waiter = std::pin::pin!(rename(store, "never"));
        for _ in 0..100 {
            assert!(!poll_once(waiter.as_mut()).await, "the row was not locked");
            tokio::task::yield_now().await;
        }
    }
    drop(holder);

    let before = prompt(rename(store, "after the wait")).await;
    assert_eq!(before, user(1).name);
}

/// An organization that is not there can be worked in, so that it can be made.
pub async fn an_organization_is_made_in_a_unit_of_work_of_its_own(store: &dyn Store) {
    let mut work = store.begin(id(7)).await.unwrap();
    assert!(work.organizations().find().await.unwrap().is_none());
    work.organizations().insert(&organization(7)).await.unwrap();
    work.commit().await.unwrap();

    let found = store.directory().organization(id(7)).await.unwrap();
    assert_eq!(found, Some(organization(7)));
}

/// A store that is there says so.
pub async fn a_reachable_store_answers_a_ping(store: &dyn Store) {
    add(store, vec![]).await;

    store.ping().await.unwrap();
}

/// Renames user 1 and gives the name before.
async fn rename(store: &dyn Store, name: &str) -> String {
    let mut work = begin(store).await;
    let mut user = work.users().find(id(1)).await.unwrap().unwrap();
    let before = std::mem::replace(&mut user.name, name.to_owned());
    work.users().update(user).await.unwrap();
    work.commit().await.unwrap();
    before
}
