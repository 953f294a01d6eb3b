//! Webhooks and deliveries as they are answered.

use serde::Serialize;
use understudy_domain::{
    Attempt, Delivery, DeliveryId, DeliveryState, EventId, OrganizationId, Secret, Timestamp,
    UserId, Webhook, WebhookId, sealed::MASK,
};
use utoipa::ToSchema;

/// Where events are sent to.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Webhook)]
pub(crate) struct WebhookView {
    /// Its identifier.
    #[schema(value_type = String, example = "hook_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    id: WebhookId,
    /// The organization it belongs to.
    #[schema(value_type = String, example = "org_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    organization_id: OrganizationId,
    /// The address.
    #[schema(example = "https://example.com/understudy")]
    url: String,
    /// What it is for.
    #[schema(example = "Tells the chat of changes.")]
    description: Option<String>,
    /// Which events: actions and kinds (`assistant.*`); none for all.
    #[schema(example = json!(["assistant.*"]))]
    events: Vec<String>,
    /// Whether it is told of events.
    enabled: bool,
    /// The signing secret: `********`, but in the answer that tells a new one.
    #[schema(example = "********")]
    secret: String,
    /// Why the server switched it off, if it did.
    #[schema(example = "every delivery failed for five days")]
    disabled_reason: Option<String>,
    /// Since when every delivery failed; null after one that did not.
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-01-31T12:00:00Z")]
    failing_since: Option<Timestamp>,
    /// Who made it.
    #[schema(value_type = String, example = "usr_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    created_by: UserId,
    /// When it was made.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T12:00:00Z")]
    created_at: Timestamp,
    /// When it was last changed by somebody.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T12:00:00Z")]
    updated_at: Timestamp,
}

/// What a test made.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WebhookTest)]
pub(crate) struct TestedView {
    /// The event that the webhook is told of: what the receiver gets as `webhook-id`.
    #[schema(value_type = String, example = "evt_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    pub(super) event_id: EventId,
}

/// One event on its way to a webhook.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Delivery)]
pub(crate) struct DeliveryView {
    /// Its identifier.
    #[schema(value_type = String, example = "dlv_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    id: DeliveryId,
    /// The event: what the receiver gets as `webhook-id`, in every attempt.
    #[schema(value_type = String, example = "evt_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    event_id: EventId,
    /// The event's number in the audit log.
    #[schema(example = 42)]
    event_seq: u64,
    /// What happened.
    #[schema(example = "assistant.updated")]
    action: String,
    /// `pending`, `delivered` or `failed`.
    #[schema(value_type = String, example = "delivered")]
    state: DeliveryState,
    /// The attempts so far, oldest first; the last 20.
    attempts: Vec<AttemptView>,
    /// When it is tried next; null when it is not tried any more.
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-01-31T12:00:05Z")]
    next_attempt_at: Option<Timestamp>,
    /// When it was queued.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T12:00:00Z")]
    created_at: Timestamp,
}

/// One attempt to deliver.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeliveryAttempt)]
pub(crate) struct AttemptView {
    /// When it began.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T12:00:00Z")]
    at: Timestamp,
    /// How long it took, in milliseconds.
    #[schema(example = 120)]
    duration_ms: u64,
    /// The status of the answer, if there was one.
    #[schema(example = 204)]
    status: Option<u16>,
    /// Why it failed, if it did.
    #[schema(example = "the receiver answered 500")]
    error: Option<String>,
}

/// A page of deliveries.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeliveryPage {
    /// The deliveries, newest first.
    pub(super) data: Vec<DeliveryView>,
    /// Where the next page begins; null on the last one.
    pub(super) next_cursor: Option<String>,
}

impl From<&Webhook> for WebhookView {
    fn from(webhook: &Webhook) -> Self {
        Self {
            id: webhook.id,
            organization_id: webhook.organization,
            url: webhook.url.clone(),
            description: webhook.description.clone(),
            events: webhook.events.clone(),
            enabled: webhook.enabled,
            secret: MASK.to_owned(),
            disabled_reason: webhook.disabled_reason.clone(),
            failing_since: webhook.failing_since,
            created_by: webhook.created_by,
            created_at: webhook.created_at,
            updated_at: webhook.updated_at,
        }
    }
}

impl WebhookView {
    /// With its secret, which is shown once.
    pub(super) fn showing(webhook: &Webhook, secret: &Secret<String>) -> Self {
        Self { secret: secret.expose().clone(), ..Self::from(webhook) }
    }
}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        let is_pending = delivery.state == DeliveryState::Pending;
        Self {
            id: delivery.id,
            event_id: delivery.event,
            event_seq: delivery.event_seq,
            action: delivery.action,
            state: delivery.state,
            attempts: delivery.attempts.into_iter().map(AttemptView::from).collect(),
            next_attempt_at: is_pending.then_some(delivery.next_attempt_at),
            created_at: delivery.created_at,
        }
    }
}

impl From<Attempt> for AttemptView {
    fn from(attempt: Attempt) -> Self {
        let Attempt { at, duration_ms, status, error } = attempt;
        Self { at, duration_ms, status, error }
    }
}
