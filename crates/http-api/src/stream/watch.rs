//! Looking, for all streams of a server together, whether something happened that can
//! have changed what somebody may follow.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync, time::Instant};
use understudy_domain::{
    OrganizationId,
    usecases::{
        Deps,
        watching::{self, Look},
    },
};

/// How old a look may be for who asks.
const SHARED_FOR: Duration = Duration::from_secs(1);

/// What was last seen of each organization's log.
#[derive(Debug, Default)]
pub(super) struct Watch(Mutex<HashMap<OrganizationId, Arc<sync::Mutex<Seen>>>>);

#[derive(Debug, Default)]
struct Seen {
    /// When the last look began, whether it succeeded or not.
    at: Option<Instant>,
    failed: bool,
    /// The last one that succeeded.
    look: Option<Look>,
}

impl Watch {
    /// The state of an organization's log, and since when it is known to be that; `None`
    /// when it cannot be read now. One looks, and those who come meanwhile share what
    /// they see.
    pub(super) async fn look(
        &self,
        deps: Deps<'_>,
        organization: OrganizationId,
    ) -> Option<(Instant, Look)> {
        let asked = Instant::now();
        let mut seen = self.seen(organization).lock_owned().await;
        match seen.at {
            Some(at) if at + SHARED_FOR > asked => {}
            _ => {
                let began = Instant::now();
                let look = watching::look(deps, organization, seen.look).await;
                seen.at = Some(began);
                seen.failed = look.is_err();
                seen.look = look.ok().or(seen.look);
            }
        }
        let found = seen.look.filter(|_| !seen.failed);
        seen.at.zip(found)
    }

    fn seen(&self, organization: OrganizationId) -> Arc<sync::Mutex<Seen>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(organization).or_default())
    }
}
