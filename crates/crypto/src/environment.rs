//! The machine's clock and its source of randomness.

use time::OffsetDateTime;
use understudy_domain::{
    Timestamp,
    ports::{Clock, IdSource},
};
use uuid::Uuid;

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the `Clock` that the others ask")]
    fn now(&self) -> Timestamp {
        Timestamp::new(OffsetDateTime::now_utc())
    }
}

/// Version 7 UUIDs, which grow with time, and the operating system's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemIds;

impl IdSource for SystemIds {
    #[expect(clippy::disallowed_methods, reason = "this is the `IdSource` that the others ask")]
    fn uuid(&self) -> Uuid {
        Uuid::now_v7()
    }

    fn random(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        // A credential from a failed source would be guessable: better none.
        assert!(getrandom::fill(&mut bytes).is_ok(), "the operating system gives no randomness");
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_grow_with_time_and_random_values_differ() {
        let ids = SystemIds;

        let uuids: Vec<Uuid> = (0..1_000).map(|_| ids.uuid()).collect();

        assert!(uuids.is_sorted());
        assert_ne!(ids.random(), ids.random());
    }
}
