//! A run that is being carried out: what it has come to, and who is told.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{RunDeps, ending::Closing};
use crate::{
    OrganizationId, RunId,
    conversation::Item,
    ports::RunSink,
    run::{EventData, Notice, Outcome, Run, RunStatus, RunUsage, names},
};

/// What a run has come to while it is carried out, so that it can be stored when it
/// is stopped in the middle.
#[derive(Debug, Default)]
pub struct Progress(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    run: Option<Run>,
    /// What a step that is under way has cost, as far as is known here: it counts
    /// when the step is stopped.
    unsettled: RunUsage,
    /// What is stored with its end, once it has come to one.
    closing: Closing,
    /// Whether the assistant that was asked remembers its users.
    remembers: bool,
}

impl Progress {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the run has come to its end or waits for approval, and only storing and
    /// telling that is left.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.lock().run.as_ref().is_some_and(|run| run.status != RunStatus::InProgress)
    }

    /// The run as it is, with what an unfinished step has cost.
    pub(super) fn take(&self) -> Option<Run> {
        let mut state = self.lock();
        let unsettled = std::mem::take(&mut state.unsettled);
        let mut run = state.run.take()?;
        run.outcome.usage.add(&unsettled);
        Some(run)
    }
}

/// A run at work.
#[derive(Clone, Copy)]
pub(super) struct Working<'a> {
    pub(super) run: RunDeps<'a>,
    sink: &'a dyn RunSink,
    progress: &'a Progress,
}

impl<'a> Working<'a> {
    pub(super) fn new(
        run: RunDeps<'a>,
        sink: &'a dyn RunSink,
        progress: &'a Progress,
        state: Run,
    ) -> Self {
        progress.lock().run = Some(state);
        Self { run, sink, progress }
    }

    /// The run as it is now; `None` only after it was taken away to be stored.
    pub(super) fn snapshot(&self) -> Option<Run> {
        self.progress.lock().run.clone()
    }

    /// The organization of the run, and which it is.
    pub(super) fn target(&self) -> Option<(OrganizationId, RunId)> {
        self.progress.lock().run.as_ref().map(|run| (run.organization, run.id))
    }

    /// Forgets what was said, of a run that is stored with it.
    pub(super) fn forget_texts(&self) {
        self.with(|run| {
            run.transcript = Vec::new();
            run.outcome = Outcome::default();
        });
    }

    /// Looks at the run or changes it.
    pub(super) fn with<T: Default>(&self, act: impl FnOnce(&mut Run) -> T) -> T {
        self.progress.lock().run.as_mut().map(act).unwrap_or_default()
    }

    /// The assistant that was asked remembers its users.
    pub(super) fn is_to_remember(&self) {
        self.progress.lock().remembers = true;
    }

    /// Whether [it does](Self::is_to_remember).
    pub(super) fn remembers(&self) -> bool {
        self.progress.lock().remembers
    }

    /// The run has come to an end, which `act` puts down in it. From now on whoever
    /// stops it stores and tells that end.
    pub(super) fn close(&self, closing: Closing, act: impl FnOnce(&mut Run)) {
        let mut state = self.progress.lock();
        state.closing = closing;
        state.run.as_mut().map(act);
    }

    /// What is stored with the end of the run.
    pub(super) fn closing(&self) -> Closing {
        self.progress.lock().closing.clone()
    }

    /// Notes what the step under way has cost so far.
    pub(super) fn unsettled(&self, usage: RunUsage) {
        self.progress.lock().unsettled = usage;
    }

    /// Adds what a step cost, in place of what was noted of it.
    pub(super) fn settle(&self, usage: &RunUsage) {
        let mut state = self.progress.lock();
        state.unsettled = RunUsage::default();
        if let Some(run) = &mut state.run {
            run.outcome.usage.add(usage);
        }
    }

    /// Adds to what was said and done.
    pub(super) fn said(&self, items: impl IntoIterator<Item = Item>) {
        self.with(|run| run.transcript.extend(items));
    }

    /// Tells whoever follows; `data` is a JSON object.
    pub(super) async fn tell(&self, name: &'static str, data: impl Into<EventData>) {
        let data = data.into();
        self.sink.emit(name, data).await;
    }

    /// Notes that something was not honoured as it stands, and tells it once.
    pub(super) async fn notice(&self, notice: Notice) {
        let is_new = self.with(|run| {
            let known = run.outcome.notices.contains(&notice);
            run.outcome.note(notice.clone());
            !known
        });
        if is_new {
            let data = serde_json::to_value(&notice).unwrap_or_default();
            self.tell(names::NOTICE, data).await;
        }
    }

    pub(super) const fn sink(&self) -> &'a dyn RunSink {
        self.sink
    }
}
