//! `understudy serve`.

use std::{path::PathBuf, time::Duration};

use tokio::signal::unix::{SignalKind, signal};

use super::{
    Done, Failure, runtime, say,
    welcome::{self, FirstToken},
};
use crate::{
    config::Config,
    running::{Running, local_url, start},
    telemetry::Telemetry,
};

/// How long threads may take to end when nothing waits for them any more.
const LAST_WORK: Duration = Duration::from_secs(2);

/// Serves until SIGTERM or SIGINT; a second one ends it at once.
pub(super) fn serve(mut config: Config) -> Done {
    // To be started again for files that are not to be trusted.
    config.program = this_program();
    let config = &config;
    let telemetry = Telemetry::install(config)?;
    let runtime = runtime()?;
    let served = runtime.block_on(until_signalled(config));
    // Requests have had their grace; this is for SQLite to close its files.
    runtime.shutdown_timeout(LAST_WORK);
    telemetry.close();
    served
}

/// This program as it runs, also when its file was replaced by a newer one.
fn this_program() -> Option<PathBuf> {
    let running = PathBuf::from("/proc/self/exe");
    if running.exists() { Some(running) } else { std::env::current_exe().ok() }
}

async fn until_signalled(config: &Config) -> Done {
    let no_signals = |source| Failure::System { what: "signals cannot be received", source };
    let mut terminate = signal(SignalKind::terminate()).map_err(no_signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(no_signals)?;
    let mut running = tokio::select! {
        started = start(config.clone()) => started?,
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
    };
    say(&greeting(config, &running))?;
    tokio::select! {
        () = running.ended() => {
            return Err(Failure::Refused("the HTTP server ended by itself".to_owned()));
        }
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping: requests under way may finish");
    tokio::select! {
        () = running.stop() => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

fn greeting(config: &Config, running: &Running) -> String {
    let url = local_url(running.address);
    match (&running.bootstrap_token, &config.bootstrap_token) {
        (None, _) => welcome::later(&url),
        (Some(_), Some(_)) => welcome::first(&url, &FirstToken::Chosen),
        (Some(token), None) => welcome::first(&url, &FirstToken::Shown(token)),
    }
}
