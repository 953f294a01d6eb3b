//! `understudy fsck`: whether every stored byte that something names is there.

use clap::Args;
use time::Duration;
use understudy_domain::{
    ports::KEEP_UNNAMED,
    usecases::housekeeping::{Damage, Swept, check, sweep, sweep_strays},
};

use super::{Done, Failure, refused, say};
use crate::{
    config::Config,
    installation::{Installation, Purpose},
};

/// What to look at, and what to do about it.
#[derive(Debug, Args)]
pub(super) struct Fsck {
    /// Read every byte and compare it with its digest, too
    #[arg(long)]
    deep: bool,
    /// Remove what nothing names: expired uploads, and bytes that were left over
    #[arg(long)]
    sweep: bool,
    /// How old what is removed must be; less than an hour is safe only while no
    /// server runs
    #[arg(long, value_name = "SECONDS", default_value_t = KEEP_UNNAMED.whole_seconds())]
    #[arg(value_parser = clap::value_parser!(i64).range(0..))]
    min_age: i64,
}

/// Checks, and sweeps if asked. Damage is a failure.
pub(super) async fn run(config: &Config, command: Fsck) -> Done {
    let installation = Installation::open(config, Purpose::Command).await?;
    let deps = installation.deps();
    if command.sweep {
        let keep = Duration::seconds(command.min_age);
        let named = sweep(deps, keep).await.map_err(|error| refused(&error))?;
        let strays = sweep_strays(deps, keep).await.map_err(|error| refused(&error))?;
        let Swept { uploads, blobs, .. } = named;
        let Swept { strays, unfinished, .. } = strays;
        say(&format!(
            "removed  {uploads} expired uploads, {blobs} blobs that nothing names, \
             {strays} strays, {unfinished} unfinished writes"
        ))?;
    }
    let checked = check(deps, command.deep).await.map_err(|error| refused(&error))?;
    for (organization, blob, damage) in &checked.damaged {
        let what = match damage {
            Damage::Missing => "is missing".to_owned(),
            Damage::Size { found } => format!("has {found} bytes instead of {}", blob.size),
            Damage::Bytes => "has other bytes".to_owned(),
        };
        say(&format!("damaged  {} of {organization} {what}", blob.digest))?;
    }
    let (named, damaged) = (checked.named, checked.damaged.len());
    say(&format!("checked  {named} blobs that something names: {damaged} damaged"))?;
    if damaged == 0 { Ok(()) } else { Err(Failure::Said) }
}
