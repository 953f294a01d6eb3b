//! Telling webhooks of what is in the audit log.
//!
//! Every server does this; a cursor under a lock and leases on deliveries keep them
//! from doing it twice.

use std::{collections::HashMap, time::Duration};

use tokio::{
    sync::watch,
    task::JoinSet,
    time::{MissedTickBehavior, interval, timeout},
};
use understudy_domain::{
    DeliveryId, OrganizationId,
    usecases::{
        Error,
        webhooks::{deliver, fan_out},
    },
};

use crate::{error::chain, installation::Installation};

/// How often it looks for events and for deliveries that are due.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Most attempts at a time.
const AT_ONCE: usize = 16;
/// Most of them of one organization, so that receivers that hang keep no other
/// organization waiting.
const OF_ONE: usize = 4;
/// How many webhooks or deliveries it looks at at a time.
const BATCH: u32 = 200;
/// How long attempts that are under way may take after the order to stop. Those that
/// take longer are made again by another server.
const GRACE: Duration = Duration::from_secs(5);

/// Attempts that are under way.
#[derive(Default)]
struct UnderWay {
    /// Each ends with whether it could be noted how it went.
    attempts: JoinSet<(OrganizationId, bool)>,
    of: HashMap<OrganizationId, usize>,
}

/// Works until it is stopped.
pub(super) async fn tell(installation: Installation, mut stopped: watch::Receiver<bool>) {
    let mut look = interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut under_way = UnderWay::default();
    loop {
        let goes_on = tokio::select! {
            _ = look.tick() => {
                warn(queue(&installation).await);
                true
            }
            Some(ended) = under_way.attempts.join_next() => under_way.end(ended.ok()),
            _ = stopped.changed() => break,
        };
        if goes_on {
            warn(under_way.begin(&installation).await);
        }
    }
    let rest = async { while under_way.attempts.join_next().await.is_some() {} };
    // Whatever is not done by then is dropped with the set.
    let _ = timeout(GRACE, rest).await;
}

/// Makes deliveries of all events that webhooks have not looked at.
async fn queue(installation: &Installation) -> Result<(), Error> {
    let deps = installation.deps();
    loop {
        let behind = deps.store.webhooks().behind(BATCH).await?;
        let mut looked_at = 0;
        for webhook in behind {
            looked_at += fan_out(deps, webhook).await?;
        }
        if looked_at == 0 {
            return Ok(());
        }
    }
}

impl UnderWay {
    /// Begins as many attempts as there is room for.
    async fn begin(&mut self, installation: &Installation) -> Result<(), Error> {
        if self.attempts.len() >= AT_ONCE {
            return Ok(());
        }
        let deps = installation.deps();
        let due = deps.store.webhooks().due(deps.clock.now(), BATCH).await?;
        for (organization, delivery) in due {
            if self.attempts.len() >= AT_ONCE {
                break;
            }
            let count = self.of.entry(organization).or_default();
            if *count < OF_ONE {
                *count += 1;
                self.attempts.spawn(attempt(installation.clone(), organization, delivery));
            }
        }
        Ok(())
    }

    /// Makes room again, and tells whether to look for more at once.
    fn end(&mut self, ended: Option<(OrganizationId, bool)>) -> bool {
        let Some((organization, noted)) = ended else {
            // It panicked, and nobody knows whose it was.
            if self.attempts.is_empty() {
                self.of.clear();
            }
            return false;
        };
        if let Some(count) = self.of.get_mut(&organization) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.of.remove(&organization);
            }
        }
        noted
    }
}

async fn attempt(
    installation: Installation,
    organization: OrganizationId,
    delivery: DeliveryId,
) -> (OrganizationId, bool) {
    let (vault, sender) = (&*installation.vault, &*installation.webhooks);
    let made = deliver(installation.deps(), vault, sender, (organization, delivery)).await;
    let noted = made.is_ok();
    warn(made.map(drop));
    (organization, noted)
}

fn warn(done: Result<(), Error>) {
    if let Err(error) = done {
        tracing::warn!(error = chain(&error), "webhooks were not told of events");
    }
}
