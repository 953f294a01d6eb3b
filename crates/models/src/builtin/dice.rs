//! Chance that is the same each time.

use sha2::{Digest, Sha256};

/// Throws that depend on a text only.
#[derive(Clone, Debug)]
pub(super) struct Dice {
    bytes: [u8; 32],
    next: usize,
}

impl Dice {
    pub(super) fn of(text: &str) -> Self {
        Self { bytes: Sha256::digest(text).into(), next: 0 }
    }

    /// A number from `least` to `most`.
    pub(super) fn between(&mut self, least: i64, most: i64) -> i64 {
        least + (most - least) * i64::from(self.byte()) / 255
    }

    /// One of several.
    pub(super) fn one_of<T: Copy>(&mut self, first: T, others: &[T]) -> T {
        let choices = others.len() + 1;
        let chosen = usize::from(self.byte()) % choices;
        chosen.checked_sub(1).and_then(|other| others.get(other)).copied().unwrap_or(first)
    }

    fn byte(&mut self) -> u8 {
        if self.next == self.bytes.len() {
            *self = Self { bytes: Sha256::digest(self.bytes).into(), next: 0 };
        }
        let byte = self.bytes.get(self.next).copied().unwrap_or_default();
        self.next += 1;
        byte
    }
}
