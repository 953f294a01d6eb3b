//! Leaving a provider alone that keeps failing.
//!
//! What is counted is the provider's own making: no connection, nothing in time, a
//! status of 500 or more, an answer that nobody understands. Who refuses what was
//! asked is well.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use understudy_domain::{ProviderId, ports::ProviderError};

/// So many failures, one after the other, are enough.
pub(crate) const ENOUGH: u32 = 5;
/// How long a provider is left alone then.
pub(crate) const REST: Duration = Duration::from_secs(30);

/// What is remembered of the failures of providers, in this process.
pub(crate) struct Breakers {
    records: Mutex<HashMap<ProviderId, Record>>,
    now: Box<dyn Fn() -> Instant + Send + Sync>,
}

impl Default for Breakers {
    fn default() -> Self {
        Self::with_clock(Instant::now)
    }
}

impl fmt::Debug for Breakers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breakers").field("records", &self.records).finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Record {
    failures: u32,
    /// The words of the last one.
    last: String,
    /// When it was left alone.
    since: Option<Instant>,
    /// Whether somebody is trying right now.
    on_trial: bool,
}

impl Breakers {
    /// Nothing is remembered yet; `now` tells the time.
    pub(crate) fn with_clock(now: impl Fn() -> Instant + Send + Sync + 'static) -> Self {
        Self { records: Mutex::default(), now: Box::new(now) }
    }

    /// Lets somebody ask the provider, unless it is to be left alone. After the rest
    /// one may try, and the others wait for what comes of it.
    pub(crate) fn admit(
        self: &Arc<Self>,
        provider: Option<ProviderId>,
    ) -> Result<Permit, ProviderError> {
        let mut records = self.records();
        let record = provider.and_then(|provider| records.get_mut(&provider));
        let mut is_trial = false;
        if let Some(record) = record
            && let Some(since) = record.since
        {
            let left = REST.saturating_sub((self.now)().saturating_duration_since(since));
            if !left.is_zero() || record.on_trial {
                return Err(record.refusal(left));
            }
            record.on_trial = true;
            is_trial = true;
        }
        drop(records);
        Ok(Permit { breakers: Arc::clone(self), provider, is_trial })
    }

    /// Forgets what was.
    pub(crate) fn forget(&self, provider: Option<ProviderId>) {
        if let Some(provider) = provider {
            self.records().remove(&provider);
        }
    }

    fn records(&self) -> MutexGuard<'_, HashMap<ProviderId, Record>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Record {
    fn refusal(&self, left: Duration) -> ProviderError {
        // Whole seconds, so that nobody comes back too early.
        let seconds = left.as_millis().div_ceil(1000).max(1);
        let last = &self.last;
        ProviderError::Unreachable(format!(
            "it has failed several times; it is tried again in {seconds} s (the last time: {last})"
        ))
    }
}

/// The leave to ask a provider once. What comes of it must be told; a trial that is
/// given up without a word leaves the place to another.
#[derive(Debug)]
pub(crate) struct Permit {
    breakers: Arc<Breakers>,
    provider: Option<ProviderId>,
    is_trial: bool,
}

impl Permit {
    /// It began to answer: others may ask it too, but the next failure is enough
    /// again.
    pub(crate) fn began(&mut self) {
        if std::mem::take(&mut self.is_trial) {
            self.change(|record| {
                *record = Record { failures: ENOUGH - 1, ..Record::default() };
            });
        }
    }

    /// It did what was asked, or failed so.
    pub(crate) fn settle(&mut self, error: Option<&ProviderError>) {
        match error {
            None => self.succeeded(),
            Some(error) => self.failed(error),
        }
    }

    /// It did what was asked.
    pub(crate) fn succeeded(&mut self) {
        self.is_trial = false;
        self.breakers.forget(self.provider);
    }

    /// It did not.
    pub(crate) fn failed(&mut self, error: &ProviderError) {
        if !is_its_own(error) {
            return self.succeeded();
        }
        self.is_trial = false;
        let now = (self.breakers.now)();
        self.change(|record| {
            record.failures = record.failures.saturating_add(1);
            record.last = error.to_string();
            record.on_trial = false;
            if record.failures >= ENOUGH {
                record.since = Some(now);
            }
        });
    }

    fn change(&self, change: impl FnOnce(&mut Record)) {
        if let Some(provider) = self.provider {
            change(self.breakers.records().entry(provider).or_default());
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.is_trial {
            self.change(|record| record.on_trial = false);
        }
    }
}

/// Whether a failure is the provider's own making.
const fn is_its_own(error: &ProviderError) -> bool {
    match error {
        ProviderError::Refused { status, .. } => *status >= 500,
        ProviderError::Busy { .. } => false,
        ProviderError::Unreachable(_) | ProviderError::TimedOut | ProviderError::Garbled(_) => true,
    }
}

#[cfg(test)]
mod tests;
