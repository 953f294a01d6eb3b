//! When tokens were last used, collected here and written by a worker, so that
//! no request waits for it.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{PoisonError, RwLock},
};

use understudy_domain::{
    Credential, OrganizationId, Timestamp, TokenHash, TokenId, TokenUse, usecases::Caller,
};

/// Most tokens that are remembered.
const MOST: usize = 100_000;

/// The last use of each token, to the minute.
#[derive(Debug, Default)]
pub struct TokenUses {
    seen: RwLock<HashMap<TokenHash, Seen>>,
}

#[derive(Debug)]
struct Seen {
    organization: OrganizationId,
    token: TokenId,
    minute: i64,
    at: Timestamp,
    address: Option<IpAddr>,
    written: bool,
}

impl TokenUses {
    /// The uses since the last call, for
    /// [`record_uses`](understudy_domain::ports::CallerQueries::record_uses).
    #[must_use]
    pub fn drain(&self) -> Vec<(OrganizationId, TokenId, TokenUse)> {
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        let fresh = seen.values_mut().filter(|seen| !seen.written);
        let uses = fresh.map(|seen| {
            seen.written = true;
            let address = seen.address.map(|address| address.to_string()).unwrap_or_default();
            (seen.organization, seen.token, TokenUse { at: seen.at, address })
        });
        uses.collect()
    }

    /// Whether the token was good when it was last shown.
    pub(crate) fn knows(&self, hash: &TokenHash) -> bool {
        self.seen.read().unwrap_or_else(PoisonError::into_inner).contains_key(hash)
    }

    /// Forgets a token that is not good any more.
    pub(crate) fn forget(&self, hash: &TokenHash) {
        if self.knows(hash) {
            self.seen.write().unwrap_or_else(PoisonError::into_inner).remove(hash);
        }
    }

    /// Notes a use of the token with this hash.
    pub(crate) fn note(&self, hash: TokenHash, caller: &Caller, now: Timestamp) {
        let Credential::Token { id, .. } = caller.actor.credential else { return };
        let minute = now.unix_seconds().div_euclid(60);
        let address = caller.origin.address;
        let known = |seen: &Seen| seen.minute == minute && seen.address == address;
        if self.seen.read().unwrap_or_else(PoisonError::into_inner).get(&hash).is_some_and(known) {
            return;
        }
        let organization = caller.actor.organization;
        let use_ = Seen { organization, token: id, minute, at: now, address, written: false };
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MOST {
            seen.retain(|_, seen| !seen.written);
        }
        if seen.len() < MOST || seen.contains_key(&hash) {
            seen.insert(hash, use_);
        }
    }
}
