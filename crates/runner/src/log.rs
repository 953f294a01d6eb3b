//! Writes events to the store, those of all runs together: while one batch is being
//! written, the next one gathers.

use std::{sync::Arc, time::Duration};

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
        if self.sender.send(told).await.is_err() {
            tracing::error!("an event of a response was not stored: the server is stopping");
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
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        let is_stopping = tokio::select! {
            biased;
            count = receiver.recv_many(&mut batch, BATCH) => count == 0,
            _ = stop.wait_for(|stop| *stop) => true,
        };
        if is_stopping {
            while let Ok(told) = receiver.try_recv() {
                batch.push(told);
            }
        }
        store_batch(&*store, std::mem::take(&mut batch)).await;
        if is_stopping {
            return;
        }
        tokio::time::sleep(GATHER).await;
    }
}

async fn store_batch(store: &dyn Store, batch: Vec<Told>) {
    if batch.is_empty() {
        return;
    }
    let mut ends: Vec<(Arc<Live>, u64)> = Vec::new();
    let mut rows: Vec<(OrganizationId, RunId, RunEvent)> = Vec::with_capacity(batch.len());
    for Told { live, event } in batch {
        match ends.iter_mut().find(|(known, _)| Arc::ptr_eq(known, &live)) {
            Some((_, last)) => *last = event.sequence.max(*last),
            None => ends.push((Arc::clone(&live), event.sequence)),
        }
        rows.push((live.tenant(), live.run(), event));
    }
    for attempt in 1..=TRIES {
        match store.run_events().append(&rows).await {
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
    for (live, sequence) in ends {
        live.stored_up_to(sequence);
    }
}

const fn error_is_final(error: &StoreError) -> bool {
    !error.is_transient()
}
