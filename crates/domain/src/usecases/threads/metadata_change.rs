//! Changing the pairs of a thread.

use std::collections::BTreeMap;

/// What becomes of the pairs of a thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetadataChange {
    /// These are set, those with `None` are taken away, others stay.
    Merge(BTreeMap<String, Option<String>>),
    /// These are all there are.
    Replace(BTreeMap<String, String>),
}

/// The pairs after a change.
pub(super) fn changed(
    before: &BTreeMap<String, String>,
    change: Option<MetadataChange>,
) -> BTreeMap<String, String> {
    let changes = match change {
        None => return before.clone(),
        Some(MetadataChange::Replace(pairs)) => return pairs,
        Some(MetadataChange::Merge(changes)) => changes,
    };
    let mut after = before.clone();
    for (key, value) in changes {
        match value {
            Some(value) => after.insert(key, value),
            None => after.remove(&key),
        };
    }
    after
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_merged_or_replaced() {
        let pairs = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        let before = pairs(&[("a", "1"), ("b", "2")]);
        let merge =
            BTreeMap::from([("a".to_owned(), None), ("c".to_owned(), Some("3".to_owned()))]);

        let merged = changed(&before, Some(MetadataChange::Merge(merge)));
        assert_eq!(merged, pairs(&[("b", "2"), ("c", "3")]));
        let replaced = changed(&before, Some(MetadataChange::Replace(pairs(&[("c", "3")]))));
        assert_eq!(replaced, pairs(&[("c", "3")]));
        assert_eq!(changed(&before, None), before);
    }
}
