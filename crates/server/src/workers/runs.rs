//! Looking after runs that no server works on any more, and after what runs leave
//! behind.

use std::time::Duration;

use tokio::sync::watch;
use understudy_domain::usecases::runs::{recover_runs, sweep_runs};
use understudy_runner::Tasks;

use super::every;
use crate::error::chain;

/// How often it is looked whether a server has left runs behind.
const RECOVER_EVERY: Duration = Duration::from_secs(5);
/// How often what is kept of runs for a time only is removed.
const SWEEP_EVERY: Duration = Duration::from_mins(10);

/// Looks after runs until it is told to stop.
pub(super) async fn look_after(tasks: Tasks, mut stopped: watch::Receiver<bool>) {
    let mut recover = every(RECOVER_EVERY);
    let mut sweep = every(SWEEP_EVERY);
    loop {
        let work = async {
            tokio::select! {
                _ = recover.tick() => recover_left(&tasks).await,
                _ = sweep.tick() => sweep_old(&tasks).await,
            }
        };
        tokio::select! {
            () = work => {}
            _ = stopped.changed() => return,
        }
    }
}

async fn recover_left(tasks: &Tasks) {
    match recover_runs(tasks.deps()).await {
        Ok(0) => {}
        Ok(count) => tracing::warn!(count, "responses were left behind and are looked after"),
        Err(error) => tracing::warn!(error = chain(&error), "runs were not looked after"),
    }
}

async fn sweep_old(tasks: &Tasks) {
    match sweep_runs(tasks.deps().deps).await {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "removed what was kept of responses for a time"),
        Err(error) => tracing::warn!(error = chain(&error), "runs were not swept"),
    }
}
