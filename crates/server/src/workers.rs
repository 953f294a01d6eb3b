//! Work that no request waits for: writing down when tokens were used, and
//! sweeping out what has expired.

use std::{sync::Arc, time::Duration};

use time::Duration as Span;
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};
use understudy_domain::ports::{Clock, Store, StoreError};
use understudy_http_api::TokenUses;

use crate::{error::chain, installation::Installation, telemetry};

/// How often uses of tokens are written; they are kept to the minute.
const FLUSH_EVERY: Duration = Duration::from_secs(10);
/// How often what has expired is swept out.
const SWEEP_EVERY: Duration = Duration::from_mins(15);
/// How long the answers to idempotency keys are kept (http.md, 'Conventions').
const KEEP_ANSWERS: Span = Span::hours(24);

/// The background work of one server.
#[derive(Debug)]
pub(crate) struct Workers {
    stop: watch::Sender<bool>,
    work: JoinHandle<()>,
}

impl Workers {
    /// Starts it.
    pub(crate) fn start(installation: &Installation, uses: Arc<TokenUses>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let store = Arc::clone(&installation.store);
        let clock = Arc::clone(&installation.clock);
        let work = tokio::spawn(run(store, clock, uses, stopped));
        Self { stop, work }
    }

    /// Does what is left to do and ends.
    pub(crate) async fn stop(self) {
        // Either fails only when the work has ended already.
        let _ = self.stop.send(true);
        let _ = self.work.await;
    }
}

async fn run(
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    uses: Arc<TokenUses>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut flush = interval(FLUSH_EVERY);
    let mut sweep = interval(SWEEP_EVERY);
    flush.set_missed_tick_behavior(MissedTickBehavior::Delay);
    sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first tick is at once, and a start has better things to do.
    flush.tick().await;
    sweep.tick().await;
    loop {
        tokio::select! {
            _ = flush.tick() => {
                write_uses(&*store, &uses).await;
                if let Some(metrics) = telemetry::metrics() {
                    metrics.run_upkeep();
                }
            }
            _ = sweep.tick() => sweep_expired(&*store, &*clock).await,
            _ = stopped.changed() => break,
        }
    }
    write_uses(&*store, &uses).await;
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

async fn sweep_expired(store: &dyn Store, clock: &dyn Clock) {
    let now = clock.now();
    if let Err(error) = store.idempotency().sweep(now.plus(-KEEP_ANSWERS), now).await {
        tracing::warn!(error = chain(&error), "what has expired was not swept out");
    }
}
