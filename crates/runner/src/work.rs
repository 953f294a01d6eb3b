//! The task of one run.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use understudy_domain::{
    ports::{RunEventLog, RunSink, StoreError, StoreResult},
    run::{Begun, EventData, Interruption, Run},
    usecases::runs::{LEASE, Progress, execute_run, interrupt_run, renew_lease},
};

use crate::{
    Tasks,
    live::Live,
    log::{EventWriter, MOST_UNSTORED, Told},
};

/// How many events are read at once to find the last.
const READ: u32 = 1_000;
/// How long the end of a run may take to be stored.
const FLUSH: Duration = Duration::from_secs(10);

/// How long the first rest is before something is tried again; each is twice the one
/// before, up to the fifth.
const REST: Duration = Duration::from_millis(200);

/// Takes the run off the list of those at work, however its task ends.
struct AtWork<'a> {
    tasks: &'a Tasks,
    live: Arc<Live>,
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.live.end();
        self.tasks.dismiss(&self.live);
    }
}

/// Works on a run until it ends, waits for approval, or is stopped.
pub(crate) async fn carry_out(tasks: &Tasks, live: Arc<Live>, begun: Option<Box<Begun>>) {
    let at_work = AtWork { tasks, live: Arc::clone(&live) };
    match &begun {
        // It has told nothing yet.
        Some(begun) => live.belongs_to(begun.user()),
        None if Box::pin(prepare(tasks, &live, 0)).await => {}
        None => return,
    }
    let sink = Sink { live: &live, events: &tasks.0.events };
    let progress = Progress::default();
    let target = (live.tenant(), live.run());
    let why = tokio::select! {
        () = execute_run(tasks.deps(), target, begun, &sink, &progress) => None,
        why = live.stopped() => Some(why),
        why = keep_lease(tasks, &live, &progress) => why,
        () = tokio::time::sleep(tasks.0.deadline) => Some(Interruption::Overdue),
    };
    if let Some(why) = why {
        Box::pin(interrupt_run(tasks.deps(), target, &sink, &progress, why)).await;
    }
    drop(at_work);
}

/// Ends a run that nobody works on.
pub(crate) async fn conclude(tasks: &Tasks, live: Arc<Live>, why: Interruption) {
    let _at_work = AtWork { tasks, live: Arc::clone(&live) };
    // Its server may have told more than it stored, and no number may be told twice:
    // whoever heard the first would take the second for known.
    if !prepare(tasks, &live, MOST_UNSTORED).await {
        return;
    }
    let sink = Sink { live: &live, events: &tasks.0.events };
    let target = (live.tenant(), live.run());
    interrupt_run(tasks.deps(), target, &sink, &Progress::default(), why).await;
}

/// Finds out whose run it is and behind which event it goes on, of which `unstored` may have
/// been told and not stored; `false` when that cannot be known now: its lease ends, and
/// whoever looks after it tries again.
async fn prepare(tasks: &Tasks, live: &Live, unstored: usize) -> bool {
    match find(tasks, live).await {
        Ok(Some((run, last))) => {
            live.belongs_to(run.user);
            let unstored = u64::try_from(unstored).unwrap_or(u64::MAX);
            live.begin_behind(last, last.saturating_add(unstored));
            true
        }
        Ok(None) => false,
        Err(error) => {
            tracing::error!(%error, run.id = %live.run(), "a response could not be begun");
            false
        }
    }
}

async fn find(tasks: &Tasks, live: &Live) -> Result<Option<(Run, u64)>, StoreError> {
    let store = &tasks.0.ports.store;
    let Some(run) = store.runs().run(live.tenant(), live.run()).await? else {
        return Ok(None);
    };
    let log: &dyn RunEventLog = store.run_events();
    let mut last = 0;
    // A run that begins has none, which is one look.
    loop {
        let events = log.events(live.tenant(), live.run(), last, READ).await?;
        match events.last() {
            Some(event) => last = event.sequence,
            None => return Ok(Some((run, last))),
        }
    }
}

/// Renews the lease until somebody wants the run to be stopped, or it is not ours any
/// more: then it is left alone.
async fn keep_lease(tasks: &Tasks, live: &Live, progress: &Progress) -> Option<Interruption> {
    let lease: Duration = LEASE.unsigned_abs();
    loop {
        tokio::time::sleep(lease / 3).await;
        match Box::pin(renew_lease(tasks.deps(), live.tenant(), live.run())).await {
            Ok(Some(false)) => {}
            Ok(Some(true)) => return Some(Interruption::Cancelled),
            // It gave the lease back with its end, which is still to be told.
            Ok(None) if progress.is_ending() => {}
            Ok(None) => {
                tracing::warn!(run.id = %live.run(), "another server has taken the response");
                return None;
            }
            Err(error) => tracing::warn!(%error, "a lease was not renewed"),
        }
    }
}

/// Where the run tells what happens.
struct Sink<'a> {
    live: &'a Arc<Live>,
    events: &'a EventWriter,
}

#[async_trait]
impl RunSink for Sink<'_> {
    async fn emit(&self, name: &'static str, data: EventData) {
        self.live.has_room().await;
        if let Some(event) = self.live.tell(name, data) {
            self.events.tell(Told { live: Arc::clone(self.live), event }).await;
        }
    }

    async fn flush(&self) -> StoreResult<()> {
        let last = self.live.last();
        let mut stored = self.live.stored();
        let written = stored.wait_for(|stored| *stored >= last);
        match tokio::time::timeout(FLUSH, written).await {
            Ok(_) => Ok(()),
            Err(late) => Err(StoreError::Unavailable(late.into())),
        }
    }

    fn last(&self) -> u64 {
        self.live.last()
    }

    async fn rest(&self, attempt: u32) {
        tokio::time::sleep(REST * 2_u32.saturating_pow(attempt.saturating_sub(1).min(4))).await;
    }
}
