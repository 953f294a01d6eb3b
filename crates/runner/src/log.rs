//! Writes events to the store, those of all runs together: while one batch is being
//! written, the next one gathers.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{
    sync::{Mutex, mpsc},
    task::JoinHandle,
};
use understudy_domain::{
    OrganizationId, RunId,
    ports::{Store, StoreError},
    run::RunEvent,
};

use crate::live::Live;

/// Most events of a batch.
const BATCH: usize = 1_000;
/// Most bytes of what is written at once, but for an event that is longer.
const BATCH_BYTES: usize = 1024 * 1024;
/// Most events that wait to be written; whoever tells more waits.
const WAITING: usize = 10_000;
/// More events of a run than can be told and not be stored: those that wait, those that
/// are being written, and those that wait to wait.
pub(crate) const MOST_UNSTORED: usize = WAITING + 2 * BATCH;
/// How long events gather before they are written.
const GATHER: Duration = Duration::from_millis(10);
/// How often a batch is tried, and how long the pause between is.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(200);

/// An event on its way to the store.
pub(crate) struct Told {
    pub(crate) live: Arc<Live>,
    pub(crate) event: RunEvent,
}

/// Writes events to the store.
pub(crate) struct EventWriter {
    sender: mpsc::Sender<Told>,
    work: Mutex<Option<JoinHandle<()>>>,
    stop: tokio::sync::watch::Sender<bool>,
}

impl EventWriter {
    pub(crate) fn start(store: Arc<dyn Store>) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        let stop = tokio::sync::watch::Sender::new(false);
        let work = tokio::spawn(write(store, receiver, stop.subscribe()));
        Self { sender, work: Mutex::new(Some(work)), stop }
    }

    /// Hands an event over; waits when too many wait already.
    pub(crate) async fn tell(&self, told: Told) {
        let (live, sequence) = (Arc::clone(&told.live), told.event.sequence);
        if self.sender.send(told).await.is_err() {
            tracing::error!("an event of a response was not stored: the server is stopping");
            live.stored_up_to(sequence);
        }
    }

    /// Writes what is left and ends.
    pub(crate) async fn stop(&self) {
        self.stop.send_replace(true);
        if let Some(work) = self.work.lock().await.take() {
            // It fails only when it has ended already.
            let _ = work.await;
        }
    }
}

async fn write(
    store: Arc<dyn Store>,
    mut receiver: mpsc::Receiver<Told>,
    mut stop: tokio::sync::watch::Receiver<bool>,
) {
    let mut batch = Vec::new();
    let mut is_stopping = false;
    loop {
        let count = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop), if !is_stopping => {
                // Nobody tells more; what was told is still written.
                is_stopping = true;
                receiver.close();
                continue;
            }
            count = receiver.recv_many(&mut batch, BATCH) => count,
        };
        if count == 0 {
            return;
        }
        store_batch(&*store, std::mem::take(&mut batch)).await;
        if !is_stopping {
            tokio::time::sleep(GATHER).await;
        }
    }
}

async fn store_batch(store: &dyn Store, batch: Vec<Told>) {
    let mut ends: HashMap<RunId, (Arc<Live>, u64)> = HashMap::new();
    let mut rows: Vec<(OrganizationId, RunId, RunEvent)> = Vec::with_capacity(batch.len());
    for Told { live, event } in batch {
        rows.push((live.tenant(), live.run(), event.clone()));
        // Of a run they come in their order.
        ends.insert(live.run(), (live, event.sequence));
    }
    let mut rest = rows.as_slice();
    while !rest.is_empty() {
        let (part, others) = rest.split_at(count_of_part(rest));
        append(store, part).await;
        rest = others;
    }
    drop(rows);
    for (live, sequence) in ends.into_values() {
        live.stored_up_to(sequence);
    }
}

/// How many of the events are written at once: at least one.
fn count_of_part(rows: &[(OrganizationId, RunId, RunEvent)]) -> usize {
    let mut bytes = 0;
    let fits = |(_, _, event): &&(OrganizationId, RunId, RunEvent)| {
        bytes += event.data.size();
        bytes <= BATCH_BYTES
    };
    rows.iter().take_while(fits).count().max(1)
}

async fn append(store: &dyn Store, rows: &[(OrganizationId, RunId, RunEvent)]) {
    for attempt in 1..=TRIES {
        match store.run_events().append(rows).await {
            Ok(()) => break,
            Err(error) if error_is_final(&error) || attempt == TRIES => {
                // Local followers have them; others and those who come back read the
                // end of the run from its row.
                tracing::error!(%error, count = rows.len(), "events of responses are lost");
                break;
            }
            Err(error) => {
                tracing::warn!(%error, attempt, "events of responses were not stored yet");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

const fn error_is_final(error: &StoreError) -> bool {
    !error.is_transient()
}
