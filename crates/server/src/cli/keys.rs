//! `understudy keys`: changing the keys that stored secrets are sealed with.

use clap::Subcommand;
use understudy_domain::usecases::keys::{Rotated, adopt_master_key, organizations, rotate};

use super::{Done, Failure, refused, say};
use crate::{
    config::Config,
    installation::{Installation, Purpose},
};

/// What to do with the keys.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Wrap all data keys with the master key that is configured now, and seal all
    /// secrets with new data keys; safe beside running servers, and to be repeated
    Rotate {
        /// Only wrap the data keys anew; leave what is sealed with them
        #[arg(long)]
        master_only: bool,
    },
}

pub(super) async fn run(config: &Config, command: Command) -> Done {
    let Command::Rotate { master_only } = command;
    let installation = Installation::open(config, Purpose::Command).await?;
    let (deps, vault) = (installation.deps(), &*installation.vault);
    let mut unreadable = 0;
    let all = organizations(deps).await.map_err(|error| refused(&error))?;
    for organization in &all {
        let done = rotate(deps, vault, *organization, !master_only).await;
        let rotated = done.map_err(|error| refused(&error))?;
        let Rotated { wrapped, sealed, unreadable: lost } = rotated;
        say(&format!(
            "rotated  {organization}: {wrapped} data keys wrapped, {sealed} values sealed"
        ))?;
        for what in &lost {
            say(&format!(
                "damaged  {what} of {organization} opens with no key; it was left alone"
            ))?;
        }
        unreadable += lost.len();
    }
    if let Some(first) = all.first() {
        adopt_master_key(deps, vault, *first).await.map_err(|error| refused(&error))?;
    }
    say("done     the previous master key is needed no more")?;
    if unreadable == 0 { Ok(()) } else { Err(Failure::Said) }
}
