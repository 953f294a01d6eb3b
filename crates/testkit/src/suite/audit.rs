//! The audit log: whole, in the order of commits, chained.

use std::time::Duration;

use futures_util::future::join;
use serde_json::json;
use understudy_domain::{
    AuditEvent, ChainHash, EventFilter, OrganizationId, RecordedEvent, ports::Store,
};
use understudy_domain::{audit::ChainHead, ports::Walk};

use super::stage::{add, begin, events, home, people, prompt};
use crate::sample::{Members, assistant, event, id, instant, organization, token, user};

/// So long nobody waits in these cases.
const FOREVER: Duration = Duration::from_hours(1);

async fn read(store: &dyn Store, walk: Walk, limit: u32) -> Vec<RecordedEvent> {
    store.audit().events(home(), &EventFilter::default(), walk, limit).await.unwrap()
}

/// The whole log of an organization, oldest first.
pub(super) async fn log_of(store: &dyn Store, tenant: OrganizationId) -> Vec<RecordedEvent> {
    let walk = Walk::Forward(0);
    store.audit().events(tenant, &EventFilter::default(), walk, 10_000).await.unwrap()
}

/// Asserts that numbers have no gaps, that each hash follows from the one before, and
/// that the head is the end.
pub(super) async fn assert_chained(store: &dyn Store, tenant: OrganizationId) {
    let mut head = ChainHead { seq: 0, hash: ChainHash::START };
    for recorded in log_of(store, tenant).await {
        let seq = head.seq + 1;
        head = ChainHead { seq, hash: head.hash.next(seq, &recorded.event.canonical()) };
        assert_eq!((recorded.seq, recorded.hash), (head.seq, Some(head.hash)), "{recorded:#?}");
    }
    assert_eq!(store.audit().head(tenant).await.unwrap(), head);
}

async fn two_organizations(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![organization(2).into(), user(2).of(2).into()]).await;
}

/// An audit event reads back as it was written, with all it can tell or nothing.
pub async fn a_saved_event_reads_back_equal(store: &dyn Store) {
    people(store, 1).await;
    let full = AuditEvent {
        at: instant(111_222),
        token: Some(token(1, &user(1)).id),
        action: "assistant.größer".to_owned(),
        assistant: Some(id(1)),
        ..event(2, &user(1), "asst_1")
    };
    let bare = AuditEvent {
        actor: None,
        address: None,
        request_id: None,
        before: None,
        after: None,
        ..event(1, &user(1), "org_1")
    };
    add(store, vec![assistant(1, id(1), "Ada").into(), token(1, &user(1)).into()]).await;
    add(store, vec![bare.clone().into(), full.clone().into()]).await;

    assert_eq!(events(store).await, [full, bare]);
}

/// Events are numbered from 1 without gaps in the order in which they were committed,
/// whatever their times and ids, in each organization for itself.
pub async fn events_are_numbered_in_the_order_of_commits(store: &dyn Store) {
    two_organizations(store).await;
    let saved = |n| event(n, &user(1), "asst_1");
    add(store, vec![saved(5).into(), saved(3).into()]).await;
    add(store, vec![event(10, &user(2).of(2), "asst_2").into()]).await;
    add(store, vec![saved(1).into()]).await;
    add(store, vec![saved(4).into()]).await;

    let numbered = log_of(store, home()).await;
    let expected: Vec<_> = [5, 3, 1, 4].map(saved).into_iter().zip(1..).collect();
    let found: Vec<_> = numbered.into_iter().map(|found| (found.event, found.seq)).collect();
    assert_eq!(found, expected);
    let others = log_of(store, id(2)).await;
    assert_eq!(others.iter().map(|found| found.seq).collect::<Vec<_>>(), [1]);
}

/// The hash of each event follows from number, event and the hash before.
pub async fn each_event_is_chained_to_the_one_before(store: &dyn Store) {
    two_organizations(store).await;
    let awkward = AuditEvent {
        before: Some(json!({ "z": [1.0, 1e-7, 0.1, u64::MAX, i64::MIN], "a": { "ü": null } })),
        after: Some(json!("e\u{301} \\ \" \u{7f} 👩‍🚀")),
        ..event(1, &user(1), "asst_größe")
    };
    add(store, vec![awkward.clone().into(), event(2, &user(1), "asst_1").into()]).await;
    add(store, vec![event(3, &user(1), "asst_1").into()]).await;
    add(store, vec![event(4, &user(2).of(2), "asst_2").into()]).await;

    let log = log_of(store, home()).await;
    let first = ChainHash::START.next(1, &awkward.canonical());
    assert_eq!(log.first().map(|found| found.hash), Some(Some(first)));
    assert_eq!(log.len(), 3);
    assert_chained(store, home()).await;
    assert_chained(store, id(2)).await;
}

/// What was not committed is not told of, and takes no number.
pub async fn an_abandoned_unit_of_work_leaves_no_event(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![event(1, &user(1), "asst_1").into()]).await;
    let mut work = begin(store).await;
    work.records().append_event(&event(2, &user(1), "asst_1")).await.unwrap();
    drop(work);
    add(store, vec![event(3, &user(1), "asst_1").into()]).await;

    let log = log_of(store, home()).await;
    let found: Vec<_> = log.into_iter().map(|found| (found.seq, found.event.id)).collect();
    assert_eq!(found, [(1, id(1)), (2, id(3))]);
}

/// An event that cannot be added takes all of its unit of work along.
pub async fn an_act_without_its_event_is_not_done(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![event(1, &user(1), "asst_1").into()]).await;
    let mut work = begin(store).await;
    work.users().insert(&user(2)).await.unwrap();
    let added = work.records().append_event(&event(1, &user(1), "asst_1")).await;
    let done = match added {
        Ok(()) => work.commit().await,
        refused => refused,
    };

    assert!(done.is_err(), "an event with a known id was added");
    assert!(store.directory().user(home(), id(2)).await.unwrap().is_none());
    assert_eq!(store.audit().head(home()).await.unwrap().seq, 1);
}

/// The log is walked backward from its end or from before an event, and forward from
/// behind one, as far as asked.
pub async fn the_log_is_walked_backward_and_forward(store: &dyn Store) {
    two_organizations(store).await;
    let saved = |n: u32| event(100 - n, &user(1), "asst_1");
    add(store, (1..=9).map(|n| saved(n).into()).collect()).await;
    add(store, vec![event(200, &user(2).of(2), "asst_2").into()]).await;

    let cases: [(Walk, u32, &[u64]); 9] = [
        (Walk::Backward(None), 3, &[9, 8, 7]),
        (Walk::Backward(None), 100, &[9, 8, 7, 6, 5, 4, 3, 2, 1]),
        (Walk::Backward(Some(7)), 2, &[6, 5]),
        (Walk::Backward(Some(1)), 2, &[]),
        (Walk::Backward(Some(100)), 1, &[9]),
        (Walk::Forward(0), 3, &[1, 2, 3]),
        (Walk::Forward(7), 3, &[8, 9]),
        (Walk::Forward(9), 3, &[]),
        (Walk::Forward(100), 3, &[]),
    ];
    for (walk, limit, numbers) in cases {
        let found = read(store, walk, limit).await;
        let found: Vec<_> = found.into_iter().map(|found| (found.seq, found.event)).collect();
        let expected: Vec<_> =
            numbers.iter().map(|seq| (*seq, saved(u32::try_from(*seq).unwrap()))).collect();
        assert_eq!(found, expected, "{walk:?}, {limit}");
    }
}

/// Events that differ in everything that is filtered by.
fn various() -> Vec<AuditEvent> {
    let actions = [
        "assistant.updated",
        "assistant.created",
        "assistant_x.made",
        "rule.created",
        "%.*",
        "user",
    ];
    let events = (1..=48u32).map(|n| {
        let action = actions.into_iter().cycle().nth(usize::try_from(n).unwrap()).unwrap();
        AuditEvent {
            action: action.to_owned(),
            actor: (n % 3 != 0).then(|| id(n % 3)),
            token: n.is_multiple_of(5).then(|| id(n % 2 + 1)),
            assistant: (n % 4 != 0).then(|| id(n % 4)),
            ..event(n, &user(1), if n.is_multiple_of(2) { "asst_even" } else { "asst_odd" })
        }
    });
    events.collect()
}

fn filters() -> Vec<EventFilter> {
    let all = EventFilter::default;
    let mut filters = vec![
        all(),
        EventFilter { assistant: Some(id(1)), ..all() },
        EventFilter { assistant: Some(id(9)), ..all() },
        EventFilter { target: Some("asst_even".to_owned()), ..all() },
        EventFilter { target: Some("asst_".to_owned()), ..all() },
        EventFilter { actor: Some(id(2)), ..all() },
        EventFilter { token: Some(id(1)), ..all() },
        EventFilter { from: Some(instant(10)), ..all() },
        EventFilter { until: Some(instant(10)), ..all() },
        EventFilter { from: Some(instant(10)), until: Some(instant(20)), ..all() },
        EventFilter {
            target: Some("asst_odd".to_owned()),
            actor: Some(id(1)),
            action: Some("a*".to_owned()),
            from: Some(instant(2)),
            until: Some(instant(40)),
            assistant: Some(id(1)),
            token: None,
        },
    ];
    let actions = [
        "assistant.updated",
        "assistant.*",
        "assistant_*",
        "assistant*",
        "*",
        "%*",
        "%.*",
        "a%",
        "user*",
        "user",
        "USER",
        "",
    ];
    filters.extend(actions.map(|action| EventFilter { action: Some(action.to_owned()), ..all() }));
    filters
}

/// Each field of a filter, and all of them together, keep exactly what matches, either
/// way and also at the end of a page.
pub async fn each_filter_of_events_keeps_exactly_what_matches(store: &dyn Store) {
    people(store, 2).await;
    let tokens = (1..=2).map(|n| token(n, &user(1)).into());
    add(store, tokens.collect()).await;
    let ours = (1..=3).map(|n| assistant(n, id(1), &format!("Assistant {n}")).into());
    add(store, ours.collect()).await;
    add(store, various().into_iter().map(Into::into).collect()).await;

    for filter in filters() {
        let expected: Vec<u64> = (1..)
            .zip(various())
            .filter(|(_, event)| filter.matches(event))
            .map(|(seq, _)| seq)
            .collect();
        let found = async |walk, limit| {
            let found = store.audit().events(home(), &filter, walk, limit).await.unwrap();
            found.into_iter().map(|found| found.seq).collect::<Vec<u64>>()
        };
        assert_eq!(found(Walk::Forward(0), 100).await, expected, "{filter:?}");
        let newest: Vec<u64> = expected.iter().rev().copied().collect();
        assert_eq!(found(Walk::Backward(None), 100).await, newest, "{filter:?}");
        let two: Vec<u64> = expected.iter().copied().filter(|seq| *seq > 7).take(2).collect();
        assert_eq!(found(Walk::Forward(7), 2).await, two, "{filter:?}");
    }
}

/// The head is number and hash of the last event, or where logs begin.
pub async fn the_head_is_where_the_log_ends(store: &dyn Store) {
    two_organizations(store).await;
    let beginning = ChainHead { seq: 0, hash: ChainHash::START };
    assert_eq!(store.audit().head(home()).await.unwrap(), beginning);
    add(store, vec![event(1, &user(1), "asst_1").into()]).await;
    add(store, vec![event(2, &user(1), "asst_1").into()]).await;

    let last = log_of(store, home()).await.pop().unwrap();
    let end = ChainHead { seq: 2, hash: last.hash.unwrap() };
    assert_eq!(store.audit().head(home()).await.unwrap(), end);
    assert_eq!(store.audit().head(id(2)).await.unwrap(), beginning);
}

/// Who waits behind the end hears of the next event that is committed.
pub async fn waiting_ends_when_somebody_commits(store: &dyn Store) {
    people(store, 1).await;
    let waiting = async {
        while store.audit().head(home()).await.unwrap().seq == 0 {
            store.audit().wait(home(), 0, FOREVER).await.unwrap();
        }
    };
    let commit = add(store, vec![event(1, &user(1), "asst_1").into()]);

    prompt(join(waiting, commit)).await;
}

/// Who is behind the end does not wait.
pub async fn nobody_waits_for_what_is_there(store: &dyn Store) {
    people(store, 1).await;
    add(store, (1..=2).map(|n| event(n, &user(1), "asst_1").into()).collect()).await;

    prompt(store.audit().wait(home(), 1, FOREVER)).await.unwrap();
}

/// Who has waited long enough goes on without an event.
pub async fn waiting_ends_with_patience(store: &dyn Store) {
    two_organizations(store).await;
    add(store, vec![event(1, &user(2).of(2), "asst_2").into()]).await;

    prompt(store.audit().wait(home(), 0, Duration::from_millis(1))).await.unwrap();
    assert_eq!(store.audit().head(home()).await.unwrap().seq, 0);
}
