//! Tells those who wait for events of a run that there are some.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use crate::values::Key;

/// The runs that somebody waits for, each with the last event that was told.
type Waited = HashMap<Key, watch::Sender<u64>>;

/// What this process has written of runs that somebody waits for; others cost
/// nothing.
#[derive(Clone, Default)]
pub(crate) struct RunNews(Arc<Mutex<Waited>>);

impl RunNews {
    /// Wakes those who wait for an event of the run with this or an earlier sequence.
    pub(crate) fn tell(&self, run: Key, sequence: u64) {
        if let Some(last) = self.waited().get(&run) {
            last.send_if_modified(|last| {
                let later = sequence > *last;
                *last = sequence.max(*last);
                later
            });
        }
    }

    /// Hears of the run from now on.
    pub(crate) fn listen(&self, run: Key) -> Listener {
        let last = self.waited().entry(run).or_default().subscribe();
        Listener { news: self.clone(), run, last }
    }

    fn waited(&self) -> MutexGuard<'_, Waited> {
        // Nothing is left half done under it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who waits for events of a run.
pub(crate) struct Listener {
    news: RunNews,
    run: Key,
    last: watch::Receiver<u64>,
}

impl Listener {
    /// Returns when it was told of an event behind `after`, since it listens.
    pub(crate) async fn heard_of(&mut self, after: u64) {
        // The other end is there as long as somebody listens.
        while self.last.changed().await.is_ok() {
            if *self.last.borrow_and_update() > after {
                return;
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut waited = self.news.waited();
        let alone = waited.get(&self.run).is_some_and(|last| last.receiver_count() <= 1);
        if alone {
            waited.remove(&self.run);
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const RUN: Key = Key(Uuid::from_u128(1));

    #[tokio::test]
    async fn a_listener_hears_of_its_run_only() {
        let news = RunNews::default();
        let mut listener = news.listen(RUN);
        news.tell(Key(Uuid::from_u128(2)), 7);
        assert!(!listener.last.has_changed().unwrap());

        news.tell(RUN, 7);

        listener.heard_of(6).await;
    }

    #[test]
    fn a_run_that_nobody_waits_for_any_more_is_forgotten() {
        let news = RunNews::default();
        let (first, second) = (news.listen(RUN), news.listen(RUN));

        drop(first);
        assert_eq!(news.waited().len(), 1);
        drop(second);

        assert_eq!(news.waited().len(), 0);
    }
}
