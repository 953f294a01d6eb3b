//! Webhooks: where an organization wants to be told of events, by the Standard
//! Webhooks scheme.
//!
//! The audit log is the queue. A webhook has read the log up to its `cursor`; what
//! is behind it becomes deliveries, in one transaction with the cursor, so that no
//! event is lost or queued twice.

use time::Duration;

use crate::{
    DeliveryId, EventId, OrganizationId, Timestamp, UserId, WebhookId, assistant::content::words,
};

/// Where events are sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Its identifier.
    pub id: WebhookId,
    /// The organization it belongs to.
    pub organization: OrganizationId,
    /// The address, https unless the operator allows its network.
    pub url: String,
    /// What it is for, at most 1,000 characters.
    pub description: Option<String>,
    /// Which events: actions (`assistant.updated`), kinds (`assistant.*`), or none
    /// for all.
    pub events: Vec<String>,
    /// The signing secret (`whsec_…`), sealed with the organization's data key and
    /// bound to organization and webhook.
    pub secret: Vec<u8>,
    /// Whether it is told of events. What happens while it is not is never told.
    pub enabled: bool,
    /// Why it was switched off by the server, if it was.
    pub disabled_reason: Option<String>,
    /// The number of the last event of the audit log that was looked at for it.
    pub cursor: u64,
    /// Since when every delivery failed; `None` after one that did not.
    pub failing_since: Option<Timestamp>,
    /// Who made it.
    pub created_by: UserId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed by somebody.
    pub updated_at: Timestamp,
    /// Counts changes; a stale update conflicts.
    pub revision: i64,
}

impl Webhook {
    /// What the sealed secret is bound to.
    #[must_use]
    pub fn associated_data(&self) -> Vec<u8> {
        format!("{}/{}", self.organization, self.id).into_bytes()
    }

    /// Whether it wants to be told of events with this action.
    #[must_use]
    pub fn wants(&self, action: &str) -> bool {
        let matches = |wanted: &String| match wanted.strip_suffix('*') {
            Some(prefix) => action.starts_with(prefix),
            None => wanted == action,
        };
        self.events.is_empty() || self.events.iter().any(matches)
    }
}

words!(
    /// How far a delivery has come.
    DeliveryState {
        /// It is to be tried, for the first time or again.
        Pending = "pending",
        /// The receiver took it.
        Delivered = "delivered",
        /// It was tried often enough.
        Failed = "failed",
    }
);

/// One event on its way to one webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its identifier.
    pub id: DeliveryId,
    /// The organization it belongs to.
    pub organization: OrganizationId,
    /// Where it goes.
    pub webhook: WebhookId,
    /// The number of the event in the audit log.
    pub event_seq: u64,
    /// The event; the receiver gets it as `webhook-id`, the same in every attempt
    /// and replay, so that it can tell what it has.
    pub event: EventId,
    /// What happened.
    pub action: String,
    /// How far it has come.
    pub state: DeliveryState,
    /// The attempts so far, oldest first, at most 20.
    pub attempts: Vec<Attempt>,
    /// When to try next; while it is under way, when another server may take over.
    pub next_attempt_at: Timestamp,
    /// When it was queued.
    pub created_at: Timestamp,
    /// Counts changes; who changes a stale one has lost it to another.
    pub revision: i64,
}

/// One attempt to deliver.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The status of the answer, if there was one.
    pub status: Option<u16>,
    /// Why it failed, if it did; never holds a secret.
    pub error: Option<String>,
}

/// How long to wait after the first attempt, the second, and so on (the schedule
/// that the Standard Webhooks specification recommends).
pub const RETRY_AFTER: [Duration; 9] = [
    Duration::seconds(5),
    Duration::minutes(5),
    Duration::minutes(30),
    Duration::hours(2),
    Duration::hours(5),
    Duration::hours(10),
    Duration::hours(14),
    Duration::hours(20),
    Duration::hours(24),
];
