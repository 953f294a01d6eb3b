//! A run that is at work here: its newest events, and how it is stopped.

use std::{
    borrow::Cow,
    collections::VecDeque,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

use tokio::sync::watch;
use understudy_domain::{
    OrganizationId, RunId, UserId,
    run::{EventData, Interruption, RunEvent},
};

/// How many events that are stored already are kept for followers, and how many bytes
/// of them: so much, and no more, may somebody who is slow to read fall behind without
/// asking the store.
const KEPT: usize = 64;
const KEPT_BYTES: usize = 32 * 1024;
/// How many bytes of events may wait to be stored before who tells more waits. One
/// event may be longer than that.
const UNSTORED_BYTES: usize = 256 * 1024;
/// Most bytes that a follower is given at once, but for an event that is longer.
const BYTES_AT_ONCE: usize = 64 * 1024;

/// A run that is at work here.
#[derive(Debug)]
pub(crate) struct Live {
    tenant: OrganizationId,
    run: RunId,
    user: OnceLock<UserId>,
    state: Mutex<State>,
    /// Counts what happened: events, their end.
    changed: watch::Sender<u64>,
    stop: watch::Sender<Option<Interruption>>,
    /// The sequence up to which events are stored.
    stored: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    events: VecDeque<RunEvent>,
    /// Bytes of these.
    bytes: usize,
    /// Bytes of those of them that are not stored.
    unstored: usize,
    /// The last event that is not kept here, but in the store.
    older: u64,
    /// The last event that is stored.
    stored: u64,
    last: u64,
    /// Whether the event was told that it ends with.
    is_ended: bool,
    /// Whether nobody works on it any more.
    is_over: bool,
    /// What is to be done with it then.
    next: Option<Next>,
}

impl State {
    fn keep(&mut self, event: RunEvent) {
        self.forget(KEPT - 1);
        self.bytes += size(&event);
        self.unstored += size(&event);
        self.events.push_back(event);
    }

    /// Forgets what is stored, but for the newest `count` of all.
    fn forget(&mut self, count: usize) {
        while (self.events.len() > count || self.bytes > KEPT_BYTES)
            && self.events.front().is_some_and(|event| event.sequence <= self.stored)
        {
            let Some(event) = self.events.pop_front() else { return };
            self.bytes = self.bytes.saturating_sub(size(&event));
            self.older = event.sequence;
        }
    }

    fn store_up_to(&mut self, sequence: u64) {
        let news = self.events.iter().skip(self.behind(self.stored));
        let stored = news.take_while(|event| event.sequence <= sequence).map(size).sum();
        self.unstored = self.unstored.saturating_sub(stored);
        self.stored = sequence;
        self.forget(KEPT);
    }

    /// Where in `events` those behind this one begin.
    fn behind(&self, after: u64) -> usize {
        self.events.partition_point(|event| event.sequence <= after)
    }
}

fn size(event: &RunEvent) -> usize {
    size_of::<RunEvent>() + event.data.size()
}

/// What is to be done with a run once its task has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Next {
    /// It goes on.
    Launch,
    /// It is ended, for this reason.
    Conclude(Interruption),
}

/// What there is behind an event.
pub(crate) enum Found {
    /// These.
    Events(Vec<RunEvent>),
    /// Some that are not kept here any more.
    Older,
    /// Nothing yet, or nothing any more.
    Nothing {
        /// Whether nothing will come.
        is_over: bool,
    },
}

impl Live {
    pub(crate) fn new(tenant: OrganizationId, run: RunId) -> Self {
        Self {
            tenant,
            run,
            user: OnceLock::new(),
            state: Mutex::default(),
            changed: watch::Sender::new(0),
            stop: watch::Sender::new(None),
            stored: watch::Sender::new(0),
        }
    }

    pub(crate) const fn tenant(&self) -> OrganizationId {
        self.tenant
    }

    pub(crate) const fn run(&self) -> RunId {
        self.run
    }

    pub(crate) fn user(&self) -> Option<UserId> {
        self.user.get().copied()
    }

    pub(crate) fn belongs_to(&self, user: UserId) {
        // Said once; a second time it is the same.
        let _ = self.user.set(user);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on behind the events that were told before, of which the store has those up
    /// to `stored`.
    pub(crate) fn begin_behind(&self, stored: u64, told: u64) {
        let mut state = self.state();
        state.older = stored;
        state.last = told;
        state.stored = told;
        self.stored.send_replace(told);
    }

    /// Takes an event in; `None` when the run has told its end.
    pub(crate) fn tell(&self, name: &'static str, data: EventData) -> Option<RunEvent> {
        let mut state = self.state();
        if state.is_ended {
            return None;
        }
        state.last += 1;
        let event = RunEvent { sequence: state.last, name: Cow::Borrowed(name), data };
        state.is_ended = event.is_terminal();
        state.keep(event.clone());
        drop(state);
        self.changed.send_modify(|count| *count += 1);
        Some(event)
    }

    pub(crate) fn last(&self) -> u64 {
        self.state().last
    }

    /// What is to be done with it when its task ends; that it is to be ended outweighs
    /// that it goes on.
    pub(crate) fn then(&self, next: Next) {
        let mut state = self.state();
        if !matches!(state.next, Some(Next::Conclude(_))) {
            state.next = Some(next);
        }
    }

    pub(crate) fn next(&self) -> Option<Next> {
        self.state().next
    }

    /// Nobody works on it any more.
    pub(crate) fn end(&self) {
        self.state().is_over = true;
        self.changed.send_modify(|count| *count += 1);
    }

    pub(crate) fn behind(&self, after: u64, limit: u32) -> Found {
        let state = self.state();
        if after < state.older {
            return Found::Older;
        }
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut bytes = 0;
        let fits = |event: &&RunEvent| {
            let is_first = bytes == 0;
            bytes += size(event);
            is_first || bytes <= BYTES_AT_ONCE
        };
        let events = state.events.iter().skip(state.behind(after)).take(limit);
        let events: Vec<_> = events.take_while(fits).cloned().collect();
        if events.is_empty() {
            return Found::Nothing { is_over: state.is_over };
        }
        Found::Events(events)
    }

    pub(crate) fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    pub(crate) fn stop(&self, why: Interruption) {
        // The first reason counts.
        self.stop.send_if_modified(|stop| {
            let is_first = stop.is_none();
            stop.get_or_insert(why);
            is_first
        });
    }

    /// Why it is to be stopped, once it is.
    pub(crate) async fn stopped(&self) -> Interruption {
        let mut stop = self.stop.subscribe();
        let found = stop.wait_for(Option::is_some).await;
        // The sender is ours and lives as long as we do.
        found.ok().and_then(|why| *why).unwrap_or(Interruption::Interrupted)
    }

    /// Waits until so little of it waits to be stored that more may be told.
    pub(crate) async fn has_room(&self) {
        if self.state().unstored < UNSTORED_BYTES {
            return;
        }
        let mut stored = self.stored.subscribe();
        while self.state().unstored >= UNSTORED_BYTES {
            // The sender is ours and lives as long as we do.
            let _ = stored.changed().await;
        }
    }

    pub(crate) fn stored_up_to(&self, sequence: u64) {
        let mut state = self.state();
        if state.stored < sequence {
            state.store_up_to(sequence);
        }
        drop(state);
        self.stored.send_if_modified(|stored| {
            let is_news = *stored < sequence;
            *stored = sequence.max(*stored);
            is_news
        });
    }

    pub(crate) fn stored(&self) -> watch::Receiver<u64> {
        self.stored.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Waker},
    };

    use understudy_domain::{Id, run::names};

    use super::*;

    fn live() -> Live {
        Live::new(Id::from_uuid(uuid::Uuid::from_u128(1)), Id::from_uuid(uuid::Uuid::from_u128(2)))
    }

    fn nothing() -> EventData {
        serde_json::Map::new().into()
    }

    fn sequences(found: Found) -> Vec<u64> {
        match found {
            Found::Events(events) => events.iter().map(|event| event.sequence).collect(),
            Found::Older | Found::Nothing { .. } => Vec::new(),
        }
    }

    #[test]
    fn a_follower_gets_what_is_behind_their_last_event() {
        let live = live();
        for _ in 0..3 {
            live.tell(names::CONTENT_DELTA, nothing());
        }

        assert_eq!(sequences(live.behind(0, 10)), [1, 2, 3]);
        assert_eq!(sequences(live.behind(2, 10)), [3]);
        assert_eq!(sequences(live.behind(0, 2)), [1, 2]);
        assert!(matches!(live.behind(3, 10), Found::Nothing { is_over: false }));
    }

    #[test]
    fn events_are_kept_until_they_are_stored_and_then_only_so_many() {
        let live = live();
        for _ in 0..KEPT + 10 {
            live.tell(names::CONTENT_DELTA, nothing());
        }
        assert_eq!(sequences(live.behind(0, 1)), [1]);

        live.stored_up_to(20);
        live.tell(names::CONTENT_DELTA, nothing());

        assert!(matches!(live.behind(0, 1), Found::Older));
        assert_eq!(sequences(live.behind(11, 1)), [12]);
    }

    #[test]
    fn of_long_events_fewer_are_kept_once_they_are_stored_and_given_at_once() {
        let live = live();
        let long = "x".repeat(BYTES_AT_ONCE / 4);
        for _ in 0..8 {
            live.tell(names::CONTENT_DELTA, EventData::delta(&long));
        }
        assert_eq!(sequences(live.behind(0, 10)), [1, 2, 3]);
        assert_eq!(sequences(live.behind(6, 10)), [7, 8]);

        live.stored_up_to(7);

        assert!(matches!(live.behind(5, 10), Found::Older));
        assert_eq!(sequences(live.behind(7, 10)), [8]);
    }

    #[test]
    fn an_event_that_is_longer_than_all_that_is_given_at_once_is_given_alone() {
        let live = live();
        for _ in 0..2 {
            live.tell(names::CONTENT_DELTA, EventData::delta(&"x".repeat(2 * BYTES_AT_ONCE)));
        }

        assert_eq!(sequences(live.behind(0, 10)), [1]);
        assert_eq!(sequences(live.behind(1, 10)), [2]);
    }

    #[tokio::test]
    async fn there_is_room_again_once_enough_of_what_was_told_is_stored() {
        let live = live();
        for _ in 0..4 {
            live.has_room().await;
            live.tell(names::CONTENT_DELTA, EventData::delta(&"x".repeat(UNSTORED_BYTES / 4)));
        }
        let mut room = pin!(live.has_room());
        let mut context = Context::from_waker(Waker::noop());
        assert!(room.as_mut().poll(&mut context).is_pending());

        live.stored_up_to(1);

        assert!(room.as_mut().poll(&mut context).is_ready());
    }

    #[test]
    fn nothing_is_told_behind_the_end() {
        let live = live();

        assert!(live.tell(names::COMPLETED, nothing()).is_some());
        assert!(live.tell(names::CONTENT_DELTA, nothing()).is_none());
    }

    #[test]
    fn a_run_that_goes_on_counts_on() {
        let live = live();
        live.begin_behind(7, 7);

        let event = live.tell(names::CONTENT_DELTA, nothing()).unwrap();

        assert_eq!(event.sequence, 8);
        assert!(matches!(live.behind(3, 10), Found::Older));
    }

    #[test]
    fn whoever_heard_more_than_was_stored_hears_what_comes() {
        let live = live();
        live.begin_behind(4, 104);
        assert!(matches!(live.behind(3, 10), Found::Older));
        assert!(matches!(live.behind(6, 10), Found::Nothing { is_over: false }));

        live.tell(names::FAILED, nothing());

        assert_eq!(sequences(live.behind(4, 10)), [105]);
        assert_eq!(sequences(live.behind(6, 10)), [105]);
        assert!(matches!(live.behind(105, 10), Found::Nothing { is_over: false }));
    }
}
