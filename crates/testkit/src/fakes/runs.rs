//! What runs are carried out with: notebooks.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use understudy_domain::{
    OrganizationId, RunEvent, RunId, UserId,
    ports::{RunSink, Runner, Store, StoreError, StoreResult},
    run::{Begun, EventData, Interruption},
};
use uuid::Uuid;

use super::Gate;

/// Writes down what a run tells.
#[derive(Debug, Default)]
pub struct FakeSink {
    state: Mutex<SinkState>,
}

#[derive(Debug, Default)]
struct SinkState {
    before: u64,
    events: Vec<RunEvent>,
    flushed: u64,
    is_broken: bool,
    rest: Option<Gate>,
}

impl FakeSink {
    /// The sink of a run that has told something before: its events are numbered
    /// behind `sequence`.
    #[must_use]
    pub fn behind(sequence: u64) -> Self {
        let state = SinkState { before: sequence, flushed: sequence, ..SinkState::default() };
        Self { state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, SinkState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores nothing from now on.
    pub fn break_down(&self) {
        self.state().is_broken = true;
    }

    /// Whoever rests from now on waits at `gate`; without one, rests take no time.
    pub fn rest_at(&self, gate: &Gate) {
        self.state().rest = Some(gate.clone());
    }

    /// What was told, in order.
    #[must_use]
    pub fn events(&self) -> Vec<RunEvent> {
        self.state().events.clone()
    }

    /// The kinds of events that were told, in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.state().events.iter().map(|event| event.name.to_string()).collect()
    }

    /// The sequence of the last event that is stored.
    #[must_use]
    pub fn flushed(&self) -> u64 {
        self.state().flushed
    }
}

impl SinkState {
    fn last(&self) -> u64 {
        self.events.last().map_or(self.before, |event| event.sequence)
    }
}

#[async_trait]
impl RunSink for FakeSink {
    async fn emit(&self, name: &'static str, data: EventData) {
        let mut state = self.state();
        let sequence = state.last() + 1;
        state.events.push(RunEvent::new(sequence, name, data));
    }

    async fn flush(&self) -> StoreResult<()> {
        let mut state = self.state();
        if state.is_broken {
            return Err(StoreError::Unavailable("the sink was told to break down".into()));
        }
        state.flushed = state.last();
        Ok(())
    }

    fn last(&self) -> u64 {
        self.state().last()
    }

    async fn rest(&self, _: u32) {
        let gate = self.state().rest.clone();
        if let Some(gate) = gate {
            gate.pass().await;
        }
    }
}

/// Writes down which runs it is to carry out and to stop, and does neither. It follows
/// runs by what is in the store.
pub struct FakeRunner {
    store: Arc<dyn Store>,
    state: Mutex<RunnerState>,
}

#[derive(Default)]
struct RunnerState {
    launched: Vec<(OrganizationId, RunId)>,
    stopped: Vec<(RunId, Interruption)>,
    concluded: Vec<(RunId, Interruption)>,
    users: BTreeMap<RunId, UserId>,
    begun: BTreeMap<RunId, Box<Begun>>,
}

impl FakeRunner {
    /// The name of its process in leases.
    pub const OWNER: Uuid = Uuid::from_u128(0x018f_0000_0000_7000_8000_0000_0000_0f0f);

    /// One that looks for events in `store`.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, RunnerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs that it was to carry out, in order.
    #[must_use]
    pub fn launched(&self) -> Vec<(OrganizationId, RunId)> {
        self.state().launched.clone()
    }

    /// What was found out when the run was begun, for whoever takes it up; once.
    #[must_use]
    pub fn begun(&self, run: RunId) -> Option<Box<Begun>> {
        self.state().begun.remove(&run)
    }

    /// Runs that it was to stop, in order, and why.
    #[must_use]
    pub fn stopped(&self) -> Vec<(RunId, Interruption)> {
        self.state().stopped.clone()
    }

    /// Runs that it was to end without having worked on them, in order, and why.
    #[must_use]
    pub fn concluded(&self) -> Vec<(RunId, Interruption)> {
        self.state().concluded.clone()
    }

    /// Says that it works on this run of this user.
    pub fn works_on(&self, run: RunId, user: UserId) {
        self.state().users.insert(run, user);
    }
}

#[async_trait]
impl Runner for FakeRunner {
    fn owner(&self) -> Uuid {
        Self::OWNER
    }

    fn launch(&self, tenant: OrganizationId, run: RunId) {
        self.state().launched.push((tenant, run));
    }

    fn take_up(&self, begun: Box<Begun>) {
        let (tenant, run) = begun.target();
        let mut state = self.state();
        state.launched.push((tenant, run));
        state.begun.insert(run, begun);
    }

    fn stop(&self, run: RunId, why: Interruption) {
        self.state().stopped.push((run, why));
    }

    fn conclude(&self, _: OrganizationId, run: RunId, why: Interruption) {
        self.state().concluded.push((run, why));
    }

    fn user_of(&self, run: RunId) -> Option<UserId> {
        self.state().users.get(&run).copied()
    }

    async fn follow(
        &self,
        tenant: OrganizationId,
        run: RunId,
        after: u64,
        patience: Duration,
    ) -> StoreResult<Vec<RunEvent>> {
        let log = self.store.run_events();
        log.wait(tenant, run, after, patience).await?;
        log.events(tenant, run, after, u32::MAX).await
    }
}
