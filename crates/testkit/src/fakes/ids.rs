//! Identifiers that count.

use std::sync::atomic::{AtomicU64, Ordering};

use understudy_domain::ports::IdSource;
use uuid::Uuid;

use super::digest;

/// The UUID of count 0: version 7, and a time no row of a test has.
const FIRST: u128 = 0x0000_0000_0000_7000_8000_0000_0000_0000;

/// Counts: the first identifier ends in 1, the next in 2, and so on. Random
/// values are different each time, and the same in each run.
#[derive(Debug, Default)]
pub struct SequentialIds {
    uuids: AtomicU64,
    randoms: AtomicU64,
}

impl IdSource for SequentialIds {
    fn uuid(&self) -> Uuid {
        let count = self.uuids.fetch_add(1, Ordering::Relaxed) + 1;
        Uuid::from_u128(FIRST | u128::from(count))
    }

    fn random(&self) -> [u8; 32] {
        let count = self.randoms.fetch_add(1, Ordering::Relaxed) + 1;
        digest(&["random", &count.to_string()])
    }
}
