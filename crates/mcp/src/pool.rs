//! The connections that are kept.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use sha2::{Digest, Sha256};
use tokio::time::Instant;
use understudy_domain::{
    OrganizationId,
    ports::{McpEndpoint, McpPlace},
};

use crate::connection::Connection;

/// How long a connection is kept that nobody uses.
const IDLE: Duration = Duration::from_mins(5);
/// How often those are looked for.
const SWEEP: Duration = Duration::from_secs(30);
/// Most connections that are kept.
const MOST: usize = 200;

/// Who is connected with whom, and with which credentials.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    organization: OrganizationId,
    server: [u8; 32],
}

impl Key {
    /// Not the label: two assistants may call the same server by other names.
    pub(crate) fn of(endpoint: &McpEndpoint) -> Self {
        let mut digest = Sha256::new();
        let mut add = |text: &str| {
            // With lengths, so that nothing moves from one text to the next.
            digest.update(text.len().to_be_bytes());
            digest.update(text);
        };
        match &endpoint.place {
            McpPlace::Http { url, authorization, headers } => {
                add("http");
                add(url);
                match authorization {
                    Some(token) => {
                        add("bearer");
                        add(token.expose());
                    }
                    None => add("open"),
                }
                for (name, value) in headers {
                    add(name);
                    add(value.expose());
                }
            }
            McpPlace::Stdio { name } => {
                add("stdio");
                add(name);
            }
        }
        Self { organization: endpoint.organization, server: digest.finalize().into() }
    }
}

/// A place for a connection, which whoever connects holds meanwhile.
#[derive(Default)]
pub(crate) struct Slot {
    pub(crate) connection: tokio::sync::Mutex<Option<Arc<Connection>>>,
}

struct Kept {
    slot: Arc<Slot>,
    used: Instant,
}

/// All of them.
#[derive(Default)]
pub(crate) struct Pool(Mutex<Slots>);

#[derive(Default)]
struct Slots {
    kept: HashMap<Key, Kept>,
    /// Whether somebody looks for those that nobody uses.
    is_swept: bool,
}

impl Pool {
    /// The place of a connection, which counts as used now.
    pub(crate) fn slot(self: &Arc<Self>, key: Key) -> Arc<Slot> {
        let now = Instant::now();
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !slots.kept.contains_key(&key) && slots.kept.len() >= MOST {
            slots.forget_oldest();
        }
        let kept =
            slots.kept.entry(key).or_insert_with(|| Kept { slot: Arc::default(), used: now });
        kept.used = now;
        let slot = Arc::clone(&kept.slot);
        if !slots.is_swept {
            slots.is_swept = true;
            tokio::spawn(sweep(Arc::downgrade(self)));
        }
        slot
    }
}

impl Slots {
    fn forget_oldest(&mut self) {
        let oldest = self.kept.iter().min_by_key(|(_, kept)| kept.used);
        if let Some(key) = oldest.map(|(key, _)| key.clone()) {
            // Whoever is using it still holds it.
            self.kept.remove(&key);
        }
    }

    fn forget_idle(&mut self, now: Instant) {
        self.kept.retain(|_, kept| {
            // A slot that somebody holds is in use, however long that takes.
            Arc::strong_count(&kept.slot) > 1 || now.duration_since(kept.used) < IDLE
        });
    }
}

/// Lets go of what nobody uses, until nothing is left.
async fn sweep(pool: Weak<Pool>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut slots = pool.0.lock().unwrap_or_else(PoisonError::into_inner);
        slots.forget_idle(Instant::now());
        if slots.kept.is_empty() {
            slots.is_swept = false;
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use understudy_domain::Secret;

    use super::*;

    fn endpoint(organization: u128, token: Option<&str>, header: &str) -> McpEndpoint {
        let secret = |text: &str| Secret::new(text.to_owned());
        McpEndpoint {
            organization: OrganizationId::from_uuid(uuid::Uuid::from_u128(organization)),
            label: "any".to_owned(),
            place: McpPlace::Http {
                url: "https://a.example/mcp".to_owned(),
                authorization: token.map(secret),
                headers: vec![("x-key".to_owned(), secret(header))],
            },
        }
    }

    #[test]
    fn connections_are_shared_by_nobody_with_other_credentials() {
        let key = |organization, token, header| Key::of(&endpoint(organization, token, header));
        let known = key(1, Some("a"), "b");

        assert_eq!(known, key(1, Some("a"), "b"));
        let strangers = [
            key(2, Some("a"), "b"),
            key(1, Some("ab"), ""),
            key(1, None, "b"),
            key(1, Some("a"), "c"),
        ];
        for stranger in strangers {
            assert_ne!(known, stranger);
        }
    }

    #[tokio::test]
    async fn what_nobody_uses_is_forgotten_and_what_is_held_is_not() {
        let pool = Arc::<Pool>::default();
        let held = pool.slot(Key::of(&endpoint(1, None, "")));
        drop(pool.slot(Key::of(&endpoint(2, None, ""))));
        let left_after = |time: Duration| {
            let mut slots = pool.0.lock().unwrap();
            slots.forget_idle(Instant::now() + time);
            slots.kept.len()
        };

        assert_eq!(left_after(IDLE.saturating_sub(SWEEP)), 2);
        assert_eq!(left_after(IDLE), 1);
        drop(held);
        assert_eq!(left_after(IDLE), 0);
    }

    #[tokio::test]
    async fn there_are_never_more_than_200() {
        let pool = Arc::<Pool>::default();
        for organization in 0..250 {
            drop(pool.slot(Key::of(&endpoint(organization, None, ""))));
        }
        let kept = &pool.0.lock().unwrap().kept;
        assert_eq!(kept.len(), MOST);
        assert!(kept.contains_key(&Key::of(&endpoint(249, None, ""))));
    }
}
