//! The icon library: which names there are. The drawings are the media adapter's.

use std::sync::LazyLock;

use crate::catalogue::nearest_of;

/// The names, one a line, sorted; `data/icons.txt` says where they come from.
const NAMES: &str = include_str!("../data/icons.txt");

static ALL: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| NAMES.lines().filter(|line| !line.starts_with('#')).collect());

/// What an assistant without a picture of its own is shown with.
pub const DEFAULT: &str = "bot";

/// What identifiers of icons begin with; `icon_star` is the icon `star`.
pub const ID_PREFIX: &str = "icon_";

/// All names, sorted.
#[must_use]
pub fn all() -> &'static [&'static str] {
    &ALL
}

/// The icon of this name, or with this identifier.
#[must_use]
pub fn find(text: &str) -> Option<&'static str> {
    let name = text.strip_prefix(ID_PREFIX).unwrap_or(text);
    ALL.binary_search(&name).ok().and_then(|index| ALL.get(index).copied())
}

/// The names that are most like `name`, at most three.
#[must_use]
pub fn nearest(name: &str) -> Vec<&'static str> {
    nearest_of(name, ALL.iter().copied(), 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_the_default_is_one() {
        assert!(ALL.is_sorted());
        assert_eq!(find(DEFAULT), Some(DEFAULT));
        assert_eq!(find("icon_bot"), Some("bot"));
        assert_eq!(find("no-such-icon"), None);
    }
}
