//! The store of webhooks, and who sends to them.

use async_trait::async_trait;
use bytes::Bytes;

use super::StoreResult;
use crate::{Delivery, DeliveryId, OrganizationId, Secret, Timestamp, Webhook, WebhookId};

/// Webhooks of the transaction's organization, and their deliveries.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait WebhookRepository: Send {
    /// The webhook, locked until the end of the transaction, or `None`.
    async fn find(&mut self, id: WebhookId) -> StoreResult<Option<Webhook>>;

    /// Adds a webhook.
    async fn insert(&mut self, webhook: &Webhook) -> StoreResult<()>;

    /// Replaces it and returns it with its next revision.
    ///
    /// # Errors
    ///
    /// MUST be [`StoreError::Conflict`](super::StoreError::Conflict) when the
    /// stored revision is another.
    async fn update(&mut self, webhook: Webhook) -> StoreResult<Webhook>;

    /// Removes it with its deliveries; `false` when there is none.
    async fn delete(&mut self, id: WebhookId) -> StoreResult<bool>;

    /// Adds deliveries.
    async fn insert_deliveries(&mut self, deliveries: &[Delivery]) -> StoreResult<()>;

    /// The delivery, locked until the end of the transaction, or `None`.
    async fn find_delivery(&mut self, id: DeliveryId) -> StoreResult<Option<Delivery>>;

    /// Replaces it and returns it with its next revision.
    ///
    /// # Errors
    ///
    /// MUST be [`StoreError::Conflict`](super::StoreError::Conflict) when the
    /// stored revision is another.
    async fn update_delivery(&mut self, delivery: Delivery) -> StoreResult<Delivery>;
}

/// Reads webhooks and deliveries.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait WebhookQueries: Send + Sync {
    /// All webhooks of the organization, in the order of ids.
    async fn webhooks(&self, tenant: OrganizationId) -> StoreResult<Vec<Webhook>>;

    /// Deliveries of a webhook, newest first, older than `before`.
    async fn deliveries(
        &self,
        tenant: OrganizationId,
        webhook: WebhookId,
        before: Option<DeliveryId>,
        limit: u32,
    ) -> StoreResult<Vec<Delivery>>;

    /// In all organizations: enabled webhooks whose cursor is behind the end of
    /// their organization's log, at most `limit`.
    async fn behind(&self, limit: u32) -> StoreResult<Vec<(OrganizationId, WebhookId)>>;

    /// In all organizations: pending deliveries of enabled webhooks that are to be
    /// tried at or before `now`, those that wait longest first, at most `limit`.
    async fn due(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> StoreResult<Vec<(OrganizationId, DeliveryId)>>;
}

/// A message by the Standard Webhooks scheme.
#[derive(Clone, Debug)]
pub struct WebhookMessage {
    /// Where it goes.
    pub url: String,
    /// What it is signed with: `whsec_` and base64.
    pub secret: Secret<String>,
    /// `webhook-id`: the same in every attempt.
    pub id: String,
    /// `webhook-timestamp`: when this attempt is made.
    pub at: Timestamp,
    /// The body, JSON.
    pub body: Bytes,
}

/// Why a message did not arrive. The text is shown to administrators and never
/// holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookFailure {
    /// The address cannot be reached from here, today or ever.
    #[error("{0}")]
    Unreachable(String),
    /// The receiver took too long.
    #[error("the receiver did not answer in time")]
    TimedOut,
    /// The signing secret is none.
    #[error("the signing secret is not valid")]
    InvalidSecret,
}

/// Sends messages to webhooks.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait WebhookSender: Send + Sync {
    /// Signs and sends the message, once, and returns the status of the answer,
    /// whatever it is. A redirect is an answer, not followed.
    ///
    /// # Errors
    ///
    /// [`WebhookFailure`] when there was no answer.
    async fn send(&self, message: &WebhookMessage) -> Result<u16, WebhookFailure>;
}
