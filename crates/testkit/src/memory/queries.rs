//! What queries share: pages and counts.

use understudy_domain::ports::Page;

/// The first `limit` of `rows`, which begin behind the page before.
pub(super) fn page<T>(mut rows: Vec<T>, limit: u32, total: Option<u64>) -> Page<T> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    Page { rows, more, total }
}

/// How many rows a limit lets through.
pub(super) fn most(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

/// A count as pages give it.
pub(super) fn total(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
