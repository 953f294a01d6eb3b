//! Work that no request waits for: writing down when tokens were used, telling
//! webhooks of events, and sweeping out what has expired.

use std::{sync::Arc, time::Duration};

use time::Duration as Span;
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, Interval, MissedTickBehavior, interval_at},
};
use understudy_domain::{
    ports::{KEEP_UNNAMED, Store, StoreError},
    usecases::{
        Error,
        housekeeping::{self, Swept},
    },
};
use understudy_http_api::TokenUses;
use understudy_runner::Tasks;

use crate::{error::chain, installation::Installation, telemetry};

mod runs;
mod webhooks;

/// How often uses of tokens are written; they are kept to the minute.
const FLUSH_EVERY: Duration = Duration::from_secs(10);
/// How often what has expired is swept out.
const SWEEP_EVERY: Duration = Duration::from_mins(15);
/// How often the whole blob store is looked through for strays.
const LOOK_THROUGH_EVERY: Duration = Duration::from_hours(24);
/// How long the answers to idempotency keys are kept (http.md, 'Conventions').
const KEEP_ANSWERS: Span = Span::hours(24);

/// The background work of one server.
#[derive(Debug)]
pub(crate) struct Workers {
    stop: watch::Sender<bool>,
    work: [JoinHandle<()>; 4],
}

impl Workers {
    /// Starts it.
    pub(crate) fn start(installation: &Installation, tasks: &Tasks, uses: Arc<TokenUses>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let writing = tokio::spawn(keep_uses(installation.clone(), uses, stopped.clone()));
        let telling = tokio::spawn(webhooks::tell(installation.clone(), stopped.clone()));
        let recovering = tokio::spawn(runs::look_after(tasks.clone(), stopped.clone()));
        let sweeping = tokio::spawn(keep_house(installation.clone(), stopped));
        Self { stop, work: [writing, telling, recovering, sweeping] }
    }

    /// Does what is left to do and ends.
    pub(crate) async fn stop(self) {
        // Each fails only when the work has ended already.
        let _ = self.stop.send(true);
        for work in self.work {
            let _ = work.await;
        }
    }
}

/// Ticks whose first is not at once: a start has better things to do.
fn every(period: Duration) -> Interval {
    let mut interval = interval_at(Instant::now() + period, period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

async fn keep_uses(
    installation: Installation,
    uses: Arc<TokenUses>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut flush = every(FLUSH_EVERY);
    loop {
        tokio::select! {
            _ = flush.tick() => {
                write_uses(&*installation.store, &uses).await;
                if let Some(metrics) = telemetry::metrics() {
                    metrics.run_upkeep();
                }
            }
            _ = stopped.changed() => break,
        }
    }
    write_uses(&*installation.store, &uses).await;
}

async fn keep_house(installation: Installation, mut stopped: watch::Receiver<bool>) {
    let mut sweep = every(SWEEP_EVERY);
    let mut look_through = every(LOOK_THROUGH_EVERY);
    loop {
        let work = async {
            tokio::select! {
                _ = sweep.tick() => sweep_expired(&installation).await,
                _ = look_through.tick() => sweep_strays(&installation).await,
            }
        };
        tokio::select! {
            () = work => {}
            _ = stopped.changed() => break,
        }
    }
}

async fn write_uses(store: &dyn Store, uses: &TokenUses) {
    let uses = uses.drain();
    if uses.is_empty() {
        return;
    }
    let mut written = store.callers().record_uses(&uses).await;
    if written.as_ref().is_err_and(StoreError::is_transient) {
        // A connection that died while idle; the next one is fresh.
        written = store.callers().record_uses(&uses).await;
    }
    if let Err(error) = written {
        tracing::warn!(error = chain(&error), "uses of tokens were not written down");
    }
}

async fn sweep_expired(installation: &Installation) {
    let deps = installation.deps();
    let now = deps.clock.now();
    if let Err(error) = deps.store.idempotency().sweep(now.plus(-KEEP_ANSWERS), now).await {
        tracing::warn!(error = chain(&error), "what has expired was not swept out");
    }
    report(housekeeping::sweep(deps, KEEP_UNNAMED).await);
}

async fn sweep_strays(installation: &Installation) {
    report(housekeeping::sweep_strays(installation.deps(), KEEP_UNNAMED).await);
}

fn report(swept: Result<Swept, Error>) {
    match swept {
        Ok(swept) if swept == Swept::default() => {}
        Ok(Swept { uploads, blobs, strays, unfinished }) => {
            tracing::info!(uploads, blobs, strays, unfinished, "swept out what nothing needs");
        }
        Err(error) => tracing::warn!(error = chain(&error), "the blobs were not swept"),
    }
}
