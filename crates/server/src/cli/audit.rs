//! `understudy audit`: proving that the audit log is as it was written.

use clap::Subcommand;
use understudy_domain::{
    OrganizationId,
    audit::ChainHead,
    usecases::{
        audit::{Verified, verify},
        keys::organizations,
    },
};

use super::{Done, Failure, refused, say};
use crate::{
    config::Config,
    installation::{Installation, Purpose},
};

/// What there is to do with the audit log.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check that no event was changed, moved, taken out, put in or cut off since it was
    /// written, and print the head of each log; keep it elsewhere to prove later that
    /// the log was not written anew
    Verify {
        /// The organization whose log is checked; all of them when absent
        #[arg(value_name = "ORGANIZATION")]
        of: Option<OrganizationId>,
        /// Check that the log still has the head that was printed once
        #[arg(long, value_name = "SEQ:HASH")]
        expect: Option<ChainHead>,
    },
}

pub(super) async fn run(config: &Config, command: Command) -> Done {
    let Command::Verify { of, expect } = command;
    let installation = Installation::open(config, Purpose::Command).await?;
    let deps = installation.deps();
    let mut wanted = organizations(deps).await.map_err(|error| refused(&error))?;
    wanted.retain(|known| of.is_none_or(|only| only == *known));
    if wanted.is_empty() {
        return Err(Failure::Refused("there is no such organization".to_owned()));
    }
    if expect.is_some() && wanted.len() > 1 {
        let line = "name the organization that --expect is of, since there are several";
        return Err(Failure::Refused(line.to_owned()));
    }
    let mut all_intact = true;
    for organization in wanted {
        let verified = verify(deps, organization, expect).await;
        let line = match verified.map_err(|error| refused(&error))? {
            Ok(verified) => format!("intact   {organization}: {}", told(&verified)),
            Err(broken) => {
                all_intact = false;
                format!("broken   {organization}: {broken}")
            }
        };
        say(&line)?;
    }
    if all_intact { Ok(()) } else { Err(Failure::Said) }
}

fn told(verified: &Verified) -> String {
    let Verified { events, unchained, head } = verified;
    let before = match unchained {
        0 => String::new(),
        count => format!(" ({count} of them from before it was chained, which nothing proves)"),
    };
    format!("{events} events{before}, head {head}")
}
