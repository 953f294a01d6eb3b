//! Tells those who wait for events of a run that there are some, whichever server
//! wrote them: all waiters of the process share one connection that listens.

use std::{
    collections::HashMap,
    future::poll_fn,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_postgres::{AsyncMessage, Config, NoTls};
use uuid::Uuid;

use crate::values::Key;

/// Where `append_run_events` tells of what it added: the run and its last sequence.
const LISTEN: &str = "LISTEN understudy_run_events";

/// How long beginning to listen may take.
const CONNECT: Duration = Duration::from_secs(3);

/// How long to wait before listening is tried again.
const AGAIN: Duration = Duration::from_secs(1);

type Source = Box<dyn std::error::Error + Send + Sync>;

/// What is told of a run that somebody waits for.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    /// The last sequence.
    last: u64,
    /// How often it was said that it is unknown what is the last.
    doubts: u64,
}

/// What is told of all of them; other runs cost nothing.
#[derive(Default)]
struct Board {
    waited: HashMap<Key, watch::Sender<Told>>,
    /// Whether other servers are heard.
    hears: bool,
}

impl Board {
    fn tell(&self, run: Key, sequence: u64) {
        if let Some(told) = self.waited.get(&run) {
            told.send_if_modified(|told| {
                let later = sequence > told.last;
                told.last = sequence.max(told.last);
                later
            });
        }
    }

    /// Notes whether other servers are heard from now on. What they said at the moment
    /// of change, nobody knows.
    fn hear(&mut self, hears: bool) {
        self.hears = hears;
        for told in self.waited.values() {
            told.send_modify(|told| told.doubts += 1);
        }
    }
}

/// What is written of runs that somebody waits for.
#[derive(Clone)]
pub(crate) struct RunNews(Arc<News>);

struct News {
    board: Arc<Mutex<Board>>,
    config: Config,
    /// Listens to other servers, once anybody has waited.
    ear: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for News {
    fn drop(&mut self) {
        if let Some(ear) = lock(&self.ear).take() {
            ear.abort();
        }
    }
}

impl RunNews {
    /// Of the database of this URL.
    pub(crate) fn new(config: Config) -> Self {
        Self(Arc::new(News { board: Arc::default(), config, ear: Mutex::default() }))
    }

    /// Wakes those who wait for an event of the run with this or an earlier sequence.
    pub(crate) fn tell(&self, run: Key, sequence: u64) {
        lock(&self.0.board).tell(run, sequence);
    }

    /// Hears of the run from now on.
    pub(crate) fn listen(&self, run: Key) -> Listener {
        {
            let mut ear = lock(&self.0.ear);
            if ear.as_ref().is_none_or(JoinHandle::is_finished) {
                let (config, board) = (self.0.config.clone(), Arc::clone(&self.0.board));
                *ear = Some(tokio::spawn(keep_listening(config, board)));
            }
        }
        let told = lock(&self.0.board).waited.entry(run).or_default().subscribe();
        let doubts = told.borrow().doubts;
        Listener { news: self.clone(), run, told, doubts }
    }
}

/// Somebody who waits for events of a run.
pub(crate) struct Listener {
    news: RunNews,
    run: Key,
    told: watch::Receiver<Told>,
    doubts: u64,
}

impl Listener {
    /// Whether it hears of what other servers write.
    pub(crate) fn hears_all(&self) -> bool {
        lock(&self.news.0.board).hears
    }

    /// Returns when it was told of an event behind `after`, or that there may be one,
    /// since it listens.
    pub(crate) async fn heard_of(&mut self, after: u64) {
        // The other end is there as long as somebody listens.
        while self.told.changed().await.is_ok() {
            let told = *self.told.borrow_and_update();
            if told.last > after || told.doubts != self.doubts {
                return;
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut board = lock(&self.news.0.board);
        let alone = board.waited.get(&self.run).is_some_and(|told| told.receiver_count() <= 1);
        if alone {
            board.waited.remove(&self.run);
        }
    }
}

async fn keep_listening(config: Config, board: Arc<Mutex<Board>>) {
    loop {
        if let Err(error) = listen(&config, &board).await {
            tracing::warn!(error, "events of other servers are looked for, not listened to");
        }
        lock(&board).hear(false);
        sleep(AGAIN).await;
    }
}

/// Listens until the connection ends.
async fn listen(config: &Config, board: &Mutex<Board>) -> Result<(), Source> {
    let (client, mut connection) = timeout(CONNECT, config.connect(NoTls)).await??;
    let mut asking = pin!(timeout(CONNECT, client.batch_execute(LISTEN)));
    let mut hears = false;
    loop {
        tokio::select! {
            answer = &mut asking, if !hears => {
                answer??;
                hears = true;
                lock(board).hear(true);
            }
            message = poll_fn(|cx| connection.poll_message(cx)) => match message {
                Some(Ok(AsyncMessage::Notification(said))) => {
                    if let Some((run, sequence)) = parse(said.payload()) {
                        lock(board).tell(run, sequence);
                    }
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                None => return Ok(()),
            }
        }
    }
}

fn parse(payload: &str) -> Option<(Key, u64)> {
    let (run, sequence) = payload.split_once(' ')?;
    Some((Key(Uuid::try_parse(run).ok()?), sequence.parse().ok()?))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing is left half done under it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: Key = Key(Uuid::from_u128(1));

    /// Of a database that nobody runs.
    fn news() -> RunNews {
        RunNews::new("postgres://localhost:1/nowhere".parse().unwrap())
    }

    #[tokio::test]
    async fn a_listener_hears_of_its_run_only() {
        let news = news();
        let mut listener = news.listen(RUN);
        news.tell(Key(Uuid::from_u128(2)), 7);
        assert!(!listener.told.has_changed().unwrap());

        news.tell(RUN, 7);

        listener.heard_of(6).await;
    }

    #[tokio::test]
    async fn whoever_waits_is_told_when_other_servers_are_no_longer_heard() {
        let news = news();
        let mut listener = news.listen(RUN);

        lock(&news.0.board).hear(false);

        listener.heard_of(6).await;
    }

    #[tokio::test]
    async fn a_run_that_nobody_waits_for_any_more_is_forgotten() {
        let news = news();
        let (first, second) = (news.listen(RUN), news.listen(RUN));

        drop(first);
        assert_eq!(lock(&news.0.board).waited.len(), 1);
        drop(second);

        assert_eq!(lock(&news.0.board).waited.len(), 0);
    }

    #[test]
    fn what_the_database_says_is_a_run_and_its_last_sequence() {
        let said = format!("{} 42", Uuid::from_u128(1));

        assert_eq!(parse(&said), Some((RUN, 42)));
        assert_eq!(parse("42"), None);
        assert_eq!(parse("resp_1 42"), None);
    }
}
