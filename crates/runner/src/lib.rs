//! Carries runs out in the background, and tells whoever follows what happens in
//! them.
//!
//! The pipeline is the domain's ([`execute_run`]); this crate gives it what a domain
//! has not: a task for each run, a deadline, a lease that is renewed, and a place for
//! its events. Events are told to local followers at once and written to the store in
//! batches, so that followers on other servers, and those who come back later, read
//! them there. A run ends with an event that was stored.
//!
//! [`execute_run`]: understudy_domain::usecases::runs::execute_run

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::{runtime::Handle, sync::watch, time::Instant};
use understudy_domain::{
    OrganizationId, RunId, UserId,
    ports::{RunEventLog, Runner, StoreResult},
    run::{Begun, Interruption, RunEvent},
    usecases::runs::RunDeps,
};
use uuid::Uuid;

mod live;
mod log;
mod ports;
mod work;

pub use ports::RunPorts;

use live::{Found, Live, Next};
use log::EventWriter;

/// How long a run may take in all.
const DEADLINE: Duration = Duration::from_mins(10);
/// Most events that a follower is given at once.
const AT_ONCE: u32 = 128;

/// Carries runs out on this server.
///
/// Cloning it gives another handle to the same runs.
#[derive(Clone)]
pub struct Tasks(Arc<Shared>);

impl std::fmt::Debug for Tasks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tasks").field("live", &self.0.live().len()).finish_non_exhaustive()
    }
}

struct Shared {
    owner: Uuid,
    ports: RunPorts,
    live: Mutex<HashMap<RunId, Arc<Live>>>,
    /// How many runs are at work.
    count: watch::Sender<usize>,
    events: EventWriter,
    deadline: Duration,
}

impl Shared {
    fn live(&self) -> MutexGuard<'_, HashMap<RunId, Arc<Live>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tasks {
    /// Ready to carry runs out. Must be called within a Tokio runtime.
    #[must_use]
    pub fn new(ports: RunPorts) -> Self {
        Self::with_deadline(ports, DEADLINE)
    }

    /// The same with another limit for how long a run may take.
    #[must_use]
    pub fn with_deadline(ports: RunPorts, deadline: Duration) -> Self {
        let events = EventWriter::start(Arc::clone(&ports.store));
        Self(Arc::new(Shared {
            owner: ports.ids.uuid(),
            ports,
            live: Mutex::default(),
            count: watch::Sender::new(0),
            events,
            deadline,
        }))
    }

    /// What use cases of runs need.
    #[must_use]
    pub fn deps(&self) -> RunDeps<'_> {
        self.0.ports.deps(self)
    }

    /// How many runs are at work here.
    #[must_use]
    pub fn active(&self) -> usize {
        self.0.live().len()
    }

    /// Lets runs finish for as long as `grace`, then ends those that are left as
    /// interrupted, and writes what is still to be written.
    pub async fn shut_down(&self, grace: Duration) {
        if !self.idle_within(grace).await {
            for live in self.0.live().values() {
                live.stop(Interruption::Interrupted);
            }
            self.idle_within(grace.max(Duration::from_secs(5))).await;
        }
        self.0.events.stop().await;
    }

    async fn idle_within(&self, patience: Duration) -> bool {
        let mut count = self.0.count.subscribe();
        let idle = count.wait_for(|count| *count == 0);
        tokio::time::timeout(patience, idle).await.is_ok()
    }

    /// Takes the run in, unless it is at work here already: `next` is then done after
    /// that. Whoever waits for approval tells so before their task ends, and whoever
    /// decides may be faster than that.
    fn admit(&self, tenant: OrganizationId, run: RunId, next: Next) -> Option<Arc<Live>> {
        let mut all = self.0.live();
        if let Some(live) = all.get(&run) {
            live.then(next);
            return None;
        }
        let live = Arc::new(Live::new(tenant, run));
        all.insert(run, Arc::clone(&live));
        self.0.count.send_modify(|count| *count += 1);
        Some(live)
    }

    /// Takes the run off the list, and does at once what was asked for meanwhile.
    fn dismiss(&self, live: &Live) {
        let next = {
            let mut all = self.0.live();
            all.remove(&live.run());
            live.next()
        };
        self.0.count.send_modify(|count| *count = count.saturating_sub(1));
        match next {
            Some(Next::Launch) => self.launch(live.tenant(), live.run()),
            Some(Next::Conclude(why)) => self.conclude(live.tenant(), live.run(), why),
            None => {}
        }
    }

    /// Gives a run its task. Without a runtime, whoever looks after runs finds it.
    fn spawn(&self, live: Arc<Live>, task: Task) {
        let Ok(runtime) = Handle::try_current() else { return self.dismiss(&live) };
        let tasks = self.clone();
        runtime.spawn(async move {
            match task {
                Task::CarryOut(begun) => Box::pin(work::carry_out(&tasks, live, begun)).await,
                Task::Conclude(why) => Box::pin(work::conclude(&tasks, live, why)).await,
            }
        });
    }

    fn find(&self, run: RunId) -> Option<Arc<Live>> {
        self.0.live().get(&run).cloned()
    }
}

/// What is to be done with a run.
enum Task {
    /// It is carried out; what was found out when it was begun, if that was now.
    CarryOut(Option<Box<Begun>>),
    /// It is ended, for this reason.
    Conclude(Interruption),
}

#[async_trait]
impl Runner for Tasks {
    fn owner(&self) -> Uuid {
        self.0.owner
    }

    fn launch(&self, tenant: OrganizationId, run: RunId) {
        if let Some(live) = self.admit(tenant, run, Next::Launch) {
            self.spawn(live, Task::CarryOut(None));
        }
    }

    fn take_up(&self, begun: Box<Begun>) {
        let (tenant, run) = begun.target();
        if let Some(live) = self.admit(tenant, run, Next::Launch) {
            self.spawn(live, Task::CarryOut(Some(begun)));
        }
    }

    fn stop(&self, run: RunId, why: Interruption) {
        if let Some(live) = self.find(run) {
            live.stop(why);
        }
    }

    fn conclude(&self, tenant: OrganizationId, run: RunId, why: Interruption) {
        if let Some(live) = self.admit(tenant, run, Next::Conclude(why)) {
            self.spawn(live, Task::Conclude(why));
        }
    }

    fn user_of(&self, run: RunId) -> Option<UserId> {
        self.find(run)?.user()
    }

    async fn follow(
        &self,
        tenant: OrganizationId,
        run: RunId,
        after: u64,
        patience: Duration,
    ) -> StoreResult<Vec<RunEvent>> {
        let log = self.0.ports.store.run_events();
        let until = Instant::now() + patience;
        let Some(live) = self.find(run).filter(|live| live.tenant() == tenant) else {
            return from_log(log, (tenant, run), after, until).await;
        };
        let mut changed = live.changed();
        loop {
            match live.behind(after, AT_ONCE) {
                Found::Events(events) => return Ok(events),
                // They were told so long ago that only the store has them.
                Found::Older => return log.events(tenant, run, after, AT_ONCE).await,
                Found::Nothing { is_over: true } => {
                    return from_log(log, (tenant, run), after, Instant::now()).await;
                }
                Found::Nothing { is_over: false } => {}
            }
            if tokio::time::timeout_at(until, changed.changed()).await.is_err() {
                return Ok(Vec::new());
            }
        }
    }
}

/// Events of a run that another server works on, or none any more.
async fn from_log(
    log: &dyn RunEventLog,
    (tenant, run): (OrganizationId, RunId),
    after: u64,
    until: Instant,
) -> StoreResult<Vec<RunEvent>> {
    let events = log.events(tenant, run, after, AT_ONCE).await?;
    let patience = until.saturating_duration_since(Instant::now());
    if !events.is_empty() || patience.is_zero() {
        return Ok(events);
    }
    log.wait(tenant, run, after, patience).await?;
    log.events(tenant, run, after, AT_ONCE).await
}
