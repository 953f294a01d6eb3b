//! A clock that stands still.

use std::sync::{Mutex, PoisonError};

use time::{Duration, macros::datetime};
use understudy_domain::{Timestamp, ports::Clock};

/// A clock that shows what it was set to. The default is
/// 2026-01-01T12:00:00.123456Z, an instant with microseconds of its own.
#[derive(Debug)]
pub struct FixedClock {
    now: Mutex<Timestamp>,
}

impl FixedClock {
    /// A clock that stands at `now`.
    #[must_use]
    pub const fn at(now: Timestamp) -> Self {
        Self { now: Mutex::new(now) }
    }

    /// Puts the clock to `now`, forward or back.
    pub fn set(&self, now: Timestamp) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// Lets `duration` pass.
    pub fn advance(&self, duration: Duration) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        *now = now.plus(duration);
    }
}

impl Default for FixedClock {
    fn default() -> Self {
        Self::at(Timestamp::new(datetime!(2026-01-01 12:00:00.123456 UTC)))
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_passes_only_when_it_is_told_to() {
        let clock = FixedClock::default();
        let start = clock.now();

        assert_eq!(clock.now(), start);
        clock.advance(Duration::minutes(5));
        assert_eq!(clock.now().since(start), Duration::minutes(5));
        clock.set(start);
        assert_eq!(clock.now(), start);
    }
}
