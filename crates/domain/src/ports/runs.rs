//! The store of runs, their events and approvals, of automations and of what was
//! spent; and who carries runs out.

use std::time::Duration;

use async_trait::async_trait;

use super::StoreResult;
use crate::{
    AutomationId, ExecutionId, OrganizationId, RunId, Timestamp, UserId,
    automation::{Automation, Execution},
    budget::{Spending, SpendingKey},
    run::{Approval, Begun, EventData, Interruption, Run, RunEvent},
};

/// Runs of the transaction's organization.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait RunRepository: Send {
    /// The run, locked until the end of the transaction, or `None`.
    async fn find(&mut self, id: RunId) -> StoreResult<Option<Run>>;

    /// Adds a run.
    async fn insert(&mut self, run: &Run) -> StoreResult<()>;

    /// Replaces it and returns it with its next revision.
    ///
    /// # Errors
    ///
    /// MUST be [`StoreError::Conflict`](super::StoreError::Conflict) when the
    /// stored revision is another.
    async fn update(&mut self, run: Run) -> StoreResult<Run>;

    /// Removes it with its events and approvals; `false` when there is none. Messages
    /// and executions that name it stay.
    async fn delete(&mut self, id: RunId) -> StoreResult<bool>;

    /// How many runs of the user are active
    /// ([`RunStatus::is_active`](crate::run::RunStatus::is_active)). MUST serialize
    /// with other transactions that count those of the same user, so that two of
    /// them do not both take the last place.
    async fn count_active(&mut self, user: UserId) -> StoreResult<u64>;

    /// Adds approvals, or replaces those that are there.
    ///
    /// # Errors
    ///
    /// MUST be [`StoreError::Conflict`](super::StoreError::Conflict) when the
    /// organization has no such run.
    async fn save_approvals(&mut self, approvals: &[Approval]) -> StoreResult<()>;

    /// The approvals of a run in the order of ids, locked until the end of the
    /// transaction.
    async fn approvals(&mut self, run: RunId) -> StoreResult<Vec<Approval>>;
}

/// What was spent, in the transaction's organization.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait SpendingRepository: Send {
    /// What was spent under each of the keys, in the order in which they are given,
    /// and [`Spending::default`] where nothing is noted. They are locked until the end
    /// of the transaction, also those where nothing is noted yet, so that who finds
    /// and then adds is alone. Keys MUST be locked in their order, whatever order they
    /// are given in.
    async fn find(&mut self, keys: &[SpendingKey]) -> StoreResult<Vec<(SpendingKey, Spending)>>;

    /// Adds to, or takes from, what is noted under each key: `spent` and `reserved`
    /// are differences. No sum goes below nothing. Keys MUST be locked in their order
    /// here as well.
    async fn add(&mut self, changes: &[(SpendingKey, SpendingChange)]) -> StoreResult<()>;
}

/// A difference of [`Spending`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpendingChange {
    /// Tokens that were used.
    pub tokens: i64,
    /// Millionths of a US dollar.
    pub cost_micros: i64,
    /// Tokens that are set aside.
    pub reserved_tokens: i64,
}

/// Automations of the transaction's organization.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait AutomationRepository: Send {
    /// The automation, locked until the end of the transaction, or `None`.
    async fn find(&mut self, id: AutomationId) -> StoreResult<Option<Automation>>;

    /// Adds an automation.
    ///
    /// # Errors
    ///
    /// MUST be [`StoreError::AlreadyExists`](super::StoreError::AlreadyExists)
    /// `name` when the name is taken without regard to case.
    async fn insert(&mut self, automation: &Automation) -> StoreResult<()>;

    /// Replaces it and returns it with its next revision.
    ///
    /// # Errors
    ///
    /// MUST be [`StoreError::Conflict`](super::StoreError::Conflict) when the
    /// stored revision is another, and `AlreadyExists` as for
    /// [`insert`](Self::insert).
    async fn update(&mut self, automation: Automation) -> StoreResult<Automation>;

    /// Removes it with its executions; `false` when there is none.
    async fn delete(&mut self, id: AutomationId) -> StoreResult<bool>;

    /// Adds an execution, or replaces the one that is there.
    ///
    /// # Errors
    ///
    /// MUST be [`StoreError::Conflict`](super::StoreError::Conflict) when the
    /// organization has no such automation.
    async fn save_execution(&mut self, execution: &Execution) -> StoreResult<()>;
}

/// Reads runs, events, approvals and automations.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait RunQueries: Send + Sync {
    /// The run, or `None`.
    async fn run(&self, tenant: OrganizationId, id: RunId) -> StoreResult<Option<Run>>;

    /// Approvals of a run in the order of ids.
    async fn approvals(&self, tenant: OrganizationId, run: RunId) -> StoreResult<Vec<Approval>>;

    /// Automations in the order of their names in lower case.
    async fn automations(&self, tenant: OrganizationId) -> StoreResult<Vec<Automation>>;

    /// Executions of an automation, newest first (the reverse order of ids), older
    /// than `before`.
    async fn executions(
        &self,
        tenant: OrganizationId,
        automation: AutomationId,
        before: Option<ExecutionId>,
        limit: u32,
    ) -> StoreResult<Vec<Execution>>;

    /// What was spent under each of the keys as it was committed last, in the order in
    /// which they are given, and [`Spending::default`] where nothing is noted.
    async fn spending(
        &self,
        tenant: OrganizationId,
        keys: &[SpendingKey],
    ) -> StoreResult<Vec<(SpendingKey, Spending)>>;

    /// In all organizations: active runs whose lease ended at or before `now`, and
    /// queued ones without a lease that were made before `queued_before`; at most
    /// `limit`.
    async fn abandoned(
        &self,
        now: Timestamp,
        queued_before: Timestamp,
        limit: u32,
    ) -> StoreResult<Vec<(OrganizationId, RunId)>>;

    /// In all organizations: waiting runs with a pending approval that expires at or
    /// before `now`, each once, at most `limit`.
    async fn overdue(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> StoreResult<Vec<(OrganizationId, RunId)>>;

    /// In all organizations: runs that ended before `ended_before` and are to be
    /// read by nobody (`visible` is false), at most `limit`.
    async fn forgettable(
        &self,
        ended_before: Timestamp,
        limit: u32,
    ) -> StoreResult<Vec<(OrganizationId, RunId)>>;
}

/// The events of runs. They are no part of transactions: a run writes them as it
/// goes, in batches.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait RunEventLog: Send + Sync {
    /// Adds events of runs, several of each in the order of their sequences. Events
    /// that are there already (same run, same sequence) MUST stay as they are. Events
    /// of runs that the organization does not have (any more) are left out and MUST
    /// NOT keep the others from being added. It MAY be lost when the machine loses
    /// power within moments, never when the process ends.
    async fn append(&self, events: &[(OrganizationId, RunId, RunEvent)]) -> StoreResult<()>;

    /// Events of a run behind the sequence `after`, in their order.
    async fn events(
        &self,
        tenant: OrganizationId,
        run: RunId,
        after: u64,
        limit: u32,
    ) -> StoreResult<Vec<RunEvent>>;

    /// Waits until the run has an event behind `after`, written by whatever server,
    /// at most for `patience`. It may also return early; who waits looks again.
    async fn wait(
        &self,
        tenant: OrganizationId,
        run: RunId,
        after: u64,
        patience: Duration,
    ) -> StoreResult<()>;

    /// Removes, in all organizations, the events of runs that ended before `before`,
    /// of at most `limit` runs that have any; of how many it did.
    async fn sweep(&self, before: Timestamp, limit: u32) -> StoreResult<u64>;
}

/// Where a run tells what happens.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait RunSink: Send + Sync {
    /// Tells it to whoever follows. It may wait until they have caught up.
    async fn emit(&self, name: &'static str, data: EventData);

    /// Returns when all that was told is stored.
    ///
    /// # Errors
    ///
    /// [`StoreError`](super::StoreError) when it cannot be.
    async fn flush(&self) -> StoreResult<()>;

    /// The sequence of the last event.
    fn last(&self) -> u64;

    /// Waits a moment after the `attempt`th time, from 1, that something failed which
    /// is going to be tried again; longer from time to time, some seconds in all.
    async fn rest(&self, attempt: u32);
}

/// Carries runs out in the background, and knows what happens in them.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Runner: Send + Sync {
    /// Names the process in leases.
    fn owner(&self) -> uuid::Uuid;

    /// Begins to work on a run that this process holds the lease of; returns at
    /// once.
    fn launch(&self, tenant: OrganizationId, run: RunId);

    /// As [`launch`](Self::launch), for a run that was begun a moment ago.
    fn take_up(&self, begun: Box<Begun>);

    /// Stops work on the run, if this process does any: what came of it is stored and
    /// its followers are told.
    fn stop(&self, run: RunId, why: Interruption);

    /// Ends a run that nobody works on and whose lease this process holds; returns at
    /// once. Where it is only about to be let go of here, it is ended after that.
    fn conclude(&self, tenant: OrganizationId, run: RunId, why: Interruption);

    /// Whose run it is, if this process works on it.
    fn user_of(&self, run: RunId) -> Option<UserId>;

    /// Events of a run behind `after`, whoever works on it; none when nothing came
    /// within `patience`.
    async fn follow(
        &self,
        tenant: OrganizationId,
        run: RunId,
        after: u64,
        patience: Duration,
    ) -> StoreResult<Vec<RunEvent>>;
}
