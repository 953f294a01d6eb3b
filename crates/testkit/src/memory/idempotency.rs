//! Answers to requests with an idempotency key.

use std::{collections::HashMap, sync::PoisonError};

use async_trait::async_trait;
use time::Duration;
use understudy_domain::{
    Timestamp, TokenHash,
    ports::{IdempotencyScope, IdempotencyStore, Reservation, StoreResult, StoredAnswer},
};

use super::{MemoryStore, state::State};

/// The keys in use. They live beside the state, because no unit of work may undo
/// or delay them.
pub(super) type Keys = HashMap<IdempotencyScope, Use>;

/// One use of a key.
pub(super) struct Use {
    body: TokenHash,
    at: Timestamp,
    answer: Option<StoredAnswer>,
}

impl MemoryStore {
    fn keys(&self) -> StoreResult<std::sync::MutexGuard<'_, Keys>> {
        self.shared.reach()?;
        Ok(self.shared.keys.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl IdempotencyStore for MemoryStore {
    async fn reserve(
        &self,
        scope: &IdempotencyScope,
        body: TokenHash,
        now: Timestamp,
        keep: Duration,
    ) -> StoreResult<Reservation> {
        let mut keys = self.keys()?;
        if let Some(earlier) = keys.get(scope).filter(|earlier| now.since(earlier.at) <= keep) {
            return Ok(match &earlier.answer {
                _ if earlier.body != body => Reservation::OtherBody,
                Some(answer) => Reservation::Answered(answer.clone()),
                None => Reservation::UnderWay,
            });
        }
        keys.insert(scope.clone(), Use { body, at: now, answer: None });
        Ok(Reservation::Fresh)
    }

    async fn complete(&self, scope: &IdempotencyScope, answer: &StoredAnswer) -> StoreResult<()> {
        if let Some(reserved) = self.keys()?.get_mut(scope) {
            reserved.answer = Some(answer.clone());
        }
        Ok(())
    }

    async fn release(&self, scope: &IdempotencyScope) -> StoreResult<()> {
        self.keys()?.remove(scope);
        Ok(())
    }

    async fn sweep(&self, before: Timestamp, now: Timestamp) -> StoreResult<()> {
        self.keys()?.retain(|_, used| used.at >= before);
        let writer = self.shared.lock().await?;
        let mut state = State::clone(&*self.shared.read()?);
        state.sessions.retain(|session| session.expires_at > now);
        self.shared.publish(&writer, state)
    }
}
