//! A place where fakes wait until a test lets them on: so what happens in between is
//! tried without any waiting for time to pass.

use std::sync::Arc;

use tokio::sync::watch;

/// Whoever comes to it waits until it is opened. A clone is another handle to the same
/// one.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    reached: watch::Sender<u32>,
    open: watch::Sender<bool>,
}

impl Gate {
    /// Lets everybody through, now and later.
    pub fn open(&self) {
        self.state.open.send_replace(true);
    }

    /// Returns when somebody has come to it, whether they wait there or went through.
    pub async fn reached(&self) {
        // The sender lives as long as this, so there is always an answer.
        let _ = self.state.reached.subscribe().wait_for(|count| *count > 0).await;
    }

    /// Waits until it is opened.
    pub(crate) async fn pass(&self) {
        self.state.reached.send_modify(|count| *count += 1);
        let _ = self.state.open.subscribe().wait_for(|open| *open).await;
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, pin::pin, task::Poll};

    use super::*;

    #[tokio::test]
    async fn a_gate_holds_whoever_comes_until_it_is_opened() {
        let gate = Gate::default();
        let mut passing = pin!(gate.pass());
        let waits = poll_fn(|context| Poll::Ready(passing.as_mut().poll(context).is_pending()));
        assert!(waits.await);
        gate.reached().await;

        gate.open();

        passing.await;
        gate.pass().await;
    }
}
