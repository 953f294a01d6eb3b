//! `understudy migrate`.

use super::{Done, say};
use crate::{
    config::Config,
    installation::{Installation, Purpose},
};

/// Brings the database up to date, as `serve` does before it listens.
pub(super) async fn migrate(config: &Config) -> Done {
    Installation::open(config, Purpose::Serve).await?;
    say("The database is up to date.")
}
