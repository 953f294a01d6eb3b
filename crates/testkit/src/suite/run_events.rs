//! The events of runs.

use std::time::Duration;

use futures_util::future::{join, join_all};
use serde_json::json;
use understudy_domain::{
    OrganizationId, Run, RunEvent, RunId,
    ports::Store,
    run::{EventData, RunStatus, names},
};

use super::stage::{add, begin, home, people, prompt};
use crate::sample::{Members, id, instant, organization, run, told, user};

/// Longer than any test waits.
const FOREVER: Duration = Duration::from_hours(1);

/// Organization 1 with runs 1 to 3, and organization 2 with run 4.
async fn stage(store: &dyn Store) {
    people(store, 1).await;
    add(store, [1, 2, 3].map(|n| run(n).into()).into()).await;
    add(store, vec![organization(2).into(), user(2).of(2).into()]).await;
    add(store, vec![Run { user: id(2), ..run(4) }.of(2).into()]).await;
}

/// Event `sequence` of run `n` of organization 1, as it is appended.
fn of_run(n: u32, sequence: u64) -> (OrganizationId, RunId, RunEvent) {
    (home(), id(n), told(sequence))
}

async fn append(store: &dyn Store, events: &[(OrganizationId, RunId, RunEvent)]) {
    store.run_events().append(events).await.unwrap();
}

/// All events of run `n`.
async fn events(store: &dyn Store, n: u32) -> Vec<RunEvent> {
    store.run_events().events(home(), id(n), 0, 1_000).await.unwrap()
}

async fn sequences(store: &dyn Store, n: u32) -> Vec<u64> {
    events(store, n).await.into_iter().map(|event| event.sequence).collect()
}

/// Events read back as they were written, in the order of their sequences, run for
/// run, whatever batches they came in.
pub async fn appended_events_read_back_in_their_order(store: &dyn Store) {
    stage(store).await;
    let data = json!({
        "z": 1, "a": [null, true, -1, 0.5, { "ä": "\u{0}\u{1f} \u{2028} 株式会社 🏛 \"\\" }],
        "delta": "x".repeat(100_000),
    });
    let full = RunEvent::new(3, names::TOOL_COMPLETED, data);
    let refusal = RunEvent::new(4, names::CONTENT_DELTA, EventData::refusal("no \"\n"));
    let bare = RunEvent::new(1 << 40, "größe", json!({}));
    append(store, &[of_run(1, 1), of_run(2, 1), of_run(1, 2), of_run(2, 2)]).await;
    append(store, &[(home(), id(1), full.clone())]).await;
    append(store, &[(home(), id(1), refusal.clone()), (home(), id(1), bare.clone())]).await;
    append(store, &[]).await;

    assert_eq!(events(store, 1).await, [told(1), told(2), full, refusal, bare]);
    assert_eq!(events(store, 2).await, [told(1), told(2)]);
    assert_eq!(events(store, 3).await, []);
    assert_eq!(events(store, 9).await, []);
}

/// Events are read from behind a sequence on, as many as asked; there may be gaps.
pub async fn events_behind_a_sequence_are_read(store: &dyn Store) {
    stage(store).await;
    append(store, &[1, 2, 5, 9, 10].map(|sequence| of_run(1, sequence))).await;
    append(store, &[of_run(2, 3)]).await;

    let cases: [(u64, u32, &[u64]); 7] = [
        (0, 100, &[1, 2, 5, 9, 10]),
        (0, 2, &[1, 2]),
        (2, 2, &[5, 9]),
        (3, 1, &[5]),
        (9, 100, &[10]),
        (10, 100, &[]),
        (1 << 50, 100, &[]),
    ];
    for (after, limit, expected) in cases {
        let found = store.run_events().events(home(), id(1), after, limit).await.unwrap();
        let found: Vec<u64> = found.into_iter().map(|event| event.sequence).collect();
        assert_eq!(found, expected, "{after}, {limit}");
    }
}

/// An event that is there stays as it is, and does not keep others of its batch away.
pub async fn an_event_that_is_there_stays_as_it_is(store: &dyn Store) {
    stage(store).await;
    append(store, &[of_run(1, 1), of_run(1, 2)]).await;
    let other = |sequence| RunEvent { name: names::FAILED.into(), ..told(sequence) };
    append(store, &[(home(), id(1), other(2)), (home(), id(1), other(3))]).await;
    append(store, &[(home(), id(2), other(2))]).await;

    assert_eq!(events(store, 1).await, [told(1), told(2), other(3)]);
    assert_eq!(events(store, 2).await, [other(2)]);
}

/// Events of runs that are not there, or not the organization's, are left out; the
/// others of their batch are written.
pub async fn events_of_runs_that_are_not_there_are_left_out(store: &dyn Store) {
    stage(store).await;
    let mut work = begin(store).await;
    assert!(work.runs().delete(id(3)).await.unwrap());
    work.commit().await.unwrap();
    let batch = [
        of_run(9, 1),
        of_run(1, 1),
        of_run(3, 1),
        of_run(4, 1),
        (id(2), id(1), told(2)),
        (id(7), id(1), told(3)),
        of_run(2, 1),
        (id(2), id(4), told(5)),
    ];
    append(store, &batch).await;

    assert_eq!((sequences(store, 1).await, sequences(store, 2).await), (vec![1], vec![1]));
    for n in [3, 4, 9] {
        assert_eq!(events(store, n).await, [], "of run {n}");
    }
    let theirs = store.run_events().events(id(2), id(4), 0, 9).await.unwrap();
    assert_eq!(theirs, [told(5)]);
    // Who comes later with that id has none of them either.
    add(store, vec![run(3).into(), run(9).into()]).await;
    assert_eq!((events(store, 3).await, events(store, 9).await), (vec![], vec![]));
}

/// An organization sees no events of another.
pub async fn events_of_another_organization_are_not_read(store: &dyn Store) {
    stage(store).await;
    append(store, &[(id(2), id(4), told(1)), of_run(1, 1)]).await;

    assert_eq!(events(store, 4).await, []);
    assert_eq!(store.run_events().events(id(2), id(1), 0, 9).await.unwrap(), []);
    prompt(store.run_events().wait(home(), id(4), 0, Duration::from_millis(1))).await.unwrap();
}

/// A run that is not removed after all keeps its events.
pub async fn an_abandoned_removal_of_a_run_keeps_its_events(store: &dyn Store) {
    stage(store).await;
    append(store, &[of_run(1, 1)]).await;
    let mut work = begin(store).await;
    assert!(work.runs().delete(id(1)).await.unwrap());
    drop(work);

    assert_eq!(events(store, 1).await, [told(1)]);
}

/// Who waits behind the last event hears of the next one.
pub async fn waiting_ends_when_an_event_is_written(store: &dyn Store) {
    stage(store).await;
    append(store, &[of_run(1, 1)]).await;
    let waiting = async {
        while sequences(store, 1).await.last() != Some(&2) {
            store.run_events().wait(home(), id(1), 1, FOREVER).await.unwrap();
        }
    };
    let events = [of_run(2, 2), of_run(1, 2)];
    let telling = append(store, &events);

    prompt(join(waiting, telling)).await;
}

/// All who wait for a run hear of its event, each for a run of their organization.
pub async fn everybody_who_waits_hears_of_an_event(store: &dyn Store) {
    stage(store).await;
    let waiting = (0..8).map(|n| async move {
        let (tenant, run) = if n % 2 == 0 { (home(), id(1)) } else { (id(2), id(4)) };
        let log = store.run_events();
        while log.events(tenant, run, 0, 1).await.unwrap().is_empty() {
            log.wait(tenant, run, 0, FOREVER).await.unwrap();
        }
    });
    let telling = async {
        append(store, &[of_run(1, 1)]).await;
        append(store, &[(id(2), id(4), told(1))]).await;
    };

    prompt(join(join_all(waiting), telling)).await;
}

/// Who is behind the last event does not wait.
pub async fn nobody_waits_for_events_that_are_there(store: &dyn Store) {
    stage(store).await;
    append(store, &[of_run(1, 1), of_run(1, 2)]).await;

    for after in [0, 1] {
        prompt(store.run_events().wait(home(), id(1), after, FOREVER)).await.unwrap();
    }
}

/// Who has waited long enough goes on without an event.
pub async fn waiting_for_events_ends_with_patience(store: &dyn Store) {
    stage(store).await;
    append(store, &[of_run(1, 1), of_run(2, 2)]).await;

    for (n, after) in [(1, 1), (3, 0), (9, 0)] {
        let patience = Duration::from_millis(1);
        prompt(store.run_events().wait(home(), id(n), after, patience)).await.unwrap();
    }
    assert_eq!(sequences(store, 1).await, [1]);
}

/// The events of runs that ended long ago are swept out in all organizations, those of
/// so many runs at once; runs stay, and so do events of others.
pub async fn events_of_ended_runs_are_swept(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![organization(2).into(), user(2).of(2).into()]).await;
    let ended = |n, end: u32| Run {
        status: RunStatus::Completed,
        finished_at: Some(instant(end)),
        ..run(n)
    };
    let ours = [ended(1, 10), ended(2, 11), ended(3, 12), run(4), ended(5, 1)];
    add(store, ours.clone().map(Into::into).into()).await;
    add(store, vec![Run { user: id(2), ..ended(6, 9) }.of(2).into()]).await;
    // Run 5 has none.
    append(store, &[1, 2, 3, 4].map(|n| of_run(n, 1))).await;
    append(store, &[of_run(1, 2), (id(2), id(6), told(1))]).await;
    let sweep =
        async |before, limit| store.run_events().sweep(instant(before), limit).await.unwrap();

    assert_eq!(sweep(9, 10).await, 0);
    assert_eq!(sweep(12, 2).await, 2);
    assert_eq!(sweep(12, 2).await, 1);
    assert_eq!(sweep(12, 2).await, 0);
    let left = [1, 2, 3, 4].map(|n| sequences(store, n));
    assert_eq!(join_all(left).await, [vec![], vec![], vec![1], vec![1]]);
    assert_eq!(store.run_events().events(id(2), id(6), 0, 9).await.unwrap(), []);
    for run in ours {
        assert_eq!(store.runs().run(home(), run.id).await.unwrap(), Some(run));
    }
}
