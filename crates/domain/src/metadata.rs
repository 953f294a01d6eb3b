//! Pairs that people attach to threads and runs.

use std::collections::BTreeMap;

use crate::{Fault, fault::pointer_to};

/// Most pairs of one thing.
pub const MAX_PAIRS: usize = 16;
/// Most characters of a key.
pub const MAX_KEY_CHARS: usize = 64;
/// Most characters of a value.
pub const MAX_VALUE_CHARS: usize = 512;

/// Everything that is wrong with pairs.
#[must_use]
pub fn faults_of(pairs: &BTreeMap<String, String>) -> Vec<Fault> {
    const AT: &str = "/metadata";
    let mut faults = Vec::new();
    if pairs.len() > MAX_PAIRS {
        let message = format!("must have at most {MAX_PAIRS} pairs");
        faults.push(Fault::new(AT, "too_many", message));
    }
    for (key, value) in pairs {
        if key.is_empty() || key.chars().count() > MAX_KEY_CHARS {
            let message = format!("keys must have 1 to {MAX_KEY_CHARS} characters");
            let shown: String = key.chars().take(MAX_KEY_CHARS).collect();
            faults.push(Fault::new(pointer_to(AT, &shown), "invalid", message));
        } else if value.chars().count() > MAX_VALUE_CHARS {
            let message = format!("must have at most {MAX_VALUE_CHARS} characters");
            faults.push(Fault::new(pointer_to(AT, key), "too_long", message));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(count: usize, key: usize, value: usize) -> BTreeMap<String, String> {
        let key = "k".repeat(key);
        (0..count).map(|n| (format!("{n:02}{key}"), "v".repeat(value))).collect()
    }

    #[test]
    fn pairs_are_few_and_short() {
        assert_eq!(faults_of(&pairs(16, 62, 512)), []);
        assert_eq!(faults_of(&pairs(17, 1, 1)).len(), 1);
        assert_eq!(faults_of(&pairs(1, 63, 1)).len(), 1);
        assert_eq!(faults_of(&pairs(2, 1, 513)).len(), 2);
        assert_eq!(faults_of(&BTreeMap::from([(String::new(), String::new())])).len(), 1);
    }
}
