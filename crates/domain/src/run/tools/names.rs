//! Names of tools: each once, of letters that every provider takes.

use std::collections::BTreeSet;

use super::MAX_NAME_CHARS;
use crate::{Digest, run::text::cut};

/// Hex digits that tell names apart.
const HASH_CHARS: usize = 8;

/// The names that are taken.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeSet<String>);

impl Names {
    pub(super) fn reserve(&mut self, name: &str) {
        self.0.insert(name.to_owned());
    }

    /// The name as it is wanted, if it can be had; else with digits that the `seed`
    /// makes, so that it is the same each time.
    pub(super) fn claim(&mut self, wanted: &str, seed: &str) -> String {
        let mut name = fitting(wanted, seed);
        let mut again = 0_u32;
        while self.0.contains(&name) {
            again += 1;
            name = hashed(&name, &format!("{seed}\0{again}"));
        }
        self.reserve(&name);
        name
    }
}

/// The name without what providers refuse. Names that would look the same by that
/// differ in their digits.
fn fitting(wanted: &str, seed: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !wanted.is_empty() && wanted.len() <= MAX_NAME_CHARS && wanted.chars().all(is_plain) {
        return wanted.to_owned();
    }
    let plain: String = wanted.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    hashed(&plain, seed)
}

fn hashed(name: &str, seed: &str) -> String {
    let digits = Digest::of(seed.as_bytes()).to_string();
    let name = cut(name, MAX_NAME_CHARS - HASH_CHARS - 1);
    format!("{name}_{}", cut(&digits, HASH_CHARS))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_that_can_be_had_is_had() {
        let mut names = Names::default();

        assert_eq!(names.claim("weather__today", "a"), "weather__today");
        let second = names.claim("weather__today", "b");
        assert!(second.starts_with("weather__today_"), "{second}");
        assert_ne!(names.claim("weather__heute", "a"), names.claim("weather__heüte", "c"));
    }

    proptest! {
        #[test]
        fn names_are_different_and_fit(wanted in prop::collection::vec("[aä.]{0,3}|\\PC{0,90}", 0..20)) {
            let mut names = Names::default();
            let claimed: Vec<String> =
                wanted.iter().map(|name| names.claim(name, name)).collect();

            let different: BTreeSet<&String> = claimed.iter().collect();
            prop_assert_eq!(different.len(), claimed.len());
            for name in claimed {
                prop_assert!((1..=MAX_NAME_CHARS).contains(&name.len()), "{}", name);
                prop_assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b)));
            }
        }
    }
}
