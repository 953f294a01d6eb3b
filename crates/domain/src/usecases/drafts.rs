//! Rehearsing a change: open a draft, change it, compare it, commit or discard it.

mod commit;
mod diff;
mod discard;
mod open;
mod update;

pub use commit::{CommitDraft, commit_draft};
pub use diff::diff_draft;
pub(super) use discard::discard;
pub use discard::discard_draft;
pub(super) use open::{find_draft, make_draft};
pub use open::{open_draft, view_draft};
pub use update::update_draft;
